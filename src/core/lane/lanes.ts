/**
 * Lanes: what is queued for each hook, and whose call starts next. {@link ./slots.ts} says whose turn it is.
 *
 * Each lane has two lines, of first tries and of what comes later, and these take turns. A line is, at any time, one of:
 * - *idle*: nothing queued, or its lane has as many calls out as it may;
 * - *ready*: it could start a call, but for slots;
 * - *limited*: it could start a call, but for its hook's rate limit.
 *
 * idle → ready: work queued, or a call ended. ready → idle: its turn came. ready → limited: its turn came too early.
 * limited → ready: its time came.
 */
import type { LaneCondition } from '../health/health.ts'
import { RateLimit } from './rate.ts'
import {
  Lane,
  type CallStamp,
  type HookLimits,
  type LaneOutcome,
  type LaneRules,
  type Line,
  type LineName,
} from './lane.ts'
import { Heap } from '../collections/heap.ts'
import type { Place } from '../collections/linked-queue.ts'
import type { HookId, MonotonicMs } from '../model/model.ts'
import { Slots, type Holding, type SlotLimits } from './slots.ts'

export interface LaneLimits extends LaneRules, SlotLimits {}

export interface LanesParts<Work> {
  readonly limits: LaneLimits
  /** Bytes that a call holds while it is out. */
  readonly sizeOf: (work: Work) => number
}

/** One call in flight. Hand it back to {@link Lanes.finish}. */
export interface Slot<Work> extends Holding<Work>, CallStamp<Work> {
  readonly work: Work
  isFinished: boolean
}

/** A lane's condition has changed. */
export interface LaneMove<Work> {
  readonly condition: LaneCondition
  /** What was queued and cannot be called for now. The caller's from here on. */
  readonly evicted: readonly Work[]
}

/** A lane that nothing came to for so long is forgotten: what was learnt of it is old. */
const idleMs = 15 * 60_000
/** One that is open or paused is remembered for so long after its time. */
const blockedIdleMs = 24 * 3_600_000

