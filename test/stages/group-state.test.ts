import { describe, expect, it } from 'vitest'
import {
  advanceGroup,
  apart,
  isJoined,
  type GroupInput,
  type GroupState,
} from '../../src/stages/group-state.ts'

const flowing: GroupState = { kind: 'flowing' }
const draining: GroupState = { kind: 'draining' }
const stopping = (hasJoined: boolean): GroupState => ({ kind: 'stopping', isJoined: hasJoined })

describe('a group', () => {
  it.each<readonly [GroupState, GroupInput, GroupState]>([
    [apart, 'assigned', flowing],
    [apart, 'rejoining', apart],
    [apart, 'left', apart],
    [apart, 'stopping', stopping(false)],
    [flowing, 'assigned', flowing],
    [flowing, 'rejoining', draining],
    [flowing, 'left', apart],
    [flowing, 'stopping', stopping(true)],
    [draining, 'assigned', flowing],
    [draining, 'rejoining', draining],
    [draining, 'left', apart],
    [draining, 'stopping', stopping(true)],
    [stopping(true), 'assigned', stopping(true)],
    [stopping(false), 'assigned', stopping(true)],
    [stopping(true), 'rejoining', stopping(true)],
    [stopping(true), 'left', stopping(false)],
    [stopping(true), 'stopping', stopping(true)],
  ])('that is %j and then %s is %j', (state, input, next) => {
    expect(advanceGroup(state, input)).toEqual(next)
  })

  it('is joined from its assignment until it has left', () => {
    expect([apart, flowing, draining, stopping(true), stopping(false)].map(isJoined)).toEqual([
      false,
      true,
      true,
      true,
      false,
    ])
  })
})
