/** Answers to bytes that Node's parser does not accept as a request: there is no request object, only the socket. */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { headTooLarge, malformed, tooSlow, type Answer } from '../../core/ingest/answer.ts'
import { answerHeaders, answerText } from './webhook-exchange.ts'

/** The answer to an error that Node reports about a client. `undefined` if the connection itself has failed. */
export function faultAnswer({ code = '' }: NodeJS.ErrnoException): Answer | undefined {
  if (code === 'HPE_HEADER_OVERFLOW') return headTooLarge
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return tooSlow
  return code.startsWith('HPE_') ? malformed : undefined
}

/**
 * Sends an answer, and closes the connection.
 *
 * @param readTimeoutMs how long the client may take to read it
 */
export function refuseConnection(socket: Socket, answer: Answer, readTimeoutMs: number): void {
  const text = answerText(answer)
  const lines = Object.entries(answerHeaders(answer, text, true)).map(
    ([name, value]) => `${name}: ${value}`,
  )
  const head = [`HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ''}`, ...lines, '', '']
  // Node does not read this connection any more, and so does not see that the client has gone.
  socket.on('error', () => undefined)
  const timer = setTimeout(() => socket.destroy(), readTimeoutMs).unref()
  socket.once('close', () => clearTimeout(timer))
  socket.end(head.join('\r\n') + text, () => socket.destroy())
}
