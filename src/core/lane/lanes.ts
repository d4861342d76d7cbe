/**
 * All lanes: what is queued for each hook, and which call starts next. {@link ./slots.ts} orders the lines that wait.
 *
 * Each lane has two lines: first attempts, and late ones. The two kinds take turns. A line is in one of these states:
 * - *idle*: nothing is queued, or the lane may start no further call now;
 * - *ready*: it waits only for a slot;
 * - *limited*: it waits only for the hook's rate limit.
 *
 * | from    | to      | when                                                 |
 * |---------|---------|------------------------------------------------------|
 * | idle    | ready   | work was queued, a call ended, or the limits rose    |
 * | ready   | idle    | it was served, or its hook moved to another tenant   |
 * | ready   | limited | it was served, and the rate limit allows no call yet |
 * | limited | ready   | the rate limit allows the next call                  |
 */
import { callLengths, type CallLength } from './call-length.ts'
import type { LaneCondition } from './condition.ts'
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
import type { HookId, MonotonicMs, TenantId } from '../model/model.ts'
import { Slots, type Holding, type LongCalls, type SlotLimits } from './slots.ts'

export interface LaneLimits extends LaneRules, SlotLimits {}

export interface LanesParts<Work> {
  readonly limits: LaneLimits
  /** Bytes that a call holds while it is in flight. */
  readonly sizeOf: (work: Work) => number
}

/** A slot that one call occupies until {@link Lanes.finish} frees it. */
export interface Slot<Work> extends Holding<Work>, CallStamp<Work> {
  readonly work: Work
  isFinished: boolean
}

/** Which calls may start. */
export interface Startable {
  readonly isOpen: (name: LineName) => boolean
  readonly lengths: readonly CallLength[]
  /** Whether lanes start none whose calls take long, as far as is known now ({@link Lane.lengthNow}). */
  readonly isLongHeld: boolean
}

const all: Startable = { isOpen: () => true, lengths: callLengths, isLongHeld: false }

/** A lane's condition has changed. */
export interface LaneMove<Work> {
  readonly condition: LaneCondition
  /** Work that was queued and cannot be called now. The caller has to handle it. */
  readonly evicted: readonly Work[]
}

/** A flowing lane that got no work for this long is deleted, since its measurements are old. */
const idleMs = 15 * 60_000
/** An open or paused lane is kept for this long after its time is over. */
const blockedIdleMs = 24 * 3_600_000

export class Lanes<Work> {
  readonly #parts: LanesParts<Work>
  readonly #lanes = new Map<HookId, Lane<Work>>()
  readonly #slots: Slots<Work>
  /** Lines that wait for their rate limits, the earliest first. */
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

  /** Whether the process has a slot for one more call. */
  get hasFreeSlots(): boolean {
    return this.#slots.hasFree
  }

  /** {@link Slots.isCrowdSlow} */
  isCrowdSlow(lane: Lane<Work>, now: MonotonicMs, isLoopBusy: boolean): boolean {
    return this.#slots.isCrowdSlow(lane, now, isLoopBusy)
  }

  /** {@link Slots.areHanging} */
  areHanging(now: MonotonicMs, isLoopBusy: boolean): boolean {
    return this.#slots.areHanging(now, isLoopBusy)
  }

  /** {@link Slots.isWaitingForAge} */
  isWaitingForAge(now: MonotonicMs): boolean {
    return this.#slots.isWaitingForAge(now)
  }

  /** {@link Slots.longCallsOf} */
  longCallsOf(tenantId: TenantId, now: MonotonicMs): LongCalls | undefined {
    return this.#slots.longCallsOf(tenantId, now)
  }

  /** When a rate limit allows the next call; `undefined` when no line waits for its limit. */
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

  /** Whether the hook has a lane, which it has if it got deliveries lately. */
  has(hookId: HookId): boolean {
    return this.#lanes.has(hookId)
  }

  /** The lane of a hook, if there is one. */
  get(hookId: HookId): Lane<Work> | undefined {
    return this.#lanes.get(hookId)
  }

  /**
   * The lane of a hook. Creates it if there is none.
   *
   * @param limits of the hook as it is now; they replace the former ones
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

  /** Queues work. The caller keeps the queue bounded. */
  add(lane: Lane<Work>, name: LineName, work: Work, now: MonotonicMs): Place<Work> {
    const line = lane.lineOf(name)
    if (lane.queued === 0) lane.clearSlotWait()
    const place = line.queue.push(work)
    lane.usedAt = now
    this.#queued += 1
    if (line.state === 'ready') this.#slots.grown(line)
    else this.#wake(line, now)
    return place
  }

  /** A delivery of the hook found no room, and is deferred. */
  refused(hookId: HookId): void {
    const lane = this.#lanes.get(hookId)
    if (lane === undefined) return
    lane.refused += 1
    for (const line of [lane.first, lane.late]) if (line.state === 'ready') this.#slots.grown(line)
  }

  /** Removes queued work. Returns whether it was still queued. */
  remove(hookId: HookId, name: LineName, place: Place<Work>): boolean {
    const isRemoved = this.#lanes.get(hookId)?.lineOf(name).queue.remove(place) ?? false
    if (isRemoved) this.#queued -= 1
    return isRemoved
  }

