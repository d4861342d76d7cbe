/** Whether a broker can be reached at an address: of the connection alone, whatever TLS and login would say. */
import { connect } from 'node:net'
import type { BrokerAddress } from './admin.ts'

const timeoutMs = 5_000

/** Why there is no connection; `undefined` when there is. */
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
