/** Dead letters as the index keeps them: what their headers tell, and the key of their event. */
import { decodeDeadLetter } from '../../core/run/delivery-headers.ts'
import { deathHeaderNames, runHeaderNames } from '../../core/model/header-names.ts'
import type { InboundRecord } from '../../core/model/model.ts'
import { HeaderReader } from '../../core/event/record-headers.ts'
import type { IndexedLetter } from '../index/result-index.ts'

/** `undefined` for a record that is none: anyone who may write there could have written it. */
export function letterOf(record: InboundRecord): IndexedLetter | undefined {
  const letter = decodeDeadLetter(record)
  if (letter.kind === 'rejected') return undefined
  const { topic, partition, offset, timestamp, value } = record
  const reader = new HeaderReader(record.headers)
  // The decoder does not look at these two. One that is not a number is as one that is not there.
  const numberOr = (name: string, fallback: number) => {
    const value = reader.integer(name, fallback)
    return Number.isNaN(value) ? fallback : value
  }
  const status = numberOr(deathHeaderNames.status, 0)
  return {
    ...{ topic, partition, offset },
    diedAt: Math.min(numberOr(deathHeaderNames.diedAt, timestamp), timestamp + maxAheadMs),
    deliveryId: letter.run.deliveryId,
    hookId: letter.run.hookId,
    tenantId: reader.text(runHeaderNames.tenantId, 256) ?? '',
    eventId: reader.text(runHeaderNames.eventId, 512) ?? '',
    eventKey: letter.kind === 'letter' ? letter.run.event.event : '',
    reason: letter.reason,
    statusCode: status === 0 ? null : status,
    attempts: reader.integer(runHeaderNames.attempt, 0),
    bytes: value?.length ?? 0,
  }
}

/** A clock that was ahead must not keep a letter in the window for ever. */
const maxAheadMs = 5 * 60_000
