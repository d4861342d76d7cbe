/** From a webhook of Logto's to the record of the event that it tells of. */
import { hash, timingSafeEqual } from 'node:crypto'
import { readEventFields } from '../event/event.ts'
import { subjectIdOf } from '../event/subject-id.ts'
import { logtoSignature, prepareKey, type PreparedKey } from '../hook/signature.ts'
import type { KafkaHeader, OutboundRecord, TenantId } from '../model/model.ts'
import { readJsonObject, type JsonObject, type Rejected } from '../text/json-text.ts'
import { withoutMember } from '../text/json-pieces.ts'
import { notAnEvent, unauthorized, type Answer } from './answer.ts'
import type { Source } from './source.ts'

/** A source that is ready to check signatures. */
export interface ReadySource extends Omit<Source, 'signingKeys'> {
  readonly keys: readonly PreparedKey[]
}

export function readySource({ signingKeys, ...source }: Source): ReadySource {
  const keys = signingKeys.flatMap((key) => prepareKey({ key, expiresAt: undefined }) ?? [])
  return { ...source, keys }
}

export interface Webhook {
  readonly source: ReadySource
  /** Value of Logto's header, of its form. */
  readonly signature: string
  /** Value of `traceparent`, as a proxy or mesh on the way may have set it. */
  readonly traceparent: string | undefined
  /** As it was sent: the signature is over these bytes. */
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
 * The record has Logto's payload without `hookId`, which is the id of Logto's webhook and no part of the event, and every
 * other byte as it came. What is signed and no event is answered with what is wrong with it.
 */
export function readWebhook({ source, signature, traceparent, body }: Webhook): ReadWebhook {
  if (!isSignedByAny(body, signature, source.keys)) {
    const message = 'No signing key of this path has signed this body.'
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
  ]
  if (traceparent !== undefined && traceparentForm.test(traceparent)) {
    headers.push(['traceparent', Buffer.from(traceparent)])
  }
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

/** Whether it is valid is for the processor to say, which ignores it where it is not. */
const traceparentForm = /^[\da-f-]{55,256}$/

/**
 * The id of an event by what it says. Logto sends none, and the bytes of all its attempts are the same (its webhook
 * reference, section 3.3), but for `hookId` those of all its webhooks too: so an event has one id, however often and by
 * however many webhooks it comes.
 *
 * @param value the payload without `hookId`
 */
function eventIdOf(value: Buffer): string {
  return `logto-${hash('sha256', value, 'base64url').slice(0, 22)}`
}

/** All keys are tried, and all of each is compared: how long it takes says nothing of them. */
function isSignedByAny(body: Buffer, signature: string, keys: readonly PreparedKey[]): boolean {
  const given = Buffer.from(signature, 'latin1')
  let isSigned = false
  for (const key of keys) {
    const own = Buffer.from(logtoSignature(body, key), 'latin1')
    if (own.length === given.length && timingSafeEqual(own, given)) isSigned = true
  }
  return isSigned
}
