/**
 * One lane: the queue of a hook, how many of its calls may be in flight, and whether its endpoint is called at all.
 * {@link ./lanes.ts} decides which lane starts the next call.
 *
 * A lane is in one of three conditions:
 * - *flowing*: calls are made.
 * - *paused*: the endpoint sent `Retry-After`.
 * - *open*: the breaker is open, or half-open and waiting for the outcome of a probe. Once the time of an open breaker is
 *   over, the lane takes one delivery, the probe.
 */
import {
  advanceBreaker,
  failureMemoryMs,
  freshBreaker,
  lastingAtLeast,
  openUntil,
  probedAt,
  type BreakerInput,
  type BreakerState,
  type OpenBreaker,
} from './breaker.ts'
import {
  cutTo,
  freshConcurrency,
  withFailure,
  withSuccess,
  type Concurrency,
} from './concurrency.ts'
import type { CallLength } from './call-length.ts'
import type { BlockedCondition, LaneCondition } from './condition.ts'
import type { LaneFacts } from './endpoint-bound.ts'
import type { LaneSeed, OpenSeed } from './seed.ts'
import type { HeapItem } from '../collections/heap.ts'
import { MeanDuration, RateLimit, RateMeter, silenceMs } from './rate.ts'
import { LinkedQueue } from '../collections/linked-queue.ts'
import type { HookId, MonotonicMs, TenantId } from '../model/model.ts'
import type { BacklogFacts } from './backlog.ts'

/** `first`: first attempts of events. `late`: retries, deferrals and requests. */
export type LineName = 'first' | 'late'

/** The tenant of the lane's hook, and the limits that its owner set. */
export interface HookLimits {
  readonly tenantId: TenantId
  /** Calls at once. */
  readonly concurrency: number
  readonly ratePerSecond: number | undefined
}

/** What the end of a call shows about the endpoint. */
export type LaneOutcome =
  | { readonly kind: 'success' | 'failure' | 'unanswered' }
  /** The endpoint asked for no calls until then (`Retry-After`). */
  | { readonly kind: 'pause'; readonly until: MonotonicMs }

/** What a call keeps about its lane from its start to its end. */
export interface CallStamp<Work> {
  readonly line: Line<Work>
  readonly bytes: number
  /** {@link Lane.restarts} and {@link Lane.cuts} when the call started. */
  readonly restarts: number
  readonly cuts: number
  readonly startedAt: MonotonicMs
}

export interface LaneRules {
  readonly initialConcurrency: number
}

/** One of a lane's two queues, with its position among the lines that wait for a slot. */
export interface Line<Work> extends HeapItem {
  readonly name: LineName
  readonly lane: Lane<Work>
  readonly queue: LinkedQueue<Work>
  state: 'idle' | 'ready' | 'limited'
  /** How long the lane's calls took, as it was known when the line became ready. */
  length: CallLength
  /** When the call would end that it waits to start. Of lines whose lanes hold equally much, the earliest comes first. */
  expectedEnd: MonotonicMs
  /** {@link Lane.demand} when the line was ordered last. */
  waiting: number
  /** Orders lines with the same expected end: the lower one first. */
  order: number
}

const flowing = { kind: 'flowing' } as const
const notAwaiting = { probeAt: Number.NEGATIVE_INFINITY, until: Number.NEGATIVE_INFINITY } as const

/** The expected length of a call while none has ended. Such a call may take as long as its time-out. */
const unknownCallMs = 10_000
/** Longer calls count as long. A fresh event may wait for the end of a shorter one. */
const longCallMs = 1_000
/** For so long, the end of a short call shows that the endpoint answers. */
const answeringMs = 1_000
/** A call that has lasted so many times as long as those that succeeded is not expected to succeed any more. */
const patience = 3
/** The same where none has succeeded yet. */
export const unknownPatienceMs = 500
/** A delivery that is deferred behind a backlog returns after half of its expected wait. */
const queuedForMs = 10_000
const fewQueued = 4

