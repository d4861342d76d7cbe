/**
 * Deferrals: how long a run waits on a tier without an attempt, and how many runs may wait like this.
 *
 * Only the next probe can show that the endpoint of an open lane has recovered, so no deferred run returns before it. From
 * then on the runs return evenly and in their order, over half of the time that the endpoint will need for them (`returnOf` in
 * {@link ../lane/backlog.ts}). So the lane is never idle. A run that finds the lane still open is deferred to the next probe.
 * Each waiting run costs one read and about one write per probe. A paused lane does the same with the end of its pause.
 *
 * A healthy lane defers a run when the hook has used up its share ({@link ../lane/backlog.ts}).
 */
import type { EpochMs, HookId, Run, TenantId, Tier, UnattemptedVerdict } from '../model/model.ts'
import type { Moment } from './verdict.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/** The shortest wait of a run while the probe is in flight. */
const probeMs = 5 * second
/** Equal to the longest period between two probes: no backlog may last longer than this after a recovery. */
const maxMs = 30 * minute
/** The sum of the waits of the default retry schedule. A blocked run that is older is dead, instead of deferred again. */
export const maxBlockedMs =
  5 * second + 5 * minute + 30 * minute + (2 + 5 + 10 + 14 + 20 + 24) * hour

/** Why a lane takes no deliveries now, and for how long at least. */
export interface Blocked {
  readonly by: 'open' | 'paused'
  /** Milliseconds until the next probe or the end of the pause; 0 while the probe is in flight. */
  readonly forMs: number
}

/** How the deferred runs of a blocked lane return. */
export interface Returning {
  /** They return over this time, which begins with the probe or the end of the pause. Milliseconds. */
  readonly spreadMs: number
  /** When in this time a run returns that is deferred for the first time: after those before it. Milliseconds. */
  readonly placeMs: number
  /** Ascending by delay. */
  readonly tiers: readonly Tier[]
}

/** The verdict on a run whose lane is open or paused. The first deferred run that returns is the lane's probe. */
export function deferBlocked(
  run: Pick<Run, 'deferrals' | 'firstHandledAt'>,
  { by, forMs }: Blocked,
  { spreadMs, placeMs, tiers }: Returning,
  moment: Moment,
): UnattemptedVerdict {
  if (moment.now - run.firstHandledAt > maxBlockedMs)
    return { kind: 'dead', reason: 'endpoint-down' }
  const minMs = Math.min(maxMs, forMs > 0 ? forMs : probeMs)
  const roomMs = Math.min(spreadMs, maxMs - minMs)
  const isFirst = run.deferrals === 0
  const keptMs = isFirst ? undefined : fewestHops(tiers, minMs, minMs + roomMs)
  // Those that have no place in it return at any time in it, instead of all at its end.
  const behindMs = isFirst && placeMs <= roomMs ? placeMs : roomMs * moment.random
  const waitMs = Math.ceil(keptMs ?? minMs + behindMs)
  // If the breaker closes earlier, the run is called when its tier releases it. A pause always lasts to its end.
  const earlyMs = by === 'open' ? waitMs : Math.max(0, Math.floor(waitMs - forMs))
  return { kind: 'deferred', dueAt: moment.now + waitMs, earlyMs, isBlocked: true }
}

/**
 * A wait that is a multiple of the delay of the longest tier that fits, in milliseconds. Other waits need many hops over
 * smaller tiers. A run that returned to an open lane also keeps its position among the others, since the time between two
 * probes is such a multiple.
 */
function fewestHops(tiers: readonly Tier[], minMs: number, maxMs: number): number | undefined {
  return tiers
    .map(({ delayMs }) => Math.ceil(minMs / delayMs) * delayMs)
    .findLast((waitMs) => waitMs <= maxMs)
}

/** The wait of a run of a healthy lane. */
export interface BacklogWait {
  /** Half of the expected wait. */
  readonly waitMs: number
  /** Whether it comes from what the tenant's hooks do together, not from the lane. */
  readonly isShared: boolean
}

/**
 * The verdict on a run of a healthy lane whose hook has used up its share. If the hook has share again when a tier releases
 * the run, the run is called at once.
 *
 * The wait is half of the expected one. So a run that was deferred before may wait up to half as long again, if that takes
 * fewer hops. A run that is deferred for the first time may not: the runs of a burst arrive together, and with equal waits
 * they would return together. Where the wait is shared, it may: the runs of many hooks arrive one after the other.
 */
export function deferBehindBacklog(
  { deferrals }: Pick<Run, 'deferrals'>,
  { waitMs: expectedMs, isShared }: BacklogWait,
  tiers: readonly Tier[],
  now: EpochMs,
): UnattemptedVerdict {
  const roundMs =
    deferrals > 0 || isShared
      ? fewestHops(tiers, expectedMs, Math.min(maxMs, 1.5 * expectedMs))
      : undefined
  const waitMs = Math.round(roundMs ?? expectedMs)
  return { kind: 'deferred', dueAt: now + waitMs, earlyMs: waitMs, isBlocked: false }
}

export interface DeferralLimits {
  readonly maxPerHook: number
  readonly maxPerTenant: number
}

type Whose = Pick<Run, 'hookId'> & { readonly event: Pick<Run['event'], 'tenantId'> }

/**
 * How many runs are deferred: those that this instance wrote, minus those that returned and those whose due time has passed.
 * A deferred run returns to any instance. On average each gets as many as it wrote.
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

  /** A deferred run returned before it was due. */
  returned({ hookId, event }: Whose, dueAt: EpochMs): void {
    this.#hooks.get(hookId)?.add(dueAt, -1)
    this.#tenants.get(event.tenantId)?.add(dueAt, -1)
    this.#all.add(dueAt, -1)
  }

  /** The count over all hooks. */
  all(now: EpochMs): number {
    return this.#all.at(now)
  }

  of(hookId: HookId, now: EpochMs): number {
    return countAt(this.#hooks, hookId, now)
  }

  ofTenant(tenantId: TenantId, now: EpochMs): number {
    return countAt(this.#tenants, tenantId, now)
  }

  hasRoom({ hookId, event }: Whose, now: EpochMs): boolean {
    return this.roomFor(hookId, event.tenantId, now) > 0
  }

  /** How many more deliveries of the hook may be deferred. */
  roomFor(hookId: HookId, tenantId: TenantId, now: EpochMs): number {
    const { maxPerHook, maxPerTenant } = this.#limits
    const left = Math.min(
      maxPerHook - this.of(hookId, now),
      maxPerTenant - this.ofTenant(tenantId, now),
    )
    return Math.max(0, left)
  }

  get isEmpty(): boolean {
    return this.#hooks.size === 0
  }

  /** How many hooks have deferred runs. Hooks whose last one has returned count until the next sweep. */
  get hookCount(): number {
    return this.#hooks.size
  }

  /** Hooks with deferred runs. */
  hooks(): Iterable<HookId> {
    return this.#hooks.keys()
  }

  /** Frees the memory of hooks and tenants that have no deferred runs, and of times that are over. */
  sweep(now: EpochMs): void {
    this.#all.at(now)
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

/** Counts by due time, in buckets of 5 s. A bucket that is over is removed as a whole. */
class DueCounts {
  readonly #buckets = new Map<number, number>()
  #sum = 0
  /** The earliest end of a bucket. */
  #nextEnd = Number.POSITIVE_INFINITY

  /** An empty bucket stays empty: its count never becomes negative. */
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
