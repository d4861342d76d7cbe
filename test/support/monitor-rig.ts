/** The monitor on a socket, with data from the test. */
import { createHookReading } from '../../src/commands/hooks/topic.ts'
import type { Health } from '../../src/core/health/record.ts'
import { placeOf } from '../../src/core/run/delivery-headers.ts'
import { isJsonObject } from '../../src/core/text/json-text.ts'
import { createFilters } from '../../src/edge/filter/cel.ts'
import { routesOf } from '../../src/monitor/api/api.ts'
import { loadAssets } from '../../src/monitor/api/assets.ts'
import { loopbackNames } from '../../src/monitor/api/guard.ts'
import type {
  Act,
  Action,
  ActionName,
  ActionOutcome,
  FoundRecord,
  FoundRequest,
  WaitingPlace,
} from '../../src/monitor/api/parts.ts'
import type { Route } from '../../src/monitor/api/route.ts'
import { startMonitorServer } from '../../src/monitor/api/server.ts'
import type { ResultIndex } from '../../src/monitor/index/result-index.ts'
import type { MonitorView } from '../../src/monitor/view.ts'
import { readSettings } from '../../src/settings/settings.ts'
import { memoryIndex } from './indexed-results.ts'

export type Outcomes = Partial<
  Record<ActionName, (action: Action) => ActionOutcome | Promise<ActionOutcome>>
>

export interface MonitorRigOptions {
  /** `undefined`: the monitor only reads. */
  readonly outcomes?: Outcomes
  readonly token?: string
  readonly request?: FoundRequest
  /** The one event whose record is kept. */
  readonly record?: FoundRecord
  readonly waiting?: readonly WaitingPlace[]
  readonly index?: ResultIndex
  /** Topics of events, requests or retries that do not exist. */
  readonly absent?: readonly string[]
  /** Why results are not read. */
  readonly trouble?: string
  readonly now?: () => number
}

export interface MonitorRig extends AsyncDisposable {
  readonly origin: string
  readonly index: ResultIndex
  readonly routes: readonly Route[]
  readonly endpoints: Map<string, Health>
  /** The actions that were carried out, in order. */
  readonly actions: readonly (readonly [ActionName, Action])[]
  /** Stores a hook as if it was read from its topic; `undefined` deletes it. */
  putHook(id: string, value: unknown): Promise<void>
  /** Something was read. */
  changed(): void
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Response>
  send(method: string, path: string, body?: unknown): Promise<Response>
}

export function hookValue(id: string, fields: Readonly<Record<string, unknown>> = {}) {
  return {
    id,
    tenantId: 'default',
    name: `Name of ${id}`,
    events: ['PostSignIn'],
    config: { url: `https://receiver.example/${id}` },
    signingKey: 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii',
    enabled: true,
    createdAt: 1_700_000_000_000,
    ...fields,
  }
}

export function healthWith(fields: Partial<Health> & { readonly hookId: string }): Health {
  return {
    tenantId: 'default',
    state: 'open',
    since: 1_000,
    reason: 'failures',
    until: 9_000,
    failingSince: 900,
    lastFailureAt: 1_000,
    failures: 5,
    lastSuccessAt: null,
    enableEpoch: 0,
    // Of whatever URL the hook has: that of no record is newer.
    endpoint: '0123456789abcdef',
    configVersion: '0-1000000',
    instance: 'p1',
    at: 1_000,
    ...fields,
  }
}

/** The actions of the hook commands, on a table in memory. */
export function memoryOutcomes(rig: () => Pick<MonitorRig, 'putHook'>): Outcomes {
  const switchTo = async (id: string, enabled: boolean) => {
    await rig().putHook(id, hookValue(id, { enabled }))
    return { code: 0, records: [{ id, enabled }], notes: [] }
  }
  return {
    'hooks put': async ({ input }) => {
      const hook: unknown = JSON.parse(input?.toString() ?? '{}')
      const fields = isJsonObject(hook) ? hook : {}
      const id = typeof fields['id'] === 'string' ? fields['id'] : 'made0000000000000000a'
      await rig().putHook(id, { ...hookValue(id), ...fields })
      return { code: 0, records: [{ id, signingKey: 'made-signing-key' }], notes: [] }
    },
    'hooks enable': async ({ args: [id = ''] = [] }) => await switchTo(id, true),
    'hooks disable': async ({ args: [id = ''] = [] }) => await switchTo(id, false),
    'hooks delete': async ({ args: [id = ''] = [] }) => {
      await rig().putHook(id, undefined)
      return { code: 0, records: [], notes: [] }
    },
  }
}

export async function startMonitorRig(options: MonitorRigOptions = {}): Promise<MonitorRig> {
  const { outcomes, token, now = () => 10_000, index = memoryIndex() } = options
  const reading = createHookReading(readSettings({}), [])
  const endpoints = new Map<string, Health>()
  const listeners = new Set<() => void>()
  const actions: [ActionName, Action][] = []
  let offset = 0
  const changed = () => {
    for (const listener of listeners) listener()
  }
  const view: MonitorView = {
    ...{ index, endpoints, now },
    hooks: reading.hooks,
    get readings() {
      return [
        { kind: 'results', topic: 'auth.webhook.results', behind: 3, trouble: options.trouble },
      ] as const
    },
    unreadable: 2,
    lagTrouble: undefined,
    lag: {
      live: [{ topic: 'auth.events', records: 12 }],
      retry: [{ topic: 'auth.webhook.retry.5s', records: 7 }],
      absent: options.absent ?? [],
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
  const act: Act = async (name, action) => {
    actions.push([name, action])
    return (await outcomes?.[name]?.(action)) ?? { code: 0, records: [], notes: [] }
  }
  const hasActions = outcomes !== undefined
  const routes = routesOf({
    view,
    act: hasActions ? act : undefined,
    findRequest: () => Promise.resolve(options.request),
    filters: createFilters(),
    findEvent: (place) => {
      const { record } = options
      const isThere = record !== undefined && placeOf(record.event.source) === placeOf(place)
      return Promise.resolve(isThere ? record : undefined)
    },
    findWaiting: () => Promise.resolve(options.waiting ?? []),
    headersOf: () => ({ authorization: '(hidden)' }),
  })
  const server = await startMonitorServer({
    host: '127.0.0.1',
    port: 0,
    token,
    hosts: loopbackNames,
    ...{ routes, hasActions },
    assets: loadAssets(),
    onChange: view.onChange,
    onFailed: (error) => {
      throw error
    },
  })
  const origin = `http://127.0.0.1:${server.port}`
  return {
    ...{ origin, index, routes, endpoints, actions, changed },
    async putHook(id, value) {
      await reading.take({
        topic: 'auth.hooks',
        partition: 0,
        offset: (offset += 1),
        key: Buffer.from(id),
        value: value === undefined ? null : Buffer.from(JSON.stringify(value)),
        headers: [],
        timestamp: 1_000 + offset,
      })
      changed()
    },
    get: (path, headers = {}) => fetch(origin + path, { headers }),
    send: (method, path, body) =>
      fetch(origin + path, {
        method,
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      }),
    [Symbol.asyncDispose]: () => server.stop(),
  }
}
