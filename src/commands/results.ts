/** `hooktide results`: the results topic, filtered, as it is or as it grows. */
import { once } from 'node:events'
import { asError, UserError } from '../core/errors.ts'
import { outcomes, type InboundRecord } from '../core/model.ts'
import type { DeliveryResult } from '../core/records.ts'
import { readTopic, type ReadFrom } from '../edge/kafka-reader.ts'
import { createResultReader } from '../edge/result-codec.ts'
import type { Command, CommandContext } from './command.ts'
import { kafkaSettingsOf, quiet } from './kafka-session.ts'
import {
  flagOption,
  integerOption,
  momentForms,
  parseMoment,
  registrySettingsOf,
  textOption,
} from './option-values.ts'
import { filterFields, isResult, isWanted, resultLine, type ResultFilter } from './result-line.ts'

export const resultsCommand: Command = {
  name: 'results',
  summary: 'Show results of deliveries, past ones or as they come.',
  usage: '[--from <start>] [--follow] [filters]',
  options: {
    from: {
      type: 'string',
      description:
        'earliest, latest, a time such as 2026-01-31T08:00:00Z, or how long ago, such as 15m. [latest]',
    },
    follow: { type: 'boolean', short: 'f', description: 'Go on for ever; default without --from.' },
    'until-end': { type: 'boolean', description: 'Stop at the end; default with --from.' },
    hook: { type: 'string', description: 'Only of this hook id.' },
    tenant: { type: 'string', description: 'Only of this tenant.' },
    delivery: { type: 'string', description: 'Only of this delivery id.' },
    'event-id': { type: 'string', description: 'Only of the event with this id.' },
    event: { type: 'string', description: 'Only of events with this key, such as PostSignIn.' },
    outcome: { type: 'string', description: 'Only with this outcome, such as dead.' },
    final: { type: 'boolean', description: 'Only the last result of each run.' },
    limit: { type: 'string', description: 'Stop after so many results.' },
    json: { type: 'boolean', description: "One JSON object per result, with the schema's names." },
  },
  uses: ['kafka', 'registry', 'topics'],
  run,
}

async function run(context: CommandContext): Promise<0> {
  const { settings, signal, print } = context
  const range = rangeOf(context)
  const filter = filterOf(context)
  const limit = integerOption(context, 'limit', 1, 1e15) ?? Number.POSITIVE_INFINITY
  const show = flagOption(context, 'json')
    ? (one: DeliveryResult) => JSON.stringify(one)
    : resultLine
  const decode = decoderOf(context)
  const topic = { settings: kafkaSettingsOf(settings), topic: settings.topics.results }
  let shown = 0
  for await (const records of readTopic({ ...topic, ...range, signal, log: quiet })) {
    for (const record of records) {
      const result = await decode(record)
      if (result === undefined || !isWanted(result, filter)) continue
      print(show(result))
      shown += 1
      if (shown >= limit) return 0
    }
    // Whoever reads slowly must not make this process hold the topic.
    if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain')
  }
  return 0
}

function rangeOf(context: CommandContext): {
  readonly from: ReadFrom
  readonly isFollowing: boolean
} {
  const isFollowing = flagOption(context, 'follow')
  const isUntilEnd = flagOption(context, 'until-end')
  if (isFollowing && isUntilEnd) {
    throw new UserError('--follow goes on and --until-end stops: give one of them.', 2)
  }
  const text = textOption(context, 'from')
  // From the latest to the end would be nothing.
  if (text === undefined)
    return { from: isUntilEnd ? 'earliest' : 'latest', isFollowing: !isUntilEnd }
  if (text === 'earliest' || text === 'latest') return { from: text, isFollowing }
  const time = parseMoment(text, Date.now())
  if (time !== undefined) return { from: { time }, isFollowing }
  throw new UserError(`--from must be earliest, latest, ${momentForms}, not "${text}".`, 2)
}

function filterOf(context: CommandContext): ResultFilter {
  const outcome = textOption(context, 'outcome')
  if (outcome !== undefined && !outcomes.some((known) => known === outcome)) {
    throw new UserError(`--outcome must be one of ${outcomes.join(', ')}, not "${outcome}".`, 2)
  }
  const equals = Object.entries(filterFields).flatMap(([option, field]) => {
    const value = textOption(context, option)
    return value === undefined ? [] : [[field, value] as const]
  })
  return { equals, isFinalOnly: flagOption(context, 'final') }
}

/** Decodes a record; says on standard error why one cannot be, and goes on. */
function decoderOf({ settings, note }: CommandContext) {
  const read = createResultReader(registrySettingsOf(settings))
  return async ({ topic, partition, offset, value }: InboundRecord) => {
    try {
      const result: unknown = value === null ? undefined : await read(value)
      if (isResult(result)) return result
      note(`${topic}-${partition}-${offset} is not a result`)
    } catch (error) {
      if (error instanceof UserError) throw error
      note(`${topic}-${partition}-${offset} cannot be read: ${asError(error).message}`)
    }
    return undefined
  }
}
