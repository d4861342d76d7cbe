/** Deliveries and events: what became of them, and what was sent. */
import { resultOutcomes } from '../../core/model/record-values.ts'
import {
  countResults,
  listEvents,
  listLetters,
  listResults,
  resultsOf,
  type Listed,
  type Page,
  type Part,
} from '../index/delivery-queries.ts'
import type { ResultFilter } from '../index/looking.ts'
import { carryOut } from './acting.ts'
import type { ApiParts } from './parts.ts'
import { integerIn, linkTo, momentIn, oneOfIn, parameter, textIn } from './query.ts'
import { ApiError, type ApiAnswer, type ApiRequest, type Route } from './route.ts'
import { listOf, object, reference } from './schemas.ts'

const filterParameters = {
  hookId: parameter('Only of this hook.'),
  tenantId: parameter('Only of this tenant.'),
  userId: parameter('Only of events about this user.'),
  eventId: parameter('Only of this event.'),
  eventKey: parameter('Only of events with this key, such as PostSignIn.'),
  sourceKey: parameter('Only of events whose record has this key.'),
  deliveryId: parameter('Only this delivery.'),
  outcome: parameter('Only with this outcome.', { enum: resultOutcomes }),
  reason: parameter('Only ended for this reason.'),
  errorClass: parameter('Only failed in this way.'),
  statusCode: parameter('Only answered with this status.', { type: 'integer' }),
  from: parameter('Not before.'),
  to: parameter('Not after.'),
}

const pageParameters = {
  before: parameter('Goes on before this id: the link to the next part has it.', {
    type: 'integer',
  }),
  limit: parameter('Items at most; 50 when absent.', { type: 'integer', minimum: 1, maximum: 200 }),
}

export function deliveryRoutes(parts: ApiParts): readonly Route[] {
  const { store } = parts.view.index
  return [
    {
      method: 'GET',
      path: '/api/deliveries',
      summary: 'What became of deliveries, the newest first: one result for each run.',
      query: {
        ...filterParameters,
        show: parameter('runs; open: only those that wait; attempts: every call.', {
          enum: ['runs', 'open', 'attempts'],
        }),
        ...pageParameters,
      },
      answers: { 200: listOf(reference('Result')) },
      isAction: false,
      handle: (request) => {
        const { query } = request
        const show = oneOfIn(query, 'show', ['runs', 'open', 'attempts']) ?? 'runs'
        const rows = ({ runs: 'latest', open: 'open', attempts: 'calls' } as const)[show]
        return partAnswer(request, listResults(store, rows, filterIn(parts, query), partIn(query)))
      },
    },
    {
      method: 'GET',
      path: '/api/deliveries/{id}',
      summary: 'One delivery: its runs, and each attempt of them.',
      answers: { 200: reference('Delivery'), 404: reference('Error') },
      isAction: false,
      handle: (request) => delivery(parts, request),
    },
    {
      method: 'GET',
      path: '/api/deliveries/{id}/request',
      summary: 'What is sent: the body, from where its event stands, and headers without secrets.',
      answers: { 200: reference('Request'), 404: reference('Error'), 503: reference('Error') },
      isAction: false,
      handle: (request) => requestOf(parts, request),
    },
  ]
}

/** Events, and what was asked for anew. */
export function eventRoutes(parts: ApiParts): readonly Route[] {
  const { store } = parts.view.index
  return [
    {
      method: 'GET',
      path: '/api/deliveries/{id}/waiting',
      summary: 'Where runs of a delivery wait now, and when their next attempts are due.',
      answers: { 200: listOf(reference('WaitingPlace')), 503: reference('Error') },
      isAction: false,
      handle: ({ parameters }) => waitingPlaces(parts, parameters['id'] ?? ''),
    },
    {
      method: 'GET',
      path: '/api/events',
      summary: 'Events, the newest record first, with what became of them for each hook.',
      query: { ...filterParameters, ...pageParameters },
      answers: { 200: listOf(reference('Event')) },
      isAction: false,
      handle: (request) => {
        const { query } = request
        return partAnswer(request, listEvents(store, filterIn(parts, query), partIn(query)))
      },
    },
    {
      method: 'POST',
      path: '/api/deliveries/{id}/resend',
      summary: 'Ask for a delivery anew, whatever became of it.',
      answers: { 202: object({ deliveryId: { type: 'string' } }), 422: reference('Error') },
      isAction: true,
      handle: async ({ parameters }) => {
        const deliveryId = parameters['id'] ?? ''
        await carryOut(parts, 'resend', { args: [deliveryId] })
        return { status: 202, body: { deliveryId } }
      },
    },
  ]
}

