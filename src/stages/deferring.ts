/** Decides whether a delivery is queued in its lane, makes its partition wait, or is deferred to a tier. */
import {
  deferBlocked,
  deferBehindBacklog,
  type BacklogWait,
  type Blocked,
  type DeferredCounts,
} from '../core/run/deferral.ts'
import {
  isEndpointBound,
  isLoopBusy,
  isProcessSlow,
  mayBeStarved,
  type ProcessFacts,
} from '../core/lane/endpoint-bound.ts'
import { isLong, type CallLength } from '../core/lane/call-length.ts'
import type { BlockedCondition } from '../core/lane/condition.ts'
import type { HookLimits, Lane, LineName } from '../core/lane/lane.ts'
import type { Lanes } from '../core/lane/lanes.ts'
import type {
  EpochMs,
  Hook,
  MonotonicMs,
  Run,
  Tier,
  UnattemptedVerdict,
} from '../core/model/model.ts'
import type { Pressure } from '../core/lane/pressure.ts'
import type { Holdings } from '../core/lane/share.ts'
import {
  deferralWaitMs,
  isRateKnown,
  returnOf,
  sharedWaitMs,
  type BacklogFacts,
} from '../core/lane/backlog.ts'
import type { Clock, LoopMeter, Random, RecordSink } from '../ports.ts'
import type { CallGate } from './call-gate.ts'
import type { EndpointHealth } from './endpoint-health.ts'
import type { PlannedCall } from './expand.ts'
import type { Load } from './load.ts'
import { lineOf, type Work } from './work.ts'

export type Judgement =
  | {
      readonly kind: 'queue'
      readonly lane: Lane<Work>
      /** Whether its call may take long. */
      readonly isLong: boolean
    }
  /** The record stays at the head of its partition until there is room. */
  | { readonly kind: 'wait' }
  /** Its tier released the run before it is due, so it waits on another tier. */
  | { readonly kind: 'hop' }
  | Defer

/** The run goes to a tier, without an attempt. */
export type Defer = DeferBlocked | DeferBehind

/** The lane is open or paused. */
interface DeferBlocked {
  readonly kind: 'defer'
  readonly blocked: Blocked
}

/** The lane is healthy. */
export interface DeferBehind {
  readonly kind: 'defer'
  readonly blocked: undefined
  /**
   * `short`, `long`: the hook has used up its share, and this is how long its calls take. `enough`: it has share, but its lane
   * has enough queued, so the run waits for nothing but the lane's calls.
   */
  readonly cause: 'short' | 'long' | 'enough'
}

export interface DeferringParts {
  readonly lanes: Lanes<Work>
  readonly health: EndpointHealth
  readonly counts: DeferredCounts
  readonly load: Load
  readonly pressure: Pressure
  readonly gate: CallGate
  readonly loop: LoopMeter
  readonly sink: RecordSink
  /** Configured tiers, ascending by delay. */
  readonly tiers: readonly Tier[]
  readonly clock: Clock
  readonly random: Random
  /** How many calls at once a hook may have if it sets no limit. */
  readonly defaultConcurrency: number
}

/** A run that is due sooner does not hop. It is also how long a run is deferred while nothing is known about its lane. */
const minHopMs = 1_000
/** If more records wait for their acknowledgement, the sink or the broker is slow. */
const usualPending = 2_000
/**
 * The part of a hook's share that late runs may use. Tiers have many partitions, so many runs may return at once. Without
 * this bound they would leave no room for fresh events.
 */
const latePart = 0.75
const wait = { kind: 'wait' } as const
const hop = { kind: 'hop' } as const
const beyondShare: DeferBehind = { kind: 'defer', blocked: undefined, cause: 'short' }
const beyondShareOfLong: DeferBehind = { ...beyondShare, cause: 'long' }
/** The lane has enough queued ({@link Deferring.mustRelieve}). */
export const beyondNeed: DeferBehind = { ...beyondShare, cause: 'enough' }

