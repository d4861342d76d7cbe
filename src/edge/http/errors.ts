/** What undici and Node report, in the classes of the results. */
import { errors } from 'undici'
import type { ErrorClass } from '../../core/model/model.ts'
import { ConnectFailure } from './connecting.ts'

export interface CallError {
  readonly errorClass: Exclude<ErrorClass, 'http'>
  /** One short line. */
  readonly message: string
}

const parserEndOfFile = 'Invalid EOF state'

/**
 * Classes what ended a call. Failures to connect carry their class; the rest came over an open connection.
 *
 * @param isAnswering whether anything of a response has come
 */
export function classifyError(error: Error, isAnswering: boolean): CallError {
  if (isEnd(error)) {
    const when = isAnswering ? 'within' : 'before'
    return { errorClass: 'reset', message: `the connection ended ${when} the response` }
  }
  return { errorClass: classOf(error), message: oneLine(error.message || error.name) }
}

function classOf(error: Error): CallError['errorClass'] {
  if (error instanceof ConnectFailure) return error.errorClass
  if (error instanceof errors.HTTPParserError) return 'protocol'
  // A header that cannot be sent: only the hook's owner can mend that, as with a refused destination.
  if (error instanceof errors.InvalidArgumentError || error instanceof errors.NotSupportedError)
    return 'blocked'
  // A server may refuse a client after the handshake.
  if ('code' in error && /^ERR_(SSL|TLS)_/.test(String(error.code))) return 'tls'
  return 'reset'
}

/**
 * The other side ended the connection: a fault of parsing to undici when the response had announced its end. Lengths that
 * cannot be read never come so far (response-tap.ts).
 */
function isEnd(error: Error): boolean {
  if (error instanceof errors.SocketError) return true
  if (error instanceof errors.ResponseContentLengthMismatchError) return true
  return error instanceof errors.HTTPParserError && error.message.includes(parserEndOfFile)
}

function oneLine(message: string): string {
  return message
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, 200)
}