export class Lanes<Work> {
  readonly #parts: LanesParts<Work>
  readonly #lanes = new Map<HookId, Lane<Work>>()
  readonly #slots: Slots<Work>
  /** Lines that wait for their rate limits, the one that is due first in front. */
  readonly #limited = new Heap<Line<Work>>(
    (one, other) => one.lane.limit.nextAt < other.lane.limit.nextAt,
  )
  #served: LineName = 'late'
  #queued = 0
  #order = 0

  constructor(parts: LanesParts<Work>) {
    this.#parts = parts
    this.#slots = new Slots(parts.limits)
  }

  get inFlight(): number {
    return this.#slots.inFlight
  }

  get queued(): number {
    return this.#queued
  }

  get size(): number {
    return this.#lanes.size
  }

  /** Whether the process as a whole could have one more call out. */
  get hasFreeSlots(): boolean {
    return this.#slots.hasFree
  }

  /** When a rate limit lets the next call through; `undefined` when no line waits for its limit. */
  get limitedUntil(): MonotonicMs | undefined {
    return this.#limited.peek()?.lane.limit.nextAt
  }

  /** All queued work, lane by lane and line by line, each oldest first. */
  *queuedWork(): Generator<Work> {
    for (const { first, late } of this.#lanes.values()) {
      yield* first.queue
      yield* late.queue
    }
  }

  /** Whether deliveries of the hook have come lately. */
  has(hookId: HookId): boolean {
    return this.#lanes.has(hookId)
  }

  /** The lane of a hook, if there is one. */
  get(hookId: HookId): Lane<Work> | undefined {
    return this.#lanes.get(hookId)
  }

  /**
   * The lane of a hook, made if there is none.
   *
   * @param limits the hook's; the newest word counts
   */
  laneOf(hookId: HookId, limits: HookLimits, now: MonotonicMs): Lane<Work> {
    const lane = this.#lanes.get(hookId) ?? this.#newLane(hookId, limits, now)
    const isTenantNew = lane.limits.tenantId !== limits.tenantId
    if (isTenantNew) this.#leaveTenant(lane)
    const isLimitNew = lane.limits.ratePerSecond !== limits.ratePerSecond
    const mayCallMore = lane.limits.concurrency < limits.concurrency
    lane.limits = limits
    if (isTenantNew || mayCallMore) {
      this.#wake(lane.first, now)
      this.#wake(lane.late, now)
    }
    if (isLimitNew) this.#renewLimit(lane, now)
    return lane
  }

  /** Queues work. Whoever adds keeps the bounds. */
  add(lane: Lane<Work>, name: LineName, work: Work, now: MonotonicMs): Place<Work> {
    const line = lane.lineOf(name)
    if (lane.queued === 0) lane.begun()
    const place = line.queue.push(work)
    lane.usedAt = now
    this.#queued += 1
    this.#wake(line, now)
    return place
  }

  /** Takes out what was queued. Returns whether it still was. */
  remove(hookId: HookId, name: LineName, place: Place<Work>): boolean {
    const isRemoved = this.#lanes.get(hookId)?.lineOf(name).queue.remove(place) ?? false
    if (isRemoved) this.#queued -= 1
    return isRemoved
  }

  /**
   * Takes the next work whose turn it is, or `undefined` when none may start now.
   *
   * @param isOpen whether calls of that kind of line may start
   */
  next(now: MonotonicMs, isOpen: (name: LineName) => boolean = () => true): Slot<Work> | undefined {
    this.#wakeDue(now)
    const turn = this.#served === 'first' ? 'late' : 'first'
    const own = isOpen(turn) ? this.#serve(turn, now) : undefined
    return own ?? (isOpen(this.#served) ? this.#serve(this.#served, now) : undefined)
  }

  /** The call of a slot has its answer: its place is free. Returns how its lane moved, if it did. */
  finish(slot: Slot<Work>, outcome: LaneOutcome, now: MonotonicMs): LaneMove<Work> | undefined {
    if (slot.isFinished) return undefined
    slot.isFinished = true
    const { lane } = slot.line
    const before = lane.condition(now)
    lane.end(slot, outcome, now)
    this.#slots.free(slot)
    const move = this.#moveOf(lane, before, now)
    for (const line of [lane.first, lane.late]) {
      this.#rejudge(line, now)
      this.#wake(line, now)
    }
    return move
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
  reset(hookId: HookId, now: MonotonicMs): void {
    const lane = this.#lanes.get(hookId)
    if (lane === undefined) return
    lane.reset()
    this.#wake(lane.first, now)
    this.#wake(lane.late, now)
  }

  /** Another instance found that the hook's endpoint has recovered: a lane that is open lets its probe through then. */
  probeSoon(hookId: HookId, at: MonotonicMs): void {
    this.#lanes.get(hookId)?.probeSoon(at)
  }

  /** Forgets the lane of a hook that is gone, if nothing is queued or in flight. */
  forget(hookId: HookId): void {
    const lane = this.#lanes.get(hookId)
    if (lane !== undefined && isIdle(lane)) this.#delete(lane)
  }

  /** Forgets lanes that nothing came to for long. */
  sweep(now: MonotonicMs): void {
    for (const lane of this.#lanes.values()) {
      const condition = lane.condition(now)
      const [since, keptMs] =
        condition.kind === 'flowing' ? [lane.usedAt, idleMs] : [condition.until, blockedIdleMs]
      if (isIdle(lane) && now - since > keptMs) this.#delete(lane)
    }
  }

  #newLane(hookId: HookId, limits: HookLimits, now: MonotonicMs): Lane<Work> {
    const lane = new Lane<Work>(hookId, limits, this.#parts.limits, now)
    this.#lanes.set(hookId, lane)
    return lane
  }

  #delete(lane: Lane<Work>): void {
    this.#leaveTenant(lane)
    this.#lanes.delete(lane.hookId)
  }

  #renewLimit(lane: Lane<Work>, now: MonotonicMs): void {
    const limited = [lane.first, lane.late].filter(({ state }) => state === 'limited')
    // They stand in the heap by the limit that is replaced.
    for (const line of limited) this.#limited.remove(line)
    lane.limit = new RateLimit()
    for (const line of limited) this.#free(line, now)
  }

  #serve(name: LineName, now: MonotonicMs): Slot<Work> | undefined {
    for (let next = this.#slots.next(name); next !== undefined; next = this.#slots.next(name)) {
      const { line, tenant } = next
      line.state = 'idle'
      const work = this.#mayStart(line, now) ? line.queue.shift() : undefined
      if (work === undefined) continue
      const { lane, isLong } = line
      const bytes = this.#parts.sizeOf(work)
      lane.start(line, bytes, now)
      const { life, cuts } = lane
      const slot: Slot<Work> = {
        work,
        line,
        tenant,
        bytes,
        isLong,
        life,
        cuts,
        startedAt: now,
        isFinished: false,
      }
      this.#slots.occupy(slot)
      this.#served = name
      this.#queued -= 1
      this.#wake(line, now)
      return slot
    }
    return undefined
  }

  #mayStart(line: Line<Work>, now: MonotonicMs): boolean {
    const { lane } = line
    if (!lane.canStart(line)) return false
    if (!lane.isLimited(now)) return true
    line.state = 'limited'
    this.#limited.push(line)
    return false
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

  #wake(line: Line<Work>, now: MonotonicMs): void {
    const { lane } = line
    if (line.state !== 'idle' || !lane.canStart(line)) return
    line.state = 'ready'
    this.#order += 1
    line.turn = now + lane.callMs
    line.order = this.#order
    line.isLong = lane.isLong
    lane.held(now)
    this.#slots.wait(line)
  }

  /** A call has shown how long its lane's take: a line that waits for its turn may stand among the wrong ones. */
  #rejudge(line: Line<Work>, now: MonotonicMs): void {
    if (line.state !== 'ready' || line.isLong === line.lane.isLong) return
    this.#slots.leave(line)
    line.state = 'idle'
    this.#wake(line, now)
  }

  /** Lines whose rate limits let a call through by now may start one. */
  #wakeDue(now: MonotonicMs): void {
    let line = this.#limited.peek()
    while (line !== undefined && !line.lane.isLimited(now)) {
      this.#limited.remove(line)
      this.#free(line, now)
      line = this.#limited.peek()
    }
  }

  /** A line's rate limit holds it no more. */
  #free(line: Line<Work>, now: MonotonicMs): void {
    line.state = 'idle'
    this.#wake(line, now)
  }

  /** Its lines wait among the tenant's no more. */
  #leaveTenant({ first, late }: Lane<Work>): void {
    for (const line of [first, late]) {
      if (line.state !== 'ready') continue
      this.#slots.leave(line)
      line.state = 'idle'
    }
  }
}

function isIdle({ queued, inFlight }: Lane<unknown>): boolean {
  return queued === 0 && inFlight === 0
}
