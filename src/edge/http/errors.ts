/** Classifies the errors of undici and Node as results have them. */
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
 * Classifies the error that ended a call.
 *
 * @param isAnswering whether a part of the response has come
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
  // A header that cannot be sent. Only the owner of the hook can change that, as with a refused destination.
  if (error instanceof errors.InvalidArgumentError || error instanceof errors.NotSupportedError)
    return 'blocked'
  // A server can send a TLS alert after the handshake.
  if ('code' in error && /^ERR_(SSL|TLS)_/.test(String(error.code))) return 'tls'
  return 'reset'
}

/**
 * Whether the other side ended the connection. undici reports that as a parser error when the response has a length or is
 * chunked. Lengths that cannot be read are refused before (response-tap.ts).
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
