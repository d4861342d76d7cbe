/** Events as commands read them: framed or not, and from wherever a delivery says that its event came. */
import { decodeRun } from '../../core/run/delivery-headers.ts'
import { decodeEvent, type DecodedEvent } from '../../core/event/event.ts'
import { isFramed, unframe } from '../../core/event/framed-value.ts'
import { deliveryIdOf } from '../../core/model/identity.ts'
import type { AuthEvent, InboundRecord, RecordPlace, Run } from '../../core/model/model.ts'
import { tierOf } from '../../core/run/schedule.ts'
import { errorType } from '../../edge/kafka/client.ts'
import type { SchemaReader } from '../../edge/registry/schema-source.ts'
import type { CommandContext } from '../command.ts'
import { readToEnd } from '../kafka-session.ts'

type Session = Pick<CommandContext, 'settings' | 'signal'>

/**
 * Decodes a record of an event topic as a processor does.
 *
 * @throws UserError when the registry cannot be asked for a schema
 */
export async function readEvent(
  record: InboundRecord,
  schemas: SchemaReader,
): Promise<DecodedEvent> {
  const { value } = record
  if (!isFramed(value)) return decodeEvent(record)
  for (;;) {
    const unframed = unframe(value, schemas.find)
    if (unframed.kind === 'rejected') return unframed
    if (unframed.kind === 'bytes') return decodeEvent({ ...record, value: unframed.bytes })
    await schemas.ask(unframed.id)
  }
}

/**
 * The event of a delivery, from the record that is named as its source: an event, or a request or a tier's record. That
 * record may be gone, with its topic or alone, or another one since, if its topic was created anew: then there is none.
 */
export async function eventOfSource(
  session: Session,
  schemas: SchemaReader,
  source: RecordPlace,
  { deliveryId, hookId }: Pick<Run, 'deliveryId' | 'hookId'>,
): Promise<AuthEvent | undefined> {
  const { topics } = session.settings
  const isEvent = topics.events.includes(source.topic)
  const isOurs =
    source.topic === topics.requests || tierOf(source.topic, topics.retryPrefix) !== undefined
  if (!isEvent && !isOurs) return undefined
  const record = await recordAt(session, source)
  if (record === undefined) return undefined
  if (isOurs) {
    const decoded = decodeRun(record, 'tier')
    return decoded.kind === 'run' && decoded.run.deliveryId === deliveryId
      ? decoded.run.event
      : undefined
  }
  const decoded = await readEvent(record, schemas)
  if (decoded.kind === 'rejected') return undefined
  const { tenantId, eventSource, eventId } = decoded.event
  return deliveryIdOf(tenantId, eventSource, eventId, hookId) === deliveryId
    ? decoded.event
    : undefined
}

/** `undefined`: it is gone, or its topic is. */
export async function recordAt(
  session: Session,
  { topic, partition, offset }: RecordPlace,
): Promise<InboundRecord | undefined> {
  const reaches = [{ partition, next: offset, end: offset + 1 }]
  try {
    for await (const records of readToEnd(session, topic, { reaches })) {
      return records.find((record) => record.offset === offset)
    }
  } catch (error) {
    // One tier less is configured since, or whoever wrote the name of the source made it up.
    const cause = error instanceof Error ? error.cause : undefined
    if (errorType(cause) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error
  }
  return undefined
}
