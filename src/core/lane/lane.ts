/**
 * One lane: what is queued for a hook, how many of its calls may be out, and whether its endpoint is called at all.
 * {@link ./lanes.ts} decides whose turn it is.
 *
 * A lane is *flowing*; or *paused*, since its endpoint asked for time; or *open*, since its breaker is open or waits for
 * the outcome of a probe. An open lane whose time is over takes one delivery, the probe.
 */
import {
  advanceBreaker,
  failureMemoryMs,
  freshBreaker,
  lastingAtLeast,
  openUntil,
  probedAt,
  type BreakerHappening,
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
import type { LaneFacts } from './endpoint-bound.ts'
import type { LaneCondition } from '../health/health.ts'
import type { LaneSeed, OpenSeed } from './seed.ts'
import type { HeapItem } from '../collections/heap.ts'
import { MeanDuration, RateLimit, RateMeter, silenceMs } from './rate.ts'
import { LinkedQueue } from '../collections/linked-queue.ts'
import type { HookId, MonotonicMs, TenantId } from '../model/model.ts'
import type { TurnFacts } from './turn.ts'

/** First tries of events, and everything that comes later: retries, deferrals and requests. */
export type LineName = 'first' | 'late'

/** Whose the lane is, and what its owner allows. */
export interface HookLimits {
  readonly tenantId: TenantId
  /** Calls at once. */
  readonly concurrency: number
  readonly ratePerSecond: number | undefined
}

export type BlockedCondition = Exclude<LaneCondition, { readonly kind: 'flowing' }>

/** What the answer to a call says of its endpoint. */
export type LaneOutcome =
  | { readonly kind: 'success' | 'failure' | 'unanswered' }
  /** It answered, and wants to be left alone until then. */
  | { readonly kind: 'pause'; readonly until: MonotonicMs }

/** What a call carries of its lane from its start to its end. */
export interface CallStamp<Work> {
  readonly line: Line<Work>
  readonly bytes: number
  /** {@link Lane.life} and {@link Lane.cuts} when it started. */
  readonly life: number
  readonly cuts: number
  readonly startedAt: MonotonicMs
}

export interface LaneRules {
  readonly initialConcurrency: number
}

/** One of a lane's two queues, and where it stands among those that wait for their turn. */
export interface Line<Work> extends HeapItem {
  readonly name: LineName
  readonly lane: Lane<Work>
  readonly queue: LinkedQueue<Work>
  state: 'idle' | 'ready' | 'limited'
  /** Whether its lane's calls were thought to take long when it became ready. */
  isLong: boolean
  /** Its turn among lines of lanes that hold as much; of the same turn the one that came first is first. */
  turn: number
  order: number
}

const flowing = { kind: 'flowing' } as const
const notWaiting = { probeAt: Number.NEGATIVE_INFINITY, until: Number.NEGATIVE_INFINITY } as const

/** Of a lane that has not answered yet nothing is known: its calls may take as long as a call can. */
const unknownCallMs = 10_000
/** A fresh event may wait for a call that ends sooner. */
const longCallMs = 1_000

export class Lane<Work> {
  readonly hookId: HookId
  readonly first: Line<Work> = this.#line('first')
  readonly late: Line<Work> = this.#line('late')
  limit = new RateLimit()
  limits: HookLimits
  /** Calls that are out. */
  inFlight = 0
  /** Those of the late line. */
  lateInFlight = 0
  /** What their bodies hold. */
  bytes = 0
  usedAt: MonotonicMs
  readonly #rules: LaneRules
  readonly #meter = new RateMeter()
  readonly #mean = new MeanDuration()
  /** Of calls that succeeded: what is known of the endpoint while it fails. */
  readonly #meanWell = new MeanDuration()
  #concurrency: Concurrency
  #breaker: BreakerState = freshBreaker
  /** How often the lane began anew: outcomes of calls from before say nothing of it. */
  #life = 0
  #pausedUntil: MonotonicMs = Number.NEGATIVE_INFINITY
  /** While it is open, another instance is to probe the endpoint at a time, and until another this one waits for its word. */
  #waits: Pick<OpenSeed, 'probeAt' | 'until'> = notWaiting
  /** It was told of a recovery: it makes its next probe itself, whatever others say meanwhile that fail. */
  #isToProbe = false
  /** Since when work could start but for slots; `undefined` while none could. */
  #heldSince: MonotonicMs | undefined

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

  get life(): number {
    return this.#life
  }

  /** How often its concurrency was cut. */
  get cuts(): number {
    return this.#concurrency.cuts
  }

  /** Whether another instance's word counts: it is open, or nothing is known of its endpoint and nothing is queued. */
  get listens(): boolean {
    return (
      this.#breaker.kind === 'open' ||
      (this.#breaker.kind === 'closed' && this.#breaker.samples === 0 && this.queued === 0)
    )
  }

  /** How long a slot is held by a call that starts now, as far as that can be told. Milliseconds. */
  get callMs(): number {
    return this.#mean.ms ?? unknownCallMs
  }

  /** Whether a call may take so long that others should not have to wait for its end. */
  get isLong(): boolean {
    return this.callMs > longCallMs
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
   * Why a delivery cannot be queued, and when the endpoint is probed next, now if a probe is out; `undefined` when it can:
   * the lane flows, or it would be the probe.
   */
  blockedBy(now: MonotonicMs): BlockedCondition | undefined {
    if (this.#pausedUntil > now) return { kind: 'paused', until: this.#pausedUntil }
    if (this.#breaker.kind === 'closed') return undefined
    if (this.#breaker.kind === 'half-open') return { kind: 'open', until: now }
    if (this.#probeDueAt(this.#breaker) <= now && this.queued === 0) return undefined
    const probeAt = this.#waits.until > now ? this.#waits.probeAt : this.#breaker.until
    return { kind: 'open', until: Math.max(now, probeAt) }
  }

  /** Whether it could make a call more than it has work for. */
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
      heldMs: this.#heldSince === undefined || this.queued === 0 ? 0 : now - this.#heldSince,
      ratePerSecond: this.limits.ratePerSecond,
    }
  }

  /** @param away deliveries that were put off and are not back */
  turnFacts(away: number, now: MonotonicMs): TurnFacts {
    return {
      queued: this.queued,
      away,
      silentMs: this.#meter.silentMs(now),
      perMs: this.#meter.perMs(now),
      usualMs: this.#mean.usualMs,
      wellMs: this.#meanWell.usualMs,
      concurrency: Math.max(1, this.#allowed()),
      limit: this.limits.concurrency,
      hasFailed: hasFailed(this.#breaker, now),
      ratePerSecond: this.limits.ratePerSecond,
    }
  }

  /**
   * Whether a call of the line may start, as far as this lane alone is concerned and its rate limit left aside. Where
   * calls take long, late ones leave a slot free: a fresh event must not wait until one of them ends.
   */
  canStart({ name, queue }: Line<Work>): boolean {
    const allowed = this.#allowed()
    if (queue.size === 0 || this.inFlight >= allowed) return false
    const kept = this.isLong ? 1 : 0
    return name === 'first' || this.lateInFlight < Math.max(1, allowed - kept)
  }

  /** Work of it could start, but for slots. */
  held(now: MonotonicMs): void {
    this.#heldSince ??= now
  }

  /** Nothing was queued: nothing was held back. */
  begun(): void {
    this.#heldSince = undefined
  }

  /** A call of the line starts. It is the probe if the lane is open. */
  start({ name }: Line<Work>, bytes: number, now: MonotonicMs): void {
    if (this.inFlight === 0) this.#meter.begin(now)
    this.inFlight += 1
    if (name === 'late') this.lateInFlight += 1
    this.bytes += bytes
    this.#heldSince = undefined
    if (this.limits.ratePerSecond !== undefined) this.limit.started(this.limits.ratePerSecond, now)
    if (this.#breaker.kind === 'open') this.#advance('probe-started', now)
    this.usedAt = now
  }

  /**
   * The call has its answer.
   *
   * @param call what it carries from its start
   */
  end(call: CallStamp<Work>, outcome: LaneOutcome, now: MonotonicMs): void {
    this.inFlight -= 1
    if (call.line.name === 'late') this.lateInFlight -= 1
    this.bytes -= call.bytes
    const silentMs = this.#meter.silentMs(now)
    if (outcome.kind !== 'unanswered') this.#mean.add(call.startedAt, now, silentMs)
    if (outcome.kind === 'success') this.#meanWell.add(call.startedAt, now, silentMs)
    this.#meter.end(now, this.inFlight === 0)
    this.usedAt = now
    if (call.life !== this.#life) return
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

  /** What another instance says of the endpoint, for a lane that {@link listens}. Binds until then only. */
  seed(seed: LaneSeed, now: MonotonicMs): void {
    if (this.#breaker.kind === 'open') this.#waitBy(seed, this.#breaker)
    else if (seed.kind === 'flowing' || seed.until <= now) return
    else if (seed.kind === 'paused') this.#pause(seed.until, now)
    else {
      this.#breaker = openUntil(seed.probeAt, seed.level)
      this.#waits = seed
    }
  }

  /** Another instance found that the endpoint has recovered. A pause stays: the endpoint itself asked for that time. */
  probeSoon(at: MonotonicMs): void {
    if (this.#breaker.kind !== 'open') return
    this.#breaker = probedAt(this.#breaker, Math.min(at, this.#probeDueAt(this.#breaker)))
    this.#waits = notWaiting
    this.#isToProbe = true
  }

  /** Its endpoint is another one now, or was given a new chance. */
  reset(): void {
    this.#life += 1
    this.#breaker = freshBreaker
    this.#pausedUntil = Number.NEGATIVE_INFINITY
    this.#waits = notWaiting
    this.#isToProbe = false
    this.#concurrency = freshConcurrency(this.#rules.initialConcurrency)
  }

  #line(name: LineName): Line<Work> {
    const queue = new LinkedQueue<Work>()
    return {
      name,
      lane: this,
      queue,
      state: 'idle',
      isLong: true,
      turn: 0,
      order: 0,
      heapIndex: -1,
    }
  }

  /** Who was asked for time is told so with the probe: a `paused` of another instance moves nothing. */
  #waitBy(seed: LaneSeed, breaker: OpenBreaker): void {
    if (seed.kind === 'paused' || this.#isToProbe) return
    this.#waits = seed.kind === 'open' ? seed : notWaiting
    if (seed.kind === 'open') this.#breaker = lastingAtLeast(breaker, seed.level)
  }

  #probeDueAt({ until }: OpenBreaker): MonotonicMs {
    return Math.max(until, this.#waits.until)
  }

  #advance(happening: BreakerHappening, now: MonotonicMs): void {
    const before = this.#breaker
    this.#breaker = advanceBreaker(before, happening, now)
    if (this.#breaker.kind === before.kind) return
    // What was out before says nothing of what comes now. The probe's own outcome is still to come.
    if (this.#breaker.kind !== 'half-open') this.#life += 1
    this.#waits = notWaiting
    this.#isToProbe = false
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
