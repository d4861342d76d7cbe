/** Answers to incoming webhooks. */

export const answerNames = [
  'accepted',
  'repeated',
  'not-an-event',
  'unauthorized',
  'not-found',
  'wrong-method',
  'too-large',
  'not-json',
  'unavailable',
  'malformed',
  'head-too-large',
  'too-slow',
  'expectation-failed',
] as const
/** `repeated`: Kafka has the event already, from an earlier request with the same content. */
export type AnswerName = (typeof answerNames)[number]

/** An answer: its status, headers, and JSON body. */
export interface Answer {
  readonly name: AnswerName
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Members of the JSON object that is the body. It repeats nothing from the request except names of fields. */
  readonly body: Readonly<Record<string, string>>
}

/** In seconds. Logto ignores it and uses a schedule of its own. Other clients respect it. */
const retryAfter = '5'

/** The only answer that means that Kafka has the event. */
export function accepted(eventId: string, isRepeated: boolean): Answer {
  const name = isRepeated ? 'repeated' : 'accepted'
  return { name, status: 200, headers: {}, body: { eventId } }
}

/** @param field the member that is wrong; empty if the whole body is wrong */
export function notAnEvent(message: string, field: string): Answer {
  return { name: 'not-an-event', status: 400, headers: {}, body: { error: message, field } }
}

export function unauthorized(message: string): Answer {
  // RFC 9110, section 15.5.2: a 401 must name what it requires.
  const headers = { 'www-authenticate': 'Logto-Signature-SHA-256' }
  return { name: 'unauthorized', status: 401, headers, body: { error: message } }
}

export const notFound: Answer = {
  name: 'not-found',
  status: 404,
  headers: {},
  body: { error: 'There is no webhook endpoint at this path.' },
}

export const wrongMethod: Answer = {
  name: 'wrong-method',
  status: 405,
  headers: { allow: 'POST' },
  body: { error: 'Send webhooks with POST.' },
}

/** @param maxBytes of a body; `undefined` if the topic set the limit */
export function tooLarge(maxBytes: number | undefined): Answer {
  const error =
    maxBytes === undefined
      ? 'The event is larger than its topic accepts.'
      : `The body has more than ${maxBytes} bytes.`
  return { name: 'too-large', status: 413, headers: {}, body: { error } }
}

export const notJson: Answer = {
  name: 'not-json',
  status: 415,
  headers: { accept: 'application/json' },
  body: { error: 'The content must be application/json, in UTF-8, and not compressed.' },
}

export function unavailable(message: string): Answer {
  return {
    name: 'unavailable',
    status: 503,
    headers: { 'retry-after': retryAfter },
    body: { error: message },
  }
}

/** The bytes are not a request of HTTP/1.1, or may be understood in several ways. */
export const malformed: Answer = {
  name: 'malformed',
  status: 400,
  headers: {},
  body: { error: 'This is not a valid HTTP/1.1 request.' },
}

export const headTooLarge: Answer = {
  name: 'head-too-large',
  status: 431,
  headers: {},
  body: { error: 'The request line and the headers are too large.' },
}

export const tooSlow: Answer = {
  name: 'too-slow',
  status: 408,
  headers: {},
  body: { error: 'The request did not arrive in time.' },
}

/** RFC 9110, section 10.1.1: `100-continue` is the only expectation that HTTP defines. */
export const expectationFailed: Answer = {
  name: 'expectation-failed',
  status: 417,
  headers: {},
  body: { error: 'Of the header expect, only the value 100-continue is known.' },
}
