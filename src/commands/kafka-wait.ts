/** How processes that go on for ever wait for Kafka as they start: as long as it takes, and saying so now and then. */
import { isPassing, type KafkaLog, messageOf } from '../edge/kafka/client.ts'
import { sleep } from '../edge/waiting.ts'

/** How long to wait before a broker that is away is asked again. */
const askAgainMs = 1_000
/** How long to wait before it is said again that it is away: doubles from one to the other. */
const sayAgainMs = { first: 30_000, most: 5 * 60_000 }

export interface KafkaWait {
  readonly log: KafkaLog
  readonly signal: AbortSignal
  /** No broker answers; the reason names the brokers and what to look at. */
  readonly onAway: (reason: string) => void
}

/**
 * What `check` says, which asks Kafka, once it is answered.
 *
 * @returns `undefined` when `signal` was aborted first
 * @throws what `check` throws, unless it may pass by itself
 */
export async function whenKafkaAnswers<Result>(
  { log, signal, onAway }: KafkaWait,
  check: () => Promise<Result>,
): Promise<Result | undefined> {
  const aborted = new Promise<undefined>((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
  let sayAfterMs: number = sayAgainMs.first
  let nextSayingAt = 0
  while (!signal.aborted) {
    try {
      return await Promise.race([check(), aborted])
    } catch (error) {
      // Refusals of ours say what has to be mended. What Kafka or the way to it failed with may pass.
      if (!isPassing(error)) throw error
      const reason = messageOf(error)
      onAway(reason)
      const now = performance.now()
      if (now >= nextSayingAt) {
        log('warn', 'waiting for Kafka', { error: reason })
        nextSayingAt = now + sayAfterMs
        sayAfterMs = Math.min(sayAfterMs * 2, sayAgainMs.most)
      }
      await Promise.race([sleep(askAgainMs), aborted])
    }
  }
  return undefined
}
