/**
 * Lanes: who may call next (design section 7).
 *
 * A lane is the queue of one hook. It is, at any time, one of:
 * - *idle*: nothing queued, or as many calls in flight as its concurrency allows;
 * - *ready*: it could start a call; it stands once in the ring, and the ring is served in turn;
 * - *held*: it could start a call, but it has slow calls and the budget for slow calls is full.
 *
 * idle → ready: work queued, or a call finished. ready → idle: served until it cannot start more. ready → held: its turn
 * came while the budget was full. held → ready: a slow call finished, its own or another lane's.
 */
import type { HookId, MonotonicMs } from './model.ts'

export interface LaneLimits {
  /** Calls in flight over all lanes. */
  readonly maxInFlight: number
  /** A call that has waited longer than this is slow. */
  readonly slowAfterMs: number
  /** Slow calls over all lanes; when that many wait, only lanes without a slow call start one. */
  readonly maxSlow: number
  /** Work queued in one lane beyond which it has no room. */
  readonly maxQueued: number
  /** Concurrency of a new lane; each success adds one, up to the hook's limit. */
  readonly initialConcurrency: number
}

/** One call in flight. Hand it back to {@link Lanes.finish}. */
export interface Slot<Work> {
  readonly work: Work
  readonly lane: Lane<Work>
  readonly startedAt: MonotonicMs
  isSlow: boolean
  isFinished: boolean
}

interface Lane<Work> {
  readonly hookId: HookId
  readonly queue: Fifo<Work>
  limit: number
  concurrency: number
  inFlight: number
  slow: number
  state: 'idle' | 'ready' | 'held'
}

export class Lanes<Work> {
  readonly #limits: LaneLimits
  readonly #lanes = new Map<HookId, Lane<Work>>()
  readonly #ring = new Fifo<Lane<Work>>()
  readonly #held = new Set<Lane<Work>>()
  /** Calls that are not slow yet, oldest first. */
  readonly #young = new Fifo<Slot<Work>>()
  #inFlight = 0
  #slow = 0
  #queued = 0

  constructor(limits: LaneLimits) {
    this.#limits = limits
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

  /** All queued work, lane by lane, each oldest first. */
  *queuedWork(): Generator<Work> {
    for (const { queue } of this.#lanes.values()) yield* queue
  }

  /** Whether the hook's lane takes more work now. Work may be added without room: the bound is the caller's to keep. */
  hasRoom(hookId: HookId): boolean {
    return (this.#lanes.get(hookId)?.queue.size ?? 0) < this.#limits.maxQueued
  }

  /** @param limit the most calls of this hook at once; the newest word counts */
  add(hookId: HookId, limit: number, work: Work): void {
    const lane = this.#laneOf(hookId, limit)
    lane.queue.push(work)
    this.#queued += 1
    this.#wake(lane)
  }

  /** Takes the next work whose turn it is, or `undefined` when none may start now. */
  next(now: MonotonicMs): Slot<Work> | undefined {
    this.#markSlow(now)
    if (this.#inFlight >= this.#limits.maxInFlight) return undefined
    for (let lane = this.#ring.shift(); lane !== undefined; lane = this.#ring.shift()) {
      lane.state = 'idle'
      const work = this.#canStart(lane) ? lane.queue.shift() : undefined
      if (work === undefined) continue
      const slot = { work, lane, startedAt: now, isSlow: false, isFinished: false }
      lane.inFlight += 1
      this.#inFlight += 1
      this.#queued -= 1
      this.#young.push(slot)
      this.#wake(lane)
      return slot
    }
    return undefined
  }

  /** The call of a slot has its answer: its place is free. */
  finish(slot: Slot<Work>, isSuccess: boolean): void {
    if (slot.isFinished) return
    slot.isFinished = true
    const { lane } = slot
    lane.inFlight -= 1
    this.#inFlight -= 1
    if (isSuccess) lane.concurrency = Math.min(lane.limit, lane.concurrency + 1)
    if (slot.isSlow) {
      lane.slow -= 1
      this.#slow -= 1
      this.#releaseHeld()
    }
    this.#wake(lane)
  }

  /** Removes queued work that `isUnwanted`, and returns it. */
  drop(isUnwanted: (work: Work) => boolean): readonly Work[] {
    const dropped: Work[] = []
    for (const lane of this.#lanes.values()) {
      for (let rest = lane.queue.size; rest > 0; rest -= 1) {
        const work = lane.queue.shift()
        if (work === undefined) break
        if (isUnwanted(work)) dropped.push(work)
        else lane.queue.push(work)
      }
    }
    this.#queued -= dropped.length
    return dropped
  }

  /** Forgets the lane of a hook that is gone, if nothing is queued or in flight. */
  forget(hookId: HookId): void {
    const lane = this.#lanes.get(hookId)
    if (lane?.queue.size === 0 && lane.inFlight === 0) this.#lanes.delete(hookId)
  }

  #laneOf(hookId: HookId, limit: number): Lane<Work> {
    const known = this.#lanes.get(hookId)
    if (known !== undefined) {
      known.limit = limit
      known.concurrency = Math.min(known.concurrency, limit)
      return known
    }
    const lane: Lane<Work> = {
      hookId,
      queue: new Fifo(),
      limit,
      concurrency: Math.min(limit, this.#limits.initialConcurrency),
      inFlight: 0,
      slow: 0,
      state: 'idle',
    }
    this.#lanes.set(hookId, lane)
    return lane
  }

  #canStart(lane: Lane<Work>): boolean {
    if (lane.queue.size === 0 || lane.inFlight >= lane.concurrency) return false
    if (lane.slow === 0 || this.#slow < this.#limits.maxSlow) return true
    lane.state = 'held'
    this.#held.add(lane)
    return false
  }

  #wake(lane: Lane<Work>): void {
    if (lane.state !== 'idle' || lane.queue.size === 0 || lane.inFlight >= lane.concurrency) return
    lane.state = 'ready'
    this.#ring.push(lane)
  }

  #releaseHeld(): void {
    for (const lane of this.#held) {
      if (lane.slow > 0 && this.#slow >= this.#limits.maxSlow) continue
      this.#held.delete(lane)
      lane.state = 'idle'
      this.#wake(lane)
    }
  }

  #markSlow(now: MonotonicMs): void {
    for (let slot = this.#young.peek(); slot !== undefined; slot = this.#young.peek()) {
      if (!slot.isFinished && now - slot.startedAt <= this.#limits.slowAfterMs) return
      this.#young.shift()
      if (slot.isFinished) continue
      slot.isSlow = true
      slot.lane.slow += 1
      this.#slow += 1
    }
  }
}

/** First in, first out, without moving what stays: a shift is not paid for by the length. */
export class Fifo<Item> {
  #items: (Item | undefined)[] = []
  #head = 0

  get size(): number {
    return this.#items.length - this.#head
  }

  push(item: Item): void {
    this.#items.push(item)
  }

  peek(): Item | undefined {
    return this.#items[this.#head]
  }

  shift(): Item | undefined {
    if (this.#head === this.#items.length) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head] = undefined
    this.#head += 1
    if (this.#head > 1_024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  /** Everything queued, oldest first. */
  *[Symbol.iterator](): Generator<Item> {
    for (let index = this.#head; index < this.#items.length; index += 1) {
      const item = this.#items[index]
      if (item !== undefined) yield item
    }
  }
}
