/** Whether a lane takes a delivery, makes its partition wait, or has it put off to a tier. */
import {
  deferBlocked,
  deferToTurn,
  type Blocked,
  type DeferredCounts,
  type Returning,
} from '../core/run/deferral.ts'
import {
  isEndpointBound,
  isLoopBusy,
  isProcessSlow,
  type ProcessFacts,
} from '../core/lane/endpoint-bound.ts'
import type { BlockedCondition, HookLimits, Lane } from '../core/lane/lane.ts'
import type { Lanes } from '../core/lane/lanes.ts'
import type { Hook, MonotonicMs, Run, Tier, Verdict } from '../core/model/model.ts'
import type { Holdings } from '../core/lane/share.ts'
import { deferralWaitMs, returnSpreadMs, type BacklogFacts } from '../core/lane/backlog.ts'
import type { Clock, LoopMeter, Random, RecordSink } from '../ports.ts'
import type { CallGate } from './call-gate.ts'
import type { EndpointHealth } from './endpoint-health.ts'
import type { PlannedCall } from './expand.ts'
import type { Load } from './load.ts'
import { lineOf, type Work } from './work.ts'

export type Judgement =
  | { readonly kind: 'queue'; readonly lane: Lane<Work> }
  /** The record stays where it is until there is room. */
  | { readonly kind: 'wait' }
  /** It came from its tier before it is due, and waits on. */
  | { readonly kind: 'hop' }
  | Defer

/** The run goes to a tier, without an attempt. */
export interface Defer {
  readonly kind: 'defer'
  /** `undefined`: the lane is healthy, and the hook has used up its share. */
  readonly blocked: Blocked | undefined
}

export interface DeferringParts {
  readonly lanes: Lanes<Work>
  readonly health: EndpointHealth
  readonly counts: DeferredCounts
  readonly load: Load
  readonly gate: CallGate
  readonly loop: LoopMeter
  readonly sink: RecordSink
  /** Configured tiers, ascending by delay. */
  readonly tiers: readonly Tier[]
  readonly clock: Clock
  readonly random: Random
  /** Calls at once of a hook that sets no limit. */
  readonly defaultConcurrency: number
}

/** What is due sooner is not worth a hop: no tier is shorter. */
const minHopMs = 1_000
/** More records that wait for their acknowledgement are a backlog: the sink, or the broker, is what is slow. */
const usualPending = 2_000
/** Of what its hook may hold. Partitions of tiers are many: what comes back together would leave fresh events nothing. */
const latePart = 0.75
const wait = { kind: 'wait' } as const
const hop = { kind: 'hop' } as const
const beyondShare: Defer = { kind: 'defer', blocked: undefined }

export class Deferring {
  readonly #parts: DeferringParts

  constructor(parts: DeferringParts) {
    this.#parts = parts
  }

