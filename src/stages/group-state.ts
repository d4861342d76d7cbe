/**
 * The state of this process's membership in one consumer group.
 *
 * - *apart*: not joined yet, or it has left the group or failed. Nothing is fetched.
 * - *flowing*: partitions are owned, and records are admitted while there is room.
 * - *draining*: a rebalance has begun. Nothing is admitted, no call starts, and those in flight may end within a budget. Then
 *   all complete offsets are committed, and the group is joined again.
 * - *stopping*: no further record is admitted. Admitted ones may finish, and commits go on until the end.
 *
 * | from              | input       | to                  |
 * |-------------------|-------------|---------------------|
 * | all but stopping  | `assigned`  | flowing             |
 * | flowing           | `rejoining` | draining            |
 * | all but stopping  | `left`      | apart               |
 * | all               | `stopping`  | stopping, for good  |
 *
 * While it is stopping, the member may still be assigned partitions, and it may still leave.
 */
export type GroupState =
  | { readonly kind: 'apart' }
  | { readonly kind: 'flowing' }
  | { readonly kind: 'draining' }
  | { readonly kind: 'stopping'; readonly isJoined: boolean }

export type GroupInput = 'assigned' | 'rejoining' | 'left' | 'stopping'

export const apart: GroupState = { kind: 'apart' }

export function isJoined(state: GroupState): boolean {
  return state.kind === 'stopping' ? state.isJoined : state.kind !== 'apart'
}

export function advanceGroup(state: GroupState, input: GroupInput): GroupState {
  const isStopping = state.kind === 'stopping'
  switch (input) {
    case 'assigned':
      return isStopping ? { kind: 'stopping', isJoined: true } : { kind: 'flowing' }
    case 'rejoining':
      return state.kind === 'flowing' ? { kind: 'draining' } : state
    case 'left':
      return isStopping ? { kind: 'stopping', isJoined: false } : apart
    case 'stopping':
      return { kind: 'stopping', isJoined: isJoined(state) }
  }
}
