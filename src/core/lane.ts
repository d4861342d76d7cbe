/**
 * One lane: what is queued for a hook, how many of its calls may be out, and whether its endpoint is called at all
 * (design section 7). {@link ./lanes.ts} decides whose turn it is.
 *
 * A lane is *flowing*; or *paused*, since its endpoint asked for time; or *open*, since its breaker is open or waits for
 * the outcome of a probe. An open lane whose time is over takes one delivery, the probe.
 */
import {
  advanceBreaker,
  freshBreaker,
  openUntil,
  type BreakerHappening,
  type BreakerState,
} from './breaker.ts'
import { Fifo } from './fifo.ts'
import { RateLimit, RateMeter } from './lane-rate.ts'
import type { HookId, MonotonicMs } from './model.ts'

/** First tries of events, and everything that comes later: retries, deferrals and requests. */
export type LineName = 'first' | 'late'

/** What its owner allows. */
export interface HookLimits {
  /** Calls at once. */
  readonly concurrency: number
  readonly ratePerSecond: number | undefined
}

export type LaneCondition =
  | { readonly kind: 'flowing' }
  | { readonly kind: 'open'; readonly until: MonotonicMs }
  | { readonly kind: 'paused'; readonly until: MonotonicMs }

/** What the answer to a call says of its endpoint. */
export type LaneOutcome =
  | { readonly kind: 'success' | 'failure' | 'unanswered' }
  /** It answered, and wants to be left alone until then. */
  | { readonly kind: 'pause'; readonly until: MonotonicMs }

/** Whether a lane takes one more delivery into a line. */
export type Admission =
  | { readonly kind: 'room' }
  /** It is healthy and has as much as it may hold. */
  | { readonly kind: 'full' }
  /** It is so slow that the delivery would wait too long. */
  | { readonly kind: 'crowded'; readonly perMs: number; readonly isFull: boolean }
  /** No call is made before then. */
  | { readonly kind: 'blocked'; readonly until: MonotonicMs }

export interface LaneRules {
  readonly initialConcurrency: number
  /** Deliveries queued in one line of a lane. */
  readonly maxQueued: number
  /** A delivery that would wait longer in its line finds the lane crowded. */
  readonly maxWaitMs: number
  /** The same while no call has ended for {@link evidenceMs}: a pause of its endpoint makes no partition wait. */
  readonly maxQueuedSilent: number
  /** A lane's speed is judged when it was seen for so long, or was silent for so long from its start. */
  readonly evidenceMs: number
  /** One that was seen to work is judged by its silence only after so long: endpoints collect garbage. */
  readonly patienceMs: number
}

/** One of a lane's two queues, and where it stands among those that wait for their turn. */
export interface Line<Work> {
  readonly name: LineName
  readonly lane: Lane<Work>
  readonly queue: Fifo<Work>
  state: 'idle' | 'ready' | 'held' | 'limited'
}

const room = { kind: 'room' } as const
const full = { kind: 'full' } as const
const flowing = { kind: 'flowing' } as const

export class Lane<Work> {
  readonly hookId: HookId
  readonly first: Line<Work> = this.#line('first')
  readonly late: Line<Work> = this.#line('late')
  limit = new RateLimit()
  limits: HookLimits
  /** Calls that are out. */
  inFlight = 0
  lateInFlight = 0
  /** Calls that are out and have waited over a second. */
  slow = 0
  usedAt: MonotonicMs
  readonly #rules: LaneRules
  readonly #meter = new RateMeter()
  #concurrency: number
  #breaker: BreakerState = freshBreaker
  /** How often the lane began anew: outcomes of calls from before say nothing of it. */
  #life = 0
  #pausedUntil: MonotonicMs = Number.NEGATIVE_INFINITY

  constructor(hookId: HookId, limits: HookLimits, rules: LaneRules, now: MonotonicMs) {
    this.hookId = hookId
    this.limits = limits
    this.usedAt = now
    this.#rules = rules
    this.#concurrency = rules.initialConcurrency
  }

  get queued(): number {
    return this.first.queue.size + this.late.queue.size
  }

  get life(): number {
    return this.#life
  }