  /** @param held what the partition has admitted */
  judge({ run, hook }: PlannedCall, held: Holdings): Judgement {
    const { load, clock, gate } = this.#parts
    const { admitted } = load
    const now = clock.monotonic()
    const lane = this.#laneOf(hook, now)
    const blocked = lane.blockedBy(now)
    if (blocked !== undefined) return this.#isEarly(run) ? hop : blockedBy(blocked, now)
    const { tenantId } = run.event
    const part = lineOf(run) === 'late' ? latePart : 1
    const hasShare = held.hasShare(hook.id, tenantId) && admitted.hasShare(hook.id, tenantId, part)
    if (hasShare) return { kind: 'queue', lane }
    // Its turn may have come nearer, as when the lane was closed before it was to be probed.
    if (this.#isEarly(run)) return this.#turnMs(run, 1) < this.#dueIn(run) ? beyondShare : hop
    // While no call may start, no lane is slow by its own doing.
    if (!gate.isOpen) return wait
    return isEndpointBound(lane.facts(now), this.#processFacts()) ? beyondShare : wait
  }

  /** Whether the event loop has no time to spare. */
  isLoopBusy(): boolean {
    return isLoopBusy(this.#parts.loop.busyShare())
  }

  isProcessSlow(): boolean {
    return isProcessSlow(this.#processFacts())
  }

  /** Decides what becomes of a run that is put off, and counts it. */
  verdictOf(run: Run, { blocked }: Defer): Verdict {
    const { counts, clock, random } = this.#parts
    const now = clock.now()
    const isFresh = run.attempt === 0 && run.deferrals === 0
    // Who tests an endpoint wants to know now.
    if (run.trigger === 'test' || (isFresh && !counts.hasRoom(run, now))) {
      return { kind: 'dead', reason: blocked === undefined ? 'overflow' : 'endpoint-down' }
    }
    const verdict =
      blocked === undefined
        ? deferToTurn(run, this.#turnMs(run, random()), this.#parts.tiers, now)
        : deferBlocked(run, blocked, this.#returning(run), { now, random: random() })
    if (verdict.kind === 'deferred') counts.add(run, verdict.dueAt)
    return verdict
  }

  /** A run that may have been put off has come back for good. */
  returned(run: Run): void {
    if (run.deferrals > 0) this.#parts.counts.returned(run, run.dueAt)
  }

  /** Whether anything that was put off has not come back. */
  get hasDeferred(): boolean {
    return !this.#parts.counts.isEmpty
  }

  /** How many lanes could call and do not, though something of theirs was put off. */
  idleLanes(): number {
    const { counts, lanes, clock } = this.#parts
    const [now, monotonic] = [clock.now(), clock.monotonic()]
    let idle = 0
    for (const hookId of counts.hooks()) {
      const lane = lanes.get(hookId)
      if (lane === undefined || counts.of(hookId, now) === 0) continue
      if (lane.condition(monotonic).kind === 'flowing' && lane.isIdle(monotonic)) idle += 1
    }
    return idle
  }

  /** Gives up the memory of hooks of which nothing waits any more. */
  sweep(): void {
    this.#parts.counts.sweep(this.#parts.clock.now())
  }

  #laneOf(hook: Hook, now: MonotonicMs): Lane<Work> {
    const { lanes, health, defaultConcurrency } = this.#parts
    const lane = lanes.laneOf(hook.id, limitsOf(hook, defaultConcurrency), now)
    if (lane.acceptsReports) lane.seed(health.seedOf(hook.id), now)
    return lane
  }

  #turnMs(run: Run, chance: number): number {
    const facts = this.#backlogFacts(run)
    return facts === undefined ? minHopMs : deferralWaitMs(facts, run.deferrals, chance)
  }

  #returning(run: Run): Returning {
    const { counts, clock, tiers } = this.#parts
    const facts = this.#backlogFacts(run)
    const spreadMs = facts === undefined ? minHopMs : returnSpreadMs(facts, counts.all(clock.now()))
    return { spreadMs, tiers }
  }

  #backlogFacts({ hookId }: Run): BacklogFacts | undefined {
    const { counts, lanes, clock } = this.#parts
    return lanes.get(hookId)?.backlogFacts(counts.of(hookId, clock.now()), clock.monotonic())
  }

  #isEarly(run: Run): boolean {
    return run.hop > 0 && this.#dueIn(run) >= minHopMs
  }

  /** Milliseconds. */
  #dueIn({ dueAt }: Run): number {
    return dueAt - this.#parts.clock.now()
  }

  #processFacts(): ProcessFacts {
    const { loop, lanes, sink } = this.#parts
    return {
      busyShare: loop.busyShare(),
      hasFreeSlots: lanes.hasFreeSlots,
      hasSinkBacklog: sink.pendingCount() > usualPending,
    }
  }
}

/** A lane that has opened or paused until then takes nothing before. */
export function blockedBy({ kind, until }: BlockedCondition, now: MonotonicMs): Defer {
  return { kind: 'defer', blocked: { by: kind, forMs: Math.max(0, until - now) } }
}

/** Whether putting it off is new work: what came back, or was split from its event, is a record already. */
export function isFresh({ hop: hops }: Pick<Run, 'hop'>): boolean {
  return hops === 0
}

function limitsOf(hook: Hook, defaultConcurrency: number): HookLimits {
  return {
    tenantId: hook.tenantId,
    concurrency: hook.concurrency ?? defaultConcurrency,
    ratePerSecond: hook.ratePerSecond,
  }
}
