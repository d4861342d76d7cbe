/**
 * What is put off to a tier without an attempt: until when, and how much may wait so.
 *
 * Only its next probe can show that an open lane's endpoint has recovered, so nothing is looked at before. From then on
 * what waits comes back evenly, over half of the time that the endpoint will take for it ({@link spread}): so the lane is
 * never idle, and what finds it still open is put off to the next probe in turn. Each delivery that waits costs one look,
 * and about one write, for each probe. A paused lane does the same with its pause's end.
 *
 * A healthy lane puts off what it has no share for ({@link ../lane/turn.ts}).
 */
import type { EpochMs, HookId, Run, TenantId, Tier, Verdict } from '../model/model.ts'
import type { Moment } from './verdict.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/** While the probe is out its answer is waited for. */
const probeMs = 5 * second
/** The longest period between two probes: no backlog may outlive a recovery by more. */
const mostMs = 30 * minute
/** As long as all waits of the default retry schedule take. A run that is blocked when it is older is dead. */
export const patienceMs = 5 * second + 5 * minute + 30 * minute + (2 + 5 + 10 + 14 + 20 + 24) * hour

/** Why a lane takes nothing now, and for how long at least. */
export interface Blocked {
  readonly by: 'open' | 'paused'
  /** Milliseconds until its next probe, or its pause's end; 0 while the probe is out. */
  readonly forMs: number
}

/** How what waits for a blocked lane comes back. */
export interface Returning {
  /** Over so many milliseconds from the probe or the pause's end on. */
  readonly spreadMs: number
  /** Ascending by delay. */
  readonly tiers: readonly Tier[]
}

/** What becomes of a run whose lane is open or paused. The first to come back is the lane's probe. */
export function deferBlocked(
  run: Pick<Run, 'deferrals' | 'firstHandledAt'>,
  { by, forMs }: Blocked,
  { spreadMs, tiers }: Returning,
  moment: Moment,
): Verdict {
  if (moment.now - run.firstHandledAt > patienceMs) return { kind: 'dead', reason: 'endpoint-down' }
  const leastMs = Math.min(mostMs, forMs > 0 ? forMs : probeMs)
  const longestMs = Math.min(mostMs, leastMs + spreadMs)
  const keptMs = run.deferrals > 0 ? fewestHops(tiers, leastMs, longestMs) : undefined
  const waitMs = Math.ceil(keptMs ?? leastMs + (longestMs - leastMs) * moment.random)
  // An open lane that was closed sooner takes what a tier releases at once. A pause is kept to its end.
  const earlyMs = by === 'open' ? waitMs : Math.max(0, Math.floor(waitMs - forMs))
  return { kind: 'deferred', dueAt: moment.now + waitMs, earlyMs, isBlocked: true }
}

/**
 * A wait of whole delays of the longest tier that fits, in milliseconds: one that is not made of whole ones takes many hops
 * over smaller tiers. What has come back to an open lane keeps its place among the others so, since the time between two
 * probes is such a delay.
 */
function fewestHops(tiers: readonly Tier[], leastMs: number, mostMs: number): number | undefined {
  return tiers
    .map(({ delayMs }) => Math.ceil(leastMs / delayMs) * delayMs)
    .findLast((waitMs) => waitMs <= mostMs)
}

/**
 * What becomes of a run that a healthy lane has no share for. Once it has, it takes what a tier releases at once.
 *
 * What has come back waits up to half as long again where that takes fewer hops: its turn is reckoned as half of the time
 * that it may wait. What is put off for the first time does not: a burst comes at once, and would come back so.
 */
export function deferToTurn(
  { deferrals }: Pick<Run, 'deferrals'>,
  turnMs: number,
  tiers: readonly Tier[],
  now: EpochMs,
): Verdict {
  const roundMs =
    deferrals > 0 ? fewestHops(tiers, turnMs, Math.min(mostMs, 1.5 * turnMs)) : undefined
  const waitMs = Math.round(roundMs ?? turnMs)
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
  readonly #all = new DueCounts()

  constructor(limits: DeferralLimits) {
    this.#limits = limits
  }

  add({ hookId, event }: Whose, dueAt: EpochMs): void {
    countsIn(this.#hooks, hookId).add(dueAt, 1)
    countsIn(this.#tenants, event.tenantId).add(dueAt, 1)
    this.#all.add(dueAt, 1)
  }

  /** A deferred run came back before it was due. */
  returned({ hookId, event }: Whose, dueAt: EpochMs): void {
    this.#hooks.get(hookId)?.add(dueAt, -1)
    this.#tenants.get(event.tenantId)?.add(dueAt, -1)
    this.#all.add(dueAt, -1)
  }

  /** Of all hooks together. */
  all(now: EpochMs): number {
    return this.#all.at(now)
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
