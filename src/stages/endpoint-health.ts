/**
 * Endpoint health: combines what this instance finds with the reports on the topic, and writes this instance's reports, at
 * most one per hook in 10 s. Of the hooks it keeps only those in memory whose endpoints have failed or were reported.
 */
import {
  claimed,
  disabled,
  successChangesNothing,
  failed,
  freshEndpoint,
  reportRead,
  hookKnown,
  hookSeen,
  laneMoved,
  reportWritten,
  succeeded,
  reportsRecovery,
  reportOf,
  type Endpoint,
  type HealthRules,
} from '../core/health/health.ts'
import {
  decodeHealth,
  encodeHealth,
  minBetweenWritesMs,
  type Health,
} from '../core/health/record.ts'
import type { HookTable } from '../core/hook/table.ts'
import type { Lanes } from '../core/lane/lanes.ts'
import { endpointLaneOf, type LaneCondition } from '../core/lane/condition.ts'
import {
  boundBy,
  probeSpreadMs,
  seedOf,
  type Binding,
  type LaneSeed,
  type Reading,
} from '../core/lane/seed.ts'
import type { EpochMs, Hook, HookId, InboundRecord } from '../core/model/model.ts'
import type { EndpointState } from '../core/model/record-values.ts'
import type { Emit } from '../core/signal/signal.ts'
import type { Clock, Random, RecordSink } from '../ports.ts'

export type EndpointCounts = Readonly<Record<Exclude<EndpointState, 'healthy'>, number>>

/** What reports change in the lanes of hooks. */
export type EndpointLanes = Pick<Lanes<unknown>, 'has' | 'reset' | 'probeSoon'>

export interface EndpointHealthParts extends HealthRules {
  readonly topic: string
  readonly sink: RecordSink
  readonly clock: Clock
  readonly random: Random
  /** The time-out of a hook that sets none. */
  readonly defaultTimeoutMs: number
  readonly emit: Emit
  readonly table: Pick<HookTable, 'get'>
  /** A hook has a lane if it got deliveries lately. */
  readonly lanes: EndpointLanes
  /** A write failed for a reason that a retry cannot fix. */
  readonly onFailed: (error: Error) => void
}

/** How often it is checked which reports are due. */
const checkMs = 1_000

interface Entry {
  endpoint: Endpoint
  /** Computed from the current report. */
  binding: Binding | undefined
  /** When this instance's last report was given to the sink. */
  reportedAt: EpochMs
  isWriting: boolean
}

export class EndpointHealth {
  readonly #parts: EndpointHealthParts
  readonly #entries = new Map<HookId, Entry>()
  /** Hooks whose endpoint may have to be reported. */
  readonly #toReport = new Set<HookId>()
  /** Deleted hooks, whose records on the topic have to be deleted. */
  readonly #toDelete = new Set<HookId>()
  readonly #counts = { failing: 0, open: 0, paused: 0, disabled: 0 }
  #isLoaded = false
  #isStopped = false
  #isCheckPlanned = false

  constructor(parts: EndpointHealthParts) {
    this.#parts = parts
  }

  /** The number of endpoints by state, except healthy ones, most of which are not kept here. */
  get counts(): EndpointCounts {
    return this.#counts
  }

