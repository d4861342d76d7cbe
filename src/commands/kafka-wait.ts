/** How `run` and `ingest` wait for Kafka when they start: without a limit, with a warning in the log now and then. */
import { isPassing, type KafkaLog, messageOf } from '../edge/kafka/client.ts'
import { sleep, unlessAborted } from '../edge/waiting.ts'

/** Wait before an unreachable broker is tried again. */
const retryMs = 1_000
/** Wait before the log repeats that no broker answers: doubles from `first` to `most`. */
const logAgainMs = { first: 30_000, most: 5 * 60_000 }

export interface KafkaWait {
  readonly log: KafkaLog
  readonly signal: AbortSignal
  /** Called when no broker answers. The reason names the brokers and what to check. */
  readonly onAway: (reason: string) => void
}

/**
 * Runs `check`, which calls Kafka, until a broker answers.
 *
 * @returns the result of `check`; `undefined` when `signal` was aborted first
 * @throws what `check` throws, except errors that may pass
 */
export async function whenKafkaAnswers<Result>(
  { log, signal, onAway }: KafkaWait,
  check: () => Promise<Result>,
): Promise<Result | undefined> {
  let logAfterMs: number = logAgainMs.first
  let nextLogAt = 0
  while (!signal.aborted) {
    try {
      return await unlessAborted(check(), signal)
    } catch (error) {
      // An error of Kafka or the network may pass, so the loop tries again. Any other error needs a person.
      if (!isPassing(error)) throw error
      const reason = messageOf(error)
      onAway(reason)
      const now = performance.now()
      if (now >= nextLogAt) {
        log('warn', 'waiting for Kafka', { error: reason })
        nextLogAt = now + logAfterMs
        logAfterMs = Math.min(logAfterMs * 2, logAgainMs.most)
      }
      await sleep(retryMs, signal)
    }
  }
  return undefined
}
