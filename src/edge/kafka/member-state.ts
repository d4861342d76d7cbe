/**
 * The state of one member of one consumer group.
 *
 * - *outside*: it has not joined yet, and no join is under way.
 * - *joining*: a join or a rejoin is under way. Fetches wait for it.
 * - *joined*: fetches hand over the records of `membership`.
 * - *failed*: the member cannot go on, and the process must end. No record is handed over. The member still rejoins, so that
 *   complete offsets can be committed until it is stopped.
 * - *stopped*: it leaves the group, or has left it.
 *
 * All other inputs leave the state as it is:
 *
 * | from                     | input          | to                                               |
 * |--------------------------|----------------|--------------------------------------------------|
 * | outside, joined          | `join-started` | joining                                          |
 * | joining                  | `adopted`      | joined, with the new membership                  |
 * | joining                  | `join-ended`   | joined, with the previous one, or else outside   |
 * | outside, joining, joined | `failed`       | failed                                           |
 * | failed                   | `join-started` | failed, with a join under way                    |
 * | failed                   | `adopted`      | failed, with the new membership                  |
 * | failed                   | `join-ended`   | failed, without a join under way                 |
 * | all                      | `stopped`      | stopped, for good                                |
 */
import type { Membership } from './membership.ts'

export type MemberState =
  | { readonly kind: 'outside' }
  | {
      readonly kind: 'joining'
      /** Settles with the join. */
      readonly join: Promise<void>
      /** The membership before this join; `undefined` before the first. */
      readonly membership: Membership | undefined
    }
  | { readonly kind: 'joined'; readonly membership: Membership }
  | {
      readonly kind: 'failed'
      readonly join: Promise<void> | undefined
      readonly membership: Membership | undefined
    }
  | { readonly kind: 'stopped'; readonly membership: Membership | undefined }

export type MemberInput =
  | { readonly kind: 'join-started'; readonly join: Promise<void> }
  /** The assignment of a join is in use. */
  | { readonly kind: 'adopted'; readonly membership: Membership }
  /** The join has ended, whether it was adopted or not. */
  | { readonly kind: 'join-ended' }
  | { readonly kind: 'failed' }
  | { readonly kind: 'stopped' }

export const outside: MemberState = { kind: 'outside' }

/** The newest membership; `undefined` before the first join has ended. */
export function newestMembership(state: MemberState): Membership | undefined {
  return state.kind === 'outside' ? undefined : state.membership
}

/** The join or rejoin that is under way. A stopped member waits for none. */
export function joinUnderWay(state: MemberState): Promise<void> | undefined {
  return state.kind === 'joining' || state.kind === 'failed' ? state.join : undefined
}

export function advanceMember(state: MemberState, input: MemberInput): MemberState {
  if (state.kind === 'stopped') return state
  switch (input.kind) {
    case 'join-started':
      return started(state, input.join)
    case 'adopted':
      return adopted(state, input.membership)
    case 'join-ended':
      return ended(state)
    case 'failed':
      return {
        kind: 'failed',
        join: joinUnderWay(state),
        membership: newestMembership(state),
      }
    case 'stopped':
      return { kind: 'stopped', membership: newestMembership(state) }
  }
}

type Going = Exclude<MemberState, { kind: 'stopped' }>

/** There is one join at a time: a second one changes nothing. */
function started(state: Going, join: Promise<void>): MemberState {
  if (joinUnderWay(state) !== undefined) return state
  const kind = state.kind === 'failed' ? 'failed' : 'joining'
  return { kind, join, membership: newestMembership(state) }
}

function adopted(state: Going, membership: Membership): MemberState {
  if (state.kind === 'joining') return { kind: 'joined', membership }
  return state.kind === 'failed' ? { ...state, membership } : state
}

function ended(state: Going): MemberState {
  switch (state.kind) {
    case 'outside':
    case 'joined':
      return state
    case 'joining':
      return state.membership === undefined
        ? outside
        : { kind: 'joined', membership: state.membership }
    case 'failed':
      return { ...state, join: undefined }
  }
}
