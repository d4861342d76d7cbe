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
  /** `undefined` for the earliest record. */
  readonly from: EpochMs | undefined
}

/**
 * The records of the delivery in a topic. First reads the partition that the key chooses. The other partitions are read only
 * if that one has none: the topic may have had fewer partitions when the records were written.
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
    if (count > manyRecords) context.note(`searching ${grouped(count)} records of ${topic}`)
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

/** Reading more than so many takes a noticeable time, so a note is printed. */
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
