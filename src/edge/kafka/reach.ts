/** Whether a TCP connection to a broker's address can be made. TLS and login are not tried. */
import { connect } from 'node:net'
import type { BrokerAddress } from './admin.ts'

const timeoutMs = 5_000

/** Why no connection can be made; `undefined` if one was made. */
export function unreachableBecause({ host, port }: BrokerAddress): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs })
    const end = (reason: string | undefined) => {
      socket.destroy()
      resolve(reason)
    }
    socket.once('connect', () => end(undefined))
    socket.once('timeout', () => end(`no answer within ${timeoutMs / 1_000} s`))
    socket.once('error', ({ code, message }: NodeJS.ErrnoException) => end(code ?? message))
  })
}
