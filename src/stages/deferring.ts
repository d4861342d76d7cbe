/** Whether a lane takes a delivery, makes its partition wait, or puts it off to a tier (design section 7). */
import { defer, type DeferredCounts } from '../core/deferral.ts'
import type { Admission, HookLimits, LineName } from '../core/lane.ts'
import type { Lanes } from '../core/lanes.ts'
import type { Hook, MonotonicMs, Run, Verdict } from '../core/model.ts'
import type { Clock, Random } from '../ports.ts'
import { isFromTopicOfOurs, type Work } from './work.ts'

export type Judgement =
  | { readonly kind: 'queue' }
  /** The record stays where it is until there is room. */
  | { readonly kind: 'wait' }
  | PutOff

/** The run goes to a tier, without an attempt. */
export interface PutOff {
  readonly kind: 'put-off'
  /** How long its lane cannot take it for certain, in milliseconds. */
  readonly turnMs: number
  /** Whether no call is made at all, rather than too few. */
  readonly isBlocked: boolean
}

export interface DeferringParts {
  readonly lanes: Lanes<Work>
  readonly counts: DeferredCounts
  readonly clock: Clock
  readonly random: Random
  /** Calls at once of a hook that sets no limit. */
  readonly defaultConcurrency: number
}

/** A longer turn would say that there is none. */
const maxTurnMs = 24 * 3_600_000
const queue = { kind: 'queue' } as const
const wait = { kind: 'wait' } as const

export class Deferring {
  readonly #parts: DeferringParts

  constructor(parts: DeferringParts) {
    this.#parts = parts
  }

  /** @param isShared whether its partition carries deliveries of other hooks too */
  judge(run: Run, hook: Hook, isShared: () => boolean): Judgement {
    const { lanes, clock, defaultConcurrency } = this.#parts
    const now = clock.monotonic()
    const limits = limitsOf(hook, defaultConcurrency)
    const admission = lanes.admission(hook.id, lineOf(run), limits, now)
    switch (admission.kind) {
      case 'room':
        return queue
      case 'full':
        return wait
      case 'crowded':
        return this.#judgeCrowd(run, admission, isShared)
      case 'blocked':
        return this.blocked(admission.until, now)
    }
  }

  blocked(until: MonotonicMs, now: MonotonicMs): PutOff {
    return { kind: 'put-off', turnMs: Math.max(0, until - now), isBlocked: true }
  }

  /** @param perMs how fast the lane is, in calls per millisecond */
  crowded({ hookId }: Pick<Run, 'hookId'>, perMs: number): PutOff {
    const ahead = this.#parts.counts.of(hookId, this.#parts.clock.now())
    const turnMs = ahead === 0 ? 0 : Math.min(maxTurnMs, ahead / perMs)
    return { kind: 'put-off', turnMs, isBlocked: false }
  }

  /** Whether one more of the hook's deliveries may wait by deferral. */
  hasRoom({ hookId }: Pick<Run, 'hookId'>): boolean {
    return this.#parts.counts.hasRoom(hookId, this.#parts.clock.now())
  }

  /** Gives up the memory of hooks of which nothing waits any more. */
  sweep(): void {
    this.#parts.counts.sweep(this.#parts.clock.now())
  }

  /** Decides what becomes of a run that is put off, and counts it. */
  verdictOf(run: Run, { turnMs, isBlocked }: PutOff): Verdict {
    const { counts, clock, random } = this.#parts
    const isFresh = run.attempt === 0 && run.deferrals === 0
    // Who tests an endpoint wants to know now.
    if (run.trigger === 'test') return { kind: 'dead', reason: 'endpoint-down' }
    if (isBlocked && isFresh && !this.hasRoom(run)) return { kind: 'dead', reason: 'endpoint-down' }
    const verdict = defer(run, turnMs, { now: clock.now(), random: random() })
    if (verdict.kind === 'deferred') counts.add(run.hookId, verdict.dueAt)
    return verdict
  }

  #judgeCrowd(
    run: Run,
    { perMs, isFull }: Extract<Admission, { readonly kind: 'crowded' }>,
    isShared: () => boolean,
  ): Judgement {
    if (this.hasRoom(run) && isShared()) return this.crowded(run, perMs)
    return isFull ? wait : queue
  }
}

export function lineOf(run: Run): LineName {
  return isFromTopicOfOurs(run) ? 'late' : 'first'
}

function limitsOf(hook: Hook, defaultConcurrency: number): HookLimits {
  return {
    concurrency: hook.concurrency ?? defaultConcurrency,
    ratePerSecond: hook.ratePerSecond,
  }
}
