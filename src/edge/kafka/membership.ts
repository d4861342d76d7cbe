/** One generation of a group that a member has joined, and which partitions it keeps from the generation before. */
import type { TopicPartition } from '../../ports.ts'
import type { InnerGroup, Positions } from './inner.ts'
import { offsetNumber } from './records.ts'

/** A generation that was joined. */
export interface Membership {
  readonly group: InnerGroup
  readonly memberId: string
  readonly generation: number
  readonly positions: Positions
  readonly partitions: readonly TopicPartition[]
  /** Resolves when the coordinator does not know the member any more. */
  readonly evicted: Promise<void>
  /** Which other program takes records of the group; `undefined` when none does. */
  readonly conflict: string | undefined
  /** The position of the previous generation in a partition that was kept; `undefined` if it was not kept. */
  keptFrom(partition: TopicPartition): { readonly next: number | undefined } | undefined
}

/** @throws {Error} when the group was not joined */
export function membershipOf(
  group: InnerGroup,
  known: Pick<Membership, 'evicted' | 'conflict'>,
  previous: Membership | undefined,
): Membership {
  const { memberId, generationId, offsetManager } = group
  if (memberId === null || generationId === null || offsetManager === null) {
    throw new Error('KafkaJS reported a join without a member id')
  }
  const partitions = group
    .assigned()
    .flatMap(({ topic, partitions: numbers }) => numbers.map((partition) => ({ topic, partition })))
  // If the generation is the same, the coordinator has answered the rejoin without a rebalance.
  const isContinued =
    previous?.memberId === memberId &&
    (generationId === previous.generation || generationId === previous.generation + 1)
  return {
    group,
    memberId,
    generation: generationId,
    positions: offsetManager,
    partitions,
    ...known,
    keptFrom({ topic, partition }) {
      const isKept =
        isContinued &&
        previous.partitions.some((one) => one.topic === topic && one.partition === partition)
      if (!isKept) return undefined
      const next = previous.positions.resolvedOffsets[topic]?.[partition]
      return { next: next === undefined ? undefined : offsetNumber(next) }
    },
  }
}
