/** What a person wants replayed, from the options of `hooktide replay`. */
import { UserError } from '../../core/model/errors.ts'
import { isEventKey } from '../../core/event/event-keys.ts'
import { deathReasons, type EpochMs } from '../../core/model/model.ts'
import { maxOrderLength, orderLength, type ReplayOrder } from './progress.ts'
import type { CommandContext, CommandOption } from '../command.ts'
import {
  flagOption,
  idsOption,
  integerOption,
  listOption,
  momentForms,
  parseMoment,
  textOption,
} from '../option-values.ts'

export const replayOptions = {
  from: {
    type: 'string',
    description:
      'Of each partition, from its first record since earliest, a time such as 2026-01-31T08:00:00Z, or how long ago, such as 2h.',
  },
  to: {
    type: 'string',
    description:
      'Of each partition, up to its first record that is as late as this. [where the topic ends now]',
  },
  offsets: {
    type: 'string',
    description:
      'Instead: records by offset, such as auth.events/0/100-250, both included; several apart by commas.',
  },
  hook: { type: 'string', description: 'Only to these hook ids, apart by commas.' },
  tenant: { type: 'string', description: 'Only of these tenants.' },
  event: { type: 'string', description: 'Only of these event keys, such as PostSignIn.' },
  'failed-only': {
    type: 'boolean',
    description: 'From the dead letters. Those that were requested again since are left out.',
  },
  reason: {
    type: 'string',
    description: 'With --failed-only: dead letters of these reasons, such as endpoint-disabled.',
  },
  again: {
    type: 'boolean',
    description: 'With --failed-only: those too that were requested again since.',
  },
  'dry-run': { type: 'boolean', description: 'Count deliveries by hook, and request none.' },
  rate: { type: 'string', description: 'Most requests a second. [as fast as they are written]' },
  resume: { type: 'string', description: 'Go on with the replay of this id.' },
  json: { type: 'boolean', description: 'One JSON object per hook, then one of the whole.' },
} as const satisfies Readonly<Record<string, CommandOption>>

type Options = Pick<CommandContext, 'options'>

export interface OffsetRange {
  readonly topic: string
  readonly partition: number
  readonly first: number
  /** Included; `undefined`: to the end. */
  readonly last: number | undefined
}

export type WantedRange =
  | {
      readonly kind: 'times'
      readonly from: 'earliest' | EpochMs
      /** `undefined`: to the end. */
      readonly to: EpochMs | undefined
    }
  | { readonly kind: 'offsets'; readonly ranges: readonly OffsetRange[] }

export type Wanted =
  | { readonly kind: 'new'; readonly order: ReplayOrder; readonly range: WantedRange }
  | { readonly kind: 'resume'; readonly id: string }

/** @throws UserError when options are wrong, miss each other or contradict each other */
export function wantedOf(context: Options, now: EpochMs): Wanted {
  const id = textOption(context, 'resume')
  if (id === undefined)
    return { kind: 'new', order: orderOf(context), range: rangeOf(context, now) }
  refuseBeside(context, 'resume', ['rate', 'json'], 'goes on with what was asked for')
  return { kind: 'resume', id }
}

/** Requests a second; `undefined`: without limit. */
export function rateOf(context: Options): number | undefined {
  return integerOption(context, 'rate', 1, 1_000_000)
}

function orderOf(context: Options): ReplayOrder {
  const isFailedOnly = flagOption(context, 'failed-only')
  for (const name of ['reason', 'again']) {
    if (context.options[name] !== undefined && !isFailedOnly) {
      throw new UserError(`--${name} is about dead letters: give --failed-only too.`, 2)
    }
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
    ...(flagOption(context, 'again') ? { again: true } : {}),
  }
  if (orderLength(order) <= maxOrderLength) return order
  throw new UserError(
    '--hook, --tenant and --event are too long together to be kept for --resume: name fewer, and replay the others after them.',
    2,
  )
}

/** Deliveries that their owners ended have no letters. */
const letterReasons = deathReasons.filter(
  (reason) => reason !== 'hook-deleted' && reason !== 'hook-disabled',
)

function isLetterReason(text: string): boolean {
  return letterReasons.some((reason) => reason === text)
}

function rangeOf(context: Options, now: EpochMs): WantedRange {
  const offsets = textOption(context, 'offsets')
  if (offsets !== undefined) {
    for (const name of ['from', 'to']) {
      if (context.options[name] === undefined) continue
      throw new UserError(`--offsets and --${name} each say where to read: give one of them.`, 2)
    }
    return { kind: 'offsets', ranges: offsets.split(',').map(readOffsetRange) }
  }
  const from = momentOption(context, 'from', now)
  const to = momentOption(context, 'to', now)
  if (to === 'earliest') throw new UserError(`--to must be ${momentForms}, not "earliest".`, 2)
  if (from === undefined && !flagOption(context, 'failed-only')) {
    throw new UserError('Say what to replay: --from, --offsets or --failed-only.', 2)
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
  const parts = /^([^/]+)\/(\d{1,9})\/(\d{1,15})-(\d{1,15})?$/.exec(text.trim())
  const [, topic, partition, first, last] = parts ?? []
  const range = {
    topic: topic ?? '',
    partition: Number(partition),
    first: Number(first),
    last: last === undefined ? undefined : Number(last),
  }
  if (parts !== null && (range.last === undefined || range.last >= range.first)) return range
  throw new UserError(
    `--offsets must be <topic>/<partition>/<first>-<last> such as auth.events/0/100-250, or without the last for all that follow, several apart by commas, not "${text}".`,
    2,
  )
}

function refuseBeside(
  { options }: Options,
  name: string,
  allowed: readonly string[],
  why: string,
): void {
  const other = Object.keys(replayOptions).find(
    (option) => option !== name && !allowed.includes(option) && options[option] !== undefined,
  )
  if (other === undefined) return
  throw new UserError(`--${name} ${why}: it is given without --${other}.`, 2)
}
