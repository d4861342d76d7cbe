/**
 * Lanes: who may call next (design section 7). Each lane has two lines, of first tries and of what comes later. A line
 * is, at any time, one of:
 * - *idle*: nothing queued, or its lane has as many calls out as it may;
 * - *ready*: it could start a call; it stands once in the ring of its kind, and rings are served in turn;
 * - *held*: it could start a call, but its lane has slow calls and the budget for slow calls is full;
 * - *limited*: it could start a call, but for its hook's rate limit.
 *
 * idle → ready: work queued, or a call ended. ready → idle: served until it cannot start more. ready → held: its turn
 * came while the budget was full. held → ready: a slow call ended, its own lane's or another's. ready → limited: its turn
 * came too early. limited → ready: its time came.
 */
import { Fifo } from './fifo.ts'
import { RateLimit } from './lane-rate.ts'
import {
  Lane,
  type Admission,
  type HookLimits,
  type LaneCondition,
  type LaneOutcome,
  type LaneRules,
  type Line,
  type LineName,
} from './lane.ts'
import type { HookId, MonotonicMs } from './model.ts'

export interface LaneLimits extends LaneRules {
  /** Calls in flight over all lanes. */
  readonly maxInFlight: number
  /** Of these, calls that are no first tries: a crowd of retries must not take the place of fresh events. */
  readonly maxLate: number
  /** Bytes that the bodies of calls in flight hold. */
  readonly maxBytes: number
  /** A call that has waited longer than this is slow. */
  readonly slowAfterMs: number
  /** Slow calls over all lanes; when that many wait, only lanes without a slow call start one. */
  readonly maxSlow: number
  /** Bytes of slow calls, likewise. */
  readonly maxSlowBytes: number
}

export interface LanesParts<Work> {
  readonly limits: LaneLimits
  /** Bytes that a call holds while it is out. */
  readonly sizeOf: (work: Work) => number
  /** Calls `again` at that time: a rate limit then lets a call through. */
  readonly wakeAt: (at: MonotonicMs, again: () => void) => void
  /** What other instances say of an endpoint of which this one knows nothing. */
  readonly seedOf: (hookId: HookId) => LaneCondition
}

/** One call in flight. Hand it back to {@link Lanes.finish}. */
export interface Slot<Work> {
  readonly work: Work
  readonly line: Line<Work>
  readonly life: number
  readonly bytes: number
  readonly startedAt: MonotonicMs
  isSlow: boolean
  isFinished: boolean
}

/** A lane's condition has changed. */
export interface LaneMove<Work> {
  readonly condition: LaneCondition
  /** What was queued and cannot be called for now. The caller's from here on. */
  readonly evicted: readonly Work[]
}

/** Work that would wait too long in its lane. */
export interface Crowd<Work> {
  /** How fast the lane is, in calls per millisecond. */
  readonly perMs: number
  readonly evicted: readonly Work[]
}

/** A lane that nothing came to for so long is forgotten: what was learnt of it is old. */
const idleMs = 15 * 60_000
/** One that is open or paused is remembered for so long after its time. */
const blockedIdleMs = 24 * 3_600_000

export class Lanes<Work> {
  readonly #parts: LanesParts<Work>
  readonly #lanes = new Map<HookId, Lane<Work>>()
  readonly #rings = { first: new Fifo<Line<Work>>(), late: new Fifo<Line<Work>>() }
  readonly #held = new Set<Line<Work>>()
  /** Lanes that may be crowded: something told of it. */
  readonly #watched = new Set<Lane<Work>>()
  /** Calls that are not slow yet, oldest first. */
  readonly #young = new Fifo<Slot<Work>>()
  #served: LineName = 'late'
  #inFlight = 0
  #lateInFlight = 0
  #bytes = 0
  #slow = 0
  #slowBytes = 0
  #queued = 0

  constructor(parts: LanesParts<Work>) {
    this.#parts = parts
  }

  get inFlight(): number {
    return this.#inFlight
  }

  get queued(): number {
    return this.#queued
  }

  get slow(): number {
    return this.#slow
  }

  get size(): number {
    return this.#lanes.size
  }

  /** Whether {@link takeCrowded} may find something, now or later. */
  get mayCrowd(): boolean {
    return this.#watched.size > 0 || (this.#queued > 0 && this.#inFlight > 0)
  }

  /** All queued work, lane by lane and line by line, each oldest first. */
  *queuedWork(): Generator<Work> {
    for (const { first, late } of this.#lanes.values()) {
      yield* first.queue
      yield* late.queue
    }
  }

