/**
 * What is put off to a tier without an attempt: until when, and how much may wait so.
 *
 * A lane that is open or paused puts off until it may be called again, and longer each time, so a dead hook costs a
 * bounded number of writes whatever its traffic. A healthy lane puts off what it has no share for ({@link ./turn.ts}).
 */
import type { EpochMs, HookId, Run, TenantId, Verdict } from './model.ts'
import type { Moment } from './verdict.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/** The n-th deferral by a blocked lane waits at least the n-th step, and the last for all after it. */
export const deferralSteps: readonly number[] = [5 * second, 5 * minute, 30 * minute]
/** The longest period between two probes: no backlog may outlive a recovery by more. */
const mostMs = 30 * minute
/** As long as all waits of the default retry schedule take. A run that is blocked when it is older is dead. */
export const patienceMs = 5 * second + 5 * minute + 30 * minute + (2 + 5 + 10 + 14 + 20 + 24) * hour

/** Waits are up to this share longer, so that not all come back at once: the first to come is the lane's probe. */
const jitterShare = 0.2
/** As that of retries. */
const earlyShare = 1 / 20

/** Why a lane takes nothing now, and for how long at least. */
export interface Blocked {
  readonly by: 'open' | 'paused'
  /** Milliseconds until its next probe, or its pause's end. */
  readonly forMs: number
}

/** What becomes of a run whose lane is open or paused. */
export function deferBlocked(
  run: Pick<Run, 'deferrals' | 'firstHandledAt'>,
  { by, forMs }: Blocked,
  moment: Moment,
): Verdict {
  if (moment.now - run.firstHandledAt > patienceMs) return { kind: 'dead', reason: 'endpoint-down' }
  const step = deferralSteps[Math.min(run.deferrals, deferralSteps.length - 1)] ?? mostMs
  const leastMs = Math.min(mostMs, Math.max(step, forMs))
  const waitMs = Math.round(leastMs * (1 + jitterShare * moment.random))
  const freeMs = Math.max(0, Math.floor(waitMs - forMs))
  // An open lane that was closed sooner takes what a tier releases at once. A pause is kept to its end.
  const earlyMs = by === 'open' ? waitMs : Math.min(Math.floor(waitMs * earlyShare), freeMs)
  return { kind: 'deferred', dueAt: moment.now + waitMs, earlyMs, isBlocked: true }
}

/** What becomes of a run that a healthy lane has no share for. Once it has, it takes what a tier releases at once. */
export function deferToTurn(turnMs: number, now: EpochMs): Verdict {
  const waitMs = Math.round(turnMs)
  return { kind: 'deferred', dueAt: now + waitMs, earlyMs: waitMs, isBlocked: false }
}

export interface DeferralLimits {
  readonly maxPerHook: number
  readonly maxPerTenant: number
}

type Whose = Pick<Run, 'hookId'> & { readonly event: Pick<Run['event'], 'tenantId'> }

/**
 * How many deliveries wait by deferral: those that this instance wrote, less those that came back and those whose due
 * time has passed. What one instance wrote comes back to any of them, on average as much as it wrote itself.
 */
export class DeferredCounts {
  readonly #limits: DeferralLimits
  readonly #hooks = new Map<HookId, DueCounts>()
  readonly #tenants = new Map<TenantId, DueCounts>()

  constructor(limits: DeferralLimits) {
    this.#limits = limits
  }

  add({ hookId, event }: Whose, dueAt: EpochMs): void {
    countsIn(this.#hooks, hookId).add(dueAt, 1)
    countsIn(this.#tenants, event.tenantId).add(dueAt, 1)
  }

  /** A deferred run came back before it was due. */
  returned({ hookId, event }: Whose, dueAt: EpochMs): void {
    this.#hooks.get(hookId)?.add(dueAt, -1)
    this.#tenants.get(event.tenantId)?.add(dueAt, -1)
  }

  of(hookId: HookId, now: EpochMs): number {
    return countAt(this.#hooks, hookId, now)
  }

  hasRoom({ hookId, event }: Whose, now: EpochMs): boolean {
    const { maxPerHook, maxPerTenant } = this.#limits
    return (
      this.of(hookId, now) < maxPerHook &&
      countAt(this.#tenants, event.tenantId, now) < maxPerTenant
    )
  }

  get isEmpty(): boolean {
    return this.#hooks.size === 0
  }

  /** Hooks of which something waits. */
  hooks(): Iterable<HookId> {
    return this.#hooks.keys()
  }

  /** Gives up the memory of hooks of which nothing waits any more. */
  sweep(now: EpochMs): void {
    for (const hookId of this.#hooks.keys()) countAt(this.#hooks, hookId, now)
    for (const tenantId of this.#tenants.keys()) countAt(this.#tenants, tenantId, now)
  }
}

function countsIn<Key>(all: Map<Key, DueCounts>, key: Key): DueCounts {
  let counts = all.get(key)
  if (counts === undefined) all.set(key, (counts = new DueCounts()))
  return counts
}

function countAt<Key>(all: Map<Key, DueCounts>, key: Key, now: EpochMs): number {
  const count = all.get(key)?.at(now) ?? 0
  if (count === 0) all.delete(key)
  return count
}

const bucketMs = 5_000

/** Counts by due time, in steps of 5 s: what passes is forgotten by whole steps. */
class DueCounts {
  readonly #buckets = new Map<number, number>()
  #sum = 0
  /** No bucket ends before. */
  #nextEnd = Number.POSITIVE_INFINITY

  /** Nothing is taken from a bucket that has nothing. */
  add(dueAt: EpochMs, by: 1 | -1): void {
    const end = Math.ceil(dueAt / bucketMs) * bucketMs
    const count = this.#buckets.get(end) ?? 0
    if (count + by < 0) return
    this.#buckets.set(end, count + by)
    this.#sum += by
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
