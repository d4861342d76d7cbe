/** Hooks and their logs, as Logto's Management API has them. */
import type { EpochMs, HookId } from '../../core/model/model.ts'
import { urlWithoutSecrets } from '../../core/run/result.ts'
import { tenantOf, type StoredHook } from '../../commands/hooks/topic.ts'
import { countResults, listResults } from '../index/delivery-queries.ts'
import type { ResultFilter } from '../index/looking.ts'
import type { Counts } from '../index/sums.ts'
import { statisticsOfName, traffic } from '../index/traffic-queries.ts'
import { loadedHooks, storedHook } from './acting.ts'
import { createdAtOf, hookForm, hookStateOf, hookStates } from './hook-form.ts'
import { logForm, logKeyPrefix } from './log-form.ts'
import type { ApiParts } from './parts.ts'
import {
  givenPageIn,
  integerIn,
  momentIn,
  oneOfIn,
  pageHeaders,
  pageIn,
  pageParameters,
  parameter,
  textIn,
} from './query.ts'
import { ApiError, type ApiRequest, type Route } from './route.ts'
import { listOf, object, reference, time } from './schemas.ts'

const dayMs = 86_400_000
const withStats = parameter('With how often it was called in 24 hours, and how often with success.')

/** Logs that are counted: as with Logto's `enableCap`. */
const maxCounted = 10_000

export function hookRoutes(parts: ApiParts): readonly Route[] {
  const { view } = parts
  return [
    {
      method: 'GET',
      path: '/api/hooks',
      summary: 'Hooks, the newest first.',
      query: {
        includeExecutionStats: withStats,
        ...pageParameters,
        search: parameter('Only hooks with that in id, name, tenant, event keys or URL.'),
        tenantId: parameter('Only of this tenant.'),
        state: parameter('Only in this state: that of the endpoint, hook-disabled or suspended.', {
          enum: hookStates,
        }),
      },
      answers: { 200: listOf(reference('Hook')) },
      isAction: false,
      handle: (request) => listHooks(parts, request),
    },
    {
      method: 'GET',
      path: '/api/hooks/{id}',
      summary: 'One hook.',
      query: { includeExecutionStats: withStats },
      answers: { 200: reference('Hook'), 404: reference('Error') },
      isAction: false,
      handle: ({ parameters, query }) => {
        const stored = storedHook(view, parameters['id'] ?? '')
        // As Logto has it: here any text asks for them.
        const isAsked = textIn(query, 'includeExecutionStats') !== undefined
        const known = isAsked ? (countsOf(parts).get(stored.id) ?? noCalls) : undefined
        return { status: 200, body: hookForm(stored, view.endpoints.get(stored.id), known) }
      },
    },
  ]
}

/** What was sent to one hook. */
export function hookLogRoutes(parts: ApiParts): readonly Route[] {
  const { view } = parts
  return [
    {
      method: 'GET',
      path: '/api/hooks/{id}/recent-logs',
      summary: 'Calls of a hook, the newest first; of 24 hours where no bound is given.',
      query: {
        logKey: parameter(`Only of this key, such as ${logKeyPrefix}PostSignIn.`),
        start_time: parameter('Not before, in milliseconds since 1970.', time),
        end_time: parameter('Not after.', time),
        enableCap: parameter('Count no more than 10,000.'),
        before: parameter(
          'Goes on before this id: a link to what the count does not reach has it.',
          {
            type: 'integer',
          },
        ),
        ...pageParameters,
      },
      answers: { 200: listOf(reference('Log')) },
      isAction: false,
      handle: (request) => recentLogs(parts, request),
    },
    {
      method: 'GET',
      path: '/api/hooks/{id}/traffic',
      summary: 'Calls of a hook over time, and what failed.',
      query: { from: parameter('Since when; 24h when absent.') },
      answers: {
        200: object({
          statistics: reference('Statistics'),
          points: listOf(reference('TrafficPoint')),
        }),
      },
      isAction: false,
      handle: ({ parameters, query }) => {
        const name = parameters['id'] ?? ''
        const to = view.now()
        const since = momentIn(query, 'from', to) ?? to - dayMs
        const range = { from: Math.max(since, to - view.index.bounds.windowMs), to }
        const { store } = view.index
        const hook = { dimension: 'hook', name } as const
        const points = traffic(store, hook, { ...range, stepMs: 600_000 })
        const own = statisticsOfName(store, hook, range)
        return { status: 200, body: { statistics: own, points } }
      },
    },
  ]
}