  /**
   * Takes the work that starts next, or `undefined` when none may start now.
   *
   * @param which the lines and lengths of calls that may start
   */
  next(now: MonotonicMs, which: Startable = all): Slot<Work> | undefined {
    this.#wakeDue(now)
    const preferred = this.#served === 'first' ? 'late' : 'first'
    return this.#serve(preferred, which, now) ?? this.#serve(this.#served, which, now)
  }

  /** Frees the slot of a call that has ended. Returns how its lane's condition changed, if it did. */
  finish(slot: Slot<Work>, outcome: LaneOutcome, now: MonotonicMs): LaneMove<Work> | undefined {
    if (slot.isFinished) return undefined
    slot.isFinished = true
    const { lane } = slot.line
    const before = lane.condition(now)
    lane.end(slot, outcome, now)
    this.#slots.free(slot, now)
    const move = this.#moveOf(lane, before, now)
    for (const line of [lane.first, lane.late]) {
      this.#reclassify(line, now)
      this.#wake(line, now)
    }
    return move
  }

  /**
   * Lanes that hold more than they can call soon.
   *
   * @param isHandingOver see {@link Lane.spare}
   */
  *overfull(now: MonotonicMs, isHandingOver: boolean): Generator<Lane<Work>> {
    for (const lane of this.#lanes.values()) {
      if (lane.queued > 0 && lane.spare(now, isHandingOver) > 0) yield lane
    }
  }

  /**
   * Removes the newest work of the lane for which `isTaken` is true, and returns it.
   *
   * @param count how much it removes at most; {@link Lane.spare}, or less
   */
  relieve(lane: Lane<Work>, count: number, isTaken: (work: Work) => boolean): readonly Work[] {
    const taken = lane.first.queue.takeNewest(count, isTaken)
    taken.push(...lane.late.queue.takeNewest(count - taken.length, isTaken))
    this.#queued -= taken.length
    return taken
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

  /** The hook has a new URL, or its endpoint was enabled again. What was known about it is forgotten. */
  reset(hookId: HookId, now: MonotonicMs): void {
    const lane = this.#lanes.get(hookId)
    if (lane === undefined) return
    lane.reset()
    this.#wake(lane.first, now)
    this.#wake(lane.late, now)
  }

  /** Another instance found that the hook's endpoint has recovered. If the lane is open, its probe is due at `at`. */
  probeSoon(hookId: HookId, at: MonotonicMs): void {
    this.#lanes.get(hookId)?.probeSoon(at)
  }

  /** Deletes the lane of a deleted hook, if nothing is queued or in flight. */
  forget(hookId: HookId): void {
    const lane = this.#lanes.get(hookId)
    if (lane !== undefined && isIdle(lane)) this.#delete(lane)
  }

  /** Deletes lanes that got no work for a long time. */
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
    // The heap orders lines by their limits. So they are removed before their limit is replaced.
    for (const line of limited) this.#limited.remove(line)
    lane.limit = new RateLimit()
    for (const line of limited) this.#limitOver(line, now)
  }

  #serve(name: LineName, which: Startable, now: MonotonicMs): Slot<Work> | undefined {
    if (!which.isOpen(name)) return undefined
    const find = () => this.#slots.next(name, which.lengths, now)
    for (let next = find(); next !== undefined; next = find()) {
      const { line, tenant } = next
      line.state = 'idle'
      const isHeld = which.isLongHeld && line.lane.lengthNow(now) === 'long'
      const work = !isHeld && this.#mayStart(line, now) ? line.queue.shift() : undefined
      if (work === undefined) {
        this.#slots.skipped(next)
        continue
      }
      const { lane } = line
      const bytes = this.#parts.sizeOf(work)
      lane.start(line, bytes, now)
      const { restarts, cuts } = lane
      const slot: Slot<Work> = {
        work,
        line,
        tenant,
        bytes,
        length: line.length,
        restarts,
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
    line.expectedEnd = now + lane.callMs
    line.order = this.#order
    line.length = lane.length(now)
    line.waiting = lane.demand
    lane.markSlotWait(now)
    this.#slots.wait(line)
  }

  /** A call has ended, so its length may be known by now, or have changed. A line that waits is moved to the right heap. */
  #reclassify(line: Line<Work>, now: MonotonicMs): void {
    if (line.state !== 'ready' || line.length === line.lane.length(now)) return
    this.#slots.leave(line)
    line.state = 'idle'
    this.#wake(line, now)
  }

  /** Makes lines ready whose rate limits allow a call by now. */
  #wakeDue(now: MonotonicMs): void {
    let line = this.#limited.peek()
    while (line !== undefined && !line.lane.isLimited(now)) {
      this.#limited.remove(line)
      this.#limitOver(line, now)
      line = this.#limited.peek()
    }
  }

  /** The line's rate limit allows a call. */
  #limitOver(line: Line<Work>, now: MonotonicMs): void {
    line.state = 'idle'
    this.#wake(line, now)
  }

  /** Removes the lane's lines from those of its tenant that wait for slots. */
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
