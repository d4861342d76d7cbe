/** Checks of the records that a process writes. */
import type { OutboundRecord } from '../../src/core/model/model.ts'
import type { DeliveryResult } from '../../src/core/model/records.ts'
import { isHealthyFor } from './endpoints.ts'
import { isOwnedBy } from './epochs.ts'
import { placeOf, type Facts } from './facts.ts'
import type { SimProcess } from './sim-process.ts'

/** A delivery to an endpoint that is always healthy is delivered. It never ends because it waited too long. */
export function healthyEndpointDelivers(
  facts: Facts,
  { hookId, deliveryId, outcome, reason, final }: DeliveryResult,
): void {
  const { book, plan } = facts
  if (!final || outcome === 'delivered' || book.isEdited(hookId)) return
  const hook = book.get(hookId)
  const temper = plan.tempers.get(hook?.url ?? '')
  if (temper === undefined || !isHealthyFor(temper, hook?.timeoutMs ?? plan.timeoutMs)) return
  if (reason !== 'endpoint-down' && reason !== 'max-age') return
  facts.report(
    'healthy-endpoint-delivers',
    `${deliveryId} for ${hookId} ended ${outcome} (${reason}), though its endpoint was healthy all the time`,
  )
}

/** Only the owner of the partition of a run's record continues the run. */
export function lostOwnershipWritesNothing(
  facts: Facts,
  process: SimProcess,
  records: readonly OutboundRecord[],
): void {
  const { plan, chronicle } = facts
  for (const record of records) {
    if (!plan.tiers.some(({ topic }) => topic === record.topic)) continue
    const sources = chronicle.sourcesOf(record)
    if (sources.some((source) => isOwnedBy(process, source))) continue
    facts.report(
      'lost-ownership-writes-nothing',
      `${process.name} writes ${record.topic} ${String(record.key)}, asked for by ${sources.map(placeOf).join(', ') || 'nothing'}, and it owns none of their partitions`,
    )
  }
}