  /** @param limits the hook's; the newest word counts */
  admission(hookId: HookId, name: LineName, limits: HookLimits, now: MonotonicMs): Admission {
    const lane = this.#laneOf(hookId, limits, now)
    if (lane.hasNoSamples) this.#seed(lane, now)
    const admission = lane.admission(name, now)
    if (admission.kind === 'crowded') this.#watched.add(lane)
    return admission
  }

  /** Work may be added without room: whoever asked {@link admission} keeps the bounds. */
  add(hookId: HookId, name: LineName, work: Work, now: MonotonicMs): void {
    const lane = this.#lanes.get(hookId)
    if (lane === undefined) throw new RangeError('a lane admits before it is added to')
    const line = lane.lineOf(name)
    line.queue.push(work)
    lane.usedAt = now
    this.#queued += 1
    this.#wake(line)
  }

  /** Takes the next work whose turn it is, or `undefined` when none may start now. */
  next(now: MonotonicMs): Slot<Work> | undefined {
    const { maxInFlight, maxBytes } = this.#parts.limits
    this.#markSlow(now)
    if (this.#inFlight >= maxInFlight || this.#bytes >= maxBytes) return undefined
    const turn = this.#served === 'first' ? 'late' : 'first'
    return this.#serve(turn, now) ?? this.#serve(this.#served, now)
  }

  /** The call of a slot has its answer: its place is free. Returns how its lane moved, if it did. */
  finish(slot: Slot<Work>, outcome: LaneOutcome, now: MonotonicMs): LaneMove<Work> | undefined {
    if (slot.isFinished) return undefined
    slot.isFinished = true
    const { line } = slot
    const { lane } = line
    const before = lane.condition(now)
    lane.end(line, outcome, slot.life, now)
    this.#inFlight -= 1
    if (line.name === 'late') this.#lateInFlight -= 1
    this.#bytes -= slot.bytes
    if (slot.isSlow) this.#endSlow(slot)
    const move = this.#moveOf(lane, before, now)
    this.#wake(lane.first)
    this.#wake(lane.late)
    return move
  }

  /**
   * Takes back what would wait too long, the oldest that can be called for in time left where they are.
   *
   * @param mayTake whether the work may be put off for that
   */
  takeCrowded(now: MonotonicMs, mayTake: (work: Work) => boolean): readonly Crowd<Work>[] {
    this.#markSlow(now)
    const crowds: Crowd<Work>[] = []
    for (const lane of this.#watched) {
      for (const line of [lane.first, lane.late]) {
        const fitting = lane.fitting(line, now)
        if (line.queue.size <= fitting) continue
        const perMs = lane.perMs(line, now)
        const evicted = line.queue.take((work, place) => place >= fitting && mayTake(work))
        this.#queued -= evicted.length
        if (evicted.length > 0) crowds.push({ perMs, evicted })
      }
      if (lane.slow === 0 && lane.queued === 0) this.#watched.delete(lane)
    }
    return crowds
  }

  /** Removes queued work that `isUnwanted`, and returns it. */
  drop(isUnwanted: (work: Work) => boolean): readonly Work[] {
    const dropped: Work[] = []
    for (const { first, late } of this.#lanes.values()) {
      dropped.push(...first.queue.take(isUnwanted), ...late.queue.take(isUnwanted))
    }
    this.#queued -= dropped.length
    return dropped
  }

  /** The hook's endpoint is another one now, or was given a new chance: nothing is known of it. */
  reset(hookId: HookId): void {
    const lane = this.#lanes.get(hookId)
    if (lane === undefined) return
    lane.reset()
    this.#wake(lane.first)
    this.#wake(lane.late)
  }

  /** Forgets the lane of a hook that is gone, if nothing is queued or in flight. */
  forget(hookId: HookId): void {
    const lane = this.#lanes.get(hookId)
    if (lane !== undefined && isIdle(lane)) this.#lanes.delete(hookId)
  }

  /** Forgets lanes that nothing came to for long. */
  sweep(now: MonotonicMs): void {
    for (const [hookId, lane] of this.#lanes) {
      const condition = lane.condition(now)
      const [since, keptMs] =
        condition.kind === 'flowing' ? [lane.usedAt, idleMs] : [condition.until, blockedIdleMs]
      if (isIdle(lane) && now - since > keptMs) this.#lanes.delete(hookId)
    }
  }

  #laneOf(hookId: HookId, limits: HookLimits, now: MonotonicMs): Lane<Work> {
    const known = this.#lanes.get(hookId)
    if (known !== undefined) {
      const isLimitNew = known.limits.ratePerSecond !== limits.ratePerSecond
      known.limits = limits
      if (isLimitNew) this.#renewLimit(known)
      return known
    }
    const lane = new Lane<Work>(hookId, limits, this.#parts.limits, now)
    this.#lanes.set(hookId, lane)
    return lane
  }

  #renewLimit(lane: Lane<Work>): void {
    lane.limit = new RateLimit()
    this.#wakeFrom(lane.first, 'limited')
    this.#wakeFrom(lane.late, 'limited')
  }

