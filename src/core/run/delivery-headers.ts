/**
 * Headers of the records that hooktide writes for itself (docs/results.md): what they carry of a run, and reading it
 * back. Numbers and times are decimal text; `hooktide-source` and `hooktide-run` are `<topic>/<partition>/<offset>`,
 * since no topic's name has a slash.
 */
import {
  decodeNamedEvent,
  maxEventIdLength,
  maxEventSourceLength,
  readTenant,
  type EventIdentity,
} from '../event/event.ts'
import { deathHeaderNames, rejectionHeaderNames, runHeaderNames } from '../model/header-names.ts'
import { deliveryIdOf, isHookId } from '../model/identity.ts'
import type { Rejected } from '../text/json-text.ts'
import {
  defaultTenant,
  triggers,
  type AuthEvent,
  type DeliveryId,
  type EpochMs,
  type HookId,
  type InboundRecord,
  type KafkaHeader,
  type KafkaHeaders,
  type Reason,
  type RecordPlace,
  type Rejection,
  type Run,
  type Trigger,
} from '../model/model.ts'
import { joinHeaders } from '../event/packed-headers.ts'
import { HeaderReader } from '../event/record-headers.ts'
import { sourceKeyOf } from '../event/search-fields.ts'

export type DecodedRun = { readonly kind: 'run'; readonly run: Run } | Rejected

/** Headers of a tier record: the event's own, then all that the run needs to go on. */
export function runHeaders(run: Run): KafkaHeaders {
  const { event } = run
  return joinHeaders(event.headers, [
    ...nameHeaders(run),
    header(runHeaderNames.run, run.run),
    header(runHeaderNames.attempt, run.attempt),
    header(runHeaderNames.hop, run.hop),
    ...(run.deferrals === 0 ? [] : [header(runHeaderNames.deferrals, run.deferrals)]),
    header(runHeaderNames.trigger, run.trigger),
    header(runHeaderNames.firstHandledAt, run.firstHandledAt),
    header(runHeaderNames.dueAt, run.dueAt),
    header(runHeaderNames.earlyMs, run.earlyMs),
    ...sourceHeaders(event),
  ])
}

/**
 * Headers of a split record: a run that goes on by way of the topic of requests, due at once. They are those of a tier
 * record and the mark, which is never handed on: a dead letter that somebody copies to the topic begins a run.
 */
export function splitHeaders(run: Run): KafkaHeaders {
  return joinHeaders(runHeaders(run), [header(runHeaderNames.split, splitMark)])
}

/** Whether a record of the topic of requests continues a run, rather than to be what somebody asked for. */
export function isSplit({ headers }: Pick<InboundRecord, 'headers'>): boolean {
  for (const [name] of headers) if (name === runHeaderNames.split) return true
  return false
}

/** Headers of a request record. Its run begins with it, and has its name from where the record will stand. */
export function requestRecordHeaders(
  request: Pick<Run, 'deliveryId' | 'hookId' | 'trigger' | 'event'>,
): KafkaHeaders {
  return joinHeaders(request.event.headers, [
    ...nameHeaders(request),
    header(runHeaderNames.trigger, request.trigger),
    ...sourceHeaders(request.event),
  ])
}

/** Headers of a dead letter: those of the run, and why it ended. */
export function deadLetterHeaders(
  run: Run,
  death: {
    readonly reason: Reason
    /** Status of the last answer, if there was one. */
    readonly status: number | undefined
    readonly diedAt: EpochMs
  },
): KafkaHeaders {
  const status = death.status === undefined ? [] : [header(deathHeaderNames.status, death.status)]
  return joinHeaders(runHeaders(run), [
    header(deathHeaderNames.reason, death.reason),
    ...status,
    header(deathHeaderNames.diedAt, death.diedAt),
  ])
}

/** Headers of a rejected record: all that it had, and why it was rejected and where it stands. */
export function rejectedHeaders(record: InboundRecord, rejection: Rejection): KafkaHeaders {
  return joinHeaders(record.headers, [
    header(rejectionHeaderNames.reason, rejection.reason),
    header(rejectionHeaderNames.field, rejection.field),
    header(rejectionHeaderNames.source, placeOf(record)),
  ])
}

/**
 * Reads a record of a tier or of the request topic, where split records go on as tier records do. Needed are hook, tenant
 * and event id; what else is missing counts as for a run that begins now, so that people's tools can write requests. What
 * is there must be right.
 */
export function decodeRun(record: InboundRecord, from: 'tier' | 'request'): DecodedRun {
  const named = readNames(record, from)
  if (named.kind === 'rejected') return named
  const { deliveryId, hookId, progress, identity, reader } = named
  const decoded = decodeNamedEvent(record, identity, reader)
  if (decoded.kind === 'rejected') return decoded
  return { kind: 'run', run: { deliveryId, hookId, ...progress, event: decoded.event } }
}

