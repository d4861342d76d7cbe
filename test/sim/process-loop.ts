/**
 * The event loop of one simulated process: one task at a time, in the order in which they were posted. A task takes the time
 * that it is charged with, and other tasks wait meanwhile. So a process with too much work is slow: its timers fire late, it
 * handles answers late, and it sends late.
 */
import type { Clock } from '../../src/ports.ts'
import type { Timeline } from './timeline.ts'

/** The date of the world's time 0. */
export const worldBegan = Date.UTC(2026, 0, 5)

/** The cost of every task in addition to its charges, in milliseconds. */
const taskMs = 0.002

interface Task {
  readonly run: () => void
  readonly isTimer: boolean
}

export class ProcessLoop {
  /** How far the wall clock is ahead of the true time, in milliseconds. A clock step changes it. */
  skewMs = 0
  /** The number of the running task. */
  task = 0
  readonly clock: Clock
  readonly #timeline: Timeline
  readonly #tasks: Task[] = []
  /** Runs when what has arrived was handled, before timers: as the check phase of Node's loop, between poll and timers. */
  readonly #soon: (() => void)[] = []
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
      soon: (run) => {
        if (this.#isDead) return
        this.#soon.push(run)
        this.#plan()
      },
    }
  }

  /** The true time of the running task. What it sends leaves at this time. */
  time(): number {
    return Math.max(this.#timeline.now, this.#freeAt)
  }

  /** Adds a task. */
  post(run: () => void): void {
    this.#post({ run, isTimer: false })
  }

  #post(task: Task): void {
    if (this.#isDead) return
    this.#tasks.push(task)
    this.#plan()
  }

  /** Makes the running task take longer, in milliseconds. */
  charge(ms: number): void {
    const from = this.time()
    this.#freeAt = from + ms
    const last = this.#busy.at(-1)
    if (last !== undefined && from - last.to < 1e-6) last.to = this.#freeAt
    else this.#busy.push({ from, to: this.#freeAt })
  }

  /** Stops the loop for a while, like a process that its system has stopped. This time does not count as busy. */
  sleep(ms: number): void {
    this.#freeAt = this.time() + ms
  }

  /** Ends the loop. */
  kill(): void {
    this.#isDead = true
    this.#tasks.length = 0
    this.#soon.length = 0
  }

  get isDead(): boolean {
    return this.#isDead
  }

  /** The share of time in which it was busy, from 0 to 1: the larger one of the last second and the last 100 ms. */
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
      this.#post({
        isTimer: true,
        run: () => {
          if (!isCancelled) fire()
        },
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
      const run = this.#next()
      if (run !== undefined) {
        this.task += 1
        this.#timeline.hasRunCode = true
        this.charge(taskMs)
        run()
      }
    }
    if (this.#tasks.length + this.#soon.length > 0) this.#plan()
  }

  #next(): (() => void) | undefined {
    const [task] = this.#tasks
    if (task?.isTimer === false || this.#soon.length === 0) return this.#tasks.shift()?.run
    return this.#soon.shift()
  }
}
