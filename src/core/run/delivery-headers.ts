/**
 * Headers of the records that hooktide writes for itself (docs/results.md): writing a run's progress into them, and reading
 * it back. Numbers and times are decimal text. `hooktide-source` and `hooktide-run` are `<topic>/<partition>/<offset>`:
 * topic names cannot contain a slash.
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
  type TraceContext,
  type Trigger,
} from '../model/model.ts'
import { joinHeaders, PackedHeaders, type HeaderTexts } from '../event/packed-headers.ts'
import { HeaderReader } from '../event/record-headers.ts'
import { sourceKeyOf } from '../event/search-fields.ts'

export type DecodedRun = { readonly kind: 'run'; readonly run: Run } | Rejected

/**
 * The run with a trace context, if its event has none: the records by which it goes on carry it, so its later attempts join
 * the trace, in whatever process.
 */
export function withTrace(run: Run, trace: TraceContext): Run {
  const { event } = run
  if (event.trace !== undefined) return run
  const { traceparent, tracestate } = trace
  // Of a header that is there twice the last counts.
  const added: readonly KafkaHeader[] = [
    ['traceparent', Buffer.from(traceparent)],
    ['tracestate', tracestate === undefined ? null : Buffer.from(tracestate)],
  ]
  return { ...run, event: { ...event, trace, headers: joinHeaders(event.headers, added) } }
}

/** Headers of a tier record: the event's own, and everything that is needed to continue the run. */
export function runHeaders(run: Run): KafkaHeaders {
  return withOwn(run.event, (own) => addRun(own, run))
}

/** The headers of an event or a record, and behind them hooktide's own. */
function withOwn(
  { headers }: Pick<AuthEvent, 'headers'>,
  write: (own: HeaderTexts) => void,
): KafkaHeaders {
  return joinHeaders(headers, PackedHeaders.ofTexts(write))
}

function addRun(own: HeaderTexts, run: Run): void {
  addNames(own, run)
  add(own, runHeaderNames.run, run.run)
  add(own, runHeaderNames.attempt, run.attempt)
  add(own, runHeaderNames.hop, run.hop)
  if (run.deferrals > 0) add(own, runHeaderNames.deferrals, run.deferrals)
  add(own, runHeaderNames.trigger, run.trigger)
  addForced(own, run)
  add(own, runHeaderNames.firstHandledAt, run.firstHandledAt)
  add(own, runHeaderNames.dueAt, run.dueAt)
  add(own, runHeaderNames.earlyMs, run.earlyMs)
  addSource(own, run.event)
}

/**
 * Headers of a split record, which continues a run on the requests topic, due at once. They are those of a tier record, and
 * the split mark. No other record gets the mark: a dead letter that somebody copies to the requests topic begins a new run.
 */
export function splitHeaders(run: Run): KafkaHeaders {
  return withOwn(run.event, (own) => {
    addRun(own, run)
    add(own, runHeaderNames.split, presentMark)
  })
}

/** Whether a record of the requests topic continues a run, instead of beginning one. */
export function isSplit({ headers }: Pick<InboundRecord, 'headers'>): boolean {
  for (const [name] of headers) if (name === runHeaderNames.split) return true
  return false
}

/** Headers of a request record. The record begins a run, which is named after the record's place. */
export function requestRecordHeaders(
  request: Pick<Run, 'deliveryId' | 'hookId' | 'trigger' | 'isForced' | 'event'>,
): KafkaHeaders {
  return withOwn(request.event, (own) => {
    addNames(own, request)
    add(own, runHeaderNames.trigger, request.trigger)
    addForced(own, request)
    addSource(own, request.event)
  })
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
  return withOwn(run.event, (own) => {
    addRun(own, run)
    add(own, deathHeaderNames.reason, death.reason)
    if (death.status !== undefined) add(own, deathHeaderNames.status, death.status)
    add(own, deathHeaderNames.diedAt, death.diedAt)
  })
}

