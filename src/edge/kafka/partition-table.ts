/** The partitions of the topics that are written to. */
import type { OutboundRecord } from '../../core/model/model.ts'
import { type KafkaLog, messageOf } from './client.ts'
import { choosePartition } from './partition-choice.ts'
import type { SequencedProducer, TargetPartition } from './producer.ts'

const defaultMaxAgeMs = 60_000

/** Numbers of partitions. They are requested at the first write to a topic and again after a while, since they may grow. */
export class PartitionTable {
  readonly #producer: SequencedProducer
  readonly #log: KafkaLog
  readonly #maxAgeMs: number
  readonly #topics = new Map<
    string,
    { readonly targets: readonly TargetPartition[]; loadedAt: number }
  >()
  #turn = 0

  /** @param maxAgeMs how old a count may be. Default one minute. */
  constructor(producer: SequencedProducer, log: KafkaLog, maxAgeMs = defaultMaxAgeMs) {
    this.#producer = producer
    this.#log = log
    this.#maxAgeMs = maxAgeMs
  }

  /** Whether the topic was loaded. */
  has(topic: string): boolean {
    return this.#topics.has(topic)
  }

  /** @throws {Error} when no broker answers, or the topic does not exist */
  async load(topic: string): Promise<void> {
    const length = await this.#producer.partitionCount(topic)
    const known = this.#topics.get(topic)?.targets ?? []
    const targets = Array.from(
      { length },
      (_, partition) => known[partition] ?? { topic, partition },
    )
    this.#topics.set(topic, { targets, loadedAt: performance.now() })
  }

  /** Requests the number of a topic's partitions again if it is old. The old one is used until the answer arrives. */
  renew(topic: string): void {
    const known = this.#topics.get(topic)
    if (known === undefined || performance.now() - known.loadedAt < this.#maxAgeMs) return
    known.loadedAt = performance.now()
    const renewed = this.#producer.refresh().then(() => this.load(topic))
    renewed.catch((error: unknown) => {
      this.#log('debug', 'refreshing partition counts failed', { topic, error: messageOf(error) })
    })
  }

  /** @throws {Error} when the topic was not loaded */
  targetFor(record: OutboundRecord): TargetPartition {
    const targets = this.#topics.get(record.topic)?.targets ?? []
    const key = typeof record.key === 'string' ? Buffer.from(record.key) : record.key
    const target = targets[choosePartition(key, targets.length, this.#turn++)]
    if (target === undefined) throw new Error(`the partitions of ${record.topic} are not known`)
    return target
  }
}
