/** Lanes whose work is texts, and actions of tests on them. */
import type { LaneCondition } from '../../src/core/lane/condition.ts'
import type { LaneSeed } from '../../src/core/lane/seed.ts'
import type { HookLimits, Lane, LineName } from '../../src/core/lane/lane.ts'
import { Lanes, type LaneLimits, type LanesParts, type Slot } from '../../src/core/lane/lanes.ts'
import type { HookId, MonotonicMs } from '../../src/core/model/model.ts'

export const second = 1_000
export const usual: LaneLimits = {
  maxInFlight: 100,
  lateShare: 0.75,
  maxBytes: 1_000_000,
  initialConcurrency: 2,
}
export const sixteen: HookLimits = {
  tenantId: 'default',
  concurrency: 16,
  ratePerSecond: undefined,
}
export const flowing: LaneSeed = { kind: 'flowing' }

/** Lanes that use the reports of other instances, as their stage does. */
export class SeededLanes<Work> extends Lanes<Work> {
  readonly #seedOf: () => LaneSeed

  constructor(parts: LanesParts<Work>, seedOf: () => LaneSeed) {
    super(parts)
    this.#seedOf = seedOf
  }

  override laneOf(hookId: HookId, limits: HookLimits, now: MonotonicMs): Lane<Work> {
    const lane = super.laneOf(hookId, limits, now)
    if (lane.acceptsReports) lane.seed(this.#seedOf(), now)
    return lane
  }
}

/** Lanes whose work is texts of one byte each. */
export function createLanes(
  limits: Partial<LaneLimits> = {},
  options: {
    readonly sizeOf?: (work: string) => number
    readonly seedOf?: () => LaneSeed
  } = {},
) {
  const { sizeOf = () => 1, seedOf = () => flowing } = options
  const lanes = new SeededLanes<string>({ limits: { ...usual, ...limits }, sizeOf }, seedOf)
  return { lanes }
}

export function startAll(lanes: Lanes<string>, now: number): readonly Slot<string>[] {
  const slots: Slot<string>[] = []
  for (let slot = lanes.next(now); slot !== undefined; slot = lanes.next(now)) slots.push(slot)
  return slots
}

/**
 * Starts what may start at once, and what may start when the calls in flight have become older.
 *
 * @returns all of it, and when that was settled
 */
export function startSettled(
  lanes: Lanes<string>,
  from: number,
): { readonly slots: readonly Slot<string>[]; readonly now: number } {
  const slots = [...startAll(lanes, from)]
  let now = from
  while (lanes.isWaitingForAge(now)) {
    now += second / 10
    slots.push(...startAll(lanes, now))
  }
  return { slots, now }
}

export function works(slots: readonly Slot<string>[]): readonly string[] {
  return slots.map(({ work }) => work)
}

export const ofTenant = (tenantId: string, concurrency = 16): HookLimits => ({
  ...sixteen,
  tenantId,
  concurrency,
})
/** Every lane may make as many calls at once as its hook allows. */
export const warm = { initialConcurrency: 1_000 }

interface Filling {
  readonly name?: LineName
  readonly limits?: HookLimits
  readonly now?: number
}

/** Queues `count` texts, which are the hook's id and a number. */
export function fill(
  lanes: Lanes<string>,
  hookId: string,
  count: number,
  filling: Filling = {},
): Lane<string> {
  const { name = 'first', limits = sixteen, now = 0 } = filling
  const lane = lanes.laneOf(hookId, limits, now)
  for (let index = 0; index < count; index += 1) lanes.add(lane, name, `${hookId}${index}`, now)
  return lane
}

/**
 * Makes a call of the hook succeed, from 0 to 1 or at other times. By default its calls then count as short.
 */
export function learn(
  lanes: Lanes<string>,
  hookId: string,
  limits: HookLimits = sixteen,
  { from = 0, to = 1 }: { readonly from?: number; readonly to?: number } = {},
): void {
  fill(lanes, hookId, 1, { limits, now: from })
  finishAll(lanes, startAll(lanes, from), 'success', to)
}

/** Why the lane of `a` accepts no delivery, and until when; `undefined` if it accepts one. */
export function blocked(lanes: Lanes<string>, now: number): LaneCondition | undefined {
  return lanes.laneOf('a', sixteen, now).blockedBy(now)
}

export function finishAll(
  lanes: Lanes<string>,
  slots: readonly Slot<string>[],
  kind: 'success' | 'failure' | 'unanswered',
  now: number,
): void {
  for (const slot of slots) lanes.finish(slot, { kind }, now)
}

/** The lane of `a` opens at `now`. */
export function openLane(lanes: Lanes<string>, now = 0): void {
  for (let failure = 0; failure < 5; failure += 1) {
    fill(lanes, 'a', 1, { now })
    finishAll(lanes, startAll(lanes, now), 'failure', now)
  }
}
