/** What a seed draws: the installation, the hooks and their endpoints, the load and the faults. Plain data. */
import type { Tier } from '../../src/core/model/model.ts'
import { sortedTiers, tierOf } from '../../src/core/run/schedule.ts'
import { settingTable } from '../../src/settings/table.ts'
import { createDice, type Dice } from './dice.ts'
import { isAlwaysHealthy, type Temper } from './endpoints.ts'
import { drawFaults, type Fault } from './plan-faults.ts'
import { drawCrowd, lengthOf, type Crowd, type Recovery } from './plan-crowd.ts'
import { drawHooks, type HookPlan } from './plan-hooks.ts'
import { drawLoad, type EventPlan } from './plan-load.ts'
import { topics } from '../support/flow-rig.ts'

/**
 * The kind of a world:
 * - *rough*: a small load and many faults;
 * - *burst*: a small load with bursts, few faults;
 * - *tenants*: no faults except misbehaving endpoints; a healthy tenant's latency is compared with its latency alone;
 * - *crowd*: the same with a thousand deliveries to endpoints that are slow, hold their calls or hang.
 */
export type WorldKind = 'rough' | 'burst' | 'tenants' | 'crowd'

export interface InstancePlan {
  readonly startAt: number
  /** The cost of starting a call, and of handling its end, in milliseconds of the event loop. */
  readonly callMs: number
  /** The cost of a fetched record, in milliseconds. */
  readonly recordMs: number
  readonly skewMs: number
}

export interface Plan {
  readonly seed: number
  readonly kind: WorldKind
  readonly instances: readonly InstancePlan[]
  readonly partitions: {
    readonly events: number
    readonly requests: number
    readonly tiers: number
    readonly tables: number
  }
  readonly tiers: readonly Tier[]
  readonly retrySchedule: readonly number[]
  readonly sessionMs: number
  readonly timeoutMs: number
  readonly maxInFlight: number
  /** By how much a healthy tenant's latency may exceed 1.5 times its latency alone, in milliseconds. */
  readonly maxMoreMs: number
  readonly concurrency: number
  readonly maxAgeMs: number
  readonly maxDeferredPerHook: number
  readonly maxDeferredPerTenant: number
  readonly commitIntervalMs: number
  readonly maxBatch: number
  readonly hooks: readonly HookPlan[]
  readonly tempers: ReadonlyMap<string, Temper>
  readonly events: readonly EventPlan[]
  readonly faults: readonly Fault[]
  /** The recovery to check, if there is one. */
  readonly recovery: Recovery | undefined
  /** When the load and the faults have ended. */
  readonly calmAt: number
  /** When everything must be done. */
  readonly endAt: number
}

const second = 1_000
const minute = 60 * second
const million = 1_000_000

export function drawPlan(seed: number): Plan {
  const dice = createDice(`world ${seed}`)
  const kind = drawKind(dice)
  const loadBeginsAt = isCalm(kind) ? joinedBy : 500
  const shortEndAt = loadBeginsAt + dice.between(3, kind === 'rough' ? 25 : 12) * second
  const timeoutMs = dice.pick([2, 4, 8]) * second
  const schedule = dice.pick([[5], [5, 10], [5, 5, 10], [5, 10, 30], [30]]).map((s) => s * second)
  const crowd = kind === 'crowd' ? drawCrowd(dice.fork('crowd')) : undefined
  const loadEndAt = crowd === undefined ? shortEndAt : loadBeginsAt + lengthOf(crowd)
  const { hooks, tempers } = crowd ?? drawHooks(dice.fork('hooks'), { kind, loadEndAt })
  const instances = drawInstances(dice.fork('instances'), kind)
  const events = drawLoad(dice.fork('load'), { kind, crowd, hooks, loadBeginsAt, loadEndAt })
  const faults = drawFaults(dice.fork('faults'), { kind, hooks, instances, loadEndAt })
  const faultsEndAt = Math.max(loadEndAt, ...faults.map(({ endAt }) => endAt))
  const calmAt = Math.max(faultsEndAt, ...instances.map(({ startAt }) => startAt)) + 500
  const concurrency = dice.pick([2, 4, 16])
  const minAgeMs = 2 * minute + 2 * longestWorkMs({ hooks, tempers, events, concurrency })
  const maxAgeMs = Math.max(
    minAgeMs,
    kind === 'crowd' ? 3 * 60 * minute : dice.pick([4, 6, 10]) * minute,
  )
  return {
    seed,
    kind,
    instances,
    partitions: {
      events: kind === 'crowd' ? dice.pick([1, 6]) : dice.pick([1, 1, 2, 3, 6]),
      requests: dice.pick([1, 2]),
      tiers: dice.pick([1, 1, 2]),
      tables: dice.pick([1, 2]),
    },
    tiers,
    retrySchedule: schedule,
    sessionMs: dice.pick([6, 10]) * second,
    timeoutMs,
    ...limitsOf(dice, crowd),
    concurrency,
    maxAgeMs,
    ...drawCaps(dice, kind),
    commitIntervalMs: dice.pick([10, 10, 100]),
    maxBatch: dice.pick([5, 50, 500]),
    hooks,
    tempers,
    events,
    faults,
    calmAt,
    endAt: calmAt + maxAgeMs + 6 * minute,
  }
}

