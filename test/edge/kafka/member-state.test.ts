import { describe, expect, it } from 'vitest'
import {
  advanceMember,
  joinUnderWay,
  type MemberInput,
  type MemberState,
  newestMembership,
  outside,
} from '../../../src/edge/kafka/member-state.ts'
import type { Membership } from '../../../src/edge/kafka/membership.ts'

const generation = (number: number): Membership => ({
  // What the group holds decides nothing here.
  group: {} as Membership['group'],
  positions: {} as Membership['positions'],
  memberId: 'member',
  generation: number,
  partitions: [],
  evicted: new Promise(() => undefined),
  conflict: undefined,
  keptFrom: () => undefined,
})
const [first, second] = [generation(1), generation(2)]
const [join, otherJoin] = [Promise.resolve(), Promise.resolve()]

const states = {
  outside,
  'joining first': { kind: 'joining', join, membership: undefined },
  joined: { kind: 'joined', membership: first },
  rejoining: { kind: 'joining', join, membership: first },
  'joined anew': { kind: 'joined', membership: second },
  'failed outside': { kind: 'failed', join: undefined, membership: undefined },
  'failed joining first': { kind: 'failed', join, membership: undefined },
  'failed joined first': { kind: 'failed', join, membership: second },
  failed: { kind: 'failed', join: undefined, membership: first },
  'failed rejoining': { kind: 'failed', join, membership: first },
  'failed joined anew': { kind: 'failed', join: undefined, membership: second },
  'stopped outside': { kind: 'stopped', membership: undefined },
  stopped: { kind: 'stopped', membership: first },
} as const satisfies Record<string, MemberState>

const inputs = {
  'join-started': { kind: 'join-started', join },
  adopted: { kind: 'adopted', membership: second },
  'join-ended': { kind: 'join-ended' },
  failed: { kind: 'failed' },
  stopped: { kind: 'stopped' },
} as const satisfies Record<string, MemberInput>

type StateName = keyof typeof states
type InputName = keyof typeof inputs

const moves: readonly (readonly [StateName, InputName, StateName])[] = [
  ['outside', 'join-started', 'joining first'],
  ['outside', 'failed', 'failed outside'],
  ['outside', 'stopped', 'stopped outside'],
  ['joining first', 'adopted', 'joined anew'],
  ['joining first', 'join-ended', 'outside'],
  ['joining first', 'failed', 'failed joining first'],
  ['joining first', 'stopped', 'stopped outside'],
  ['joined', 'join-started', 'rejoining'],
  ['joined', 'failed', 'failed'],
  ['joined', 'stopped', 'stopped'],
  ['rejoining', 'adopted', 'joined anew'],
  ['rejoining', 'join-ended', 'joined'],
  ['rejoining', 'failed', 'failed rejoining'],
  ['rejoining', 'stopped', 'stopped'],
  ['failed outside', 'join-started', 'failed joining first'],
  ['failed outside', 'adopted', 'failed joined anew'],
  ['failed outside', 'stopped', 'stopped outside'],
  ['failed joining first', 'adopted', 'failed joined first'],
  ['failed joining first', 'join-ended', 'failed outside'],
  ['failed joined first', 'join-ended', 'failed joined anew'],
  ['failed', 'join-started', 'failed rejoining'],
  ['failed', 'adopted', 'failed joined anew'],
  ['failed', 'stopped', 'stopped'],
  ['failed rejoining', 'adopted', 'failed joined first'],
  ['failed rejoining', 'join-ended', 'failed'],
  ['failed rejoining', 'stopped', 'stopped'],
]

describe('a member', () => {
  it.each(moves)('that is %s, and then %s, is %s', (from, input, to) => {
    expect(advanceMember(states[from], inputs[input])).toStrictEqual(states[to])
  })

  const legal = new Set(moves.map(([from, input]) => `${from} ${input}`))
  it.each<StateName>([
    'outside',
    'joining first',
    'joined',
    'rejoining',
    'failed outside',
    'failed',
    'failed rejoining',
    'stopped outside',
    'stopped',
  ])('that is %s stays so when anything else happens', (from) => {
    for (const [name, input] of Object.entries(inputs)) {
      if (legal.has(`${from} ${name}`)) continue
      expect(advanceMember(states[from], input)).toEqual(states[from])
    }
  })

  it('has one join at a time', () => {
    for (const state of [states.rejoining, states['failed rejoining']]) {
      const next = advanceMember(state, { kind: 'join-started', join: otherJoin })
      expect(joinUnderWay(next)).toBe(join)
    }
  })

  it('waits for no join once it is stopped', () => {
    const stopped = advanceMember(states.rejoining, inputs.stopped)
    expect(joinUnderWay(stopped)).toBeUndefined()
  })

  it('keeps its newest membership through rejoins, failure and stop', () => {
    const kept = (['joined', 'rejoining', 'failed', 'failed rejoining', 'stopped'] as const).map(
      (name) => newestMembership(states[name])?.generation,
    )
    expect(kept).toEqual([1, 1, 1, 1, 1])
    expect(newestMembership(outside)).toBeUndefined()
  })
})
