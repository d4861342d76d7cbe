/** Reads events for commands: decodes a record, and finds the event of a delivery at its source. */
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
 * @throws UserError when the registry does not answer for a schema
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
 * Reads the event of a delivery from the record that is its source: a record of an event topic, of the requests topic or of
 * a tier. `undefined` if that record no longer exists, or if a recreated topic has another record at its place.
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
    // The tier's topic was deleted, or whoever wrote the record made its source up.
    const cause = error instanceof Error ? error.cause : undefined
    if (errorType(cause) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error
  }
  return undefined
}
