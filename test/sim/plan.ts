/** What a seed draws: the installation, the hooks and their endpoints, the load and the faults. Plain data. */
import type { Tier } from '../../src/core/model/model.ts'
import { sortedTiers, tierOf } from '../../src/core/run/schedule.ts'
import { settingTable } from '../../src/settings/table.ts'
import { createDice, type Dice } from './dice.ts'
import { isWell, type Temper } from './endpoints.ts'
import { drawFaults, type Fault } from './plan-faults.ts'
import { drawCrowd, lengthOf, type Crowd, type Recovery } from './plan-crowd.ts'
import { drawHooks, type HookPlan } from './plan-hooks.ts'
import { drawLoad, type EventPlan } from './plan-load.ts'
import { topics } from '../support/flow-rig.ts'

/**
 * What kind of world it is:
 * - *rough*: a small load and many faults;
 * - *burst*: a small load with bursts, few faults;
 * - *tenants*: no faults but endpoints that misbehave; a well tenant's latency is compared with its own alone;
 * - *crowd*: the same with a thousand deliveries for endpoints that are slow, hold their calls or hang.
 */
export type WorldKind = 'rough' | 'burst' | 'tenants' | 'crowd'

export interface InstancePlan {
  readonly startAt: number
  /** What starting a call and hearing its end each cost, in milliseconds of the event loop. */
  readonly callMs: number
  /** What a fetched record costs. */
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
  /** What a well tenant's latency may come to beside the others, more than half as much again, in milliseconds. */
  readonly mostMoreMs: number
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
  /** An endpoint that is to recover. */
  readonly recovery: Recovery | undefined
  /** When the load has ended, and the faults too. */
  readonly calmAt: number
  /** By then all must be done. */
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
  const leastAgeMs = 2 * minute + 2 * longestWorkMs({ hooks, tempers, events, concurrency })
  const maxAgeMs = Math.max(
    leastAgeMs,
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

/** By then all instances that start at once have joined. */
const joinedBy = 4 * second

function limitsOf(
  dice: Dice,
  crowd: Crowd | undefined,
): Pick<Plan, 'recovery' | 'mostMoreMs' | 'maxInFlight'> {
  if (crowd !== undefined) {
    const { recovery, mostMoreMs, maxInFlight } = crowd
    return { recovery, mostMoreMs, maxInFlight }
  }
  return { recovery: undefined, mostMoreMs: 100, maxInFlight: dice.pick([64, 128, 4_096]) }
}

/** Where tenants are compared, nothing may be left out for want of room. */
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

/** Whether it is about what endpoints do to each other, and nothing else happens. */
export function isCalm(kind: WorldKind): boolean {
  return kind === 'tenants' || kind === 'crowd'
}

/** Few crowds: each costs as much as many of the others. */
function drawKind(dice: Dice): WorldKind {
  const throwing = dice.float()
  if (throwing < 0.62) return 'rough'
  if (throwing < 0.82) return 'burst'
  return throwing < 0.985 ? 'tenants' : 'crowd'
}

/** The product's own, but for those that no run of a world lives long enough for. */
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
 * How long the endpoint that takes longest needs for all that is for it, in milliseconds, of those that are always well.
 * What cannot be done in time expires by right.
 */
function longestWorkMs({
  hooks,
  tempers,
  events,
  concurrency,
}: Pick<Plan, 'hooks' | 'tempers' | 'events' | 'concurrency'>): number {
  const works = hooks.map((hook) => {
    const temper = tempers.get(hook.url)
    if (temper === undefined || !isWell(temper)) return 0
    const own = events.filter(
      ({ tenantId, eventKey }) => tenantId === hook.tenantId && hook.events.includes(eventKey),
    )
    const { concurrency: limit = concurrency, ratePerSecond = Number.POSITIVE_INFINITY } =
      hook.delivery
    return own.length * Math.max(temper.mostMs / limit, 1_000 / ratePerSecond)
  })
  return Math.max(0, ...works)
}

/** The plan without what misbehaves: what a well tenant gets when it is alone. */
export function aloneOf(plan: Plan): Plan {
  return { ...plan, hooks: plan.hooks.filter((hook) => hook.isTenantWell), faults: [] }
}
