/** The options of `hooktide explain`. */
import { UserError } from '../../core/model/errors.ts'
import type { EpochMs, HookId, RecordPlace, TenantId } from '../../core/model/model.ts'
import { placeIn } from '../../core/run/delivery-headers.ts'
import type { CommandContext, CommandOption } from '../command.ts'
import { integerOption, momentForms, momentOption, textOption } from '../option-values.ts'

export const explainOptions = {
  user: {
    type: 'string',
    description:
      'Events about this user id, or about the role, organization or scope with this id.',
  },
  'event-id': { type: 'string', description: 'The event with this event id.' },
  delivery: {
    type: 'string',
    description: 'The delivery with this delivery id.',
    idOf: 'delivery',
  },
  offset: {
    type: 'string',
    description:
      'The record at this place, such as auth.events/0/4711: an event, request, retry, dead letter or result.',
  },
  hook: { type: 'string', description: 'Only for this hook.', idOf: 'hook' },
  tenant: {
    type: 'string',
    description: 'Only events of this tenant: ids may occur in several. With --user or --event-id.',
    idOf: 'tenant',
  },
  from: {
    ...{ type: 'string', values: ['earliest'] },
    description:
      'Search records since earliest, a time such as 2026-01-31T08:00:00Z, or how long ago, such as 2h. [48h; earliest with --delivery and --offset]',
  },
  last: { type: 'string', description: 'Only the newest so many events. [5]' },
  json: { type: 'boolean', description: 'One JSON object per event.' },
} as const satisfies Readonly<Record<string, CommandOption>>

/** How the events are selected. */
export type Subject =
  | { readonly kind: 'user'; readonly id: string }
  | { readonly kind: 'event'; readonly id: string }
  | { readonly kind: 'delivery'; readonly id: string }
  | { readonly kind: 'place'; readonly place: RecordPlace }

export interface Wanted {
  readonly subject: Subject
  readonly hook: HookId | undefined
  readonly tenant: TenantId | undefined
  readonly from: 'earliest' | EpochMs
  /** The maximum number of events: the newest ones. */
  readonly most: number
}

const defaultFromMs = 48 * 3_600_000
const defaultMost = 5
/** The maximum of `--last`. */
export const mostEvents = 1_000

/** @throws UserError unless exactly one subject is named */
export function wantedOf(context: Pick<CommandContext, 'options'>, now: EpochMs): Wanted {
  const subject = subjectOf(context)
  const isKept = subject.kind === 'delivery' || subject.kind === 'place'
  const tenant = textOption(context, 'tenant')
  if (isKept && tenant !== undefined) {
    throw new UserError(
      `--tenant needs --user or --event-id: what --${subject.kind === 'place' ? 'offset' : 'delivery'} names is of one tenant.`,
      2,
    )
  }
  const start = textOption(context, 'from')
  const from =
    start === 'earliest' ? start : momentOption(context, 'from', `earliest, ${momentForms}`)
  return {
    subject,
    hook: textOption(context, 'hook'),
    tenant,
    from: from ?? (isKept ? 'earliest' : now - defaultFromMs),
    most: integerOption(context, 'last', 1, mostEvents) ?? defaultMost,
  }
}

function subjectOf(context: Pick<CommandContext, 'options'>): Subject {
  const user = textOption(context, 'user')
  const event = textOption(context, 'event-id')
  const delivery = textOption(context, 'delivery')
  const offset = textOption(context, 'offset')
  const subjects: readonly (Subject | undefined)[] = [
    user === undefined ? undefined : { kind: 'user', id: user },
    event === undefined ? undefined : { kind: 'event', id: event },
    delivery === undefined ? undefined : { kind: 'delivery', id: delivery },
    offset === undefined ? undefined : { kind: 'place', place: placeNamed(offset) },
  ]
  const [subject, ...others] = subjects.filter((one) => one !== undefined)
  if (subject !== undefined && others.length === 0) return subject
  throw new UserError(
    'Choose what to explain with one of --user, --event-id, --delivery and --offset.',
    2,
  )
}

function placeNamed(text: string): RecordPlace {
  const place = placeIn(text)
  if (place !== undefined) return place
  throw new UserError(
    `--offset must be <topic>/<partition>/<offset> such as auth.events/0/4711, not "${text}".`,
    2,
  )
}