/** When all instances of the start have joined. */
const joinedBy = 4 * second

function limitsOf(
  dice: Dice,
  crowd: Crowd | undefined,
): Pick<Plan, 'recovery' | 'maxMoreMs' | 'maxInFlight'> {
  if (crowd !== undefined) {
    const { recovery, maxMoreMs, maxInFlight } = crowd
    return { recovery, maxMoreMs, maxInFlight }
  }
  return { recovery: undefined, maxMoreMs: 100, maxInFlight: dice.pick([64, 128, 4_096]) }
}

/** Where tenants are compared, nothing may end because a bound is reached. */
function drawCaps(
  dice: Dice,
  kind: WorldKind,
): Pick<Plan, 'maxDeferredPerHook' | 'maxDeferredPerTenant'> {
  if (isCalm(kind)) return { maxDeferredPerHook: million, maxDeferredPerTenant: million }
  return {
    maxDeferredPerHook: dice.pick([million, million, million, 40, 4]),
    maxDeferredPerTenant: dice.pick([million, million, million, 100, 10]),
  }
}

/** Whether the world has no other faults than those of endpoints. */
export function isCalm(kind: WorldKind): boolean {
  return kind === 'tenants' || kind === 'crowd'
}

/** Crowds are rare, since each takes as long as many other worlds. */
function drawKind(dice: Dice): WorldKind {
  const throwing = dice.float()
  if (throwing < 0.62) return 'rough'
  if (throwing < 0.82) return 'burst'
  return throwing < 0.985 ? 'tenants' : 'crowd'
}

/** The product's own tiers, except those that are longer than any world. */
const tiers: readonly Tier[] = sortedTiers(
  settingTable.retryTiers.default
    .split(',')
    .flatMap((delay) => tierOf(`${topics.retryPrefix}${delay.trim()}`, topics.retryPrefix) ?? [])
    .filter(({ delayMs }) => delayMs <= 5 * minute),
)

function drawInstances(dice: Dice, kind: WorldKind): readonly InstancePlan[] {
  const count = isCalm(kind) ? dice.pick([1, 1, 2]) : dice.pick([1, 2, 2, 3, 3, 4, 5])
  const hasSkew = dice.chance(0.25)
  const isSlow = !isCalm(kind) && dice.chance(0.15)
  return Array.from({ length: count }, (_, index) => ({
    startAt: index === 0 || isCalm(kind) ? 0 : dice.pick([0, 0, dice.between(0, 8_000)]),
    callMs: isSlow && dice.chance(0.5) ? dice.between(2, 15) : dice.between(0.03, 0.12),
    recordMs: isSlow && dice.chance(0.5) ? dice.between(1, 5) : dice.between(0.01, 0.05),
    skewMs: hasSkew ? Math.round(dice.between(-400, 400)) : 0,
  }))
}

/**
 * The longest time that an always healthy endpoint needs for all its deliveries, in milliseconds. Deliveries that cannot be
 * made in time expire rightly.
 */
function longestWorkMs({
  hooks,
  tempers,
  events,
  concurrency,
}: Pick<Plan, 'hooks' | 'tempers' | 'events' | 'concurrency'>): number {
  const works = hooks.map((hook) => {
    const temper = tempers.get(hook.url)
    if (temper === undefined || !isAlwaysHealthy(temper)) return 0
    const own = events.filter(
      ({ tenantId, eventKey }) => tenantId === hook.tenantId && hook.events.includes(eventKey),
    )
    const { concurrency: limit = concurrency, ratePerSecond = Number.POSITIVE_INFINITY } =
      hook.delivery
    return own.length * Math.max(temper.maxMs / limit, 1_000 / ratePerSecond)
  })
  return Math.max(0, ...works)
}

/** The plan without misbehaving endpoints, for the latency of a healthy tenant alone. */
export function aloneOf(plan: Plan): Plan {
  return { ...plan, hooks: plan.hooks.filter((hook) => hook.isTenantHealthy), faults: [] }
}
