/** Follows the results topic as a monitor does: in no group, from the beginning. */
import type { Settings } from '../../src/settings/settings.ts'
import { kafkaSettingsOf, quiet } from '../../src/commands/kafka-session.ts'
import { registrySettingsOf } from '../../src/commands/option-values.ts'
import { asError } from '../../src/core/model/errors.ts'
import type { InboundRecord } from '../../src/core/model/model.ts'
import type { DeliveryResult } from '../../src/core/model/records.ts'
import { readTopic } from '../../src/edge/kafka/reader.ts'
import { createResultReader } from '../../src/edge/registry/result-codec.ts'
import { createJournal, type Journal } from './journal.ts'

export interface ResultsWatch {
  readonly results: Journal<DeliveryResult>
  stop(): Promise<void>
}

/** @param tell is waited for with each result, before those who wait for it go on */
export function watchResults(
  settings: Settings,
  tell: (result: DeliveryResult) => Promise<void>,
): ResultsWatch {
  const results = createJournal<DeliveryResult>()
  const stopping = new AbortController()
  const watching = follow(settings, stopping.signal, async (result) => {
    await tell(result)
    results.add(result)
  }).catch((error: unknown) => results.close(asError(error)))
  return {
    results,
    async stop() {
      stopping.abort()
      results.close(new Error('The results are no longer watched'))
      await watching
    },
  }
}

async function follow(
  settings: Settings,
  signal: AbortSignal,
  onResult: (result: DeliveryResult) => Promise<void>,
): Promise<void> {
  const read = createResultReader(registrySettingsOf(settings))
  const { results: topic } = settings.topics
  for await (const records of readTopic({
    ...reading(settings, topic, signal),
    isFollowing: true,
  })) {
    for (const { value } of records) {
      if (value !== null && !signal.aborted) await onResult(await read(value))
    }
  }
}

/** Everything that is in a topic now. */
export async function readAll(
  settings: Settings,
  topic: string,
  signal: AbortSignal,
): Promise<readonly InboundRecord[]> {
  const all: InboundRecord[] = []
  for await (const records of readTopic({
    ...reading(settings, topic, signal),
    isFollowing: false,
  })) {
    all.push(...records)
  }
  return all
}

function reading(settings: Settings, topic: string, signal: AbortSignal) {
  return {
    settings: kafkaSettingsOf(settings),
    topic,
    from: 'earliest',
    signal,
    log: quiet,
  } as const
}
