/** The events that a seed draws. */
import type { Dice } from './dice.ts'
import { eventKeys, type HookPlan } from './plan-hooks.ts'
import type { Crowd } from './plan-crowd.ts'
import type { WorldKind } from './plan.ts'

export interface EventPlan {
  readonly at: number
  readonly tenantId: string
  readonly eventKey: string
  /** The producer's own id; two sendings may share one. */
  readonly eventId: string
  readonly key: string | null
  /** The form of its value: JSON text, framed JSON, or text that is not an event. */
  readonly form: EventForm
}

export type EventForm = 'json' | 'framed' | 'unreadable'

/** How long before the load the warm-up of compared tenants begins. */
const warmUpMs = 2_000

export function drawLoad(
  dice: Dice,
  world: {
    readonly kind: WorldKind
    readonly crowd: Crowd | undefined
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
  const add = (event: Pick<EventPlan, 'at' | 'tenantId'> & Partial<EventPlan>) => {
    const key = dice.chance(0.5) ? null : `user-${dice.int(0, 9)}`
    const form = formOf(dice.float())
    const eventKey = dice.pick(eventKeys)
    events.push({ eventKey, eventId: `e${events.length}`, key, form, ...event })
  }
  if (world.crowd !== undefined) {
    for (const { from, everyMs, count, ...stream } of world.crowd.streams) {
      for (let index = 0; index < count; index += 1) {
        add({ ...stream, at: loadBeginsAt + from + index * everyMs })
      }
    }
    return events
  }
  const most = { rough: 25, burst: 40, tenants: 60, crowd: 0 }[world.kind]
  for (const tenantId of tenants) {
    // A process that has just started admits little at once.
    if (world.kind === 'tenants') add({ at: loadBeginsAt - warmUpMs, tenantId })
    const count = dice.int(3, most)
    for (let index = 0; index < count; index += 1) {
      add({ at: dice.between(loadBeginsAt, loadEndAt), tenantId })
    }
    if (world.kind !== 'rough' && dice.chance(0.6))
      drawBurst(dice, dice.between(loadBeginsAt, loadEndAt), (at) => add({ at, tenantId }))
  }
  // Some are sent again with the same id, at once or long after their first run has ended.
  for (const event of events.filter(() => dice.chance(0.06))) {
    const at = dice.chance(0.5)
      ? event.at + dice.between(0, 200)
      : event.at + dice.between(200, 40_000)
    add({ at, tenantId: event.tenantId, eventId: event.eventId })
  }
  return events
}

function drawBurst(dice: Dice, at: number, add: (at: number) => void): void {
  const count = dice.int(10, 80)
  for (let index = 0; index < count; index += 1) add(at + dice.between(0, 20))
}
