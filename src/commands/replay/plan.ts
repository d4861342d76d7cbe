/** Decides which requests each record of a replay leads to, by the hooks and endpoints of now. */
import {
  decodeDeadLetter,
  placeOf,
  type DecodedDeadLetter,
} from '../../core/run/delivery-headers.ts'
import { isDisabledFor } from '../../core/health/record.ts'
import { UserError } from '../../core/model/errors.ts'
import { passing, type Filtering } from '../../core/hook/filter-match.ts'
import { HookTable } from '../../core/hook/table.ts'
import type { InboundRecord } from '../../core/model/model.ts'
import {
  isSelectedLetter,
  NewestRequests,
  planEvent,
  planRun,
  requestedDeliveryOf,
  type LeftOut,
  type Planned,
  type ReplayParts,
  type ReplaySelection,
} from './requests.ts'
import { unknownBecause, type Fates, type KnownEvents } from './fates.ts'
import type { ReplayOrder } from './progress.ts'
import { readFates } from './read-fates.ts'
import type { KafkaAdmin } from '../../edge/kafka/admin.ts'
import { createFilters } from '../../edge/filter/cel.ts'
import { createSchemaReader } from '../../edge/registry/schema-source.ts'
import type { CommandContext } from '../command.ts'
import { readEndpoints } from '../endpoints/topic.ts'
import { readHooks } from '../hooks/topic.ts'
import { readToEnd } from '../kafka-session.ts'
import { registrySettingsOf } from '../option-values.ts'
import { eventOfSource, readEvent } from '../events/source-event.ts'

export type Plan = (record: InboundRecord) => Promise<Planned>

/**
 * Reads hooks, endpoint health and, for dead letters, the requests that were written before.
 *
 * @param isBegun whether the replay is resumed: then a named hook that was deleted meanwhile is left out, with a note
 * @throws UserError when a topic cannot be read, or when a named hook does not exist and the replay is new
 */
export async function createPlan(
  context: CommandContext,
  admin: KafkaAdmin,
  order: ReplayOrder,
  isBegun: boolean,
): Promise<{ readonly plan: Plan; readonly table: HookTable }> {
  const parts = await readParts(context, selectionOf(order))
  const { table } = parts
  const unknown = (order.hooks ?? []).filter((id) => table.get(id) === undefined)
  if (unknown.length > 0) {
    const names = unknown.join(', ')
    if (isBegun) context.note(`left out, since they were deleted meanwhile: ${names}`)
    else {
      const none = unknown.length === 1 ? 'is no hook' : 'are no hooks'
      throw new UserError(`There ${none} ${names}. Nothing was requested.`)
    }
  }
  if (order.from === 'events') {
    const plan = eventPlan(context, parts)
    if (order.undelivered !== true) return { table, plan }
    return { table, plan: undeliveredPlan(plan, await readFates(context, admin)) }
  }
  const requests = order.again ? noRequests(context) : await readRequests(context)
  return { table, plan: letterPlan(context, parts, requests) }
}

/** What deliveries are joined with: hooks, endpoint health and filters of now. */
export async function readParts(
  context: CommandContext,
  selection: ReplaySelection,
): Promise<ReplayParts> {
  const hooks = await readHooks(context)
  const endpoints = await readEndpoints(context)
  const table = new HookTable()
  for (const { entry } of hooks.values()) table.set(entry)
  const filtering: Filtering = {
    read: createFilters().read,
    // No other work waits for this process, so it parses any number of filters.
    isKept: () => true,
    // A filter that fails lets nothing through, as in a processor, which also counts it.
    onFault: () => undefined,
  }
  return {
    table,
    selection,
    isDisabled(id) {
      const entry = table.get(id)
      return entry?.kind === 'active' && isDisabledFor(entry.hook, endpoints.get(id))
    },
    admit: (entries, event) => passing(entries, event, filtering),
  }
}

function selectionOf({ hooks, tenants, eventKeys, reasons }: ReplayOrder): ReplaySelection {
  const set = (list: readonly string[] | undefined) => (list === undefined ? list : new Set(list))
  return {
    hooks: set(hooks),
    tenants: set(tenants),
    eventKeys: set(eventKeys),
    reasons: set(reasons),
  }
}

function eventPlan(context: CommandContext, parts: ReplayParts): Plan {
  const schemas = createSchemaReader(registrySettingsOf(context.settings))
  return async (record) => {
    const decoded = await readEvent(record, schemas)
    return decoded.kind === 'event' ? planEvent(decoded.event, parts) : leftOut('invalid')
  }
}

/** Of what the plan would request, only what is undelivered. */
export function undeliveredPlan(
  plan: Plan,
  { fates, known }: { readonly fates: Fates; readonly known: KnownEvents },
): Plan {
  return async (record) => {
    const why = unknownBecause(record, known)
    if (why !== undefined) return leftOut(why)
    const planned = await plan(record)
    const hindered = planned.requests.flatMap(({ deliveryId }) => fates.hindrance(deliveryId) ?? [])
    const requests = planned.requests.filter(
      ({ deliveryId }) => fates.hindrance(deliveryId) === undefined,
    )
    // The same event may stand in the topic twice.
    for (const { deliveryId } of requests) fates.addRequest(deliveryId, placeOf(record))
    return { requests, leftOut: [...planned.leftOut, ...hindered] }
  }
}

function letterPlan(context: CommandContext, parts: ReplayParts, requests: NewestRequests): Plan {
  const schemas = createSchemaReader(registrySettingsOf(context.settings))
  const eventOf = async (letter: Exclude<DecodedDeadLetter, { readonly kind: 'rejected' }>) =>
    letter.kind === 'letter'
      ? letter.run.event
      : await eventOfSource(context, schemas, letter.source, letter.run)
  return async (record) => {
    const letter = decodeDeadLetter(record)
    if (letter.kind === 'rejected') return leftOut('unreadable')
    if (!isSelectedLetter(letter, parts.selection)) return { requests: [], leftOut: [] }
    const { run } = letter
    const isOutdated = requests.isOutdated(run)
    // Checked before the event is fetched from its source, to save the fetch.
    if (isOutdated && letter.kind === 'reference') return leftOut('requested-before')
    const event = await eventOf(letter)
    if (event === undefined) return leftOut('source-gone')
    const planned = planRun({ ...run, event }, parts)
    if (planned.requests.length === 0) return planned
    if (isOutdated) return leftOut('requested-before')
    // A crash may have written the same letter twice.
    requests.addPlanned(run.deliveryId)
    return planned
  }
}

function leftOut(why: LeftOut): Planned {
  return { requests: [], leftOut: [why] }
}

function noRequests({ settings }: CommandContext): NewestRequests {
  return new NewestRequests(settings.topics.requests)
}

async function readRequests(context: CommandContext): Promise<NewestRequests> {
  const requests = noRequests(context)
  for await (const records of readToEnd(context, context.settings.topics.requests)) {
    for (const record of records) {
      const deliveryId = requestedDeliveryOf(record)
      if (deliveryId !== undefined) requests.add(deliveryId, record)
    }
  }
  return requests
}
