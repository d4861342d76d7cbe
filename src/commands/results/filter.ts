/** Filters results by the options of `results` and `stats`. */
import { isEventKey, knownEventKeys } from '../../core/event/event-keys.ts'
import { blames, deathReasons, resultOutcomes, unmatchedReasons } from '../../core/model/model.ts'
import type { DeliveryResult } from '../../core/model/records.ts'
import type { CommandContext, CommandOption } from '../command.ts'
import { booleanOption, idsOption, listOption, textOption } from '../option-values.ts'

const resultReasons = [...deathReasons, ...unmatchedReasons]

export const filterOptions = {
  hook: {
    ...{ type: 'string', idOf: 'hook', isList: true },
    description: 'Only of these hook ids, separated by commas.',
  },
  tenant: {
    ...{ type: 'string', idOf: 'tenant', isList: true },
    description: 'Only of these tenants.',
  },
  delivery: {
    ...{ type: 'string', idOf: 'delivery', isList: true },
    description: 'Only of these delivery ids.',
  },
  'event-id': { type: 'string', description: 'Only of the event with this id.' },
  user: {
    type: 'string',
    description: 'Only of events about this user id, or about the subject with this id.',
  },
  event: {
    ...{ type: 'string', isList: true, values: knownEventKeys },
    description: 'Only of these event keys, such as PostSignIn.',
  },
  outcome: {
    ...{ type: 'string', isList: true, values: resultOutcomes },
    description: 'Only with these outcomes, such as dead,expired.',
  },
  reason: {
    ...{ type: 'string', isList: true, values: resultReasons },
    description: 'Only with these reasons, such as exhausted.',
  },
  status: {
    ...{ type: 'string', isList: true, values: ['2xx', '3xx', '4xx', '5xx'] },
    description: 'Only with these status codes, such as 404, or 5xx for all of a kind.',
  },
  blame: {
    ...{ type: 'string', isList: true, values: blames },
    description: 'Only where these are to blame, such as endpoint.',
  },
  final: { type: 'boolean', description: 'Only the last result of each run.' },
} as const satisfies Readonly<Record<string, CommandOption>>

type TextField =
  | 'hookId'
  | 'tenantId'
  | 'deliveryId'
  | 'eventId'
  | 'userId'
  | 'eventKey'
  | 'outcome'
  | 'reason'
  | 'blame'

export interface ResultFilter {
  /** Fields, each with the values that it may have. */
  readonly oneOf: readonly (readonly [field: TextField, values: ReadonlySet<string>])[]
  /** Status codes, or groups of them such as `5xx`. `undefined` for all results. */
  readonly statuses: ReadonlySet<string> | undefined
  readonly isFinalOnly: boolean
}

export function isWanted(result: DeliveryResult, filter: ResultFilter): boolean {
  const { oneOf, statuses, isFinalOnly } = filter
  if (isFinalOnly && !result.final) return false
  for (const [field, values] of oneOf) {
    const value = result[field]
    if (value === null || !values.has(value)) return false
  }
  if (statuses === undefined) return true
  const { statusCode } = result
  if (statusCode === null) return false
  return statuses.has(String(statusCode)) || statuses.has(`${Math.trunc(statusCode / 100)}xx`)
}

/** Whether the filter accepts all results. */
export function isEverything({ oneOf, statuses, isFinalOnly }: ResultFilter): boolean {
  return oneOf.length === 0 && statuses === undefined && !isFinalOnly
}

type Options = Pick<CommandContext, 'options'>

/** @throws UserError when a value is not valid for its field */
export function filterOf(context: Options): ResultFilter {
  const one = (name: string) => {
    const text = textOption(context, name)
    return text === undefined ? undefined : [text]
  }
  const lists: Readonly<Record<TextField, readonly string[] | undefined>> = {
    hookId: idsOption(context, 'hook'),
    tenantId: idsOption(context, 'tenant'),
    deliveryId: idsOption(context, 'delivery'),
    // Ids of producers may have commas.
    eventId: one('event-id'),
    userId: one('user'),
    eventKey: listOption(context, 'event', isEventKey, 'an event key such as PostSignIn'),
    outcome: namesOption(context, 'outcome', resultOutcomes),
    reason: namesOption(context, 'reason', resultReasons),
    blame: namesOption(context, 'blame', blames),
  }
  const statuses = listOption(
    context,
    'status',
    (text) => /^[1-5](?:\d\d|xx)$/.test(text),
    'a status code such as 404, or 5xx',
  )
  return {
    oneOf: Object.entries(lists).flatMap(([field, values]) =>
      values === undefined ? [] : [[field as TextField, new Set(values)] as const],
    ),
    statuses: statuses === undefined ? undefined : new Set(statuses),
    isFinalOnly: booleanOption(context, 'final'),
  }
}

function namesOption(
  context: Options,
  name: string,
  known: readonly string[],
): readonly string[] | undefined {
  return listOption(context, name, (text) => known.includes(text), `one of ${known.join(', ')}`)
}
