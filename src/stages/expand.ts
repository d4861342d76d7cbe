/**
 * Decides what a record causes, by the join with the hook table, for each kind of topic. This changes nothing in the
 * processor. It may request a schema, and it reports filters that fail.
 */
import { decodeRun, isSplit, placeOf } from '../core/run/delivery-headers.ts'
import { decodeEvent } from '../core/event/event.ts'
import { isFramed, unframe } from '../core/event/framed-value.ts'
import { passing, type Filtering } from '../core/hook/filter-match.ts'
import type { HookTable } from '../core/hook/table.ts'
import { deliveryIdOf } from '../core/model/identity.ts'
import type {
  AuthEvent,
  EpochMs,
  Hook,
  InboundRecord,
  Rejection,
  Run,
  TableEntry,
  Tier,
  Topics,
  UnattemptedVerdict,
} from '../core/model/model.ts'
import { join } from '../core/run/join.ts'
import { releaseOf, tierRead } from '../core/run/schedule.ts'
import { Refusals, type Unmatched } from '../core/run/unmatched.ts'
import type { Clock, SchemaSource } from '../ports.ts'
import type { EndpointHealth } from './endpoint-health.ts'
import type { HandledRuns } from './handled-runs.ts'

/** A run that is to be called on its hook's lane. */
export interface PlannedCall {
  readonly run: Run
  readonly hook: Hook
}

/** A run that ends without an attempt. */
export interface PlannedEnd {
  readonly run: Run
  readonly verdict: UnattemptedVerdict
  readonly configVersion: string | undefined
}

/** What a record causes, or what it waits for before that is known. */
export type Opened =
  /** It is not due yet. It must be opened again at that time. */
  | { readonly kind: 'later'; readonly at: EpochMs }
  /** Its schema has been requested. It must be opened again when schemas have arrived. */
  | { readonly kind: 'schema' }
  | Caused

export type Caused =
  | {
      readonly kind: 'runs'
      readonly calls: readonly PlannedCall[]
      readonly ends: readonly PlannedEnd[]
      /** Runs that were handled already, of an event that is read again. Nothing is left to do for them. */
      readonly repeats: readonly Run[]
      /** Bytes of memory that the event takes in addition to its record. */
      readonly renderedBytes: number
    }
  | { readonly kind: 'hop'; readonly run: Run }
  /** The record's only run was handled already, so nothing is left to do. */
  | { readonly kind: 'repeat'; readonly run: Run }
  /** An event that goes to no hook, where these are recorded. */
  | { readonly kind: 'unmatched'; readonly event: AuthEvent; readonly unmatched: Unmatched }
  | { readonly kind: 'rejected'; readonly rejection: Rejection }

export interface Joining {
  readonly topics: Topics
  readonly table: HookTable
  readonly schemas: SchemaSource
  readonly filtering: Filtering
  readonly handled: HandledRuns
  readonly health: EndpointHealth
  readonly clock: Clock
  readonly maxAgeMs: number
  /** Whether events that go to no hook are recorded. The table keeps hooks that are not enabled then. */
  readonly recordsUnmatched: boolean
}

/**
 * Decides what the record causes. This depends on its topic.
 *
 * @throws {RangeError} when the topic is none of events or requests, and no tier
 */
export function openRecord(record: InboundRecord, joining: Joining): Opened {
  const { topic } = record
  const { events, requests, retryPrefix } = joining.topics
  if (events.includes(topic)) return openEvent(record, joining)
  if (topic === requests) return openRequest(record, joining)
  return openTierRecord(record, tierRead(topic, retryPrefix), joining)
}

/** An event causes one run per matching hook, or none. Only events may be framed: all other records are hooktide's own. */
function openEvent(record: InboundRecord, joining: Joining): Opened {
  if (!isFramed(record.value)) return openJsonEvent(record, joining, 0)
  const value = unframe(record.value, (id) => joining.schemas.find(id))
  if (value.kind !== 'bytes') return value
  const { bytes, isRendered } = value
  return openJsonEvent({ ...record, value: bytes }, joining, isRendered ? bytes.length : 0)
}