/** Headers of a rejected record: its own, the reason of the rejection, and the record's place. */
export function rejectedHeaders(record: InboundRecord, rejection: Rejection): KafkaHeaders {
  return withOwn(record, (own) => {
    add(own, rejectionHeaderNames.reason, rejection.reason)
    add(own, rejectionHeaderNames.field, rejection.field)
    add(own, rejectionHeaderNames.source, placeOf(record))
  })
}

/**
 * Reads a record of a tier or of the requests topic. On the requests topic, split records continue their runs as tier records
 * do. Hook, tenant and event id are required. A missing optional header has the value of a run that begins now, so that
 * other tools can write requests. Every header that is present must be valid.
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
  /** The body was too large for the topic. The event is at its source, if the record is still there. */
  | {
      readonly kind: 'reference'
      readonly reason: string
      readonly run: Pick<Run, 'deliveryId' | 'hookId' | 'run'>
      readonly source: RecordPlace
    }
  | Rejected

/** Reads a dead letter. An unknown reason comes from a later version, and is passed on. */
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
  readonly progress: RunFields
  readonly identity: EventIdentity
}

interface ReadNames extends RunNames {
  readonly reader: HeaderReader
}

/** Reads the headers of a record of a tier or of the requests topic as {@link decodeRun} does, and not its value. */
export function readRunNames(record: InboundRecord, from: 'tier' | 'request'): RunNames | Rejected {
  return readNames(record, from)
}

function readNames(record: InboundRecord, from: 'tier' | 'request'): ReadNames | Rejected {
  const reader = new HeaderReader(record.headers)
  if (reader.rejection !== undefined) return { kind: 'rejected', rejection: reader.rejection }
  const hookId = readHookId(reader)
  const identity = readEventIdentity(reader, record)
  const isContinued = from === 'tier' || readMark(reader, runHeaderNames.split)
  const progress = isContinued ? readProgress(reader, record) : beginning(reader, record)
  const { tenantId, eventSource, eventId } = identity
  const deliveryId = deliveryIdOf(tenantId, eventSource, eventId, hookId)
  const named = reader.text(runHeaderNames.deliveryId, 64)
  if (named !== undefined && named !== deliveryId) {
    reader.reject(runHeaderNames.deliveryId, 'is not the id of this tenant, event and hook')
  }
  if (reader.rejection !== undefined) return { kind: 'rejected', rejection: reader.rejection }
  return { kind: 'names', deliveryId, hookId, progress, identity, reader }
}

/** Results hold the number of the next attempt in 32 bits. A larger number could not be recorded. */
const maxAttempt = 2 ** 31 - 2

/** The value of headers that say something by being there. */
const presentMark = '1'

function readMark(reader: HeaderReader, name: 'hooktide-split' | 'hooktide-forced'): boolean {
  const mark = reader.text(name, 16)
  if (mark !== undefined && mark !== presentMark) reader.reject(name, `is not ${presentMark}`)
  return mark !== undefined
}

/** Only tests are forced: what else claims to be would reach an endpoint that its traffic is kept from. */
function readForced(reader: HeaderReader, trigger: Trigger): boolean {
  return readMark(reader, runHeaderNames.forced) && trigger === 'test'
}

/** Topic names have up to 249 characters. */
const maxPlaceLength = 300

/**
 * The place of a record, or a name of a former version, whose records are still read: `0` for an event, and
 * `<partition>-<offset>` for a request.
 */
const runName = /^(?:[^/]+\/\d{1,10}\/\d{1,16}|0|\d+-\d+)$/

export type RunFields = Omit<Run, 'deliveryId' | 'hookId' | 'event'>

