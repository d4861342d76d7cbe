/** What is to be seen at a glance: traffic, endpoints, what waits, and how far all that was read. */
import { version } from '../../version.ts'
import { tenantOf } from '../../commands/hooks/topic.ts'
import { urlWithoutSecrets } from '../../core/run/result.ts'
import { sumOf } from '../feed/lag.ts'
import { countLetters } from '../index/delivery-queries.ts'
import {
  newestAt,
  openRuns,
  samplesSince,
  statistics,
  statisticsOfName,
  traffic,
  type Range,
} from '../index/traffic-queries.ts'
import { othersName } from '../index/sums.ts'
import type { MonitorView } from '../view.ts'
import { count, endpoint, listOf, nullable, object, reference, text, time } from './schemas.ts'
import { endpointForm, hookStateOf, hookStates } from './hook-form.ts'
import type { ApiParts } from './parts.ts'
import { momentIn, oneOfIn, parameter } from './query.ts'
import type { Route } from './route.ts'

const hourMs = 3_600_000
/** A chart has about so many points. */
const points = 150
/** Of longer ranges sums over wide spans are read. */
const wideMs = 7 * hourMs
const maxFailing = 8
/** Of hooks that were called there are no more, and of those that only wait there is no need. */
const maxStatistics = 10_000
/** Endpoints that are listed at a glance. */
const maxTroubled = 20

interface Counts {
  readonly calls: number
  readonly delivered: number
}

const dimensions = ['hook', 'tenant', 'event', 'all'] as const

export function overviewRoutes(parts: ApiParts): readonly Route[] {
  const { view } = parts
  const answers = keptUntilChange<ReturnType<typeof overview>>(view)
  return [
    {
      method: 'GET',
      path: '/api/status',
      summary: 'How far the topics were read, and what this monitor may do.',
      answers: { 200: reference('Status') },
      isAction: false,
      handle: () => ({ status: 200, body: statusForm(parts) }),
    },
    {
      method: 'GET',
      path: '/api/stats',
      summary:
        'Calls, success, percentiles and failures, by hook, tenant or event key: most failures first.',
      query: {
        by: parameter('hook when absent.', { enum: dimensions }),
        from: parameter('Since when; 24h when absent.'),
      },
      answers: { 200: listOf(reference('Statistics')) },
      isAction: false,
      handle: ({ query }) => {
        const now = view.now()
        const from = momentIn(query, 'from', now) ?? now - 24 * hourMs
        const by = oneOfIn(query, 'by', dimensions) ?? 'hook'
        const rows = statistics(view.index.store, by, from)
        const failed = ({ calls, delivered }: Counts) => calls - delivered
        const sorted = rows.toSorted(
          (one, other) => failed(other) - failed(one) || other.calls - one.calls,
        )
        return { status: 200, body: sorted.slice(0, maxStatistics) }
      },
    },
    {
      method: 'GET',
      path: '/api/overview',
      summary: 'Traffic, endpoints by state, what waits and what is behind.',
      query: { from: parameter('Since when; 24h when absent.') },
      answers: { 200: overviewSchema },
      isAction: false,
      handle: ({ query }) => {
        const now = view.now()
        const from = momentIn(query, 'from', now) ?? now - 24 * hourMs
        const windowFrom = Math.max(from, now - view.index.bounds.windowMs)
        const body = answers(query.get('from') ?? '', () => overview(parts, windowFrom))
        return { status: 200, body }
      },
    },
  ]
}

/** Pages that are open ask at the same moment, when something has changed: the answer is made once for all of them. */
function keptUntilChange<Answer>(view: MonitorView) {
  const kept = new Map<string, { readonly at: number; readonly answer: Answer }>()
  view.onChange(() => kept.clear())
  return (key: string, make: () => Answer): Answer => {
    const known = kept.get(key)
    if (known !== undefined && view.now() - known.at < keptMs) return known.answer
    const answer = make()
    if (kept.size >= maxKept) kept.clear()
    kept.set(key, { at: view.now(), answer })
    return answer
  }
}

const keptMs = 1_000
const maxKept = 8

const lags = listOf(object({ topic: text, records: count }))

