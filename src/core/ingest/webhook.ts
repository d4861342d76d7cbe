/** Verifies a webhook of Logto and makes the record of its event. */
import { hash } from 'node:crypto'
import { readEventFields } from '../event/event.ts'
import { validTraceparent, validTracestate } from '../event/trace-context.ts'
import { subjectIdOf } from '../event/subject-id.ts'
import { prepareKey, type PreparedKey } from '../hook/signature.ts'
import { isLogtoSignature } from '../hook/verification.ts'
import type { KafkaHeader, OutboundRecord, TenantId } from '../model/model.ts'
import { readJsonObject, type JsonObject, type Rejected } from '../text/json-text.ts'
import { withoutMember } from '../text/json-pieces.ts'
import { notAnEvent, unauthorized, type Answer } from './answer.ts'
import type { Source } from './source.ts'

/** A source with keys that are prepared for checking signatures. */
export interface ReadySource extends Omit<Source, 'signingKeys'> {
  readonly keys: readonly PreparedKey[]
}

export function readySource({ signingKeys, ...source }: Source): ReadySource {
  const keys = signingKeys.flatMap((key) => prepareKey({ key, expiresAt: undefined }) ?? [])
  return { ...source, keys }
}

/** Each is `undefined` if there is no such header. Of headers that appear several times, the values are joined by commas. */
export interface GivenTrace {
  readonly traceparent: string | undefined
  readonly tracestate: string | undefined
}

export interface Webhook {
  readonly source: ReadySource
  /** Value of Logto's signature header, whose form has been checked. */
  readonly signature: string
  /** Values of the headers `traceparent` and `tracestate`, which a proxy may have added. They have not been checked. */
  readonly trace: GivenTrace
  /** The bytes as they were sent: the signature is over them. */
  readonly body: Buffer
}

export type ReadWebhook =
  | { readonly kind: 'answer'; readonly answer: Answer }
  | {
      readonly kind: 'record'
      readonly record: OutboundRecord
      readonly event: string
      readonly tenantId: TenantId
      readonly eventId: string
    }

/**
 * The record has Logto's payload without `hookId`, which is the id of Logto's webhook and not part of the event. All other
 * bytes stay as they were. If the body is signed but is not an event, the answer says why.
 */
export function readWebhook({ source, signature, trace, body }: Webhook): ReadWebhook {
  if (!isLogtoSignature(signature, body, source.keys)) {
    const message = 'The signature does not match the body with any signing key of this path.'
    return { kind: 'answer', answer: unauthorized(message) }
  }
  const payload = readPayload(body)
  if (payload.kind === 'rejected') {
    const { reason, message, field } = payload.rejection
    const words = reason === 'empty-value' ? 'The body is empty.' : message
    return { kind: 'answer', answer: notAnEvent(words, field) }
  }
  const value = withoutMember(payload.text, 'hookId')
  const eventId = eventIdOf(value)
  const headers: KafkaHeader[] = [
    ['event-id', Buffer.from(eventId)],
    ['tenant-id', Buffer.from(source.tenantId)],
    ...traceHeaders(trace),
  ]
  const key = subjectIdOf(payload.members) ?? null
  const record = { topic: source.topic, key, value, headers }
  const { tenantId } = source
  return { kind: 'record', record, event: payload.event, tenantId, eventId }
}

interface Payload {
  readonly kind: 'payload'
  readonly text: Buffer
  readonly members: JsonObject
  readonly event: string
}

function readPayload(body: Buffer): Payload | Rejected {
  const json = readJsonObject(body)
  if (json.kind === 'rejected') return json
  const fields = readEventFields(json.members)
  return fields.kind === 'rejected' ? fields : { ...json, ...fields, kind: 'payload' }
}

/** Without a valid `traceparent`, `tracestate` has no meaning (W3C Trace Context, section 3.3). */
function traceHeaders(given: GivenTrace): readonly KafkaHeader[] {
  const traceparent = validTraceparent(given.traceparent ?? '')
  if (traceparent === undefined) return []
  const tracestate = validTracestate(given.tracestate ?? '')
  return [
    ['traceparent', Buffer.from(traceparent)],
    ...(tracestate === undefined ? [] : [['tracestate', Buffer.from(tracestate)] as const]),
  ]
}

/**
 * The id of an event, from a hash of its payload. Logto sends no id. All attempts of a webhook have the same bytes (Logto's
 * webhook reference, section 3.3), and different webhooks for an event differ only in `hookId`. So an event always gets the
 * same id.
 *
 * @param value the payload without `hookId`
 */
function eventIdOf(value: Buffer): string {
  return `logto-${hash('sha256', value, 'base64url').slice(0, 22)}`
}
