/** Notices as records of an event topic (docs/notices.md, schemas/notice.schema.json). */
import { hash } from 'node:crypto'
import { endpointOf, type Health } from '../health/record.ts'
import type { NoticeKey } from '../event/event-keys.ts'
import type { EpochMs, Hook, KafkaHeader, OutboundRecord, RecordPlace } from '../model/model.ts'
import type { NoticePayload } from '../model/records.ts'
import { urlWithoutSecrets } from '../run/result.ts'
import { dateText, timeText } from '../text/calendar.ts'
import type { Loss } from './losses.ts'

/** The hook that a notice is about. */
export type Subject = Pick<Hook, 'id' | 'tenantId' | 'name' | 'url'>

/**
 * The notice that an endpoint's state has changed.
 *
 * @param place of the record on the topic of endpoint health: it names the notice, so copies of it have one `webhook-id`
 */
export function endpointNotice(
  key: NoticeKey,
  { health, place }: { readonly health: Health; readonly place: RecordPlace },
  hook: Subject,
  topic: string,
): OutboundRecord {
  const { state, reason, since, until, failures, failingSince, lastFailureAt } = health
  // The report may be of a former URL.
  const isSameUrl = endpointOf(hook.url) === health.endpoint
  const name = ['endpoint', place.topic, place.partition, place.offset, health.at]
  return noticeRecord(topic, hook, name, {
    event: key,
    createdAt: createdAtText(health.at),
    data: {
      ...subjectOf(hook),
      url: isSameUrl ? urlWithoutSecrets(hook.url) : null,
      ...{ state, reason, since, until, failures, failingSince, lastFailureAt },
      lastSuccessAt: health.lastSuccessAt,
    },
  })
}

/** The notice that deliveries were lost. */
export function lossNotice(loss: Loss, hook: Subject, topic: string): OutboundRecord {
  const { first, since, until, counts } = loss
  const name = ['lost', first.deliveryId, first.run]
  return noticeRecord(topic, hook, name, {
    event: 'Hooktide.Deliveries.Lost',
    createdAt: createdAtText(until),
    data: {
      ...subjectOf(hook),
      url: urlWithoutSecrets(hook.url),
      count: Object.values(counts).reduce((sum, count) => sum + count, 0),
      reasons: counts,
      since,
      until,
    },
  })
}

function subjectOf({ id, name }: Subject) {
  return { hookId: id, hookName: name }
}

function noticeRecord(
  topic: string,
  { id, tenantId }: Subject,
  name: readonly (string | number)[],
  payload: NoticePayload,
): OutboundRecord {
  const eventId = `hooktide-${hash('sha256', JSON.stringify(name), 'hex').slice(0, 32)}`
  const headers: readonly KafkaHeader[] = [
    ['event-id', Buffer.from(eventId)],
    ['tenant-id', Buffer.from(tenantId)],
  ]
  return { topic, key: id, value: Buffer.from(JSON.stringify(payload)), headers }
}

/** RFC 3339 ends with the year 9999; a record's time may not. */
function createdAtText(at: EpochMs): string {
  const time = Math.min(at, 253_402_300_799_999)
  return `${dateText(Math.floor(time / dayMs))}T${timeText(time % dayMs, 3)}Z`
}

const dayMs = 86_400_000
