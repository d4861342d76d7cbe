/** Worlds with many deliveries to endpoints that are slow, hold their calls or hang, beside one that answers at once. */
import type { Dice } from './dice.ts'
import type { Temper } from './endpoints.ts'
import { eventKeys, type DeliveryPlan, type HookPlan } from './plan-hooks.ts'

export interface Crowd {
  readonly hooks: readonly HookPlan[]
  readonly tempers: ReadonlyMap<string, Temper>
  readonly streams: readonly Stream[]
  readonly maxInFlight: number
  /** By how much the healthy tenant's latency may exceed 1.5 times its latency alone, in milliseconds. */
  readonly maxMoreMs: number
  readonly recovery?: Recovery
}

/** The recovery of an endpoint that failed for a long time. */
export interface Recovery {
  readonly hookId: string
  readonly at: number
  /** How long after the successful probe all earlier deliveries must be done, in milliseconds. */
  readonly withinMs: number
}

/** Events of one tenant at even intervals. Times are in milliseconds from the beginning of the load. */
export interface Stream {
  readonly tenantId: string
  readonly from: number
  readonly everyMs: number
  readonly count: number
  /** Default: random. */
  readonly eventKey?: (typeof eventKeys)[number]
}

/** How long the load of a crowd lasts, in milliseconds. */
export function lengthOf({ streams }: Crowd): number {
  return Math.max(...streams.map(({ from, everyMs, count }) => from + everyMs * count))
}

const well = { ill: [], flaky: 0, takes: Number.POSITIVE_INFINITY }
const minute = 60_000
const hour = 60 * minute

/** A hook of which each tenant has one. */
interface Kind {
  readonly tenantId: string
  readonly temper: Temper
  readonly delivery?: DeliveryPlan
  /** Default: all. */
  readonly events?: HookPlan['events']
}

export function drawCrowd(dice: Dice): Crowd {
  if (dice.fork('recovering').chance(0.2)) return drawRecovering(dice)
  if (dice.fork('outage of many').chance(0.15)) return drawOutage(dice)
  switch (dice.pick(['burst', 'holding', 'hanging'] as const)) {
    case 'burst':
      return drawBurstOfSlow(dice)
    case 'holding':
      return drawHolding(dice)
    case 'hanging':
      return drawHanging(dice)
  }
}

/** One slow hook gets hundreds of events at once, and a fast one as many. */
function drawBurstOfSlow(dice: Dice): Crowd {
  const slowMs = dice.pick([150, 400])
  const count = dice.pick([600, 1_200])
  const slow = { ...steady(slowMs), tenantId: 'tenant-slow', delivery: { concurrency: 16 } }
  const streams = ['tenant-slow', 'tenant-fast'].map((tenantId) => ({
    tenantId,
    from: 0,
    everyMs: 0.5,
    count,
  }))
  // A lane is known to be slow after a second. Then 5,000 deliveries per second are deferred.
  return crowdOf([slow], { streams, maxInFlight: 4_096, maxMoreMs: 1_100 + count / 5 })
}

/** Hooks that hold each call for nearly a minute, and get more events than a partition may have open. */
function drawHolding(dice: Dice): Crowd {
  const tenants = Array.from({ length: dice.pick([3, 6]) }, (_, index) => `tenant-${index}`)
  const holding = tenants.map((tenantId) => ({
    ...steady(55_000),
    tenantId,
    delivery: { concurrency: 16, timeoutMs: minute },
  }))
  const each = Math.ceil(900 / tenants.length)
  const streams = [
    ...tenants.map((tenantId) => ({ tenantId, from: 0, everyMs: 2_000 / each, count: each })),
    { tenantId: 'tenant-fast', from: 0, everyMs: 100, count: 300 },
  ]
  return crowdOf(holding, { streams, maxInFlight: dice.pick([256, 4_096]), maxMoreMs: 100 })
}

