/** Starting a server. */
import type { Server } from 'node:net'
import type { UserError } from '../core/model/errors.ts'

export interface Refused {
  readonly isInUse: boolean
  /** Node's own message. */
  readonly message: string
}

/**
 * Resolves when the server listens.
 *
 * After that, an error is about a connection that could not be accepted, such as when no more files may be open. It affects
 * that connection alone, and the listener stays for all of them: an error of a server that nobody listens to ends the process.
 *
 * @throws what `refusal` makes of the reason
 */
export function listening(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
  refusal: (refused: Refused) => UserError,
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      reject(refusal({ isInUse: code === 'EADDRINUSE', message }))
    })
    server.listen(port, host, resolve)
  })
}
