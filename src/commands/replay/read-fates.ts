/** Reads what became of deliveries: the results, the requests, and how far the processors are. */
import { UserError } from '../../core/model/errors.ts'
import type { EpochMs, InboundRecord } from '../../core/model/model.ts'
import type { KafkaAdmin } from '../../edge/kafka/admin.ts'
import { createResultReader } from '../../edge/registry/result-codec.ts'
import type { CommandContext } from '../command.ts'
import { readToEnd } from '../kafka-session.ts'
import { registrySettingsOf } from '../option-values.ts'
import { isResult } from '../results/result.ts'
import { Fates, resultsSince, type KnownEvents } from './fates.ts'
import { openedRunOf } from './requests.ts'

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
      const opened = openedRunOf(record)
      if (opened !== undefined) fates.addRequest(opened.deliveryId, opened.run)
    }
  }
  const now = Date.now()
  const ranges = await admin.offsets(topics.results)
  const starts = await readResults(context, fates)
  const partitions = ranges.map((range) => ({ ...range, firstAt: starts.get(range.partition) }))
  const isEmptied = partitions.some(({ low, firstAt }) => low > 0 && firstAt === undefined)
  const keptMs = isEmptied ? await keptMsOf(admin, topics.results) : undefined
  return { fates, known: { since: resultsSince(partitions, keptMs, now), handled } }
}

/** `undefined` where records may go before their time, or for a reason that is not known. */
async function keptMsOf(admin: KafkaAdmin, topic: string): Promise<number | undefined> {
  const { configs = {} } = (await admin.describeTopic(topic)) ?? {}
  const keptMs = Number(configs['retention.ms'] ?? -1)
  return keptMs >= 0 && configs['retention.bytes'] === '-1' ? keptMs : undefined
}

/** @returns when the first record of each partition was written */
async function readResults(
  context: CommandContext,
  fates: Fates,
): Promise<ReadonlyMap<number, EpochMs>> {
  const { settings, note } = context
  const read = createResultReader(registrySettingsOf(settings))
  const starts = new Map<number, EpochMs>()
  let unreadable = 0
  for await (const records of readToEnd(context, settings.topics.results)) {
    for (const record of records) {
      const { partition, timestamp } = record
      if (!starts.has(partition)) starts.set(partition, timestamp)
      const result = await resultIn(record, read)
      if (isResult(result)) fates.addResult(result)
      else unreadable += 1
    }
  }
  if (unreadable > 0) note(`${unreadable} records of ${settings.topics.results} are no results`)
  return starts
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
