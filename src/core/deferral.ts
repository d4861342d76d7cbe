/**
 * A deferral waits for its turn (design section 7): so a dead hook costs a bounded number of writes, whatever its
 * traffic. The n-th of a run waits at least the n-th step of the default schedule; a run that has used them all is dead.
 */
import type { EpochMs, HookId, Run, Verdict } from './model.ts'
import type { Moment } from './verdict.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/** The default schedule, whatever retries are configured to wait. */
export const deferralSteps: readonly number[] = [
  5 * second,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  10 * hour,
  14 * hour,
  20 * hour,
  24 * hour,
]

/** Waits are up to this share longer, so that not all come back at once: the first to come is the lane's probe. */
const jitterShare = 0.2
/** As that of retries. */
const earlyShare = 1 / 20

/**
 * What becomes of a run that its lane cannot take now.
 *
 * @param turnMs how long the lane cannot take it for certain: until its next probe, its pause's end, or until what was
 *   deferred before has been worked off
 */
export function defer(run: Pick<Run, 'deferrals'>, turnMs: number, moment: Moment): Verdict {
  const step = deferralSteps[run.deferrals]
  if (step === undefined) return { kind: 'dead', reason: 'endpoint-down' }
  const leastMs = Math.max(step, turnMs)
  const waitMs = Math.round(leastMs * (1 + jitterShare * moment.random))
  const earlyMs = Math.max(
    0,
    Math.min(Math.floor(waitMs * earlyShare), Math.floor(waitMs - turnMs)),
  )
  return { kind: 'deferred', dueAt: moment.now + waitMs, earlyMs, isBlocked: true }
}

export interface DeferralLimits {
  readonly maxPerHook: number
  readonly maxInAll: number
}

/** How many deliveries wait by deferral: those that this instance wrote and whose due time has not passed. */
export class DeferredCounts {
  readonly #limits: DeferralLimits
  readonly #perHook = new Map<HookId, DueCounts>()
  readonly #all = new DueCounts()

  constructor(limits: DeferralLimits) {
    this.#limits = limits
  }

  add(hookId: HookId, dueAt: EpochMs): void {
    let counts = this.#perHook.get(hookId)
    if (counts === undefined) this.#perHook.set(hookId, (counts = new DueCounts()))
    counts.add(dueAt)
    this.#all.add(dueAt)
  }

  of(hookId: HookId, now: EpochMs): number {
    const counts = this.#perHook.get(hookId)
    if (counts === undefined) return 0
    const count = counts.at(now)
    if (count === 0) this.#perHook.delete(hookId)
    return count
  }

  inAll(now: EpochMs): number {
    return this.#all.at(now)
  }

  hasRoom(hookId: HookId, now: EpochMs): boolean {
    const { maxPerHook, maxInAll } = this.#limits
    return this.inAll(now) < maxInAll && this.of(hookId, now) < maxPerHook
  }

  /** Gives up the memory of hooks of which nothing waits any more. */
  sweep(now: EpochMs): void {
    for (const hookId of this.#perHook.keys()) this.of(hookId, now)
  }
}

const bucketMs = 5_000

/** Counts by due time, in steps of 5 s: what passes is forgotten by whole steps. */
class DueCounts {
  readonly #buckets = new Map<number, number>()
  #sum = 0
  /** No bucket ends before. */
  #nextEnd = Number.POSITIVE_INFINITY

  add(dueAt: EpochMs): void {
    const end = Math.ceil(dueAt / bucketMs) * bucketMs
    this.#buckets.set(end, (this.#buckets.get(end) ?? 0) + 1)
    this.#sum += 1
    this.#nextEnd = Math.min(this.#nextEnd, end)
  }

  at(now: EpochMs): number {
    if (now < this.#nextEnd) return this.#sum
    this.#nextEnd = Number.POSITIVE_INFINITY
    for (const [end, count] of this.#buckets) {
      if (end > now) {
        this.#nextEnd = Math.min(this.#nextEnd, end)
      } else {
        this.#buckets.delete(end)
        this.#sum -= count
      }
    }
    return this.#sum
  }
}
