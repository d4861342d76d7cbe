/** Records as a line of text. */
import { deathHeaderNames } from '../../src/core/model/header-names.ts'
import type { InboundRecord } from '../../src/core/model/model.ts'
import type { DeliveryResult } from '../../src/core/model/records.ts'
import { topics } from '../support/flow-rig.ts'

/** The identity of a dead letter. */
export function letterKey({ headers }: InboundRecord): string {
  const values = new Map(headers)
  const text = (name: string) => values.get(name)?.toString() ?? ''
  return `${text('hooktide-delivery-id')} ${text('hooktide-hook-id')} ${text(deathHeaderNames.reason)}`
}

/** The record as text for traces. */
export function describeRecord({ topic, value, headers }: InboundRecord): string {
  if (topic === topics.results) {
    const result = JSON.parse(value?.toString() ?? '{}') as DeliveryResult
    const { deliveryId, outcome, attempt, reason, sourceTopic, sourcePartition, sourceOffset } =
      result
    return `${deliveryId} ${outcome}${reason === null ? '' : ` (${reason})`} attempt ${attempt} of ${sourceTopic}/${sourcePartition}/${sourceOffset}`
  }
  const shown = [...headers].filter(
    ([name]) => name.startsWith('hooktide-') && !/source|first|tenant/.test(name),
  )
  return shown.map(([name, text]) => `${name.slice(9)}=${String(text)}`).join(' ')
}