function filterIn({ view }: ApiParts, query: URLSearchParams): ResultFilter {
  const now = view.now()
  return {
    hookId: textIn(query, 'hookId'),
    tenantId: textIn(query, 'tenantId'),
    userId: textIn(query, 'userId'),
    eventId: textIn(query, 'eventId'),
    eventKey: textIn(query, 'eventKey'),
    sourceKey: textIn(query, 'sourceKey'),
    deliveryId: textIn(query, 'deliveryId'),
    outcome: textIn(query, 'outcome'),
    reason: textIn(query, 'reason'),
    errorClass: textIn(query, 'errorClass'),
    statusCode: integerIn(query, 'statusCode', [100, 999]),
    from: momentIn(query, 'from', now),
    to: momentIn(query, 'to', now),
  }
}

/** Where the list goes on is a link, since a part may end before its last item was found. */
function partAnswer(request: ApiRequest, { items, next }: Part<unknown>): ApiAnswer {
  const headers = next === undefined ? {} : { link: linkTo(request, { before: next }, 'next') }
  return { status: 200, body: items, headers }
}

function partIn(query: URLSearchParams): Page {
  return {
    before: integerIn(query, 'before', [1, Number.MAX_SAFE_INTEGER]),
    limit: integerIn(query, 'limit', [1, 200]) ?? 50,
  }
}

function delivery({ view }: ApiParts, { parameters }: ApiRequest): ApiAnswer {
  const deliveryId = parameters['id'] ?? ''
  const results = resultsOf(view.index.store, deliveryId)
  const letters = listLetters(view.index.store, { deliveryId }, { offset: 0, limit: 50 })
  const [first] = results
  const named = first ?? letters[0]
  if (named === undefined) throw unknown(deliveryId)
  const { hookId, eventId, eventKey, tenantId } = named
  const runs = Map.groupBy(results, ({ run }) => run)
  return {
    status: 200,
    body: {
      ...{ deliveryId, hookId, eventId, eventKey, tenantId },
      eventAt: first?.eventAt ?? 0,
      userId: results.find(({ userId }) => userId !== null)?.userId ?? null,
      sourceKey: results.find(({ sourceKey }) => sourceKey !== null)?.sourceKey ?? null,
      runs: [...runs].map(([run, ofRun]) => runForm(run, ofRun)),
      letters,
    },
  }
}

/** What became of it: its first end, or else what was recorded last. */
function runForm(run: string, results: readonly Listed[]) {
  const last = results.find(({ final }) => final) ?? results.at(-1)
  return {
    run,
    trigger: last?.trigger ?? '',
    outcome: last?.outcome ?? '',
    final: last?.final ?? false,
    nextDueAt: last?.final === true ? null : (last?.nextDueAt ?? null),
    results,
  }
}

async function requestOf(parts: ApiParts, { parameters }: ApiRequest): Promise<ApiAnswer> {
  const { view, findRequest } = parts
  const deliveryId = parameters['id'] ?? ''
  const results = resultsOf(view.index.store, deliveryId)
  const letters = listLetters(view.index.store, { deliveryId }, { offset: 0, limit: 5 })
  const [named] = [...results, ...letters]
  if (named === undefined) throw unknown(deliveryId)
  const { hookId } = named
  for (const source of sourcesOf(results, letters)) {
    const found = await findRequest({ deliveryId, hookId }, source)
    if (found === undefined) continue
    const called = results.findLast((result) => result.url !== null)
    const headers = headersTo(parts, hookId)
    return { status: 200, body: { url: called?.url ?? null, headers, body: found.body } }
  }
  const message = 'Its event is no longer where it came from.'
  throw new ApiError(404, 'monitor.source_gone', message)
}

/** None where the hook is gone, or suspended: then nothing is sent. */
function headersTo({ view, headersOf }: ApiParts, hookId: string) {
  const entry = view.hooks?.get(hookId)?.entry
  return entry?.kind === 'active' ? headersOf(entry.hook) : {}
}

/** Places that may still hold the event, each once, and no more than a few: each is a request to a broker. */
function sourcesOf(
  results: readonly Listed[],
  letters: readonly {
    readonly topic: string
    readonly partition: number
    readonly offset: number
  }[],
) {
  const named = results.map((result) => ({
    topic: result.sourceTopic,
    partition: result.sourcePartition,
    offset: result.sourceOffset,
  }))
  const places = [...named, ...letters].map(({ topic, partition, offset }) => ({
    topic,
    partition,
    offset,
  }))
  const byName = new Map(places.map((place) => [JSON.stringify(place), place]))
  return [...byName.values()].slice(0, 5)
}

/** The topics are read only for a delivery of which the index knows that it waits: who asks could make brokers work. */
async function waitingPlaces(
  { view, findWaiting }: ApiParts,
  deliveryId: string,
): Promise<ApiAnswer> {
  const { count } = countResults(
    view.index.store,
    'open',
    { deliveryId },
    { before: undefined, most: 1 },
  )
  if (count === 0) return { status: 200, body: [] }
  return { status: 200, body: await findWaiting(deliveryId) }
}

function unknown(deliveryId: string): ApiError {
  const message = `No result of ${deliveryId} is in the window.`
  return new ApiError(404, 'entity.not_found', message)
}
