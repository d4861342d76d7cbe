/** Follows a compacted topic for as long as the process lives: hooks, and what was said of endpoints. */
import { setTimeout } from 'node:timers/promises'
import { asError } from '../../core/model/errors.ts'
import type { InboundRecord } from '../../core/model/model.ts'
import type { KafkaLog, KafkaSettings } from '../../edge/kafka/client.ts'
import { createTableSource, TableRecreatedError } from '../../edge/kafka/table-source.ts'
import { recreated } from './log-feed.ts'

export interface TableFeedOptions {
  readonly kafka: KafkaSettings
  readonly topic: string
  /** The setting that names the topic. */
  readonly setting: string
  readonly signal: AbortSignal
  readonly log: KafkaLog
  /** Begins anew with an empty table. */
  readonly begin: () => {
    /** Takes the next record. */
    readonly take: (record: InboundRecord) => Promise<void> | void
    /** All that there was is read. From then on the table stands for the topic. */
    readonly onLoaded: () => void
    readonly onChanged: () => void
  }
  /** Why it is not read at the moment; `undefined` when it is again. */
  readonly onTrouble: (reason: string | undefined) => void
}

const retryMs = 1_000
/** How often the source is asked what is refused to it: it tries again by itself, and does not fail. */
const askMs = 1_000

/** Resolves when it was ended. */
export async function followTable(options: TableFeedOptions): Promise<void> {
  const { kafka, topic, setting, signal, log, onTrouble } = options
  while (!signal.aborted) {
    const source = createTableSource({ settings: kafka, topic, setting, log })
    const failure = Promise.withResolvers<Error>()
    const stop = () => failure.resolve(new Error('stopped'))
    signal.addEventListener('abort', stop, { once: true })
    let isLoaded = false
    let refused: string | undefined
    const asking = setInterval(() => {
      const trouble = source.trouble()
      if (trouble === refused) return
      refused = trouble
      if (trouble !== undefined || isLoaded) onTrouble(trouble)
    }, askMs)
    try {
      const { take, onLoaded, onChanged } = options.begin()
      // Records are taken one after the other: some wait for a schema.
      let taking: Promise<void> = Promise.resolve()
      const apply = (record: InboundRecord) => {
        taking = taking.then(() => take(record)).then(() => (isLoaded ? onChanged() : undefined))
        taking.catch((error: unknown) => failure.resolve(asError(error)))
      }
      const ended = failure.promise.then((error) => Promise.reject(error))
      ended.catch(() => undefined)
      await Promise.race([source.start(apply, failure.resolve).then(() => taking), ended])
      isLoaded = true
      onLoaded()
      onTrouble(undefined)
      await ended
    } catch (error) {
      const isAnother = error instanceof TableRecreatedError
      if (!signal.aborted) onTrouble(isAnother ? recreated : asError(error).message)
    } finally {
      clearInterval(asking)
      signal.removeEventListener('abort', stop)
      await source.stop()
    }
    if (!signal.aborted) await setTimeout(retryMs, undefined, { signal }).catch(() => undefined)
  }
}
