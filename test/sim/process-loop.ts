/**
 * The event loop of one simulated process: one task at a time, in the order in which they came. A task takes the time
 * that it is charged with, and whatever comes meanwhile waits. So a process with too much to do is slow: its timers fire
 * late, answers are heard late, and what it sends leaves late.
 */
import type { Clock } from '../../src/ports.ts'
import type { Timeline } from './timeline.ts'

/** What the world's time 0 is by the calendar. */
export const worldBegan = Date.UTC(2026, 0, 5)

/** What a task costs beside what it is charged with, in milliseconds. */
const taskMs = 0.002

export class ProcessLoop {
  /** How far the wall clock is ahead of the true time, in milliseconds. Steps are changes of it. */
  skewMs = 0
  /** Counts tasks: what happened in an earlier one is known in a later one. */
  task = 0
  readonly clock: Clock
  readonly #timeline: Timeline
  readonly #tasks: (() => void)[] = []
  readonly #busy: { from: number; to: number }[] = []
  #freeAt = 0
  #isPlanned = false
  #isDead = false

  constructor(timeline: Timeline) {
    this.#timeline = timeline
    this.clock = {
      now: () => Math.floor(worldBegan + this.time() + this.skewMs),
      monotonic: () => this.time(),
      after: (delayMs, fire) => this.#after(delayMs, fire),
    }
  }

  /** True time as the running task sees it. What it sends leaves then. */
  time(): number {
    return Math.max(this.#timeline.now, this.#freeAt)
  }

  /** Has the process do something when it comes to it. */
  post(task: () => void): void {
    if (this.#isDead) return
    this.#tasks.push(task)
    this.#plan()
  }

  /** What is being done takes so much longer, in milliseconds. */
  charge(ms: number): void {
    const from = this.time()
    this.#freeAt = from + ms
    const last = this.#busy.at(-1)
    if (last !== undefined && from - last.to < 1e-6) last.to = this.#freeAt
    else this.#busy.push({ from, to: this.#freeAt })
  }

  /** It stands still, as one does that was stopped by its system. That is no work: it is not counted as busy. */
  sleep(ms: number): void {
    this.#freeAt = this.time() + ms
  }

  /** It does nothing more. */
  kill(): void {
    this.#isDead = true
    this.#tasks.length = 0
  }

  get isDead(): boolean {
    return this.#isDead
  }

  /** Share of the last second, and of the last 100 ms, in which it was busy; the larger of the two, 0 to 1. */
  busyShare(): number {
    const now = this.time()
    while (this.#busy[0] !== undefined && this.#busy[0].to < now - 1_000) this.#busy.shift()
    return Math.max(this.#busyWithin(now, 1_000) / 1_000, this.#busyWithin(now, 100) / 100)
  }

  #busyWithin(now: number, windowMs: number): number {
    let sum = 0
    for (const { from, to } of this.#busy) sum += Math.max(0, to - Math.max(from, now - windowMs))
    return Math.min(sum, windowMs)
  }

  #after(delayMs: number, fire: () => void): () => void {
    let isCancelled = false
    const cancel = this.#timeline.at(this.time() + Math.max(0, delayMs), () =>
      this.post(() => {
        if (!isCancelled) fire()
      }),
    )
    return () => {
      isCancelled = true
      cancel()
    }
  }

  #plan(): void {
    if (this.#isPlanned || this.#isDead) return
    this.#isPlanned = true
    this.#timeline.at(this.time(), () => {
      this.#isPlanned = false
      this.#runNext()
    })
  }

  #runNext(): void {
    if (this.#isDead) return
    if (this.#freeAt <= this.#timeline.now) {
      const task = this.#tasks.shift()
      if (task !== undefined) {
        this.task += 1
        this.#timeline.hasRunCode = true
        this.charge(taskMs)
        task()
      }
    }
    if (this.#tasks.length > 0) this.#plan()
  }
}
