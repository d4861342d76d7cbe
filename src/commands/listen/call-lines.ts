/** What `listen` shows of a call. */
import type { SignatureCheck } from '../../core/hook/verification.ts'
import type { EpochMs } from '../../core/model/model.ts'
import { hiddenMark } from '../../core/text/hidden-text.ts'
import { isJsonObject, parseJson } from '../../core/text/json.ts'
import type { ReceivedCall } from '../../edge/http/call-receiver.ts'
import type { Line, LinePart } from '../line.ts'

export interface CheckedCall extends ReceivedCall {
  readonly at: EpochMs
  readonly logto: SignatureCheck
  readonly standard: SignatureCheck
}

const styles: Readonly<Record<SignatureCheck, 'green' | 'red' | 'yellow'>> = {
  valid: 'green',
  invalid: 'red',
  stale: 'red',
  absent: 'yellow',
  unchecked: 'yellow',
}

/** Larger bodies are shown as they came: indented, a body of nothing but brackets would be many times as large. In bytes. */
const maxIndented = 64 * 1024
/** In characters. */
const maxShown = 100_000

/** One line of what it is, then its body. */
export function callLines(call: CheckedCall): readonly Line[] {
  const { at, method, path, headers, logto, standard } = call
  const parts = [
    new Date(at).toISOString(),
    `${method} ${path}`,
    eventKeyOf(call),
    headers['webhook-id'] ?? 'no webhook-id',
    `attempt ${headers['hooktide-attempt'] ?? '-'}`,
  ]
  const head: readonly LinePart[] = [
    `${parts.join('  ')}  Logto: `,
    { text: logto, style: styles[logto] },
    ', Standard Webhooks: ',
    { text: standard, style: styles[standard] },
  ]
  return [head, ...bodyLines(call)]
}

/** Names of headers by which hooks log in to their receivers. Signatures are no secrets. */
const secretName = /auth|cookie|token|secret|key|passw|credential|session/i

/** As one JSON object, without credentials. The body is text: what a receiver verifies is its bytes. */
export function callJson({ at, body, logto, standard, ...rest }: CheckedCall): string {
  const signatures = { logto, standard }
  const headers = Object.fromEntries(
    Object.entries(rest.headers).map(([name, value]) => [
      name,
      secretName.test(name) ? hiddenMark : value,
    ]),
  )
  const head = { ...rest, headers }
  return JSON.stringify({
    at: new Date(at).toISOString(),
    ...head,
    signatures,
    body: body.toString(),
  })
}

function eventKeyOf({ body }: CheckedCall): string {
  const payload = parseJson(body)
  const event = isJsonObject(payload) ? payload['event'] : undefined
  return typeof event === 'string' ? event.slice(0, 256) : 'no event'
}

function bodyLines({ body }: CheckedCall): readonly string[] {
  const payload = body.length > maxIndented ? undefined : parseJson(body)
  const text = payload === undefined ? body.toString() : JSON.stringify(payload, undefined, 2)
  const shown = text.slice(0, maxShown)
  const rest = text.length - shown.length
  return [
    ...shown.split('\n').map((line) => `  ${line}`),
    ...(rest === 0 ? [] : [`  … ${rest} characters more`]),
  ]
}
