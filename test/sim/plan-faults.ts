/** The faults that a seed draws, each with its time. Their effects are in `faults.ts`. */
import type { Dice } from './dice.ts'
import type { HookPlan } from './plan-hooks.ts'
import type { InstancePlan, WorldKind } from './plan.ts'

export type Fault = { readonly at: number; readonly endAt: number } & FaultKind

export type FaultKind = OuterFault | InnerFault

/** Faults of processes, of the network and of the broker. */
export type OuterFault =
  /** The process dies at once, or right after this many of its records are in the log, acknowledged or not. */
  | { readonly kind: 'kill'; readonly instance: number; readonly afterAppends: number }
  /** The process dies when the broker has accepted its next commit. */
  | { readonly kind: 'kill-at-commit'; readonly instance: number }
  | { readonly kind: 'stop'; readonly instance: number; readonly deadlineMs: number }
  | { readonly kind: 'start' }
  | { readonly kind: 'sleep'; readonly instance: number; readonly forMs: number }
  | { readonly kind: 'cut'; readonly instance: number }
  | { readonly kind: 'broker-away' }
  | {
      readonly kind: 'acknowledgements'
      readonly late: number
      readonly lostThere: number
      readonly lostBack: number
      readonly twice: number
      readonly oldBatch: number
      readonly commitsLost: number
    }
  /** No further record of the process is acknowledged until it dies. */
  | { readonly kind: 'stuck-sink'; readonly instance: number }
  | { readonly kind: 'clock-step'; readonly instance: number; readonly byMs: number }

/** Actions of operators and of owners of hooks, and what the broker does with topics. */
export type InnerFault =
  | { readonly kind: 'edit'; readonly hookId: string; readonly edit: HookEdit }
  | { readonly kind: 'compact' }
  | { readonly kind: 'marker' }
  | { readonly kind: 'endpoint'; readonly hookId: string; readonly change: 'enable' | 'disable' }
  | { readonly kind: 'replay-letters'; readonly most: number }
  | { readonly kind: 'replay-events'; readonly most: number }

export type HookEdit =
  | 'move'
  | 'rotate-key'
  | 'delete'
  | 'disable'
  | 'put-again'
  | 'break'
  | 'concurrency'

type Make = (dice: Dice, at: number, world: World) => FaultKind & { readonly endAt?: number }

interface World {
  readonly hooks: readonly HookPlan[]
  readonly instances: readonly InstancePlan[]
}

const instance = (dice: Dice, { instances }: World) => dice.int(0, instances.length - 1)

/** Makers of faults of processes and the broker. */
const outer: readonly Make[] = [
  (dice, _at, world) => ({
    kind: 'kill',
    instance: instance(dice, world),
    afterAppends: dice.pick([0, 1, 1, 2, 3, 5, 8]),
  }),
  (dice, _at, world) => ({ kind: 'kill-at-commit', instance: instance(dice, world) }),
  (dice, _at, world) => ({
    kind: 'stop',
    instance: instance(dice, world),
    deadlineMs: dice.pick([100, 2_000, 20_000]),
  }),
  () => ({ kind: 'start' }),
  (dice, at, world) => {
    const forMs = dice.pick([300, 3_000, 12_000, 25_000])
    return { kind: 'sleep', instance: instance(dice, world), forMs, endAt: at + forMs }
  },
  (dice, at, world) => ({
    kind: 'cut',
    instance: instance(dice, world),
    endAt: at + dice.between(500, 20_000),
  }),
  (dice, at) => ({ kind: 'broker-away', endAt: at + dice.between(500, 15_000) }),
  (dice, at) => ({
    kind: 'acknowledgements',
    late: dice.pick([0, 0.1, 0.4]),
    lostThere: dice.pick([0, 0.1]),
    lostBack: dice.pick([0, 0.1, 0.3]),
    twice: dice.pick([0, 0.5, 1]),
    oldBatch: dice.pick([0, 0, 0.1]),
    commitsLost: dice.pick([0, 0.1, 0.4]),
    endAt: at + dice.between(1_000, 15_000),
  }),
  (dice, at, world) => ({
    kind: 'stuck-sink',
    instance: instance(dice, world),
    endAt: at + dice.between(50, 4_000),
  }),
  (dice, _at, world) => ({
    kind: 'clock-step',
    instance: instance(dice, world),
    byMs: Math.round(dice.pick([-600, -100, 100, 600])),
  }),
]

/** Makers of actions of operators and owners of hooks. */
const inner: readonly Make[] = [
  (dice, _at, { hooks }) => ({
    kind: 'edit',
    hookId: dice.pick(hooks).id,
    edit: dice.pick([
      'move',
      'rotate-key',
      'delete',
      'disable',
      'put-again',
      'break',
      'concurrency',
    ]),
  }),
  () => ({ kind: 'compact' }),
  () => ({ kind: 'marker' }),
  (dice, _at, { hooks }) => ({
    kind: 'endpoint',
    hookId: dice.pick(hooks).id,
    change: dice.pick(['enable', 'disable']),
  }),
  (dice) => ({ kind: 'replay-letters', most: dice.int(1, 10) }),
  (dice) => ({ kind: 'replay-events', most: dice.int(1, 5) }),
]

export function drawFaults(
  dice: Dice,
  world: World & { readonly kind: WorldKind; readonly loadEndAt: number },
): readonly Fault[] {
  const { kind, loadEndAt } = world
  if (kind === 'tenants' || kind === 'crowd') return []
  const faults: Fault[] = []
  const add = (makes: readonly Make[], count: number) => {
    for (let index = 0; index < count; index += 1) {
      const at = dice.between(300, loadEndAt)
      faults.push({ at, endAt: at, ...dice.pick(makes)(dice, at, world) })
    }
  }
  // Some worlds have only orderly joins and leaves. Then it is known exactly what they may repeat.
  const orderly = outer.filter((_, index) => index === 2 || index === 3)
  if (dice.chance(0.25)) add(orderly, dice.int(1, 3))
  else add(outer, kind === 'rough' ? dice.int(1, 5) : dice.int(0, 1))
  if (dice.chance(0.5)) add(inner, dice.int(1, 4))
  return faults.toSorted((one, other) => one.at - other.at)
}