export type DecodedDeadLetter =
  | { readonly kind: 'letter'; readonly reason: string; readonly run: Run }
  /** It was too large for the topic: its event is where it came from, if that is still there. */
  | {
      readonly kind: 'reference'
      readonly reason: string
      readonly run: Pick<Run, 'deliveryId' | 'hookId' | 'run'>
      readonly source: RecordPlace
    }
  | Rejected

/** Reads a dead letter. A reason that is not known is one of a later version: it is passed on. */
export function decodeDeadLetter(record: InboundRecord): DecodedDeadLetter {
  const reason = new HeaderReader(record.headers).text(deathHeaderNames.reason, 64) ?? ''
  if (record.value !== null) {
    const decoded = decodeRun(record, 'tier')
    return decoded.kind === 'rejected' ? decoded : { ...decoded, kind: 'letter', reason }
  }
  const named = readNames(record, 'tier')
  if (named.kind === 'rejected') return named
  const { deliveryId, hookId, progress, identity } = named
  const run = { deliveryId, hookId, run: progress.run }
  return { kind: 'reference', reason, run, source: identity.source }
}

/** What the headers of a record say of its run: all but the event's payload. */
export interface RunNames {
  readonly kind: 'names'
  readonly deliveryId: DeliveryId
  readonly hookId: HookId
  readonly progress: Progress
  readonly identity: EventIdentity
}

interface ReadNames extends RunNames {
  readonly reader: HeaderReader
}

/** Reads the headers of a record of a tier or of the request topic as {@link decodeRun} does, and not its value. */
export function readRunNames(record: InboundRecord, from: 'tier' | 'request'): RunNames | Rejected {
  return readNames(record, from)
}

function readNames(record: InboundRecord, from: 'tier' | 'request'): ReadNames | Rejected {
  const reader = new HeaderReader(record.headers)
  if (reader.rejection !== undefined) return { kind: 'rejected', rejection: reader.rejection }
  const hookId = readHookId(reader)
  const identity = readEventIdentity(reader, record)
  const goesOn = from === 'tier' || readMark(reader)
  const progress = goesOn ? readProgress(reader, record) : beginning(reader, record)
  const { tenantId, eventSource, eventId } = identity
  const deliveryId = deliveryIdOf(tenantId, eventSource, eventId, hookId)
  const named = reader.text(runHeaderNames.deliveryId, 64)
  if (named !== undefined && named !== deliveryId) {
    reader.reject(runHeaderNames.deliveryId, 'is not the id of this tenant, event and hook')
  }
  if (reader.rejection !== undefined) return { kind: 'rejected', rejection: reader.rejection }
  return { kind: 'names', deliveryId, hookId, progress, identity, reader }
}

/** Results have the number of the next attempt in 32 bits: one that does not fit could never be recorded. */
const maxAttempt = 2 ** 31 - 2

const splitMark = '1'

function readMark(reader: HeaderReader): boolean {
  const mark = reader.text(runHeaderNames.split, 16)
  if (mark !== undefined && mark !== splitMark) {
    reader.reject(runHeaderNames.split, `is not ${splitMark}`)
  }
  return mark !== undefined
}

/** Topic names have up to 249 characters. */
const maxPlaceLength = 300

/**
 * The first form, or one of a former version, whose records are still read: `0` of an event, `<partition>-<offset>` of a
 * request.
 */
const runName = /^(?:[^/]+\/\d{1,10}\/\d{1,16}|0|\d+-\d+)$/

export type Progress = Omit<Run, 'deliveryId' | 'hookId' | 'event'>

/** A request begins a run of its own, named by where it stands. */
function beginning(reader: HeaderReader, record: InboundRecord): Progress {
  const { timestamp } = record
  // A dead letter that was copied as it is still says `event`.
  const trigger = readTrigger(reader, 'resend')
  return {
    run: placeOf(record),
    trigger: trigger === 'event' ? 'resend' : trigger,
    attempt: 0,
    hop: 0,
    deferrals: 0,
    firstHandledAt: timestamp,
    dueAt: timestamp,
    earlyMs: 0,
  }
}

function readProgress(reader: HeaderReader, record: InboundRecord): Progress {
  const run = reader.text(runHeaderNames.run, maxPlaceLength) ?? placeOf(record)
  if (!runName.test(run)) reader.reject(runHeaderNames.run, 'is not the name of a run')
  const times = {
    firstHandledAt: reader.integer(runHeaderNames.firstHandledAt, record.timestamp),
    dueAt: reader.integer(runHeaderNames.dueAt, record.timestamp),
  }
  return {
    run,
    trigger: readTrigger(reader, 'event'),
    attempt: reader.integer(runHeaderNames.attempt, 0, maxAttempt),
    hop: reader.integer(runHeaderNames.hop, 0),
    deferrals: reader.integer(runHeaderNames.deferrals, 0),
    ...withoutStep(times, record.timestamp),
    earlyMs: reader.integer(runHeaderNames.earlyMs, 0),
  }
}

