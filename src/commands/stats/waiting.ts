/** What waits now, for `stats`. */
import { nameIn, type Grouping } from '../../core/answers/statistics.ts'
import { WaitingCounts, waitingKind, type CountedRun } from '../../core/answers/waiting-counts.ts'
import type { CommandContext } from '../command.ts'
import { ifReadable } from '../needed-rights.ts'
import { textOption } from '../option-values.ts'
import { filterOf } from '../results/filter.ts'
import { everyEventWaiting, everythingWaiting } from '../waiting/waiting.ts'

/** @returns `undefined` without the right to read it: the statistics of results are still complete */
export async function countWaiting(
  context: CommandContext,
  by: Grouping,
): Promise<WaitingCounts | undefined> {
  const { oneOf } = filterOf(context)
  return await ifReadable(context, 'What waits now cannot be told', async () => {
    const counts = new WaitingCounts()
    for await (const runs of batches(context, by)) {
      for (const run of runs) {
        const values: Readonly<Partial<Record<string, string>>> = run.searched
        if (!oneOf.every(([field, wanted]) => wanted.has(values[field] ?? ''))) continue
        counts.add(run, by === 'class' ? undefined : nameIn(by, run.searched))
      }
    }
    return counts
  })
}

interface Searched extends CountedRun {
  readonly searched: {
    readonly hookId: string
    readonly tenantId: string
    readonly eventKey: string
  }
}

/** Only where it is asked about is the event key read: that takes longer. */
async function* batches(
  context: CommandContext,
  by: Grouping,
): AsyncGenerator<readonly Searched[]> {
  if (by === 'event' || textOption(context, 'event') !== undefined) {
    for await (const runs of everyEventWaiting(context)) {
      yield runs.map((run) => {
        const { tenantId, event: eventKey } = run.event
        const searched = { hookId: run.hookId, tenantId, eventKey }
        return { ...run, tenantId, waits: waitingKind(run), searched }
      })
    }
    return
  }
  for await (const runs of everythingWaiting(context)) {
    yield runs.map((run) => {
      const { hookId, tenantId } = run
      return { ...run, waits: waitingKind(run), searched: { hookId, tenantId, eventKey: '' } }
    })
  }
}
