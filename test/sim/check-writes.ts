/** What must hold of what a process writes. */
import type { OutboundRecord } from '../../src/core/model/model.ts'
import type { DeliveryResult } from '../../src/core/model/records.ts'
import { isWellFor } from './endpoints.ts'
import { isOwnedBy } from './epochs.ts'
import { placeOf, type Facts } from './facts.ts'
import type { SimProcess } from './sim-process.ts'

/** What is for an endpoint that is always well is delivered: it does not die of waiting. */
export function wellEndpointDelivers(
  facts: Facts,
  { hookId, deliveryId, outcome, reason, final }: DeliveryResult,
): void {
  const { book, plan } = facts
  if (!final || outcome === 'delivered' || book.isEdited(hookId)) return
  const hook = book.get(hookId)
  const temper = plan.tempers.get(hook?.url ?? '')
  if (temper === undefined || !isWellFor(temper, hook?.timeoutMs ?? plan.timeoutMs)) return
  if (reason !== 'endpoint-down' && reason !== 'max-age') return
  facts.report(
    'well-endpoint-delivers',
    `${deliveryId} for ${hookId} ended ${outcome} (${reason}), and its endpoint was well all the time`,
  )
}

/** A run goes on only by whoever owns the partition of the record that asked for it. */
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
      `${process.name} writes ${record.topic} ${String(record.key)}, asked for by ${sources.map(placeOf).join(', ') || 'nothing'}, of which it owns none`,
    )
  }
}