/** Beyond this no receiver takes a signature, so no process works on with a clock that is as far ahead. */
const maxAheadMs = 5 * 60_000

/**
 * Nothing is handled after its record was written: times that say so come of a clock that was ahead. Taken as they are, they
 * would keep the run from its next attempt, and from expiring, until all clocks say so.
 *
 * @param writtenAt by the clock of the broker
 */
function withoutStep(
  times: Pick<Run, 'firstHandledAt' | 'dueAt'>,
  writtenAt: EpochMs,
): Pick<Run, 'firstHandledAt' | 'dueAt'> {
  const { firstHandledAt, dueAt } = times
  const aheadMs = firstHandledAt - writtenAt
  if (!(aheadMs > maxAheadMs)) return times
  // A due time that lies nearer was set when the clock was right again.
  return { firstHandledAt: writtenAt, dueAt: dueAt < firstHandledAt ? dueAt : dueAt - aheadMs }
}

function readHookId(reader: HeaderReader): HookId {
  const name = runHeaderNames.hookId
  const hookId = reader.text(name, 256)
  if (isHookId(hookId)) return hookId
  reader.reject(name, hookId === undefined ? 'is missing' : 'is not a hook id')
  return ''
}

function readEventIdentity(reader: HeaderReader, record: InboundRecord): EventIdentity {
  const tenantId = readTenant(reader, runHeaderNames.tenantId)
  if (tenantId === undefined) reader.reject(runHeaderNames.tenantId, 'is missing')
  const eventId = reader.text(runHeaderNames.eventId, maxEventIdLength)
  if (eventId === undefined) reader.reject(runHeaderNames.eventId, 'is missing')
  return {
    tenantId: tenantId ?? defaultTenant,
    eventId: eventId ?? '',
    eventSource: reader.textOrEmpty(runHeaderNames.eventSource, maxEventSourceLength),
    source: readSource(reader, record),
    // Records of former versions have none.
    sourceKey: sourceKeyOf(reader.bytes(runHeaderNames.sourceKey) ?? null),
  }
}

function readTrigger(reader: HeaderReader, fallback: Trigger): Trigger {
  const text = reader.text(runHeaderNames.trigger, 16)
  if (text === undefined) return fallback
  const trigger = triggers.find((known) => known === text)
  if (trigger === undefined)
    reader.reject(runHeaderNames.trigger, `is none of ${triggers.join(', ')}`)
  return trigger ?? fallback
}

function readSource(reader: HeaderReader, { topic, partition, offset }: RecordPlace): RecordPlace {
  const text = reader.text(runHeaderNames.source, maxPlaceLength)
  if (text === undefined) return { topic, partition, offset }
  const parts = /^([^/]+)\/(\d{1,10})\/(\d{1,16})$/.exec(text)
  const offsetRead = Number(parts?.[3])
  if (!Number.isSafeInteger(offsetRead)) {
    reader.reject(runHeaderNames.source, 'is not <topic>/<partition>/<offset>')
  }
  return { topic: parts?.[1] ?? topic, partition: Number(parts?.[2]), offset: offsetRead }
}

function nameHeaders({
  deliveryId,
  hookId,
  event,
}: Pick<Run, 'deliveryId' | 'hookId' | 'event'>): readonly KafkaHeader[] {
  return [
    header(runHeaderNames.deliveryId, deliveryId),
    header(runHeaderNames.hookId, hookId),
    header(runHeaderNames.tenantId, event.tenantId),
    header(runHeaderNames.eventId, event.eventId),
    header(runHeaderNames.eventSource, event.eventSource),
  ]
}

/** Of the event's own record: where it stands, and its key. */
function sourceHeaders({ source, sourceKey }: AuthEvent): readonly KafkaHeader[] {
  return [
    header(runHeaderNames.source, placeOf(source)),
    ...(sourceKey === undefined ? [] : [header(runHeaderNames.sourceKey, sourceKey)]),
  ]
}

/** Where a record stands, as text: what `hooktide-source` says of an event's record, and the name of the run that it begins. */
export function placeOf({ topic, partition, offset }: RecordPlace): string {
  return `${topic}/${partition}/${offset}`
}

function header(name: `hooktide-${string}`, value: string | number): KafkaHeader {
  return [name, Buffer.from(String(value))]
}
