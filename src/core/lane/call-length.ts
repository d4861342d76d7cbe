/**
 * How long the calls of a hook take, as far as this process knows.
 *
 * - `short`: a short call has ended within the last second;
 * - `stale`: they were short before that;
 * - `unknown`: none has ended yet;
 * - `long`: they take over a second.
 */
export type CallLength = 'short' | 'stale' | 'unknown' | 'long'

export const callLengths: readonly CallLength[] = ['short', 'stale', 'unknown', 'long']

/** Whether a call is counted among the long ones: it was not known to be short. */
export function isLong(length: CallLength): length is 'unknown' | 'long' {
  return length === 'unknown' || length === 'long'
}

const firstCallWeight = 0.5

/**
 * Hooks whose calls may take long share a part of what their tenant may hold: what it holds for them counts once more against
 * each of them. Nothing of it counts against a hook whose calls are short.
 *
 * For its first call, a hook may use more than that part. Otherwise a crowd that hangs would keep a hook of its tenant from
 * ever showing that it answers.
 *
 * @param held what the hook holds
 * @returns how much of it counts, from 0 to 1
 */
export function weightOfLong(length: CallLength, held: number): number {
  if (!isLong(length)) return 0
  return isFirstCall(length, held) ? firstCallWeight : 1
}

/**
 * As long as calls of hooks of which nothing is known are younger than half a second, they count so many times more against
 * further ones. So some slots are left for such a hook that comes moments later. Otherwise a crowd that hangs would take all
 * that it may have at once, as after a rebalance, and keep it until its calls time out.
 */
export const weightOfYoung = 1.5

/** A bounded resource: what there is, what all hooks hold, and how much of that for calls that were not known to be short. */
export interface Room {
  readonly capacity: number
  readonly used: number
  readonly long: number
}

/** The part of a bounded resource that hooks of all tenants may take. The rest is kept for hooks that answer. */
const mostFor = { stale: 0.9, firstCall: 0.85, long: 0.8 }

/**
 * How much of a bounded resource is free for a hook. If its calls may take long, it becomes less as such hooks of all tenants
 * come near to their part. Otherwise hooks of hundreds of tenants that hang would take everything with a call each, since the
 * share of a tenant is never zero. Where few tenants have such hooks, everything is free: their shares end before that.
 *
 * @param held what the hook holds
 */
export function freeFor(length: CallLength, held: number, room: Room): number {
  const { capacity, used, long } = room
  if (!isLong(length)) return capacity - used
  return Math.min(capacity - used, 2 * (capacity * partFor(length, held) - long))
}

/**
 * How much of it is free for a hook while calls hang ({@link ./calls-in-flight.ts}). Endpoints that answered until now may be among
 * those that hang. So all that is used counts, except for hooks that answer now.
 *
 * @param held what the hook holds
 */
export function freeWhileHanging(length: CallLength, held: number, room: Room): number {
  const { capacity, used } = room
  if (length === 'short') return capacity - used
  return Math.min(freeFor(length, held, room), 2 * (capacity * partFor(length, held) - used))
}

function partFor(length: Exclude<CallLength, 'short'>, held: number): number {
  if (isFirstCall(length, held)) return mostFor.firstCall
  return length === 'stale' ? mostFor.stale : mostFor.long
}

function isFirstCall(length: CallLength, held: number): boolean {
  return length === 'unknown' && held === 0
}