  /** Whether nothing is known of its endpoint: then another instance's word counts. */
  get hasNoSamples(): boolean {
    return this.#breaker.kind === 'closed' && this.#breaker.samples === 0
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

  admission(name: LineName, now: MonotonicMs): Admission {
    if (this.#pausedUntil > now) return { kind: 'blocked', until: this.#pausedUntil }
    if (this.#breaker.kind !== 'closed') return this.#probeAdmission(now)
    const line = this.lineOf(name)
    const isFull = line.queue.size >= this.#mostQueued(now)
    const perMs = this.perMs(line, now)
    if (line.queue.size > perMs * this.#rules.maxWaitMs) return { kind: 'crowded', perMs, isFull }
    return isFull ? full : room
  }

  /** Calls per millisecond that a line can count on; infinite while too little was seen to say. */
  perMs(line: Line<Work>, now: MonotonicMs): number {
    const { evidenceMs, patienceMs } = this.#rules
    const { ratePerSecond } = this.limits
    const allowed = ratePerSecond === undefined ? Number.POSITIVE_INFINITY : ratePerSecond / 1_000
    const silentMs = this.#meter.silentMs(now)
    const seen = this.#meter.perMs(now)
    let measured = Number.POSITIVE_INFINITY
    if (silentMs >= (seen === 0 ? evidenceMs : patienceMs)) measured = this.inFlight / silentMs
    else if (seen > 0 && this.#meter.busyMs(now) >= evidenceMs) measured = seen
    const other = line.name === 'first' ? this.late : this.first
    return Math.min(measured, allowed) * (other.queue.size === 0 ? 1 : 0.5)
  }

  /** How many of a line can be called for within the time that a delivery may wait. */
  fitting(line: Line<Work>, now: MonotonicMs): number {
    return Math.floor(this.perMs(line, now) * this.#rules.maxWaitMs)
  }

  /** Whether a call of the line may start, as far as this lane alone is concerned and its rate limit left aside. */
  canStart(line: Line<Work>): boolean {
    if (line.queue.size === 0 || this.inFlight >= this.#allowed()) return false
    return (
      line.name === 'first' || this.lateInFlight < Math.max(1, Math.floor(this.#allowed() * 0.75))
    )
  }

  /** A call starts. It is the probe if the lane is open. */
  start(line: Line<Work>, now: MonotonicMs): void {
    if (this.inFlight === 0) this.#meter.begin(now)
    this.inFlight += 1
    if (line.name === 'late') this.lateInFlight += 1
    if (this.limits.ratePerSecond !== undefined) this.limit.started(this.limits.ratePerSecond, now)
    if (this.#breaker.kind === 'open') this.#advance('probe-started', now)
    this.usedAt = now
  }

  /**
   * The call has its answer.
   *
   * @param life the lane's when the call started
   */
  end(line: Line<Work>, outcome: LaneOutcome, life: number, now: MonotonicMs): void {
    this.inFlight -= 1
    if (line.name === 'late') this.lateInFlight -= 1
    this.#meter.end(now, this.inFlight === 0)
    this.usedAt = now
    if (life !== this.#life) return
    if (outcome.kind === 'pause') {
      this.#advance('unanswered', now)
      this.#pause(outcome.until)
      return
    }
    if (outcome.kind === 'success') {
      const { concurrency } = this.limits
      this.#concurrency = Math.min(concurrency, Math.max(this.#concurrency + 1, 1))
    }
    this.#advance(outcome.kind, now)
  }

  /** What another instance says of the endpoint. Binds until then only. */
  seed(condition: Exclude<LaneCondition, { readonly kind: 'flowing' }>): void {
    if (condition.kind === 'paused') this.#pause(condition.until)
    else this.#breaker = openUntil(condition.until)
  }

  /** Its endpoint is another one now, or was given a new chance. */
  reset(): void {
    this.#life += 1
    this.#breaker = freshBreaker
    this.#pausedUntil = Number.NEGATIVE_INFINITY
    this.#concurrency = this.#rules.initialConcurrency
  }

  #mostQueued(now: MonotonicMs): number {
    const { evidenceMs, maxQueued, maxQueuedSilent } = this.#rules
    return this.#meter.silentMs(now) >= evidenceMs ? maxQueuedSilent : maxQueued
  }

  #line(name: LineName): Line<Work> {
    return { name, lane: this, queue: new Fifo<Work>(), state: 'idle' }
  }

  #probeAdmission(now: MonotonicMs): Admission {
    const isProbeDue = this.#breaker.kind === 'open' && this.#breaker.until <= now
    if (isProbeDue && this.queued === 0) return room
    const until = this.#breaker.kind === 'open' ? Math.max(now, this.#breaker.until) : now
    return { kind: 'blocked', until }
  }

  #advance(happening: BreakerHappening, now: MonotonicMs): void {
    const before = this.#breaker
    this.#breaker = advanceBreaker(before, happening, now)
    if (this.#breaker.kind === before.kind) return
    // What was out before says nothing of what comes now. The probe's own outcome is still to come.
    if (this.#breaker.kind !== 'half-open') this.#life += 1
    this.#concurrency = this.#rules.initialConcurrency
  }

  #pause(until: MonotonicMs): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, until)
    this.#concurrency = this.#rules.initialConcurrency
  }

  #allowed(): number {
    if (this.#breaker.kind === 'open') return this.inFlight + 1
    if (this.#breaker.kind === 'half-open') return 0
    return Math.min(this.#concurrency, this.limits.concurrency)
  }
}
