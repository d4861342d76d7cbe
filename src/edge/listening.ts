/** Starting a server. */
import type { Server } from 'node:net'
import { UserError } from '../core/model/errors.ts'

/**
 * Resolves with the port when the server listens.
 *
 * After that, an error is about a connection that could not be accepted, such as when no more files may be open. It affects
 * that connection alone, and the listener stays for all of them: an error of a server that nobody listens to ends the process.
 *
 * @param port 0 for any that is free
 * @param portName the setting or option of the port, for the message of the error
 * @throws {UserError} when it cannot listen there
 */
export function listening(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
  portName: string,
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      reject(
        new UserError(
          code === 'EADDRINUSE'
            ? `Port ${port} is in use: set ${portName} to a free one, or to 0 for any.`
            : `Cannot listen on ${host}:${port}: ${message}`,
        ),
      )
    })
    server.listen(port, host, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}