  #seed(lane: Lane<Work>, now: MonotonicMs): void {
    const seed = this.#parts.seedOf(lane.hookId)
    if (seed.kind !== 'flowing' && seed.until > now) lane.seed(seed)
  }

  #serve(name: LineName, now: MonotonicMs): Slot<Work> | undefined {
    if (name === 'late' && this.#lateInFlight >= this.#parts.limits.maxLate) return undefined
    const ring = this.#rings[name]
    for (let line = ring.shift(); line !== undefined; line = ring.shift()) {
      line.state = 'idle'
      if (!this.#mayStart(line, now)) continue
      const work = line.queue.shift()
      if (work === undefined) continue
      return this.#start(line, work, now)
    }
    return undefined
  }

  #mayStart(line: Line<Work>, now: MonotonicMs): boolean {
    const { lane } = line
    if (!lane.canStart(line)) return false
    if (lane.slow > 0 && this.#isSlowBudgetFull()) {
      line.state = 'held'
      this.#held.add(line)
      return false
    }
    if (lane.limits.ratePerSecond === undefined || lane.limit.nextAt <= now) return true
    line.state = 'limited'
    this.#parts.wakeAt(lane.limit.nextAt, () => this.#wakeFrom(line, 'limited'))
    return false
  }

  #start(line: Line<Work>, work: Work, now: MonotonicMs): Slot<Work> {
    const { lane } = line
    const bytes = this.#parts.sizeOf(work)
    lane.start(line, now)
    const slot = {
      work,
      line,
      life: lane.life,
      bytes,
      startedAt: now,
      isSlow: false,
      isFinished: false,
    }
    this.#served = line.name
    this.#inFlight += 1
    if (line.name === 'late') this.#lateInFlight += 1
    this.#bytes += bytes
    this.#queued -= 1
    this.#young.push(slot)
    this.#wake(line)
    return slot
  }

  #moveOf(lane: Lane<Work>, before: LaneCondition, now: MonotonicMs): LaneMove<Work> | undefined {
    const condition = lane.condition(now)
    if (condition.kind === 'flowing') {
      return before.kind === 'flowing' ? undefined : { condition, evicted: [] }
    }
    if (before.kind === condition.kind && before.until === condition.until) return undefined
    const evicted = [...lane.first.queue.take(() => true), ...lane.late.queue.take(() => true)]
    this.#queued -= evicted.length
    return { condition, evicted }
  }

  #wake(line: Line<Work>): void {
    if (line.state !== 'idle' || !line.lane.canStart(line)) return
    line.state = 'ready'
    this.#rings[line.name].push(line)
  }

  #wakeFrom(line: Line<Work>, state: 'held' | 'limited'): void {
    if (line.state !== state) return
    line.state = 'idle'
    this.#wake(line)
  }

  #isSlowBudgetFull(): boolean {
    const { maxSlow, maxSlowBytes } = this.#parts.limits
    return this.#slow >= maxSlow || this.#slowBytes >= maxSlowBytes
  }

  #endSlow(slot: Slot<Work>): void {
    slot.line.lane.slow -= 1
    this.#slow -= 1
    this.#slowBytes -= slot.bytes
    for (const line of this.#held) {
      if (line.lane.slow > 0 && this.#isSlowBudgetFull()) continue
      this.#held.delete(line)
      this.#wakeFrom(line, 'held')
    }
  }

  #markSlow(now: MonotonicMs): void {
    for (let slot = this.#young.peek(); slot !== undefined; slot = this.#young.peek()) {
      if (!slot.isFinished && now - slot.startedAt <= this.#parts.limits.slowAfterMs) return
      this.#young.shift()
      if (slot.isFinished) continue
      slot.isSlow = true
      slot.line.lane.slow += 1
      this.#watched.add(slot.line.lane)
      this.#slow += 1
      this.#slowBytes += slot.bytes
    }
  }
}

function isIdle({ queued, inFlight }: Lane<unknown>): boolean {
  return queued === 0 && inFlight === 0
}
