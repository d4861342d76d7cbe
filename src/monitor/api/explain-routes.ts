/** Why an event went to some hooks of its tenant and not to others. */
import { absenceWords, isChangedSince, refusalWords } from '../../commands/explain/refusals.ts'
import { tenantOf } from '../../commands/hooks/topic.ts'
import { HookAnswers, type HookAnswer } from '../../core/answers/hook-answers.ts'
import type { HookId, RecordPlace } from '../../core/model/model.ts'
import { placeIn, placeOf } from '../../core/run/delivery-headers.ts'
import { listEvents, type FoundEvent, type Listed } from '../index/delivery-queries.ts'
import { loadedHooks } from './acting.ts'
import type { ApiParts, FoundRecord } from './parts.ts'
import { neededTextIn, parameter, textIn } from './query.ts'
import { ApiError, type ApiAnswer, type Route } from './route.ts'
import { reference } from './schemas.ts'

/** Hooks that are listed. A tenant may have any number. */
const maxListed = 200
/** Places that may hold the event's record: each is a request to a broker. */
const maxPlaces = 3

/** What an operator can correct comes first. */
const order: readonly HookAnswer['kind'][] = [
  ...(['filter-false', 'filter-fault', 'disabled', 'suspended', 'matches'] as const),
  ...(['other-tenant', 'not-subscribed'] as const),
]

export function explainRoutes(parts: ApiParts): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/api/explain',
      summary: 'What became of an event, and why hooks of its tenant were not called for it.',
      query: {
        eventId: parameter('The event.'),
        tenantId: parameter('Its tenant, if several tenants may have an event with this id.'),
        hookId: parameter('Only this hook, whatever its tenant is.'),
      },
      answers: { 200: reference('Explanation'), 404: reference('Error'), 503: reference('Error') },
      isAction: false,
      handle: ({ query }) => explained(parts, query),
    },
  ]
}

async function explained(parts: ApiParts, query: URLSearchParams): Promise<ApiAnswer> {
  const { store } = parts.view.index
  const eventId = neededTextIn(query, 'eventId')
  const filter = { eventId, tenantId: textIn(query, 'tenantId') }
  const [event] = listEvents(store, filter, { before: undefined, limit: 1 }).items
  if (event === undefined) {
    const message = `Nothing of event ${eventId} is in the window.`
    throw new ApiError(404, 'entity.not_found', message)
  }
  const record = await recordOf(parts, event)
  const only = textIn(query, 'hookId')
  const deliveries = event.deliveries.filter(({ hookId }) => only === undefined || hookId === only)
  const notCalled = record && uncalled(parts, { event, record, only })
  return {
    status: 200,
    body: {
      event: { ...event, deliveries },
      record: record === undefined ? null : placeOf(record.event.source),
      notCalled: notCalled ?? null,
    },
  }
}

async function recordOf(
  { findEvent }: ApiParts,
  { eventId, tenantId, deliveries }: FoundEvent,
): Promise<FoundRecord | undefined> {
  const places = new Map(deliveries.flatMap(placesOf).map((place) => [placeOf(place), place]))
  for (const place of [...places.values()].slice(0, maxPlaces)) {
    const found = await findEvent(place)
    // A topic that was created again may have another event there.
    if (found?.event.eventId === eventId && found.event.tenantId === tenantId) return found
  }
  return undefined
}

/** A run that an event began is named after its record. Of an event that went to no hook, the record is the source. */
function placesOf({ run, trigger, ...source }: Listed): readonly RecordPlace[] {
  const { sourceTopic: topic, sourcePartition: partition, sourceOffset: offset } = source
  if (trigger !== 'event') return []
  return [placeIn(run) ?? { topic, partition, offset }]
}

interface Asked {
  readonly event: FoundEvent
  readonly record: FoundRecord
  readonly only: HookId | undefined
}

/** @throws ApiError 503 while hooks are not read */
function uncalled({ view, filters }: ApiParts, { event, record, only }: Asked) {
  const hooks = loadedHooks(view)
  const called = new Set(event.deliveries.map(({ hookId }) => hookId))
  // Hooks of other tenants count only if the tenant may be the mistake.
  const hasDelivery = event.deliveries.some(({ hookId }) => hookId !== '')
  const asked = [...hooks.values()].filter((hook) =>
    only === undefined ? !hasDelivery || tenantOf(hook) === event.tenantId : hook.id === only,
  )
  const answers = new HookAnswers(
    asked.map(({ entry }) => entry),
    filters,
  ).of(record.event)
  return [...answers]
    .filter(([hookId]) => !called.has(hookId))
    .toSorted(([, one], [, other]) => order.indexOf(one.kind) - order.indexOf(other.kind))
    .slice(0, maxListed)
    .map(([hookId, answer]) => {
      const hook = hooks.get(hookId)
      const words =
        answer.kind === 'matches' ? absenceWords(hook, record) : refusalWords(answer, event, hook)
      return { hookId, why: answer.kind, words, isChangedSince: isChangedSince(hook, record) }
    })
}
