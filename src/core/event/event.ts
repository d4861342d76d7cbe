/** From the bytes of a record to an auth event, or to why it is none (docs/events.md). */
import { parseDateTime } from '../text/calendar.ts'
import { isEventKey } from './event-keys.ts'
import { isTenantId } from '../model/identity.ts'
import type { JsonObject } from '../text/json.ts'
import { readJsonObject, rejected, type Rejected } from '../text/json-text.ts'
import { allocateHeld } from './held-bytes.ts'
import { HeaderReader, maxHeaders } from './record-headers.ts'
import { sourceKeyOf, userIdOf } from './search-fields.ts'
import { validTraceparent, validTracestate } from './trace-context.ts'
import {
  defaultTenant,
  type AuthEvent,
  type EpochMs,
  type HookId,
  type InboundRecord,
  type TraceContext,
} from '../model/model.ts'

export type DecodedEvent = { readonly kind: 'event'; readonly event: AuthEvent } | Rejected

/** What names an event: from the producer's headers on event topics, from `hooktide-*` headers on topics of ours. */
export type EventIdentity = Pick<
  AuthEvent,
  'tenantId' | 'eventId' | 'eventSource' | 'source' | 'sourceKey'
>

/** Longest `event-id`, `ce_id` and id made by us: a topic's name and three numbers. */
export const maxEventIdLength = 320
export const maxEventSourceLength = 2_048

/** Decodes a record of an event topic. */
export function decodeEvent(record: InboundRecord): DecodedEvent {
  const reader = new HeaderReader(record.headers, maxHeaders)
  if (reader.rejection !== undefined) return { kind: 'rejected', rejection: reader.rejection }
  const tenantId = readTenant(reader, 'tenant-id') ?? defaultTenant
  const eventId = reader.text('event-id', maxEventIdLength)
  const ceId = eventId === undefined ? reader.text('ce_id', maxEventIdLength) : undefined
  const eventSource =
    ceId === undefined ? '' : reader.textOrEmpty('ce_source', maxEventSourceLength)
  const { topic, partition, offset } = record
  const identity = {
    tenantId,
    eventId: eventId ?? ceId ?? `${topic}-${partition}-${offset}-${record.timestamp}`,
    eventSource,
    source: { topic, partition, offset },
    sourceKey: sourceKeyOf(record.key),
  }
  const decoded = decodeNamedEvent(record, identity, reader)
  if (decoded.kind === 'rejected' || reader.rejection === undefined) return decoded
  return { kind: 'rejected', rejection: reader.rejection }
}

/**
 * Decodes value and own headers of an event whose identity is known.
 *
 * @param reader of the record's headers
 */
export function decodeNamedEvent(
  record: InboundRecord,
  identity: EventIdentity,
  reader: HeaderReader,
): DecodedEvent {
  const payload = readPayload(record.value)
  if (payload.kind === 'rejected') return payload
  const { event, createdAt, userId, body } = payload
  return {
    kind: 'event',
    event: {
      event,
      createdAt,
      userId,
      ...identity,
      trace: traceOf(reader),
      body,
      headers: reader.foreign(),
    },
  }
}

/** A tenant's id from a header; `undefined` when there is no such header. */
export function readTenant(reader: HeaderReader, name: string): string | undefined {
  const tenantId = reader.text(name, 256)
  if (tenantId !== undefined && !isTenantId(tenantId)) reader.reject(name, 'is not a tenant id')
  return tenantId
}

/**
 * The body of the event's delivery to a hook: the event's bytes with `hookId` as their last member, as Logto has it.
 * The event itself is serialised once for all of its hooks.
 */
export function bodyFor(event: Pick<AuthEvent, 'body'>, hookId: HookId): Buffer {
  const member = `,"hookId":${JSON.stringify(hookId)}}`
  const before = event.body.length - 1
  const body = allocateHeld(before + Buffer.byteLength(member))
  event.body.copy(body, 0, 0, before)
  body.write(member, before)
  return body
}

interface Payload {
  readonly kind: 'payload'
  readonly event: string
  readonly createdAt: EpochMs
  readonly userId: string | undefined
  readonly body: Buffer
}

function readPayload(value: Buffer | null): Payload | Rejected {
  const json = readJsonObject(value)
  if (json.kind === 'rejected') return json
  const { members } = json
  if (Object.hasOwn(members, 'hookId')) {
    return rejected(
      'reserved-field',
      'hookId',
      'An event has no "hookId": each delivery adds its own.',
    )
  }
  const fields = readEventFields(members)
  if (fields.kind === 'rejected') return fields
  return { ...fields, kind: 'payload', userId: userIdOf(members), body: json.text }
}

export interface EventFields {
  readonly kind: 'fields'
  readonly event: string
  readonly createdAt: EpochMs
}

/** The two fields that every event has. */
export function readEventFields(members: JsonObject): EventFields | Rejected {
  const event = members['event']
  if (!isEventKey(event)) return wrongField(members, 'event', 'an event key such as PostSignIn')
  const text = members['createdAt']
  const createdAt = typeof text === 'string' ? parseDateTime(text) : undefined
  if (createdAt === undefined) return wrongField(members, 'createdAt', 'an RFC 3339 date-time')
  return { kind: 'fields', event, createdAt }
}

function wrongField(members: JsonObject, field: string, expected: string): Rejected {
  return Object.hasOwn(members, field)
    ? rejected('mistyped-field', field, `"${field}" is not ${expected}.`)
    : rejected('missing-field', field, `The event has no "${field}".`)
}

/** A trace context that is not valid is ignored: the event counts without it. */
function traceOf(reader: HeaderReader): TraceContext | undefined {
  const traceparent = validTraceparent(reader.bytes('traceparent')?.toString('latin1') ?? '')
  if (traceparent === undefined) return undefined
  const tracestate = validTracestate(reader.bytes('tracestate')?.toString('latin1') ?? '')
  return { traceparent, tracestate }
}