/** Hundreds of hanging hooks of one tenant, which get the same events as a hook that is known to answer. */
function drawHanging(dice: Dice): Crowd {
  const tenantId = 'tenant-slow'
  const hangs: Temper = {
    ...steady(5).temper,
    ill: [{ from: 0, to: Number.POSITIVE_INFINITY, how: { kind: 'hanging' } }],
  }
  const hooks: Kind[] = Array.from({ length: 250 }, () => {
    return { tenantId, temper: hangs, events: ['PostRegister'] }
  })
  const streams = [
    { tenantId, from: 0, everyMs: 300, count: 50, eventKey: 'PostSignIn' },
    { tenantId, from: 1_000, everyMs: 1_000, count: 3, eventKey: 'PostRegister' },
    { tenantId: 'tenant-fast', from: 0, everyMs: 50, count: 300 },
  ] as const
  const maxInFlight = dice.pick([128, 256])
  return crowdOf([...hooks, { ...steady(5), tenantId }], { streams, maxInFlight, maxMoreMs: 100 })
}

/** Hooks of as many tenants that hang at the same time, more than a partition has places, from the first call or later on. */
function drawOutage(dice: Dice): Crowd {
  const from = dice.pick([0, 10_000])
  const temper: Temper = {
    ...steady(5).temper,
    ill: [{ from, to: Number.POSITIVE_INFINITY, how: { kind: 'hanging' } }],
  }
  const tenants = Array.from({ length: 900 }, (_, index) => `tenant-${index}`)
  const hooks = tenants.map((tenantId) => ({ tenantId, temper }))
  const everyMs = 3_000
  const streams = [
    ...tenants.map((tenantId, n) => ({ tenantId, from: (n * everyMs) / 900, everyMs, count: 2 })),
    { tenantId: 'tenant-fast', from: 0, everyMs: 50, count: 300 },
  ]
  // Half a second shows that they hang, and for so long the partition may wait.
  return crowdOf(hooks, { streams, maxInFlight: dice.pick([256, 4_096]), maxMoreMs: 700 })
}

/** An endpoint that fails for an hour and gets events all the time. */
function drawRecovering(dice: Dice): Crowd {
  const tenantId = 'tenant-slow'
  const callMs = dice.pick([20, 160])
  const everyMs = dice.pick([2_000, 10_000])
  const [from, to] = [minute, minute + hour]
  const temper: Temper = {
    ...steady(callMs).temper,
    ill: [{ from, to, how: { kind: 'failing', status: 500 } }],
  }
  const count = Math.round((1.1 * hour) / everyMs)
  const streams = [
    { tenantId, from: 0, everyMs, count },
    { tenantId: 'tenant-fast', from: 0, everyMs: 15_000, count: 280 },
  ]
  const crowd = crowdOf([{ tenantId, temper, delivery: { concurrency: 16 } }], {
    streams,
    maxInFlight: 4_096,
    maxMoreMs: 100,
  })
  const idealMs = ((hour / everyMs) * callMs) / 16
  // A few or fast deliveries return over a minute, as tiers release them.
  const withinMs = minute + 1.5 * idealMs
  return { ...crowd, recovery: { hookId: 'hook-0', at: to, withinMs } }
}

function steady(ms: number): { readonly temper: Temper } {
  return { temper: { minMs: ms, maxMs: ms, ...well } }
}

/** Adds a hook that answers at once and has a tenant of its own. */
function crowdOf(kinds: readonly Kind[], others: Omit<Crowd, 'hooks' | 'tempers'>): Crowd {
  const fast = { tenantId: 'tenant-fast', temper: { minMs: 2, maxMs: 8, ...well } }
  const tempers = new Map<string, Temper>()
  const hooks = [...kinds, fast].map((kind: Kind, index) => {
    const { tenantId, temper, delivery = {}, events = eventKeys } = kind
    const id = `hook-${index}`
    const url = `https://${id}.example/`
    tempers.set(url, temper)
    const isTenantHealthy = tenantId === fast.tenantId
    return { id, tenantId, events, url, delivery, isTenantHealthy }
  })
  return { ...others, hooks, tempers }
}
