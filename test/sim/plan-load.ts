/** The events that a seed draws. */
import type { Dice } from './dice.ts'
import { eventKeys, type HookPlan } from './plan-hooks.ts'
import type { WorldKind } from './plan.ts'

export interface EventPlan {
  readonly at: number
  readonly tenantId: string
  readonly eventKey: string
  /** The producer's own id; two sendings may share one. */
  readonly eventId: string
  readonly key: string | null
  /** How its value is written: as JSON text, in a registry's frame, or as text that is no event. */
  readonly form: EventForm
}

export type EventForm = 'json' | 'framed' | 'unreadable'

export function drawLoad(
  dice: Dice,
  world: {
    readonly kind: WorldKind
    readonly hooks: readonly HookPlan[]
    readonly loadBeginsAt: number
    readonly loadEndAt: number
  },
): readonly EventPlan[] {
  const { loadBeginsAt, loadEndAt } = world
  const hasFrames = dice.chance(0.3)
  const formOf = (throwing: number): EventForm => {
    if (throwing < 0.02) return 'unreadable'
    return hasFrames && throwing < 0.5 ? 'framed' : 'json'
  }
  const tenants = [...new Set(world.hooks.map(({ tenantId }) => tenantId))]
  const events: EventPlan[] = []
  const add = (at: number, tenantId: string, eventId = `e${events.length}`) => {
    const key = dice.chance(0.5) ? null : `user-${dice.int(0, 9)}`
    const form = formOf(dice.float())
    events.push({ at, tenantId, eventKey: dice.pick(eventKeys), eventId, key, form })
  }
  if (world.kind === 'crowd') {
    const count = dice.pick([600, 1_200])
    for (let index = 0; index < count; index += 1) {
      for (const tenantId of tenants) add(loadBeginsAt + index * 0.5, tenantId)
    }
    return events
  }
  const most = { rough: 25, burst: 40, tenants: 60 }[world.kind]
  for (const tenantId of tenants) {
    const count = dice.int(3, most)
    for (let index = 0; index < count; index += 1) {
      add(dice.between(loadBeginsAt, loadEndAt), tenantId)
    }
    if (world.kind !== 'rough' && dice.chance(0.6))
      drawBurst(dice, dice.between(loadBeginsAt, loadEndAt), (at) => add(at, tenantId))
  }
  // Some are sent again under their id: at once, or when their first run has long ended.
  for (const event of events.filter(() => dice.chance(0.06))) {
    const at = dice.chance(0.5)
      ? event.at + dice.between(0, 200)
      : event.at + dice.between(200, 40_000)
    add(at, event.tenantId, event.eventId)
  }
  return events
}

function drawBurst(dice: Dice, at: number, add: (at: number) => void): void {
  const count = dice.int(10, 80)
  for (let index = 0; index < count; index += 1) add(at + dice.between(0, 20))
}
