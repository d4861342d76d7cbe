/** How long the calls of a hook take, as far as this process knows. `unknown`: none has ended yet. */
export type CallLength = 'short' | 'long' | 'unknown'

/** How long calls may take, as far as is known. */
export const callLengths = ['short', 'unknown', 'long'] as const

/** Whether a call is counted among the long ones: it was not known to be short. */
export function isLong(length: CallLength): boolean {
  return length !== 'short'
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
  if (length === 'short') return 0
  return length === 'unknown' && held === 0 ? firstCallWeight : 1
}
