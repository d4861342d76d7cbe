/** What undici and Node report, in the classes of the results. */
import { errors } from 'undici'
import type { ErrorClass } from '../../core/model.ts'
import { ConnectFailure } from './connecting.ts'

export interface CallError {
  readonly errorClass: Exclude<ErrorClass, 'http'>
  /** One short line. */
  readonly message: string
}

/**
 * undici tells these apart by their texts alone: responses that it refuses to read have the code of a closed socket, and
 * its parser's errors have none.
 */
const refusedResponses: ReadonlySet<string> = new Set(['bad response', 'bad upgrade'])
const parserEndOfFile = 'Invalid EOF state'

/** Classes what ended a call. Failures to connect carry their class; the rest came over an open connection. */
export function classifyError(error: Error): CallError {
  if (isTruncation(error)) {
    return { errorClass: 'reset', message: 'the connection ended within the response' }
  }
  return { errorClass: classOf(error), message: oneLine(error.message || error.name) }
}

function classOf(error: Error): CallError['errorClass'] {
  if (error instanceof ConnectFailure) return error.errorClass
  if (error instanceof errors.HTTPParserError) return 'protocol'
  if (error instanceof errors.HeadersOverflowError) return 'protocol'
  if (error instanceof errors.SocketError && refusedResponses.has(error.message)) return 'protocol'
  // A header that cannot be sent: only the hook's owner can mend that, as with a refused destination.
  if (error instanceof errors.InvalidArgumentError || error instanceof errors.NotSupportedError)
    return 'blocked'
  // A server may refuse a client after the handshake.
  if ('code' in error && /^ERR_(SSL|TLS)_/.test(String(error.code))) return 'tls'
  return 'reset'
}

/** The connection ended within the response: a fault of parsing to undici when the response had announced its end. */
function isTruncation(error: Error): boolean {
  if (error instanceof errors.ResponseContentLengthMismatchError) return true
  return error instanceof errors.HTTPParserError && error.message.includes(parserEndOfFile)
}

function oneLine(message: string): string {
  return message
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, 200)
}
