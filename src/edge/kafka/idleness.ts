/** Finds that a topic was read to its end, although no record is directly before the end. */

/**
 * The result of a round of fetches: `nothing` if there was no record up to the former end of the topic,
 * `less-than-there-was` if a leader does not have the offsets up to that end, `unknown` if the round failed or an answer
 * lacked partitions.
 */
export type Found = 'something' | 'nothing' | 'less-than-there-was' | 'unknown'

/** Numbers of rounds. Each takes as long as a fetch waits for records. */
const enough = {
  // Compaction may leave no record before the end.
  nothing: 2,
  // A new leader soon knows how far the other replicas are. Records on a lost disk never come back.
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
