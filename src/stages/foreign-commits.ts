/** What is told of commits that partitions go on from, and whose metadata this program did not write for them. */
import type { Signal } from '../core/signal/signal.ts'
import type { PartitionFlow } from './partition-flow.ts'

/** Partitions that one line of the log names. */
const maxNamed = 20

/**
 * One signal for an assignment, however many partitions it has; none when all metadata is believed.
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
    'the metadata of the last commit was not written by this version of hooktide for this offset: it is ignored, and all from the committed offset on is delivered, what was delivered before too'
  return [{ kind: 'commit.foreign', group, count: foreign.length, partitions, message }]
}
