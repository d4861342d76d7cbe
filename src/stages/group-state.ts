/**
 * What one consumer group is doing.
 *
 * - *apart*: not joined; nothing is admitted.
 * - *flowing*: partitions are owned, and records are admitted as there is room.
 * - *draining*: a rebalance was seen. No call starts, those in flight may finish within a budget, then everything done is
 *   committed and the group rejoins.
 * - *stopping*: nothing is admitted any more; what was admitted may finish, and commits go on until the end.
 *
 * | from              | input       | to                  |
 * |-------------------|-------------|---------------------|
 * | all but stopping  | `assigned`  | flowing             |
 * | flowing           | `rejoining` | draining            |
 * | all but stopping  | `left`      | apart               |
 * | all               | `stopping`  | stopping, for good  |
 *
 * While it is stopping a group can still be assigned partitions, and leave.
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