export class Lane<Work> {
  readonly hookId: HookId
  readonly first: Line<Work> = this.#line('first')
  readonly late: Line<Work> = this.#line('late')
  limit = new RateLimit()
  limits: HookLimits
  /** Calls in flight. */
  inFlight = 0
  /** Calls of the late line in flight. */
  lateInFlight = 0
  /** Bytes of the bodies of all calls in flight. */
  bytes = 0
  usedAt: MonotonicMs
  /** How often a delivery found no room in it, and was deferred. */
  refused = 0
  readonly #rules: LaneRules
  readonly #meter = new RateMeter()
  readonly #mean = new MeanDuration()
  /** The mean length of calls that succeeded. It stays meaningful while the endpoint fails. */
  readonly #meanSuccess = new MeanDuration()
  #concurrency: Concurrency
  #breaker: BreakerState = freshBreaker
  /** Counts breaker transitions and resets. The outcome of a call that started before the last one is ignored. */
  #restarts = 0
  #pausedUntil: MonotonicMs = Number.NEGATIVE_INFINITY
  /** While open: when another instance will probe the endpoint, and until when this one waits for its report. */
  #awaited: Pick<OpenSeed, 'probeAt' | 'until'> = notAwaiting
  /** Set when another instance reported a recovery. This lane then makes the next probe, whatever other reports say. */
  #mustProbe = false
  /** When a short call ended last. */
  #answeredAt: MonotonicMs = Number.NEGATIVE_INFINITY
  /** Since when work has waited only for a slot; `undefined` while none does. */
  #waitingSince: MonotonicMs | undefined

  constructor(hookId: HookId, limits: HookLimits, rules: LaneRules, now: MonotonicMs) {
    this.hookId = hookId
    this.limits = limits
    this.usedAt = now
    this.#rules = rules
    this.#concurrency = freshConcurrency(rules.initialConcurrency)
  }

  get queued(): number {
    return this.first.queue.size + this.late.queue.size
  }

  /** How many deliveries wait in it, or would if it had room. It orders lanes while nothing else is known of them. */
  get demand(): number {
    return this.queued + this.refused
  }

  get restarts(): number {
    return this.#restarts
  }

  /** How often its concurrency was cut. */
  get cuts(): number {
    return this.#concurrency.cuts
  }

