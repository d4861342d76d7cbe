/** Reads the options of `hooktide replay`: which records to read, and which deliveries to request. */
import { UserError } from '../../core/model/errors.ts'
import { isEventKey, knownEventKeys } from '../../core/event/event-keys.ts'
import { deathReasons, type EpochMs } from '../../core/model/model.ts'
import { maxOrderLength, orderLength, type ReplayOrder } from './progress.ts'
import type { CommandContext, CommandOption } from '../command.ts'
import { yesOption } from '../confirmation.ts'
import {
  booleanOption,
  idsOption,
  integerOption,
  listOption,
  momentForms,
  parseMoment,
  textOption,
} from '../option-values.ts'

/** Deliveries to a deleted or disabled hook leave no dead letters. */
export const letterReasons = deathReasons.filter(
  (reason) => reason !== 'hook-deleted' && reason !== 'hook-disabled',
)

export const replayOptions = {
  from: {
    ...{ type: 'string', values: ['earliest'] },
    description:
      'Start of each partition: earliest, its first record since a time such as 2026-01-31T08:00:00Z, or since how long ago, such as 2h.',
  },
  to: {
    type: 'string',
    description:
      'End of each partition: its first record at or after this time, which is left out. [the current end]',
  },
  offsets: {
    ...{ type: 'string', isList: true },
    description:
      'In place of --from and --to: offsets such as auth.events/0/100-250, both included. Separate several with commas.',
  },
  hook: {
    ...{ type: 'string', idOf: 'hook', isList: true },
    description: 'Only these hook ids, separated by commas.',
  },
  tenant: {
    ...{ type: 'string', idOf: 'tenant', isList: true },
    description: 'Only these tenants.',
  },
  event: {
    ...{ type: 'string', isList: true, values: knownEventKeys },
    description: 'Only these event keys, such as PostSignIn.',
  },
  'failed-only': {
    type: 'boolean',
    description:
      'Read dead letters instead of events. Leaves out those that were requested again since.',
  },
  undelivered: {
    type: 'boolean',
    description:
      'Only deliveries that were never delivered and are not on their way, by what the results say.',
  },
  reason: {
    ...{ type: 'string', isList: true, values: letterReasons },
    description: 'With --failed-only: only these reasons, such as endpoint-disabled.',
  },
  again: {
    type: 'boolean',
    description: 'With --failed-only: also those that were requested again since.',
  },
  'dry-run': { type: 'boolean', description: 'Count deliveries by hook, without requesting any.' },
  rate: { type: 'string', description: 'At most so many requests per second. [no limit]' },
  yes: yesOption,
  resume: { type: 'string', description: 'Continue the replay with this id.' },
  json: { type: 'boolean', description: 'One JSON object per hook, then one with the totals.' },
} as const satisfies Readonly<Record<string, CommandOption>>

type Options = Pick<CommandContext, 'options'>

export interface OffsetRange {
  readonly topic: string
  readonly partition: number
  readonly first: number
  /** Included; `undefined` for the end of the partition. */
  readonly last: number | undefined
}

export type RequestedRange =
  | {
      readonly kind: 'times'
      readonly from: 'earliest' | EpochMs
      /** Not included; `undefined` for the end of the partition. */
      readonly to: EpochMs | undefined
    }
  | { readonly kind: 'offsets'; readonly ranges: readonly OffsetRange[] }

export type ParsedReplay =
  | { readonly kind: 'new'; readonly order: ReplayOrder; readonly range: RequestedRange }
  | { readonly kind: 'resume'; readonly id: string }

/** @throws UserError when options are wrong, incomplete or contradict each other */
export function parseReplayOptions(context: Options, now: EpochMs): ParsedReplay {
  const id = textOption(context, 'resume')
  if (id === undefined)
    return { kind: 'new', order: orderOf(context), range: rangeOf(context, now) }
  refuseWithResume(context)
  return { kind: 'resume', id }
}

/** Whether it may reach the hooks of all tenants: it names no hooks, no tenants and no offsets. */
export function isWide(replay: ParsedReplay): boolean {
  if (replay.kind === 'resume') return false
  const { order, range } = replay
  return order.hooks === undefined && order.tenants === undefined && range.kind === 'times'
}

