/** `hooktide dead-letters list`: deliveries that ended without success, and why. */
import { isEventKey } from '../../core/event/event-keys.ts'
import { HeaderReader } from '../../core/event/record-headers.ts'
import { deathHeaderNames } from '../../core/model/header-names.ts'
import { deathReasons, type EpochMs, type InboundRecord } from '../../core/model/model.ts'
import {
  decodeDeadLetter,
  placeOf,
  type DecodedDeadLetter,
} from '../../core/run/delivery-headers.ts'
import type { Column } from '../columns.ts'
import type { Command, CommandContext } from '../command.ts'
import { idsOption, listOption, textOption } from '../option-values.ts'
import { filterOptions } from '../results/filter.ts'
import { shortTime } from '../results/result-line.ts'
import { list, listingOptions, type Listing } from './listing.ts'

const { hook, tenant, delivery, user, event, reason } = filterOptions

export const deadLettersListCommand: Command = {
  name: 'dead-letters list',
  summary: 'List dead letters, with the reason of each.',
  usage: '[--from 24h] [--last <n>] [filters]',
  examples: [
    'dead-letters list --from 7d --reason exhausted',
    'dead-letters list --hook my-hook --value',
  ],
  options: {
    ...listingOptions,
    ...{ hook, tenant, delivery, user, event },
    reason: { ...reason, values: deathReasons },
  },
  uses: ['kafka', 'topics'],
  run,
}

/** A dead letter, as it is listed. */
export interface Letter {
  readonly diedAt: EpochMs
  readonly reason: string
  readonly status: string | undefined
  readonly letter: Exclude<DecodedDeadLetter, { readonly kind: 'rejected' }>
  readonly place: string
}

const fixed = (heading: string, width: number): Column => {
  return { heading, min: width, max: width, rank: 0 }
}

const wrapped = (heading: string, width: number, min = width): Column => {
  return { ...fixed(heading, width), min, isWrapped: true }
}

export const letterColumns: readonly Column[] = [
  fixed('TIME', 14),
  wrapped('REASON', 17, 13),
  fixed('STATUS', 6),
  fixed('TRIES', 5),
  wrapped('HOOK', 21),
  wrapped('EVENT', 18, 11),
  { ...fixed('DELIVERY', 26), rank: 1 },
  { ...fixed('RECORD', 60), min: 30, rank: 2 },
]

async function run(context: CommandContext): Promise<0> {
  const isWanted = wantedOf(context)
  return await list<Letter>(context, {
    topic: context.settings.topics.deadLetters,
    columns: letterColumns,
    read(record) {
      const letter = readLetter(record, context.note)
      return letter !== undefined && isWanted(letter) ? letter : undefined
    },
    cells: letterCells,
    json: letterJson,
  } satisfies Listing<Letter>)
}

/** ECMAScript's latest time. */
const latestTime = 8.64e15

/** @param note says why a record is none */
export function readLetter(
  record: InboundRecord,
  note: (line: string) => void,
): Letter | undefined {
  const letter = decodeDeadLetter(record)
  const place = placeOf(record)
  if (letter.kind === 'rejected') {
    note(`${place} is skipped: it is not a dead letter: ${letter.rejection.message}`)
    return undefined
  }
  const headers = new HeaderReader(record.headers)
  const diedAt = headers.integer(deathHeaderNames.diedAt, record.timestamp)
  return {
    // Anyone may write there, and not every number is a time.
    diedAt: diedAt <= latestTime ? diedAt : record.timestamp,
    reason: letter.reason,
    status: headers.text(deathHeaderNames.status, 16),
    letter,
    place,
  }
}

export function letterCells({
  diedAt,
  reason: why,
  status,
  letter,
  place,
}: Letter): readonly string[] {
  const { deliveryId, hookId } = letter.run
  // The event of a reference stands elsewhere.
  const [tries, eventKey] =
    letter.kind === 'letter' ? [String(letter.run.attempt), letter.run.event.event] : ['-', '-']
  return [shortTime(diedAt), why, status ?? '-', tries, hookId, eventKey, deliveryId, place]
}

export function letterJson({ diedAt, reason: why, status, letter }: Letter): object {
  const { deliveryId, hookId, run: name } = letter.run
  const common = { diedAt, reason: why, status: status ?? null, deliveryId, hookId, run: name }
  if (letter.kind === 'reference') return { ...common, source: placeOf(letter.source) }
  const { attempt, trigger, firstHandledAt } = letter.run
  const { tenantId, eventId, event: eventKey, userId, source } = letter.run.event
  return {
    ...common,
    ...{ tenantId, eventId, event: eventKey, userId: userId ?? null, source: placeOf(source) },
    ...{ attempt, trigger, firstHandledAt },
  }
}

/** Letters without an event are let through by no filter that asks about it. */
function wantedOf(context: CommandContext): (letter: Letter) => boolean {
  const hooks = idsOption(context, 'hook')
  const tenants = idsOption(context, 'tenant')
  const deliveries = idsOption(context, 'delivery')
  const events = listOption(context, 'event', isEventKey, 'an event key such as PostSignIn')
  const known = (text: string) => deathReasons.some((one) => one === text)
  const reasons = listOption(context, 'reason', known, `one of ${deathReasons.join(', ')}`)
  const about = textOption(context, 'user')
  const isOf = (values: readonly string[] | undefined, value: string | undefined) =>
    values === undefined || (value !== undefined && values.includes(value))
  return ({ reason: why, letter }) => {
    const of = letter.kind === 'letter' ? letter.run.event : undefined
    return (
      isOf(hooks, letter.run.hookId) &&
      isOf(deliveries, letter.run.deliveryId) &&
      isOf(reasons, why) &&
      isOf(tenants, of?.tenantId) &&
      isOf(events, of?.event) &&
      isOf(about === undefined ? undefined : [about], of?.userId)
    )
  }
}