export class Deferring {
  readonly #parts: DeferringParts

  constructor(parts: DeferringParts) {
    this.#parts = parts
  }

  /** @param held what the partition has admitted */
  judge(call: PlannedCall, held: Holdings): Judgement {
    const now = this.#parts.clock.monotonic()
    const { run } = call
    const lane = this.#laneFor(call, now)
    const blocked = lane.blockedBy(now)
    if (blocked !== undefined) return this.#isEarly(run) ? hop : blockedBy(blocked, now)
    const length = lane.lengthNow(now)
    const hasShare = this.#hasShare(call, length, held)
    const queue = { kind: 'queue', lane, isLong: isLong(length) } as const
    if (hasShare && !this.#isTooMuch(run, lane, now)) return queue
    if (!hasShare) this.#feelPressure(lane, length, now)
    if (!this.#isWorthWrite(run, lane, now)) return hasShare ? queue : wait
    if (this.#isEarly(run)) return this.#judgeEarly(run)
    if (hasShare) return beyondNeed
    return isLong(length) ? beyondShareOfLong : beyondShare
  }

  #hasShare({ run, hook }: PlannedCall, length: CallLength, held: Holdings): boolean {
    const part = lineOf(run) === 'late' ? latePart : 1
    const asking = { hookId: hook.id, tenantId: run.event.tenantId, length }
    const inPartition = held.shareOf(asking)
    if (inPartition === 'none') return false
    const inProcess = this.#parts.load.admitted.shareOf(asking, part)
    if (inProcess === 'none') return false
    return (inPartition === 'free' && inProcess === 'free') || !this.#areCallsHanging()
  }

  /** Then some room is kept for hooks that answer. */
  #areCallsHanging(): boolean {
    const { lanes, clock, loop } = this.#parts
    return lanes.areHanging(clock.monotonic(), isLoopBusy(loop.busyShare()))
  }

  /** The lane has no share. If it has less than it needs, others of its tenant may have more. */
  #feelPressure(lane: Lane<Work>, length: CallLength, now: MonotonicMs): void {
    if (isLong(length) && lane.queued < lane.needs(now)) {
      this.#parts.pressure.felt(lane.limits.tenantId, now)
    }
  }

  /**
   * Whether the run should be written to a tier instead of waiting in its partition. Not while the process is what is slow:
   * its call costs little more than the write. A run that is early is written whatever its endpoint does, so that no due run
   * waits behind it.
   */
  #isWorthWrite(run: Run, lane: Lane<Work>, now: MonotonicMs): boolean {
    return this.isEndpointBound(lane, now) || (this.#isEarly(run) && !this.isProcessSlow())
  }