  /**
   * Whether reports of other instances count: the breaker is open; or nothing is known about the endpoint, and nothing is
   * queued.
   */
  get acceptsReports(): boolean {
    return (
      this.#breaker.kind === 'open' ||
      (this.#breaker.kind === 'closed' && this.#breaker.samples === 0 && this.queued === 0)
    )
  }

  /** The expected length of a call that starts now. Milliseconds. */
  get callMs(): number {
    return this.#mean.ms ?? unknownCallMs
  }

  /** Long calls may take so long that others should not have to wait for their end. */
  length(now: MonotonicMs): CallLength {
    const { ms } = this.#mean
    if (ms === undefined) return 'unknown'
    if (ms > longCallMs) return 'long'
    return now - this.#answeredAt <= answeringMs ? 'short' : 'stale'
  }

  /** The same, but calls also count as long when none has ended for that long although some are in flight. */
  lengthNow(now: MonotonicMs): CallLength {
    return this.#meter.silentMs(now) > longCallMs ? 'long' : this.length(now)
  }

  /**
   * Whether a call in flight may be expected to succeed. Not if it has lasted much longer than the calls that did, and not if
   * none ever did and calls take long.
   */
  mayStillSucceed(startedAt: MonotonicMs, now: MonotonicMs): boolean {
    const successMs = this.#meanSuccess.ms
    const ms = now - startedAt
    if (successMs !== undefined) return ms <= Math.max(longCallMs, patience * successMs)
    return ms <= unknownPatienceMs && (this.#mean.ms ?? 0) <= longCallMs
  }

  /**
   * How many deliveries the lane needs in its queue, so that it does not become idle before deferred ones return: what it
   * calls in ten seconds, or some at least.
   */
  needs(now: MonotonicMs): number {
    return Math.max(fewQueued, this.facts(now).perMs * queuedForMs)
  }

  /**
   * How many of the deliveries in its queue it does not need. None where its calls do not take long.
   *
   * @param isHandingOver whether partitions are handed over soon, so that it needs none
   * @param more as if so many more were queued
   */
  spare(now: MonotonicMs, isHandingOver: boolean, more = 0): number {
    if (this.lengthNow(now) !== 'long') return 0
    const needed = isHandingOver ? 0 : Math.ceil(this.needs(now))
    return Math.max(0, this.queued + more - needed)
  }

  lineOf(name: LineName): Line<Work> {
    return name === 'first' ? this.first : this.late
  }

  condition(now: MonotonicMs): LaneCondition {
    if (this.#pausedUntil > now) return { kind: 'paused', until: this.#pausedUntil }
    switch (this.#breaker.kind) {
      case 'closed':
        return flowing
      case 'open':
        return { kind: 'open', until: this.#breaker.until }
      case 'half-open':
        return { kind: 'open', until: now }
    }
  }

  /**
   * Why a delivery cannot be queued, and when the next probe is due (now, if a probe is in flight). `undefined` when it can
   * be queued: the lane flows, or the delivery would be the probe.
   */
  blockedBy(now: MonotonicMs): BlockedCondition | undefined {
    if (this.#pausedUntil > now) return { kind: 'paused', until: this.#pausedUntil }
    if (this.#breaker.kind === 'closed') return undefined
    if (this.#breaker.kind === 'half-open') return { kind: 'open', until: now }
    if (this.#probeDueAt(this.#breaker) <= now && this.queued === 0) return undefined
    const probeAt = this.#awaited.until > now ? this.#awaited.probeAt : this.#breaker.until
    return { kind: 'open', until: Math.max(now, probeAt) }
  }

  /** Whether the lane could start a call, and has no work. */
  isIdle(now: MonotonicMs): boolean {
    return this.queued === 0 && this.inFlight < this.#allowed() && !this.isLimited(now)
  }

  isLimited(now: MonotonicMs): boolean {
    return this.limits.ratePerSecond !== undefined && this.limit.nextAt > now
  }

  facts(now: MonotonicMs): LaneFacts {
    const silentMs = this.#meter.silentMs(now)
    return {
      busyMs: this.#meter.busyMs(now),
      perMs: silentMs >= silenceMs ? this.inFlight / silentMs : this.#meter.perMs(now),
      slotWaitMs:
        this.#waitingSince === undefined || this.queued === 0 ? 0 : now - this.#waitingSince,
      ratePerSecond: this.limits.ratePerSecond,
    }
  }

  /** @param deferred deliveries that were deferred and have not returned */
  backlogFacts(deferred: number, now: MonotonicMs): BacklogFacts {
    return {
      queued: this.queued,
      deferred,
      silentMs: this.#meter.silentMs(now),
      perMs: this.#meter.perMs(now),
      usualMs: this.#mean.usualMs,
      successMs: this.#meanSuccess.usualMs,
      concurrency: Math.max(1, this.#allowed()),
      limit: this.limits.concurrency,
      hasFailed: hasFailed(this.#breaker, now),
      ratePerSecond: this.limits.ratePerSecond,
    }
  }

  /**
   * Whether a call of the line may start by the lane's own limits, except its rate limit. Where calls take long, late calls
   * leave one place free: a fresh event must not wait until one of them ends.
   */
  canStart({ name, queue }: Line<Work>): boolean {
    const allowed = this.#allowed()
    if (queue.size === 0 || this.inFlight >= allowed) return false
    const kept = this.callMs > longCallMs ? 1 : 0
    return name === 'first' || this.lateInFlight < Math.max(1, allowed - kept)
  }

  /** Work waits for nothing but a slot from now on, or already did. */
  markSlotWait(now: MonotonicMs): void {
    this.#waitingSince ??= now
  }

  /** The queue was empty, so no work has waited. */
  clearSlotWait(): void {
    this.#waitingSince = undefined
  }

  /** A call of the line starts. If the lane is open, it is the probe. */
  start({ name }: Line<Work>, bytes: number, now: MonotonicMs): void {
    if (this.inFlight === 0) this.#meter.begin(now)
    this.inFlight += 1
    if (name === 'late') this.lateInFlight += 1
    this.bytes += bytes
    this.#waitingSince = undefined
    if (this.limits.ratePerSecond !== undefined) this.limit.started(this.limits.ratePerSecond, now)
    if (this.#breaker.kind === 'open') this.#advance('probe-started', now)
    this.usedAt = now
  }

  /**
   * The call has ended.
   *
   * @param call what it kept from its start
   */
  end(call: CallStamp<Work>, outcome: LaneOutcome, now: MonotonicMs): void {
    this.inFlight -= 1
    if (call.line.name === 'late') this.lateInFlight -= 1
    this.bytes -= call.bytes
    const silentMs = this.#meter.silentMs(now)
    if (outcome.kind !== 'unanswered') {
      this.#mean.add(call.startedAt, now, silentMs)
      if (now - call.startedAt <= longCallMs) this.#answeredAt = now
    }
    if (outcome.kind === 'success') this.#meanSuccess.add(call.startedAt, now, silentMs)
    this.#meter.end(now, this.inFlight === 0)
    this.usedAt = now
    if (call.restarts !== this.#restarts) return
    if (outcome.kind === 'pause') {
      this.#advance('unanswered', now)
      this.#pause(outcome.until, now)
      return
    }
    const ended = { limit: this.limits.concurrency, cuts: call.cuts, now }
    if (outcome.kind === 'success') this.#concurrency = withSuccess(this.#concurrency, ended)
    else if (outcome.kind === 'failure') this.#concurrency = withFailure(this.#concurrency, ended)
    this.#advance(outcome.kind, now)
  }

  /** Takes over another instance's report, on a lane that {@link acceptsReports}. The report counts only until its time. */
  seed(seed: LaneSeed, now: MonotonicMs): void {
    if (this.#breaker.kind === 'open') this.#awaitProbe(seed, this.#breaker)
    else if (seed.kind === 'flowing' || seed.until <= now) return
    else if (seed.kind === 'paused') this.#pause(seed.until, now)
    else {
      this.#breaker = openUntil(seed.probeAt, seed.level)
      this.#awaited = seed
    }
  }

  /** Another instance found that the endpoint has recovered. A pause remains, because the endpoint itself asked for it. */
  probeSoon(at: MonotonicMs): void {
    if (this.#breaker.kind !== 'open') return
    this.#breaker = probedAt(this.#breaker, Math.min(at, this.#probeDueAt(this.#breaker)))
    this.#awaited = notAwaiting
    this.#mustProbe = true
  }

  /** The hook has a new URL, or its endpoint was enabled again. */
  reset(): void {
    this.#restarts += 1
    this.#breaker = freshBreaker
    this.#pausedUntil = Number.NEGATIVE_INFINITY
    this.#awaited = notAwaiting
    this.#mustProbe = false
    this.#concurrency = freshConcurrency(this.#rules.initialConcurrency)
  }

  #line(name: LineName): Line<Work> {
    const queue = new LinkedQueue<Work>()
    return {
      name,
      lane: this,
      queue,
      state: 'idle',
      length: 'unknown',
      expectedEnd: 0,
      waiting: 0,
      order: 0,
      heapIndex: -1,
    }
  }

  /** A `paused` of another instance is ignored: if the endpoint still asks for time, the probe will get `Retry-After`. */
  #awaitProbe(seed: LaneSeed, breaker: OpenBreaker): void {
    if (seed.kind === 'paused' || this.#mustProbe) return
    this.#awaited = seed.kind === 'open' ? seed : notAwaiting
    if (seed.kind === 'open') this.#breaker = lastingAtLeast(breaker, seed.level)
  }

  #probeDueAt({ until }: OpenBreaker): MonotonicMs {
    return Math.max(until, this.#awaited.until)
  }

  #advance(input: BreakerInput, now: MonotonicMs): void {
    const before = this.#breaker
    this.#breaker = advanceBreaker(before, input, now)
    if (this.#breaker.kind === before.kind) return
    // Calls that started before no longer count. In half-open the probe has started already, and must count.
    if (this.#breaker.kind !== 'half-open') this.#restarts += 1
    this.#awaited = notAwaiting
    this.#mustProbe = false
    this.#concurrency = cutTo(this.#concurrency, this.#rules.initialConcurrency, now)
  }

  #pause(until: MonotonicMs, now: MonotonicMs): void {
    if (until <= this.#pausedUntil) return
    this.#pausedUntil = until
    this.#concurrency = cutTo(this.#concurrency, this.#rules.initialConcurrency, now)
  }

  #allowed(): number {
    if (this.#breaker.kind === 'open') return this.inFlight + 1
    if (this.#breaker.kind === 'half-open') return 0
    return Math.min(this.#concurrency.current, this.limits.concurrency)
  }
}

function hasFailed(breaker: BreakerState, now: MonotonicMs): boolean {
  if (breaker.kind !== 'closed') return true
  return breaker.failures > 0 && now - breaker.lastFailureAt <= failureMemoryMs
}