/** Requests per second; `undefined` for no limit. */
export function rateOf(context: Options): number | undefined {
  return integerOption(context, 'rate', 1, 1_000_000)
}

function orderOf(context: Options): ReplayOrder {
  const isFailedOnly = booleanOption(context, 'failed-only')
  for (const name of ['reason', 'again']) {
    if (context.options[name] !== undefined && !isFailedOnly) {
      throw new UserError(`--${name} works only on dead letters: give --failed-only too.`, 2)
    }
  }
  const isUndelivered = booleanOption(context, 'undelivered')
  if (isUndelivered && isFailedOnly) {
    throw new UserError(
      '--undelivered reads events, and --failed-only dead letters: give one of them.',
      2,
    )
  }
  const lists = {
    hooks: idsOption(context, 'hook'),
    tenants: idsOption(context, 'tenant'),
    eventKeys: listOption(context, 'event', isEventKey, 'an event key such as PostSignIn'),
    reasons: listOption(context, 'reason', isLetterReason, `one of ${letterReasons.join(', ')}`),
  }
  const order: ReplayOrder = {
    from: isFailedOnly ? 'dead-letters' : 'events',
    ...Object.fromEntries(Object.entries(lists).filter(([, list]) => list !== undefined)),
    ...(booleanOption(context, 'again') ? { again: true } : {}),
    ...(isUndelivered ? { undelivered: true } : {}),
  }
  if (orderLength(order) <= maxOrderLength) return order
  throw new UserError(
    '--hook, --tenant and --event together are too long to be stored for --resume: name fewer, and replay the rest afterwards.',
    2,
  )
}

function isLetterReason(text: string): boolean {
  return letterReasons.some((reason) => reason === text)
}

function rangeOf(context: Options, now: EpochMs): RequestedRange {
  const { offsets } = context.options
  if (typeof offsets === 'object') {
    for (const name of ['from', 'to']) {
      if (context.options[name] === undefined) continue
      throw new UserError(`--offsets and --${name} exclude each other: give one of them.`, 2)
    }
    return { kind: 'offsets', ranges: offsets.map(readOffsetRange) }
  }
  const from = momentOption(context, 'from', now)
  const to = momentOption(context, 'to', now)
  if (to === 'earliest') throw new UserError(`--to must be ${momentForms}, not "earliest".`, 2)
  if (from === undefined && !booleanOption(context, 'failed-only')) {
    throw new UserError('Choose what to replay: --from, --offsets or --failed-only.', 2)
  }
  if (typeof from === 'number' && to !== undefined && to <= from) {
    throw new UserError('--to must be later than --from.', 2)
  }
  return { kind: 'times', from: from ?? 'earliest', to }
}

function momentOption(
  context: Options,
  name: string,
  now: EpochMs,
): 'earliest' | EpochMs | undefined {
  const text = textOption(context, name)
  if (text === undefined || text === 'earliest') return text
  const moment = parseMoment(text, now)
  if (moment !== undefined) return moment
  const forms = name === 'from' ? `earliest, ${momentForms}` : momentForms
  throw new UserError(`--${name} must be ${forms}, not "${text}".`, 2)
}

function readOffsetRange(text: string): OffsetRange {
  const parts = /^([^/]+)\/(\d{1,9})\/(\d{1,15})-(\d{1,15})?$/.exec(text)
  const [, topic, partition, first, last] = parts ?? []
  const range = {
    topic: topic ?? '',
    partition: Number(partition),
    first: Number(first),
    last: last === undefined ? undefined : Number(last),
  }
  if (parts !== null && (range.last === undefined || range.last >= range.first)) return range
  throw new UserError(
    `--offsets must be <topic>/<partition>/<first>-<last> such as auth.events/0/100-250, without <last> for all that follow (separate several with commas), not "${text}".`,
    2,
  )
}

function refuseWithResume({ options }: Options): void {
  const allowed = ['resume', 'rate', 'json', 'yes']
  const other = Object.keys(replayOptions).find(
    (option) => !allowed.includes(option) && options[option] !== undefined,
  )
  if (other === undefined) return
  throw new UserError(`--resume continues a replay as it was started: leave out --${other}.`, 2)
}