  /** Whether the lane has enough in its queue, and may not hold more than that. */
  #isTooMuch(run: Run, lane: Lane<Work>, now: MonotonicMs): boolean {
    if (!this.mustRelieve(lane, lineOf(run), now)) return false
    return lane.spare(now, this.isHandingOver, 1) > 0 && this.#mayDefer(run)
  }

  /**
   * Whether lanes may not hold more than they can call soon: the room is needed for other hooks of the tenant; or partitions are
   * handed over, and the next owner should not have to read again what waits for calls that take long. Before a rejoin there is
   * little time, so this is only what its fresh events would come after.
   */
  mustRelieve({ limits }: Lane<Work>, line: LineName, now: MonotonicMs): boolean {
    const { pressure, gate } = this.#parts
    if (this.isHandingOver) return line === 'first' || gate.isLongOver
    return !pressure.isNone && pressure.isOn(limits.tenantId, now)
  }

  /**
   * Whether the lane may give queued work back, where {@link mostGivenBack} allows it. Not a test, and not while its line is
   * held: what is deferred then might not be committed. Nor if its event has further deliveries, which would then be half done.
   */
  mayGiveBack(lane: Lane<Work>, { run, origin }: Work, now: MonotonicMs): boolean {
    const [line, isSingle] = [lineOf(run), origin.waiting === undefined]
    if (!isSingle || run.trigger === 'test' || this.#parts.gate.isHeld(line)) return false
    return this.mustRelieve(lane, line, now)
  }

  /** Whether lanes need nothing in their queues, since partitions of events are handed over soon. */
  get isHandingOver(): boolean {
    return this.#parts.gate.isHandingOver('first')
  }

  /** Whether unusually many records wait for their acknowledgement. Then nothing is given back. */
  get hasSinkBacklog(): boolean {
    return this.#parts.sink.pendingCount() > usualPending
  }

  /** How much the lane may give back: what it does not need, but no more than may be deferred of it. */
  mostGivenBack(lane: Lane<Work>, now: MonotonicMs): number {
    const { counts, clock } = this.#parts
    const { hookId, limits } = lane
    return Math.min(
      lane.spare(now, this.isHandingOver),
      counts.roomFor(hookId, limits.tenantId, clock.now()),
    )
  }

  /** Whether the run would only be deferred, not ended. A test is not deferred, because its user waits for the outcome. */
  #mayDefer(run: Run): boolean {
    const { counts, clock } = this.#parts
    const isUntried = run.attempt === 0 && run.deferrals === 0
    return run.trigger !== 'test' && (!isUntried || counts.hasRoom(run, clock.now()))
  }

  /** The run may be called earlier than planned, for example because the breaker closed before the planned probe. */
  #judgeEarly(run: Run): Judgement {
    return this.#backlogWait(run, 1, beyondShare).waitMs < this.#dueIn(run) ? beyondShare : hop
  }

  /** Whether the lane waits for its endpoint. While no call may start, no lane can be blamed for being slow. */
  isEndpointBound(lane: Lane<Work>, now: MonotonicMs): boolean {
    const { gate, lanes } = this.#parts
    if (!gate.isOpen) return false
    const process = this.#processFacts()
    const isBusy = isLoopBusy(process.busyShare)
    const isCrowdSlow = lanes.isCrowdSlow(lane, now, isBusy)
    const isHeld = gate.isLongHeld && lane.lengthNow(now) === 'long'
    return isEndpointBound({ ...lane.facts(now), isHeld, isCrowdSlow }, process)
  }

  /** Whether the event loop is too busy. */
  isLoopBusy(): boolean {
    return isLoopBusy(this.#parts.loop.busyShare())
  }

  mayBeStarved(): boolean {
    return mayBeStarved(this.#parts.loop.busyShare())
  }

  isProcessSlow(): boolean {
    return isProcessSlow(this.#processFacts())
  }

  /** The verdict on a run that is deferred. Counts it as deferred. */
  verdictOf(run: Run, how: Defer): UnattemptedVerdict {
    const { counts, clock, random } = this.#parts
    const now = clock.now()
    // Whether a run that its lane gives back may be deferred was checked before.
    const isGivenBack = how.blocked === undefined && how.cause === 'enough'
    if (!isGivenBack && !this.#mayDefer(run)) {
      return { kind: 'dead', reason: how.blocked === undefined ? 'overflow' : 'endpoint-down' }
    }
    const verdict =
      how.blocked === undefined
        ? deferBehindBacklog(run, this.#backlogWait(run, random(), how), this.#parts.tiers, now)
        : this.#deferBlocked(run, how.blocked, now)
    if (verdict.kind === 'deferred') counts.add(run, verdict.dueAt)
    return verdict
  }

  /** Counts a run as returned, if it was deferred. */
  returned(run: Run): void {
    if (run.deferrals > 0) this.#parts.counts.returned(run, run.dueAt)
  }

  /** Whether any deferred run has not returned. */
  get hasDeferred(): boolean {
    return !this.#parts.counts.isEmpty
  }

  /** How many lanes are idle while runs of theirs are deferred. */
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

  /** Frees the memory of hooks without deferred runs. */
  sweep(): void {
    this.#parts.counts.sweep(this.#parts.clock.now())
  }

  /** A forced test of a hook that takes no deliveries now has a lane of its own. */
  #laneFor({ run, hook }: PlannedCall, now: MonotonicMs): Lane<Work> {
    const own = this.#laneOf(hook, now)
    const isForced = run.isForced && own.blockedBy(now) !== undefined
    return isForced ? this.#sideLaneOf(hook, now) : own
  }

  #laneOf(hook: Hook, now: MonotonicMs): Lane<Work> {
    const { lanes, health, defaultConcurrency } = this.#parts
    const lane = lanes.laneOf(hook.id, limitsOf(hook, defaultConcurrency), now)
    if (lane.acceptsReports) lane.seed(health.seedOf(hook.id), now)
    return lane
  }

  /** The lane of a hook's forced tests: nothing that happens in it concerns the hook's own, which takes none now. */
  #sideLaneOf(hook: Hook, now: MonotonicMs): Lane<Work> {
    const limits = { ...limitsOf(hook, 1), concurrency: 1 }
    // No hook has such an id: ids have no spaces.
    return this.#parts.lanes.laneOf(`${hook.id} forced`, limits, now)
  }

  #backlogWait(run: Run, chance: number, { cause }: DeferBehind): BacklogWait {
    const facts = this.#backlogFacts(run)
    if (facts === undefined) return { waitMs: minHopMs, isShared: false }
    // What a lane gives back is anywhere in its backlog, as what was deferred before.
    const isGivenBack = cause === 'enough'
    const deferrals = isGivenBack ? Math.max(1, run.deferrals) : run.deferrals
    const ownMs = deferralWaitMs(facts, deferrals, chance)
    const sharedMs = isGivenBack || isRateKnown(facts) ? 0 : this.#sharedWaitMs(run, chance)
    const isShared = sharedMs > ownMs
    return { waitMs: isShared ? sharedMs : ownMs, isShared }
  }

  /**
   * The wait for slots that long calls of the tenant hold; 0 where these do not hold them, or while lanes give back what is
   * queued.
   */
  #sharedWaitMs({ deferrals, event: { tenantId } }: Run, chance: number): number {
    const { counts, lanes, pressure, clock } = this.#parts
    const now = clock.monotonic()
    const calls = pressure.isEasing(tenantId, now) ? undefined : lanes.longCallsOf(tenantId, now)
    if (calls === undefined) return 0
    const deferred = counts.ofTenant(tenantId, clock.now())
    return sharedWaitMs({ ...calls, deferred }, deferrals, chance)
  }

  #deferBlocked(run: Run, blocked: Blocked, now: EpochMs): UnattemptedVerdict {
    const { counts, tiers } = this.#parts
    const moment = { now, random: this.#parts.random() }
    const facts = this.#backlogFacts(run)
    const all = { deliveries: counts.all(now), hooks: counts.hookCount }
    const returning =
      facts === undefined
        ? { spreadMs: minHopMs, placeMs: moment.random * minHopMs }
        : returnOf(facts, all, moment.random)
    return deferBlocked(run, blocked, { ...returning, tiers }, moment)
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
    const { loop, lanes } = this.#parts
    return {
      busyShare: loop.busyShare(),
      hasFreeSlots: lanes.hasFreeSlots,
      hasSinkBacklog: this.hasSinkBacklog,
    }
  }
}

/** Defers a run of a lane that is open or paused. */
export function blockedBy({ kind, until }: BlockedCondition, now: MonotonicMs): Defer {
  return { kind: 'defer', blocked: { by: kind, forMs: Math.max(0, until - now) } }
}

/** Whether deferring the run writes an additional record. A run that returned or was split off is in a record already. */
export function addsRecord({ hop: hops }: Pick<Run, 'hop'>): boolean {
  return hops === 0
}

function limitsOf(hook: Hook, defaultConcurrency: number): HookLimits {
  return {
    tenantId: hook.tenantId,
    concurrency: hook.concurrency ?? defaultConcurrency,
    ratePerSecond: hook.ratePerSecond,
  }
}
