/** Writes requests for deliveries, at a limited rate if wanted. */
import { setTimeout } from 'node:timers/promises'
import { TooLargeError, UserError } from '../../core/model/errors.ts'
import type { DeliveryId, Trigger } from '../../core/model/model.ts'
import { requestRecord, type Requested } from './requests.ts'
import { createSink } from '../../edge/kafka/sink.ts'
import { within } from '../../edge/waiting.ts'
import type { Settings } from '../../settings/settings.ts'
import { kafkaSettingsOf, quiet } from '../kafka-session.ts'

/** Long enough for a broker to restart. */
const acknowledgeTimeoutMs = 60_000
const maxBatch = 500

export interface RequestWriter {
  /** How many requests to write at once. */
  readonly batchSize: number
  /**
   * Waits as the rate asks for, writes the requests, and resolves when all in-sync replicas have acknowledged them, with the
   * ids of requests that are too large for the topic. If the signal aborts the wait, nothing is written.
   *
   * @throws UserError when Kafka does not acknowledge them in time
   */
  write(requests: readonly Requested[]): Promise<ReadonlySet<DeliveryId>>
  stop(): Promise<void>
}

export function createRequestWriter(options: {
  readonly settings: Settings
  readonly trigger: Exclude<Trigger, 'event'>
  /** `undefined` for no limit. */
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
      ratePerSecond === undefined ? maxBatch : Math.min(maxBatch, Math.ceil(ratePerSecond / 4)),
    async write(requests) {
      const now = performance.now()
      if (freeAt > now) await setTimeout(freeAt - now, undefined, { signal })
      freeAt =
        Math.max(freeAt, now) +
        (ratePerSecond === undefined ? 0 : (requests.length / ratePerSecond) * 1_000)
      const records = requests.map((request) => requestRecord(topic, request, trigger))
      try {
        const writing = sink.write(records).then(() => true)
        if (await within(writing, acknowledgeTimeoutMs, false)) return new Set()
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
