/** Finds that a topic was read to its end, although no record is directly before the end. */

/**
 * What a round of fetches found: `nothing` up to the end that the topic had, `less-than-there-was` when a leader has not
 * even the offsets of that end, `unknown` when a round failed or a broker did not answer for all partitions.
 */
export type Found = 'something' | 'nothing' | 'less-than-there-was' | 'unknown'

/** Rounds, each as long as a fetch waits for records. */
const enough = {
  // Compaction can leave nothing before the end.
  nothing: 2,
  // A new leader learns within moments how far the others are; what a lost disk took never comes back.
  'less-than-there-was': 40,
}

/** Counts rounds that found nothing. */
export class Idleness {
  #idleRounds = 0

  isOver(found: Found): boolean {
    if (found === 'something' || found === 'unknown') {
      this.#idleRounds = 0
      return false
    }
    this.#idleRounds += 1
    return this.#idleRounds >= enough[found]
  }
}
