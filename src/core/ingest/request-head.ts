/** Checks a request before its body is read. Most requests that are not webhooks are refused here. */
import { notFound, notJson, tooLarge, unauthorized, wrongMethod, type Answer } from './answer.ts'

export interface RequestHead {
  readonly method: string
  /** Path and query, as in the request line. */
  readonly target: string
  /** By lower-case name. Of a header that appears twice, Node joins the values with a comma, or keeps the first. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** Logto's own header; see its webhook reference, section 3.2. */
const signatureHeader = 'logto-signature-sha-256'

export type JudgedHead<Source> =
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'body'; readonly source: Source; readonly signature: string }

/** @param sources by path */
export function judgeHead<Source>(
  head: RequestHead,
  sources: ReadonlyMap<string, Source>,
  maxBytes: number,
): JudgedHead<Source> {
  const [path = ''] = head.target.split('?')
  const source = sources.get(path)
  if (source === undefined) return { kind: 'answer', answer: notFound }
  const refusal = refusalOf(head, maxBytes)
  if (refusal !== undefined) return { kind: 'answer', answer: refusal }
  const signature = textOf(head, signatureHeader)
  if (isSignature(signature)) return { kind: 'body', source, signature }
  return { kind: 'answer', answer: unauthorized(signatureFault(signature)) }
}

function refusalOf(head: RequestHead, maxBytes: number): Answer | undefined {
  if (head.method !== 'POST') return wrongMethod
  if (!isJson(textOf(head, 'content-type')) || isEncoded(textOf(head, 'content-encoding'))) {
    return notJson
  }
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

/** The signature is over the bytes before any content coding, and nothing here decodes one. */
function isEncoded(contentEncoding: string | undefined): boolean {
  return contentEncoding !== undefined && !/^(?:identity)?$/i.test(contentEncoding)
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
