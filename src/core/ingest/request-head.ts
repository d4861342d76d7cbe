/** Checks a request before its body is read. Most requests that are not webhooks are refused here. */
import {
  expectationFailed,
  malformed,
  notFound,
  notJson,
  tooLarge,
  unauthorized,
  wrongMethod,
  type Answer,
} from './answer.ts'

export interface RequestHead {
  readonly method: string
  /** As in the request line: path and query, or a whole URL. */
  readonly target: string
  /** Of HTTP, such as `1.1`. */
  readonly version: string
  /** By lower-case name. Of a header that appears twice, the values are joined by a comma. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** Logto's own header; see its webhook reference, section 3.2. */
const signatureHeader = 'logto-signature-sha-256'

export type JudgedHead<Source> =
  /** `source` is `undefined` if the path is not known, or the request is malformed. */
  | { readonly kind: 'answer'; readonly answer: Answer; readonly source: Source | undefined }
  | { readonly kind: 'body'; readonly source: Source; readonly signature: string }

/** @param sources by path */
export function judgeHead<Source>(
  head: RequestHead,
  sources: ReadonlyMap<string, Source>,
  maxBytes: number,
): JudgedHead<Source> {
  if (!hasRightHost(head)) return { kind: 'answer', answer: malformed, source: undefined }
  const source = sources.get(pathOf(head.target))
  if (source === undefined) return { kind: 'answer', answer: notFound, source }
  const refusal = refusalOf(head, maxBytes)
  if (refusal !== undefined) return { kind: 'answer', answer: refusal, source }
  const signature = textOf(head, signatureHeader)
  if (isSignature(signature)) return { kind: 'body', source, signature }
  return { kind: 'answer', answer: unauthorized(signatureFault(signature)), source }
}

/** RFC 9112, section 3.2: of several hosts, a proxy may have taken another one. */
function hasRightHost({ version, headers: { host } }: RequestHead): boolean {
  return host === undefined ? version !== '1.1' : !host.includes(',')
}

/** A target in absolute form counts like its path (RFC 9112, section 3.2.2). */
function pathOf(target: string): string {
  const [path = ''] = target.replace(/^https?:\/\/[^/?#]+/i, '').split('?')
  return path === '' ? '/' : path
}

function refusalOf(head: RequestHead, maxBytes: number): Answer | undefined {
  if (head.method !== 'POST') return wrongMethod
  if (!/^(?:100-continue)?$/i.test(textOf(head, 'expect') ?? '')) return expectationFailed
  if (!isJson(textOf(head, 'content-type')) || isEncoded(head)) return notJson
  // Node's parser accepts only a number.
  return Number(textOf(head, 'content-length') ?? 0) > maxBytes ? tooLarge(maxBytes) : undefined
}

function textOf({ headers }: RequestHead, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : value?.join(', ')
}

/** RFC 8259, section 11: the type has no parameters, but many clients add the charset UTF-8. */
function isJson(contentType: string | undefined): boolean {
  return /^application\/json[ \t]*(?:;[ \t]*charset="?utf-8"?[ \t]*)?;?[ \t]*$/i.test(
    contentType ?? '',
  )
}

/** The signature is over the bytes before any coding. Node undoes `chunked`, and nothing here undoes another one. */
function isEncoded(head: RequestHead): boolean {
  return (
    !/^(?:identity)?$/i.test(textOf(head, 'content-encoding') ?? '') ||
    !/^(?:chunked)?$/i.test(textOf(head, 'transfer-encoding') ?? '')
  )
}

function isSignature(text: string | undefined): text is string {
  return text !== undefined && /^[\da-f]{64}$/.test(text)
}

function signatureFault(text: string | undefined): string {
  if (text === undefined) return `The header ${signatureHeader} is missing.`
  return text.includes(',')
    ? `The header ${signatureHeader} appears twice. A custom header of the webhook must not have this name.`
    : `The header ${signatureHeader} is not 64 lower-case hex digits.`
}