function listHooks({ view }: ApiParts, request: ApiRequest) {
  const { query } = request
  const search = textIn(query, 'search')?.toLowerCase()
  const tenantId = textIn(query, 'tenantId')
  const state = oneOfIn(query, 'state', hookStates)
  const fits = (stored: StoredHook) =>
    (tenantId === undefined || tenantOf(stored) === tenantId) &&
    (state === undefined || hookStateOf(stored, view.endpoints.get(stored.id)) === state) &&
    (search === undefined || searchTextOf(stored).includes(search))
  const hooks = [...loadedHooks(view).values()].filter(fits)
  const sorted = hooks.toSorted(
    (one, other) => (createdAtOf(other.members) ?? 0) - (createdAtOf(one.members) ?? 0),
  )
  const paged = givenPageIn(query)
  const shown =
    paged === undefined
      ? sorted
      : sorted.slice((paged.page - 1) * paged.size, paged.page * paged.size)
  const counts = isYes(query.get('includeExecutionStats')) ? countsOf({ view }) : undefined
  const body = shown.map((stored) => {
    const own = counts === undefined ? undefined : (counts.get(stored.id) ?? noCalls)
    return hookForm(stored, view.endpoints.get(stored.id), own)
  })
  const total = sorted.length
  if (paged === undefined) return { status: 200, body, headers: { 'total-number': String(total) } }
  return { status: 200, body, headers: pageHeaders(request, { ...paged, total }) }
}

function logFilterIn({ parameters, query }: ApiRequest, now: EpochMs): ResultFilter {
  const from = momentIn(query, 'start_time', now)
  const to = momentIn(query, 'end_time', now)
  if (from !== undefined && to !== undefined && from > to) {
    throw new ApiError(400, 'guard.invalid_input', 'start_time must not be later than end_time')
  }
  const logKey = textIn(query, 'logKey')
  const eventKey = logKey?.startsWith(logKeyPrefix) ? logKey.slice(logKeyPrefix.length) : logKey
  const isUnbounded = from === undefined && to === undefined
  return { hookId: parameters['id'], eventKey, from: isUnbounded ? now - dayMs : from, to }
}

function recentLogs({ view }: ApiParts, request: ApiRequest) {
  const { query } = request
  const filter = logFilterIn(request, view.now())
  const { page, size } = pageIn(query)
  const before = integerIn(query, 'before', [1, Number.MAX_SAFE_INTEGER])
  const hasCap = query.get('enableCap') === 'true'
  const most = hasCap ? maxCounted + 1 : Number.MAX_SAFE_INTEGER
  const { store } = view.index
  const { count, isCapped } = countResults(store, 'calls', filter, { before, most })
  const skip = (page - 1) * size
  const { items, next } = listResults(store, 'calls', filter, { before, limit: size, skip })
  // Logto leaves it out where the count has a cap. Here it is the way to what the count does not reach.
  const isFull = items.length === size
  const following = isFull || next === undefined ? { page: page + 1 } : { before: next, page: 1 }
  const hasNext = next !== undefined && !hasCap
  const headers = pageHeaders(request, {
    ...{ page, size, isCapped, total: count },
    next: hasNext ? following : undefined,
  })
  return { status: 200, body: items.map(logForm), headers }
}

const noCalls: Counts = { calls: 0, delivered: 0, ended: 0 }

function countsOf({ view }: Pick<ApiParts, 'view'>): ReadonlyMap<HookId, Counts> {
  return view.index.counts('hook', view.now() - dayMs)
}

/** As Logto reads a text that means yes (`yes` of `@silverhand/essentials`). */
function isYes(text: string | null): boolean {
  return text !== null && yesTexts.has(text.toLowerCase())
}

const yesTexts = new Set(['1', 'true', 'y', 'yes', 'yep', 'yeah'])

function searchTextOf({ id, entry, members }: StoredHook): string {
  const { hook } = entry
  // What is shown: who may only see a part of a URL must not find out the rest by searching for it.
  const url = entry.kind === 'active' ? urlWithoutSecrets(entry.hook.url) : ''
  const name = typeof members['name'] === 'string' ? members['name'] : ''
  return [id, name, hook.tenantId, hook.event, ...hook.events, url].join('\n').toLowerCase()
}