const overviewSchema = object({
  status: reference('Status'),
  from: time,
  statistics: reference('Statistics'),
  points: listOf(reference('TrafficPoint')),
  samples: listOf(object({ at: time, lag: count, waiting: count })),
  lagTrouble: nullable(text),
  lag: nullable(
    object({
      ...{ live: lags, retry: lags, absent: listOf(text) },
      ...{ liveRecords: count, retryRecords: count },
    }),
  ),
  deadLetters: count,
  hooks: nullable(count),
  endpoints: object(Object.fromEntries(hookStates.map((state) => [state, count]))),
  troubled: listOf(
    object({ hookId: text, tenantId: nullable(text), url: nullable(text), endpoint }),
  ),
  failing: listOf(reference('Statistics')),
  hookNames: { type: 'object', additionalProperties: text },
})

function statusForm({ view, act }: ApiParts) {
  return {
    version,
    hasActions: act !== undefined,
    windowMs: view.index.bounds.windowMs,
    results: view.index.size,
    newestAt: newestAt(view.index.store) ?? null,
    unreadable: view.unreadable,
    readings: view.readings.map(({ topic, behind, trouble }) => ({
      topic,
      behind: behind ?? null,
      trouble: trouble ?? null,
    })),
    now: view.now(),
  }
}

function overview(parts: ApiParts, from: number) {
  const { view } = parts
  const { store } = view.index
  const to = view.now()
  const stepMs = Math.max(60_000, Math.ceil((to - from) / points / 60_000) * 60_000)
  const dimension = to - from > wideMs ? 'all' : 'minute'
  const all = { dimension, name: othersName } as const
  const [states, failing] = [endpointsOf(view), failingIn(view, { from, to })]
  const named = [...states.troubled.map(({ hookId }) => hookId), ...failing.map(({ name }) => name)]
  return {
    status: statusForm(parts),
    from,
    statistics: statisticsOfName(store, all, { from, to }),
    points: traffic(store, all, { from, to, stepMs }),
    samples: samplesSince(store, from, stepMs),
    lag: lagForm(view),
    lagTrouble: view.lagTrouble ?? null,
    deadLetters: countLetters(store, { from }),
    hooks: view.hooks?.size ?? null,
    ...states,
    failing,
    hookNames: namesOf(view, named),
  }
}

/** Names of hooks by their ids: people know them by those. One without a name is left out. */
function namesOf({ hooks }: MonitorView, ids: readonly string[]): Readonly<Record<string, string>> {
  const named = ids.flatMap((id) => {
    const name = hooks?.get(id)?.members['name']
    return typeof name === 'string' && name !== '' ? [[id, name] as const] : []
  })
  return Object.fromEntries(named)
}

/** Those whose calls failed most often. Of all others nothing is read but how often they were called. */
function failingIn({ index }: MonitorView, range: Range) {
  return [...index.counts('hook', range.from)]
    .map(([id, { calls, delivered }]) => ({ id, failed: calls - delivered }))
    .filter(({ failed }) => failed > 0)
    .toSorted((one, other) => other.failed - one.failed)
    .slice(0, maxFailing)
    .map(({ id }) => statisticsOfName(index.store, { dimension: 'hook', name: id }, range))
}

function lagForm({ lag }: MonitorView) {
  if (lag === undefined) return null
  return { ...lag, liveRecords: sumOf(lag.live), retryRecords: sumOf(lag.retry) }
}

function endpointsOf({ hooks, endpoints, index }: MonitorView) {
  const states: Record<string, number> = Object.fromEntries(hookStates.map((state) => [state, 0]))
  const open = openRuns(index.store, 'hook')
  const troubled = []
  for (const stored of hooks?.values() ?? []) {
    const health = endpoints.get(stored.id)
    const form = endpointForm(stored, health)
    const state = hookStateOf(stored, health)
    const { entry } = stored
    states[state] = (states[state] ?? 0) + 1
    if (state === 'healthy' || state === 'hook-disabled') continue
    troubled.push({
      hookId: stored.id,
      tenantId: tenantOf(stored) ?? null,
      url: entry.kind === 'active' ? urlWithoutSecrets(entry.hook.url) : null,
      endpoint: { ...form, state },
    })
  }
  const waiting = (id: string) => (open.get(id)?.deferred ?? 0) + (open.get(id)?.retrying ?? 0)
  return {
    endpoints: states,
    troubled: troubled
      .toSorted((one, other) => waiting(other.hookId) - waiting(one.hookId))
      .slice(0, maxTroubled),
  }
}
