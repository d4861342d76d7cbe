/** Random numbers that are the same in each run. */

/** A multiplicative generator (Park and Miller), uniform in [0, 1). */
export function chance(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}
