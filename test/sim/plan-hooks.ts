/** The hooks that a seed draws, and how the endpoint at each URL behaves. */
import type { Dice } from './dice.ts'
import { isAlwaysHealthy, type Illness, type Temper } from './endpoints.ts'
import type { WorldKind } from './plan.ts'

export interface DeliveryPlan {
  readonly concurrency?: number
  readonly ratePerSecond?: number
  readonly maxRetries?: number
  readonly timeoutMs?: number
  readonly filter?: string
}

export interface HookPlan {
  readonly id: string
  readonly tenantId: string
  readonly events: readonly string[]
  readonly url: string
  /** Fields of `delivery`. */
  readonly delivery: DeliveryPlan
  /** Whether all hooks of its tenant have endpoints that are always healthy. */
  readonly isTenantHealthy: boolean
}

/** A filter that is true for every other event; see {@link isLetThrough}. */
const halfOfAll = 'event.parity == "even"'

/** The parity of an event's number. Events have it as a field, which the filter uses. */
export function parityOf(n: number): 'even' | 'odd' {
  return n % 2 === 0 ? 'even' : 'odd'
}

/** Whether the filter is true for the event, or there is none. */
export function isLetThrough(filter: string | undefined, n: number): boolean {
  return filter === undefined || parityOf(n) === 'even'
}

export const eventKeys = ['PostSignIn', 'PostRegister', 'User.Created'] as const

export function drawHooks(
  dice: Dice,
  world: { readonly kind: WorldKind; readonly loadEndAt: number },
): { readonly hooks: readonly HookPlan[]; readonly tempers: ReadonlyMap<string, Temper> } {
  const tempers = new Map<string, Temper>()
  const tenants = dice.int(world.kind === 'tenants' ? 2 : 1, 3)
  const hooks: HookPlan[] = []
  for (let tenant = 0; tenant < tenants; tenant += 1) {
    // If there are several tenants, the first one is healthy.
    const isTenantHealthy = tenant === 0 && tenants > 1
    const count = isTenantHealthy ? dice.int(1, 3) : drawCount(dice, world.kind)
    for (let index = 0; index < count; index += 1) {
      const id = `hook-${tenant}-${index}`
      const url = `https://${id}.example/`
      const temper = isTenantHealthy ? drawHealthy(dice) : drawTemper(dice, world)
      tempers.set(url, temper)
      // The URL after an edit of the hook.
      tempers.set(`${url}moved`, dice.chance(0.8) ? drawHealthy(dice) : drawTemper(dice, world))
      const events = index === 0 || dice.chance(0.6) ? eventKeys : [dice.pick(eventKeys)]
      const hook = { id, tenantId: `tenant-${tenant}`, events, url, delivery: {}, isTenantHealthy }
      hooks.push(isTenantHealthy ? hook : asOwnersLike(dice, hook, { kind: world.kind, temper }))
    }
  }
  return { hooks, tempers }
}

/** Varies a hook as its owner might: with limits and mistakes. */
function asOwnersLike(
  dice: Dice,
  hook: HookPlan,
  { kind, temper }: { readonly kind: WorldKind; readonly temper: Temper },
): HookPlan {
  const url = dice.chance(0.01) ? 'ftp://nowhere.example/' : hook.url
  return { ...hook, url, delivery: drawDelivery(dice, kind, temper) }
}

function drawCount(dice: Dice, kind: WorldKind): number {
  return kind === 'tenants' ? dice.pick([1, 3, 12]) : dice.pick([1, 1, 2, 3, 5])
}

function drawHealthy(dice: Dice): Temper {
  const minMs = dice.pick([1, 5, 20, 50])
  const maxMs = minMs * dice.pick([1, 2, 4])
  return { minMs, maxMs, ill: [], flaky: 0, takes: Number.POSITIVE_INFINITY }
}

function drawTemper(dice: Dice, { loadEndAt }: { readonly loadEndAt: number }): Temper {
  const well = drawHealthy(dice)
  switch (dice.int(0, 6)) {
    case 0:
      return well
    case 1: {
      const minMs = dice.pick([200, 400, 1_000, 2_500])
      return { ...well, minMs, maxMs: minMs * dice.pick([1, 1.5]) }
    }
    case 2:
      return { ...well, flaky: dice.pick([0.05, 0.3, 0.7]) }
    case 3:
      return { ...well, takes: dice.pick([1, 4, 12]) }
    default:
      return { ...well, ill: drawIllness(dice, loadEndAt) }
  }
}

function drawIllness(dice: Dice, loadEndAt: number): Temper['ill'] {
  const from = dice.chance(0.5) ? 0 : dice.between(0, loadEndAt)
  const isForEver = dice.chance(0.25)
  const to = isForEver ? Number.POSITIVE_INFINITY : from + dice.between(500, loadEndAt + 20_000)
  return [{ from, to, how: drawHow(dice) }]
}

function drawHow(dice: Dice): Illness {
  switch (dice.int(0, 5)) {
    case 0:
    case 1:
      return { kind: 'failing', status: dice.pick([500, 502, 404]) }
    case 2:
      return { kind: 'hanging' }
    case 3:
      return { kind: 'resetting' }
    case 4:
      return { kind: 'busy', status: dice.pick([429, 503]), retryAfterMs: dice.int(1, 20) * 1_000 }
    default:
      return { kind: 'gone' }
  }
}

function drawDelivery(dice: Dice, kind: WorldKind, temper: Temper): DeliveryPlan {
  return {
    ...(dice.chance(0.3) ? { concurrency: dice.pick([1, 2, 16]) } : {}),
    ...(dice.chance(0.1) ? { ratePerSecond: dice.pick([1, 5, 20]) } : {}),
    ...(dice.chance(0.1) ? { maxRetries: dice.int(0, 2) } : {}),
    ...(dice.chance(0.15) ? { filter: halfOfAll } : {}),
    ...(kind === 'rough' && !isAlwaysHealthy(temper) && dice.chance(0.1)
      ? { timeoutMs: 1_000 }
      : {}),
  }
}