  /** An attempt showed something about the hook's endpoint. A success of a healthy endpoint costs one look-up. */
  attempted(hook: Hook, outcome: 'success' | 'failure' | 'gone', at: EpochMs): void {
    const known = this.#entries.get(hook.id)?.endpoint
    if (outcome === 'success' && (known === undefined || successChangesNothing(known))) return
    if (!this.#hasStillUrlOf(hook)) return
    const endpoint = known ?? freshEndpoint
    const next =
      outcome === 'success'
        ? succeeded(endpoint, at, this.#parts)
        : failed(endpoint, hook, at, this.#parts)
    const { instance } = this.#parts
    const isGone = outcome === 'gone'
    this.#set(hook.id, isGone ? disabled(next, hook, { reason: 'gone', at, instance }) : next)
  }

  /** The condition of the hook's lane changed. */
  laneChanged(hookId: HookId, lane: LaneCondition): void {
    if (this.#parts.table.get(hookId) === undefined) return
    const endpoint = this.#entries.get(hookId)?.endpoint ?? freshEndpoint
    const { clock } = this.#parts
    const now = clock.now()
    const moved = endpointLaneOf(lane, { now, monotonic: clock.monotonic() })
    this.#set(hookId, laneMoved(endpoint, moved, now))
  }

  /** Whether the hook's endpoint is disabled. */
  isDisabled(hookId: HookId): boolean {
    return this.#entries.get(hookId)?.endpoint.known?.state === 'disabled'
  }

  /** What the reports say about an endpoint. It counts for a lane that has no measurements or is open. */
  seedOf(hookId: HookId): LaneSeed {
    const entry = this.#parts.table.get(hookId)
    const timeoutMs = entry?.kind === 'active' ? entry.hook.timeoutMs : undefined
    const binding = this.#entries.get(hookId)?.binding
    return seedOf(binding, timeoutMs ?? this.#parts.defaultTimeoutMs)
  }

  /** A record of the topic was read. */
  apply(record: InboundRecord): void {
    const decoded = decodeHealth(record)
    switch (decoded.kind) {
      case 'unusable': {
        const { topic, partition, offset } = record
        const { problem } = decoded
        this.#parts.emit({
          kind: 'endpoint.unusable',
          source: { topic, partition, offset },
          problem,
        })
        break
      }
      case 'tombstone':
        this.#drop(decoded.hookId)
        break
      case 'health':
        this.#applyReport(decoded.health)
    }
  }

  /** Both tables have been read, so they can be compared from now on. */
  loaded(): void {
    this.#isLoaded = true
    for (const hookId of this.#entries.keys()) {
      const entry = this.#parts.table.get(hookId)
      if (entry === undefined) this.hookDeleted(hookId)
      if (entry?.kind === 'active') this.#compare(entry.hook, hookSeen)
    }
    this.#checkSoon(0)
  }

  /**
   * A record of the hook was applied to the hook table.
   *
   * @param hasOtherUrl whether it changed the hook's URL
   */
  hookChanged(hook: Hook, hasOtherUrl: boolean): void {
    if (!this.#isLoaded) return
    this.#compare(hook, hookSeen)
    if (!hasOtherUrl) return
    if (this.#entries.get(hook.id)?.endpoint.known === undefined) this.#drop(hook.id)
    this.#resetLane(hook.id)
  }

  /** The hook was deleted. Its record on the topic is deleted, unless the hook exists again by the next check. */
  hookDeleted(hookId: HookId): void {
    if (!this.#isLoaded || !this.#entries.has(hookId)) return
    this.#toDelete.add(hookId)
    this.#checkSoon(0)
  }

  stop(): void {
    this.#isStopped = true
  }

  #applyReport(health: Health): void {
    const { hookId, enableEpoch } = health
    const endpoint = this.#entries.get(hookId)?.endpoint ?? freshEndpoint
    const isNewBeginning = enableEpoch > (endpoint.known?.enableEpoch ?? 0)
    const isRecovered = reportsRecovery(endpoint, health, this.#parts.clock.now(), this.#parts)
    this.#set(hookId, reportRead(endpoint, health))
    if (isNewBeginning) this.#resetLane(hookId)
    if (isRecovered) this.#probeSoon(hookId)
    const entry = this.#parts.table.get(hookId)
    if (this.#isLoaded && entry?.kind === 'active') this.#compare(entry.hook, hookKnown)
  }

  /** The hook has a new URL, or its endpoint was enabled again, so the state of its lane no longer applies. */
  #resetLane(hookId: HookId): void {
    const { lanes, clock } = this.#parts
    lanes.reset(hookId, clock.monotonic())
  }

  /** Another instance reports that the endpoint has recovered. */
  #probeSoon(hookId: HookId): void {
    const { lanes, clock, random } = this.#parts
    lanes.probeSoon(hookId, clock.monotonic() + random() * probeSpreadMs)
  }

  #compare(hook: Hook, compare: typeof hookSeen): void {
    const entry = this.#entries.get(hook.id)
    if (entry === undefined) return
    const next = compare(entry.endpoint, hook, this.#parts.clock.now(), this.#parts)
    if (next === entry.endpoint) return
    this.#set(hook.id, next)
    this.#resetLane(hook.id)
  }

  /** Whether the hook still has this URL. An attempt on a former URL shows nothing about the current one. */
  #hasStillUrlOf({ id, url }: Hook): boolean {
    const entry = this.#parts.table.get(id)
    return entry?.kind === 'active' && entry.hook.url === url
  }

  #set(hookId: HookId, endpoint: Endpoint): void {
    const entry = this.#entries.get(hookId) ?? {
      endpoint: freshEndpoint,
      binding: undefined,
      reportedAt: Number.NEGATIVE_INFINITY,
      isWriting: false,
    }
    this.#entries.set(hookId, entry)
    this.#replace(entry, endpoint)
    if (!endpoint.hasUnreported && !endpoint.isKnownUnwritten)
      this.#forgetIfHealthy(hookId, endpoint)
    else {
      this.#toReport.add(hookId)
      this.#checkSoon(0)
    }
  }

  #replace(entry: Entry, endpoint: Endpoint): void {
    const { known } = endpoint
    const before = entry.endpoint.known
    entry.endpoint = endpoint
    if (known === before) return
    this.#emitChange(before, known)
    const binding = known && boundBy(entry.binding, known, this.#reading())
    if (known !== undefined && binding !== entry.binding) this.#claimInTime(known.hookId, binding)
    entry.binding = binding
  }

  #claimInTime(hookId: HookId, binding: Binding | undefined): void {
    if (binding?.claimAt === undefined) return
    const { clock } = this.#parts
    clock.after(binding.claimAt - clock.monotonic(), () => {
      const entry = this.#entries.get(hookId)
      if (this.#isStopped || entry?.binding !== binding || !this.#parts.lanes.has(hookId)) return
      const at = clock.now()
      const until = at + Math.ceil(binding.until - clock.monotonic())
      this.#set(hookId, claimed(entry.endpoint, { at, until }, this.#parts))
    })
  }

  #reading(): Reading {
    const { clock, random, instance } = this.#parts
    return { instance, now: clock.now(), monotonic: clock.monotonic(), spread: random() }
  }

  /** Frees the memory of an endpoint that does not fail and was never reported. */
  #forgetIfHealthy(hookId: HookId, { known, failures, lane }: Endpoint): void {
    this.#toReport.delete(hookId)
    if (known === undefined && failures === 0 && lane.kind === 'flowing') {
      this.#entries.delete(hookId)
    }
  }

