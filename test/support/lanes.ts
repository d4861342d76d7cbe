/** Lanes of texts, and what tests do with them. */
import type { HookLimits, LaneCondition, LineName } from '../../src/core/lane.ts'
import { Lanes, type LaneLimits, type Slot } from '../../src/core/lanes.ts'

export const second = 1_000
export const usual: LaneLimits = {
  maxInFlight: 100,
  maxLate: 75,
  maxBytes: 1_000_000,
  slowAfterMs: second,
  maxSlow: 50,
  maxSlowBytes: 1_000_000,
  maxQueued: 10,
  maxQueuedSilent: 20,
  initialConcurrency: 2,
  maxWaitMs: 2 * second,
  evidenceMs: second,
  patienceMs: 3 * second,
}
export const sixteen: HookLimits = { concurrency: 16, ratePerSecond: undefined }
export const flowing: LaneCondition = { kind: 'flowing' }

interface Alarm {
  readonly at: number
  readonly again: () => void
}

/** Lanes of texts that weigh a byte each, with what they asked to be woken at. */
export function createLanes(
  limits: Partial<LaneLimits> = {},
  options: { readonly sizeOf?: number; readonly seed?: LaneCondition } = {},
) {
  const alarms: Alarm[] = []
  const lanes = new Lanes<string>({
    limits: { ...usual, ...limits },
    sizeOf: () => options.sizeOf ?? 1,
    wakeAt: (at, again) => alarms.push({ at, again }),
    seedOf: () => options.seed ?? flowing,
  })
  return { lanes, alarms }
}

export function startAll(lanes: Lanes<string>, now: number): readonly Slot<string>[] {
  const slots: Slot<string>[] = []
  for (let slot = lanes.next(now); slot !== undefined; slot = lanes.next(now)) slots.push(slot)
  return slots
}

export function works(slots: readonly Slot<string>[]): readonly string[] {
  return slots.map(({ work }) => work)
}

interface Filling {
  readonly name?: LineName
  readonly limits?: HookLimits
  readonly now?: number
}

export function fill(
  lanes: Lanes<string>,
  hookId: string,
  count: number,
  filling: Filling = {},
): void {
  const { name = 'first', limits = sixteen, now = 0 } = filling
  for (let index = 0; index < count; index += 1) {
    lanes.admission(hookId, name, limits, now)
    lanes.add(hookId, name, `${hookId}${index}`, now)
  }
}

export function admission(lanes: Lanes<string>, now: number, filling: Filling = {}): string {
  return lanes.admission('a', filling.name ?? 'first', filling.limits ?? sixteen, now).kind
}

export function finishAll(
  lanes: Lanes<string>,
  slots: readonly Slot<string>[],
  kind: 'success' | 'failure',
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
