/** Bounds how long a client may take to read an answer. One that does not read would keep its connection for ever. */
import type { IncomingMessage, ServerResponse } from 'node:http'

/** Ends the connection of a request whose answer was not read within this time, counted from when all of it was written. */
export function boundReading(
  { socket }: Pick<IncomingMessage, 'socket'>,
  response: Pick<ServerResponse, 'once'>,
  limitMs: number,
): void {
  let timer: NodeJS.Timeout | undefined
  // `finish` would come too late: only when the last bytes are with the operating system.
  response.once('prefinish', () => {
    timer = setTimeout(() => socket.destroy(), limitMs).unref()
  })
  response.once('close', () => clearTimeout(timer))
}