  #drop(hookId: HookId): void {
    const entry = this.#entries.get(hookId)
    if (entry === undefined) return
    this.#emitChange(entry.endpoint.known, undefined)
    this.#entries.delete(hookId)
    this.#toReport.delete(hookId)
  }

  /** Counts a change of the current report, and emits a signal. None is emitted for reports that were there at the start. */
  #emitChange(before: Health | undefined, after: Health | undefined): void {
    const from = before?.state ?? 'healthy'
    const to = after?.state ?? 'healthy'
    const health = after ?? before
    if (from === to || health === undefined) return
    this.#count(from, -1)
    this.#count(to, 1)
    if (!this.#isLoaded) return
    const { hookId, tenantId, until, instance: writtenBy } = health
    const reason = after === undefined ? 'hook-deleted' : after.reason
    const kind = to === 'disabled' ? 'endpoint.disabled' : 'endpoint.changed'
    this.#parts.emit({ kind, hookId, tenantId, from, to, reason, until, writtenBy })
  }

  #count(state: EndpointState, by: number): void {
    if (state !== 'healthy') this.#counts[state] += by
  }

  #checkSoon(delayMs: number): void {
    if (this.#isCheckPlanned || this.#isStopped || !this.#isLoaded) return
    this.#isCheckPlanned = true
    this.#parts.clock.after(delayMs, () => {
      this.#isCheckPlanned = false
      this.#reportDue()
      if (this.#toReport.size + this.#toDelete.size > 0) this.#checkSoon(checkMs)
    })
  }

  #reportDue(): void {
    if (this.#isStopped) return
    const now = this.#parts.clock.now()
    for (const hookId of this.#toDelete) this.#deleteRecord(hookId)
    for (const hookId of this.#toReport) {
      const entry = this.#entries.get(hookId)
      const table = this.#parts.table.get(hookId)
      if (entry === undefined || table?.kind !== 'active') this.#toReport.delete(hookId)
      else if (!entry.isWriting && now - entry.reportedAt >= minBetweenWritesMs) {
        this.#report(entry, table.hook, now)
      }
    }
  }

  #report(entry: Entry, hook: Hook, now: EpochMs): void {
    const report = reportOf(entry.endpoint, hook, now, this.#parts)
    this.#toReport.delete(hook.id)
    this.#replace(entry, reportWritten(entry.endpoint, report))
    if (report === undefined) {
      this.#forgetIfHealthy(hook.id, entry.endpoint)
      return
    }
    entry.reportedAt = now
    entry.isWriting = true
    this.#write(hook.id, encodeHealth(report), () => (entry.isWriting = false))
  }

  #deleteRecord(hookId: HookId): void {
    this.#toDelete.delete(hookId)
    if (this.#parts.table.get(hookId) !== undefined) return
    const isKnown = this.#entries.get(hookId)?.endpoint.known !== undefined
    this.#drop(hookId)
    if (isKnown) this.#write(hookId, null, () => undefined)
  }

  #write(hookId: HookId, value: Buffer | null, onWritten: () => void): void {
    const { sink, topic, onFailed } = this.#parts
    sink.write([{ topic, key: hookId, value, headers: [] }]).then(onWritten, onFailed)
  }
}