/** A request begins a run, which is named after the record's place. */
function beginning(reader: HeaderReader, record: InboundRecord): RunFields {
  const { timestamp } = record
  // A dead letter that was copied without changes still has the trigger `event`.
  const trigger = readTrigger(reader, 'resend')
  return {
    run: placeOf(record),
    trigger: trigger === 'event' ? 'resend' : trigger,
    isForced: readForced(reader, trigger),
    attempt: 0,
    hop: 0,
    deferrals: 0,
    firstHandledAt: timestamp,
    dueAt: timestamp,
    earlyMs: 0,
  }
}

function readProgress(reader: HeaderReader, record: InboundRecord): RunFields {
  const run = reader.text(runHeaderNames.run, maxPlaceLength) ?? placeOf(record)
  if (!runName.test(run)) reader.reject(runHeaderNames.run, 'is not the name of a run')
  const times = {
    firstHandledAt: reader.integer(runHeaderNames.firstHandledAt, record.timestamp),
    dueAt: reader.integer(runHeaderNames.dueAt, record.timestamp),
  }
  const trigger = readTrigger(reader, 'event')
  return {
    run,
    trigger,
    isForced: readForced(reader, trigger),
    attempt: reader.integer(runHeaderNames.attempt, 0, maxAttempt),
    hop: reader.integer(runHeaderNames.hop, 0),
    deferrals: reader.integer(runHeaderNames.deferrals, 0),
    ...withoutClockStep(times, record.timestamp),
    earlyMs: reader.integer(runHeaderNames.earlyMs, 0),
  }
}

/**
 * No receiver accepts a signature that is further ahead, so a process whose clock is more ahead than this cannot be working.
 */
const maxAheadMs = 5 * 60_000

/**
 * A run is never handled first after its record was written. Times that claim this come from a clock that was ahead. They
 * are corrected: otherwise the run would get no attempt, and would not expire, until all clocks reach these times.
 *
 * @param writtenAt by the clock of the broker
 */
function withoutClockStep(
  times: Pick<Run, 'firstHandledAt' | 'dueAt'>,
  writtenAt: EpochMs,
): Pick<Run, 'firstHandledAt' | 'dueAt'> {
  const { firstHandledAt, dueAt } = times
  const aheadMs = firstHandledAt - writtenAt
  if (!(aheadMs > maxAheadMs)) return times
  // A due time before `firstHandledAt` was set when the clock was right again.
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
    reader.reject(runHeaderNames.trigger, `is not one of ${triggers.join(', ')}`)
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

function addNames(
  own: HeaderTexts,
  { deliveryId, hookId, event }: Pick<Run, 'deliveryId' | 'hookId' | 'event'>,
): void {
  add(own, runHeaderNames.deliveryId, deliveryId)
  add(own, runHeaderNames.hookId, hookId)
  add(own, runHeaderNames.tenantId, event.tenantId)
  add(own, runHeaderNames.eventId, event.eventId)
  add(own, runHeaderNames.eventSource, event.eventSource)
}

/** Of the event's own record: where it stands, and its key. */
function addSource(own: HeaderTexts, { source, sourceKey }: AuthEvent): void {
  add(own, runHeaderNames.source, placeOf(source))
  if (sourceKey !== undefined) add(own, runHeaderNames.sourceKey, sourceKey)
}

/** The place of a record as text. It is the value of `hooktide-source`, and the name of the run that the record begins. */
export function placeOf({ topic, partition, offset }: RecordPlace): string {
  return `${topic}/${partition}/${offset}`
}

/** The reverse of {@link placeOf}; `undefined` for any other text. */
export function placeIn(text: string): RecordPlace | undefined {
  const [, topic, partition, offset] = /^([^/]+)\/(\d{1,9})\/(\d{1,15})$/.exec(text) ?? []
  if (topic === undefined) return undefined
  return { topic, partition: Number(partition), offset: Number(offset) }
}

function addForced(own: HeaderTexts, { isForced }: Pick<Run, 'isForced'>): void {
  if (isForced) add(own, runHeaderNames.forced, presentMark)
}

function add(own: HeaderTexts, name: `hooktide-${string}`, value: string | number): void {
  own.add(name, String(value))
}
