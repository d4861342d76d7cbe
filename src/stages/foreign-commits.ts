/** The signal about commits whose metadata hooktide did not write for that group, partition and offset. */
import type { Signal } from '../core/signal/signal.ts'
import type { PartitionFlow } from './partition-flow.ts'

/** How many partitions one log line names. */
const maxNamed = 20

/**
 * One signal per assignment, whatever the number of partitions; none when all metadata is valid.
 *
 * @param gained partitions that were not owned before
 */
export function foreignCommits(
  group: string,
  gained: readonly PartitionFlow[],
): readonly Extract<Signal, { readonly kind: 'commit.foreign' }>[] {
  const foreign = gained.filter((flow) => flow.hasForeignMetadata)
  if (foreign.length === 0) return []
  const partitions = foreign
    .slice(0, maxNamed)
    .map(({ topic, partition }) => `${topic}/${partition}`)
  const message =
    'the metadata of the last commit was not written by this version of hooktide for this offset: it is ignored, so every record from the committed offset on is handled, and deliveries may be repeated'
  return [{ kind: 'commit.foreign', group, count: foreign.length, partitions, message }]
}
