/** The results topic as commands read it. */
import { setTimeout } from 'node:timers/promises'
import { asError, UserError } from '../../core/model/errors.ts'
import type { EpochMs, InboundRecord } from '../../core/model/model.ts'
import type { DeliveryResult } from '../../core/model/records.ts'
import type { ReadFrom, ReadOptions } from '../../edge/kafka/reader.ts'
import { createResultReader } from '../../edge/registry/result-codec.ts'
import type { WaitForRegistry } from '../../edge/registry/client.ts'
import type { CommandContext } from '../command.ts'
import { refuseAbsent } from '../existing-topics.ts'
import { readAnswer, withAdmin } from '../kafka-session.ts'
import { registrySettingsOf } from '../option-values.ts'
import type { Reach } from '../replay/progress.ts'
import { findRange } from '../replay/range.ts'
import type { Settings } from '../../settings/settings.ts'
import { isResult } from './result.ts'

/** A result with where it stands and when it was written. */
export interface ReadResult {
  readonly result: DeliveryResult
  readonly record: InboundRecord
}

type Decode = (record: InboundRecord) => Promise<DeliveryResult | undefined>

/**
 * Decodes a record; says on standard error why one cannot be, and goes on.
 *
 * @param isFollowing whether a registry that is away is waited for
 */
export function decoderOf(
  { settings, note, signal }: Pick<CommandContext, 'settings' | 'note' | 'signal'>,
  isFollowing = false,
): Decode {
  const wait = isFollowing ? waitingWith(note, signal) : undefined
  const read = createResultReader(registrySettingsOf(settings), wait)
  return async ({ topic, partition, offset, value }) => {
    try {
      const result: unknown = value === null ? undefined : await read(value)
      if (isResult(result)) return result
      note(`${topic}-${partition}-${offset} is skipped: it is not a result`)
    } catch (error) {
      if (error instanceof UserError) throw error
      if (signal.aborted) return undefined
      const reason = asError(error).message
      note(`${topic}-${partition}-${offset} is skipped: it cannot be read: ${reason}`)
    }
    return undefined
  }
}

/** Says once that a registry is waited for. Rejects when the command was asked to end. */
function waitingWith(note: (line: string) => void, signal: AbortSignal): WaitForRegistry {
  let lastReason: string | undefined
  return async (reason, waitMs) => {
    if (reason !== lastReason) note(`${reason} Waiting for it; Ctrl-C ends.`)
    lastReason = reason
    await setTimeout(waitMs, undefined, { signal })
  }
}

export interface TimeRange {
  readonly from: 'earliest' | EpochMs
  /** Of each partition, up to its first record that is as late as this; `undefined`: to its end. */
  readonly to: EpochMs | undefined
}

/**
 * Where to read a topic for a range of times.
 *
 * @throws UserError when it does not exist, or no broker answers
 */
export async function startOf(
  { settings }: Pick<CommandContext, 'settings'>,
  topic: string,
  { from, to }: TimeRange,
): Promise<ReadOptions['from']> {
  // Without an end it needs no question of its own: the reader knows where a time begins.
  if (to === undefined) return readFromOf(from)
  return { reaches: await reachesOf(settings, topic, { from, to }) }
}

/** The offsets of a range of times. @throws UserError when the topic does not exist, or no broker answers */
export function reachesOf(
  settings: Settings,
  topic: string,
  range: TimeRange,
): Promise<readonly Reach[]> {
  return withAdmin(settings, async (admin) => {
    await refuseAbsent(admin, settings, [topic])
    const { reaches } = await findRange(admin, [topic], { kind: 'times', ...range })
    return reaches
  })
}

function readFromOf(from: TimeRange['from']): ReadFrom {
  return from === 'earliest' ? from : { time: from }
}

type Session = Pick<CommandContext, 'settings' | 'signal' | 'note'>

/** Results of a range, by the time at which they were written. */
export async function* resultsIn(session: Session, range: TimeRange): AsyncGenerator<ReadResult> {
  const { results: topic } = session.settings.topics
  const decode = decoderOf(session)
  const from = await startOf(session, topic, range)
  for await (const records of readAnswer(session, topic, { from, isByTime: true })) {
    for (const record of records) {
      const result = await decode(record)
      if (result !== undefined) yield { result, record }
    }
  }
}
