/** Reads what became of deliveries: the results, the requests, and how far the processors are. */
import { UserError } from '../../core/model/errors.ts'
import type { EpochMs, InboundRecord } from '../../core/model/model.ts'
import { placeOf } from '../../core/run/delivery-headers.ts'
import type { KafkaAdmin } from '../../edge/kafka/admin.ts'
import { createResultReader } from '../../edge/registry/result-codec.ts'
import type { CommandContext } from '../command.ts'
import { readToEnd } from '../kafka-session.ts'
import { registrySettingsOf } from '../option-values.ts'
import { isResult } from '../results/result-line.ts'
import { Fates, type KnownEvents } from './fates.ts'
import { requestedDeliveryOf } from './requests.ts'

/**
 * Commits are read first and results last: what is committed has its results by then.
 *
 * @throws UserError when a topic cannot be read, or results are framed and no registry is set
 */
export async function readFates(
  context: CommandContext,
  admin: KafkaAdmin,
): Promise<{ readonly fates: Fates; readonly known: KnownEvents }> {
  const { topics, groupId } = context.settings
  const handled = await admin.groupOffsets(groupId, topics.events)
  const fates = new Fates()
  for await (const records of readToEnd(context, topics.requests)) {
    for (const record of records) {
      const deliveryId = requestedDeliveryOf(record)
      if (deliveryId !== undefined) fates.addRequest(deliveryId, placeOf(record))
    }
  }
  const since = await readResults(context, fates)
  return { fates, known: { since, handled } }
}

/** @returns since when all results are there */
async function readResults(context: CommandContext, fates: Fates): Promise<EpochMs> {
  const { settings, note } = context
  const read = createResultReader(registrySettingsOf(settings))
  const starts = new Map<number, EpochMs>()
  let unreadable = 0
  for await (const records of readToEnd(context, settings.topics.results)) {
    for (const record of records) {
      const { partition, offset, timestamp } = record
      // Retention has removed what was before it.
      if (!starts.has(partition)) starts.set(partition, offset === 0 ? 0 : timestamp)
      const result = await resultIn(record, read)
      if (isResult(result)) fates.addResult(result)
      else unreadable += 1
    }
  }
  if (unreadable > 0) note(`${unreadable} records of ${settings.topics.results} are no results`)
  return Math.max(0, ...starts.values())
}

async function resultIn(
  { value }: InboundRecord,
  read: (value: Buffer) => Promise<unknown>,
): Promise<unknown> {
  try {
    return value === null ? undefined : await read(value)
  } catch (error) {
    if (error instanceof UserError) throw error
    return undefined
  }
}
