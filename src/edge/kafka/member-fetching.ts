/**
 * The fetches of a member, which hand each record to its group.
 *
 * Each record is handed over inside the fetch, and KafkaJS's own handler never gets one. Inside the fetch, a comparison of
 * positions shows whether the records still belong to the assignment for which they were fetched.
 */
import { setImmediate } from 'node:timers/promises'
import { asError } from '../../core/model/errors.ts'
import type { TopicPartition } from '../../ports.ts'
import { sleep } from '../waiting.ts'
import { messageOf } from './client.ts'
import { isForAnotherNode } from './cluster.ts'
import type { AssignedTopic, FetchedBatch, InnerGroup, Positions } from './inner.ts'
import type { MemberContext } from './member-life.ts'
import { nextOffsetOf, offsetNumber } from './records.ts'
import { nextIn, SteadyFetch } from './steady-fetch.ts'

export interface FetchHandler {
  /** The answer of a fetch for one partition, also when it has no record. `next` is the offset behind it. */
  batch(batch: FetchedBatch, next: number): void
  /**
   * The position did not exist, and was moved to `earliest`.
   *
   * @param isGap whether records were removed before they were read; if not, the partition ends before the position
   */
  outOfRange(partition: TopicPartition, earliest: number, isGap: boolean): void
}

/** How long to wait before a fetch that was refused is tried again. */
const refusedMs = 1000
/** How long to wait after a fetch failed. Until the partitions have new leaders, every fetch fails. */
const refetchMs = 250
/** How long a fetch of a stopped member takes. */
const stoppedFetchMs = 10

export class MemberFetching {
  readonly #context: MemberContext
  readonly #handler: FetchHandler
  /** How long a fetch loop may wait. Between waits it checks whether a heartbeat was refused. */
  readonly #idleMs: number
  readonly #steady = new SteadyFetch()
  /** What was assigned with these positions. A join replaces both. */
  #assigned:
    | { readonly positions: Positions; readonly topics: readonly AssignedTopic[] }
    | undefined
  /** Aborted and replaced when a partition is resumed. */
  #resumed = new AbortController()

  constructor(context: MemberContext, handler: FetchHandler, idleMs: number) {
    this.#context = context
    this.#handler = handler
    this.#idleMs = idleMs
  }

  /** A partition was resumed, or the member was stopped. Fetches that wait because all partitions are paused go on. */
  wake(): void {
    this.#resumed.abort()
    this.#resumed = new AbortController()
  }

  /**
   * Ends when the calls of what it handed over have been written. The next fetch comes early enough after these. A turn starts
   * the calls at the end of this pass of the event loop. undici writes to a kept connection at the end of the next one, when
   * it has read what came while the connection was idle.
   *
   * @returns nothing, ever: KafkaJS has nothing left to handle
   */
  async fetch(
    group: InnerGroup,
    nodeId: string,
    proceed: () => Promise<readonly FetchedBatch[]>,
  ): Promise<readonly FetchedBatch[]> {
    const { life, refusals } = this.#context
    await life.join
    if (life.isStopped) {
      // KafkaJS fetches again at once until it is stopped too, and would let nothing else run.
      await sleep(stoppedFetchMs)
      return []
    }
    await this.#idle(group)
    const positions = group.offsetManager
    const hasMovedOn = () => life.join !== undefined || group.offsetManager !== positions
    try {
      const batches = await this.#steady.fetch(group, nodeId, proceed)
      refusals.granted('reading')
      if (positions === null || hasMovedOn()) return []
      for (const batch of batches) this.#handOver(positions, batch)
      if (batches.some(({ rawMessages }) => rawMessages.length > 0)) {
        await setImmediate()
        await setImmediate()
      }
    } catch (error) {
      // A rejoin from another broker's fetch loop changed the assignment meanwhile.
      if (hasMovedOn()) return []
      if (!(await refusals.isRefused('reading', error))) throw error
      await sleep(refusedMs, life.stopSignal)
    }
    return []
  }

  /** Waits a little if a fetch could hand over nothing. */
  async #idle(group: InnerGroup): Promise<void> {
    const { life } = this.#context
    if (life.hasFailed) await sleep(this.#idleMs, life.stopSignal)
    else if (this.#areAllPaused(group)) await sleep(this.#idleMs / 4, this.#resumed.signal)
  }

  #areAllPaused(group: InnerGroup): boolean {
    return this.#assignedTo(group).every(({ topic, partitions }) =>
      partitions.every((one) => group.isPaused(topic, one)),
    )
  }

  /** KafkaJS sorts them anew each time. */
  #assignedTo(group: InnerGroup): readonly AssignedTopic[] {
    const { offsetManager: positions } = group
    if (positions === null) return group.assigned()
    if (positions !== this.#assigned?.positions) {
      this.#assigned = { positions, topics: group.assigned() }
    }
    return this.#assigned.topics
  }

  #handOver(positions: Positions, batch: FetchedBatch): void {
    const { life } = this.#context
    const { topic, partition, fetchedOffset } = batch
    if (life.isStopped || life.hasFailed) return
    // Two brokers can answer for the same partition while its leader moves.
    if (nextIn(positions, topic, partition) !== fetchedOffset) return
    try {
      const next = nextOffsetOf(batch)
      this.#logUnreadable(batch)
      this.#handler.batch(batch, next)
      if (batch.rawMessages.length === 0) return
      positions.resolveOffset({ topic, partition, offset: String(next - 1) })
    } catch (error) {
      life.fail(asError(error))
    }
  }

  #logUnreadable({ topic, partition, rawMessages }: FetchedBatch): void {
    for (const { offset, unreadable } of rawMessages) {
      if (unreadable === undefined) continue
      const fields = { topic, partition, offset, ...unreadable }
      this.#context.log('error', 'a batch cannot be read and counts as one empty record', fields)
    }
  }

  /**
   * Handles a failed fetch. If a node is gone, or does not lead a partition any more, only the metadata is refreshed: a
   * rejoin would stop all members for a while, and the other nodes can still be fetched from.
   *
   * @param proceed what KafkaJS does after all other failures
   */
  async recover(group: InnerGroup, error: unknown, proceed: () => Promise<void>): Promise<void> {
    if (!isForAnotherNode(error)) return await proceed()
    const { life, log, fields } = this.#context
    log('debug', 'a fetch failed', { ...fields, error: messageOf(error) })
    await sleep(refetchMs, life.stopSignal)
    // If this fails too, the next fetch fails again.
    if (!life.isStopped) await group.cluster.refreshMetadata().catch(() => undefined)
  }

  async outOfRange(group: InnerGroup, { topic, partition }: TopicPartition): Promise<void> {
    const { life, log, fields } = this.#context
    const positions = group.offsetManager
    if (positions === null) return
    const [found] = await group.cluster.fetchTopicsOffset([
      { topic, partitions: [{ partition }], fromBeginning: true },
    ])
    const earliest = offsetNumber(found?.partitions[0]?.offset ?? '0')
    const position = offsetNumber(positions.nextOffset(topic, partition).toString())
    if (group.offsetManager !== positions || position === earliest) return
    // A rejoin is under way in another broker's fetch loop. The first fetch after it gets the same error.
    if (life.join !== undefined) return
    positions.resolveOffset({ topic, partition, offset: String(earliest - 1) })
    log('error', 'the offset to go on from does not exist; going on at the earliest', {
      ...fields,
      topic,
      partition,
      offset: position,
      earliest,
    })
    this.#handler.outOfRange({ topic, partition }, earliest, position < earliest)
  }
}