function openJsonEvent(record: InboundRecord, joining: Joining, renderedBytes: number): Opened {
  const decoded = decodeEvent(record)
  if (decoded.kind === 'rejected') return decoded
  const { event } = decoded
  const { table, filtering } = joining
  const refusals = joining.recordsUnmatched ? new Refusals() : undefined
  const entries = passing(table.matching(event), event, filtering, refusals?.add)
  if (refusals !== undefined && entries.length === 0) {
    return { kind: 'unmatched', event, unmatched: refusals.unmatched(event, table) }
  }
  const beginning = { run: placeOf(event.source), now: joining.clock.now() }
  const plans: PlannedRun[] = []
  const repeats: Run[] = []
  for (const entry of entries) {
    const run = firstRun(event, entry, beginning)
    if (joining.handled.has(run)) repeats.push(run)
    else plans.push(plan(run, entry, joining))
  }
  const [repeat] = repeats
  if (plans.length === 0 && repeat !== undefined) return { kind: 'repeat', run: repeat }
  return { ...byKind(plans), repeats, renderedBytes }
}

/** A request is due at once. It begins a run, or continues one that was split off its event. */
function openRequest(record: InboundRecord, joining: Joining): Opened {
  const decoded = decodeRun(record, 'request')
  if (decoded.kind === 'rejected') return decoded
  const { run } = decoded
  const due = isSplit(record) ? run : { ...run, firstHandledAt: joining.clock.now() }
  return joining.handled.has(due) ? { kind: 'repeat', run: due } : joinedRun(due, joining)
}

/**
 * A tier record waits for the tier's delay, counted from its append time. Then the run is called, or hops to another tier.
 */
function openTierRecord(record: InboundRecord, tier: Tier, joining: Joining): Opened {
  const now = joining.clock.now()
  const releasedAt = record.timestamp + tier.delayMs
  if (now < releasedAt) return { kind: 'later', at: releasedAt }
  const decoded = decodeRun(record, 'tier')
  if (decoded.kind === 'rejected') return decoded
  const { run } = decoded
  if (joining.handled.has(run)) return { kind: 'repeat', run }
  // A run that is too old ends now. Otherwise it would hop until its due time, which may be years ahead.
  if (now - run.firstHandledAt > joining.maxAgeMs) return joinedRun(run, joining)
  const release = releaseOf(run, releasedAt, now)
  if (release.kind === 'wait') return { kind: 'later', at: release.until }
  return release.kind === 'hop' ? { kind: 'hop', run } : joinedRun(run, joining)
}

function joinedRun(run: Run, joining: Joining): Caused {
  const plans = [plan(run, joining.table.get(run.hookId), joining)]
  return { ...byKind(plans), repeats: [], renderedBytes: 0 }
}

function firstRun(
  event: AuthEvent,
  entry: TableEntry,
  { run, now }: { readonly run: string; readonly now: EpochMs },
): Run {
  const hookId = entry.hook.id
  return {
    deliveryId: deliveryIdOf(event.tenantId, event.eventSource, event.eventId, hookId),
    hookId,
    run,
    trigger: 'event',
    attempt: 0,
    hop: 0,
    deferrals: 0,
    firstHandledAt: now,
    dueAt: now,
    earlyMs: 0,
    isForced: false,
    event,
  }
}

type PlannedRun = PlannedCall | PlannedEnd

function plan(run: Run, entry: TableEntry | undefined, joining: Joining): PlannedRun {
  const { clock, health, maxAgeMs } = joining
  const isDisabled = !run.isForced && health.isDisabled(run.hookId)
  const joined = join(run, entry, { now: clock.now(), maxAgeMs, isDisabled })
  if (joined.kind === 'end') {
    return { run, verdict: joined.verdict, configVersion: joined.configVersion }
  }
  return { run, hook: joined.hook }
}

function byKind(plans: readonly PlannedRun[]) {
  const calls: PlannedCall[] = []
  const ends: PlannedEnd[] = []
  for (const planned of plans) {
    if ('verdict' in planned) ends.push(planned)
    else calls.push(planned)
  }
  return { kind: 'runs', calls, ends } as const
}

/** How many runs and writes must be settled before the record is complete. */
export function countOf(opened: Caused): number {
  if (opened.kind === 'runs') return opened.calls.length + opened.ends.length
  return opened.kind === 'repeat' ? 0 : 1
}
