/** Writes requests for deliveries, no faster than wanted. */
import { setTimeout } from 'node:timers/promises'
import { TooLargeError, UserError } from '../../core/model/errors.ts'
import type { DeliveryId, Trigger } from '../../core/model/model.ts'
import { requestRecord, type Requested } from './requests.ts'
import { createSink } from '../../edge/kafka/sink.ts'
import { within } from '../../edge/waiting.ts'
import type { Settings } from '../../settings/settings.ts'
import { kafkaSettingsOf, quiet } from '../kafka-session.ts'

/** A replay outlives a broker's restart. */
const patienceMs = 60_000
const mostAtOnce = 500

export interface RequestWriter {
  /** How many requests are best written at once. */
  readonly batchSize: number
  /**
   * Resolves when all in-sync replicas have them, with the ids of those that are too large for the topic. Waits before it
   * where the rate asks for it; what is aborted then is not written.
   *
   * @throws UserError when Kafka does not acknowledge them in time
   */
  write(requests: readonly Requested[]): Promise<ReadonlySet<DeliveryId>>
  stop(): Promise<void>
}

/** @param ratePerSecond `undefined`: as fast as they are acknowledged */
export function createRequestWriter(options: {
  readonly settings: Settings
  readonly trigger: Exclude<Trigger, 'event'>
  readonly ratePerSecond: number | undefined
  readonly signal: AbortSignal
}): RequestWriter {
  const { settings, trigger, ratePerSecond, signal } = options
  const topic = settings.topics.requests
  const sink = createSink({
    settings: kafkaSettingsOf(settings),
    compression: settings.compression,
    log: quiet,
  })
  let freeAt = 0
  return {
    batchSize:
      ratePerSecond === undefined ? mostAtOnce : Math.min(mostAtOnce, Math.ceil(ratePerSecond / 4)),
    async write(requests) {
      const now = performance.now()
      if (freeAt > now) await setTimeout(freeAt - now, undefined, { signal })
      freeAt =
        Math.max(freeAt, now) +
        (ratePerSecond === undefined ? 0 : (requests.length / ratePerSecond) * 1_000)
      const records = requests.map((request) => requestRecord(topic, request, trigger))
      try {
        const writing = sink.write(records).then(() => true)
        if (await within(writing, patienceMs, false)) return new Set()
      } catch (error) {
        if (!(error instanceof TooLargeError)) throw error
        return new Set(error.records.map(({ key }) => String(key)))
      }
      const why = sink.trouble() ?? 'no answer in time'
      throw new UserError(
        `Kafka has not acknowledged ${requests.length} request(s) to ${topic}: ${why}. Some may have been written.`,
      )
    },
    stop: () => within(sink.stop(), 1_000, undefined),
  }
}
