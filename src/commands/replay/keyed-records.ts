/** Records of one delivery, without reading what is about others. */
import type { DeliveryId, EpochMs, InboundRecord } from '../../core/model/model.ts'
import type { KafkaAdmin } from '../../edge/kafka/admin.ts'
import { choosePartition } from '../../edge/kafka/partition-choice.ts'
import type { CommandContext } from '../command.ts'
import { readToEnd } from '../kafka-session.ts'
import { grouped, remainingOf, type Reach } from './progress.ts'

export interface KeySearch {
  readonly context: Pick<CommandContext, 'settings' | 'signal' | 'note'>
  readonly admin: KafkaAdmin
  readonly id: DeliveryId
  /** `undefined`: the earliest record. */
  readonly from: EpochMs | undefined
}

/**
 * Records of a topic with the key. They are in the partition that the key chooses; only where that has none, the others
 * are read, since the topic may have had fewer partitions when they were written.
 */
export async function* keyedRecords(
  { context, admin, id, from }: KeySearch,
  topic: string,
): AsyncGenerator<InboundRecord> {
  const ranges = await rangesOf(admin, topic, from)
  const chosen = choosePartition(Buffer.from(id), ranges.length, 0)
  for (const isChosen of [true, false]) {
    const reaches = ranges.filter(({ partition }) => (partition === chosen) === isChosen)
    const count = remainingOf(reaches)
    if (count > manyRecords) context.note(`looking for it in ${grouped(count)} records of ${topic}`)
    let isFound = false
    for await (const records of readToEnd(context, topic, { reaches })) {
      for (const record of records) {
        if (record.key?.toString() !== id) continue
        isFound = true
        yield record
      }
    }
    if (isFound) return
  }
}

/** Reading so many is waited for. */
const manyRecords = 200_000

async function rangesOf(
  admin: KafkaAdmin,
  topic: string,
  from: EpochMs | undefined,
): Promise<readonly Reach[]> {
  const ranges = await admin.offsets(topic)
  const starts = from === undefined ? [] : await admin.offsetsAt(topic, from)
  return ranges.map(({ partition, low, end }) => {
    const start = starts.find((one) => one.partition === partition)
    return { topic, partition, next: start?.offset ?? low, end }
  })
}
