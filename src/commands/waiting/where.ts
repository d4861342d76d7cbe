/** Where deliveries wait, for people. */
import type { DeliveryId, EpochMs } from '../../core/model/model.ts'
import { roughWait } from '../../core/model/durations.ts'
import { placeOf } from '../../core/run/delivery-headers.ts'
import { earliestStart, type WaitingRun } from '../../core/run/waiting.ts'
import type { CommandContext } from '../command.ts'
import { ifReadable } from '../needed-rights.ts'
import { timeText } from '../results/result-line.ts'
import { listLines, type ListColumn } from '../table.ts'
import { waitingOf } from './waiting.ts'

const waitingColumns: readonly ListColumn[] = [
  { heading: 'WAITS NOW', rank: 0, min: 26 },
  { heading: 'HOOK', rank: 1 },
  { heading: 'ATTEMPT', rank: 2 },
  { heading: 'DUE', rank: 0, min: 20 },
  { heading: 'IN', rank: 3 },
  { heading: 'PLACE', rank: 0, min: 30, max: 300 },
]

/**
 * Says beside the answer where the deliveries wait now, and when their next attempts are due. Nothing of those that wait
 * nowhere. Who may not read what waits is told so: the answer itself is whole.
 */
export async function sayWhereTheyWait(
  context: CommandContext,
  deliveries: ReadonlySet<DeliveryId>,
): Promise<void> {
  if (deliveries.size === 0) return
  const found = await ifReadable(context, 'Where these deliveries wait cannot be told', () =>
    waitingOf(context, deliveries),
  )
  const runs = [...deliveries].flatMap((id) => found?.of(id) ?? [])
  if (runs.length === 0) return
  const now = Date.now()
  const rows = runs.map((run) => rowOf(run, now))
  for (const line of listLines(waitingColumns, rows, context.columns)) context.note(line)
}

function rowOf(run: WaitingRun, now: EpochMs): readonly string[] {
  const { deliveryId, hookId, attempt, place } = run
  return [deliveryId, hookId, String(attempt + 1), ...dueCells(run, now), placeOf(place)]
}

/** What may start already waits for a process to take it, or for its turn there. */
function dueCells(run: WaitingRun, now: EpochMs): readonly string[] {
  const at = earliestStart(run)
  return at <= now ? ['now', '-'] : [timeText(at), roughWait(at - now)]
}
