/** The monitor's API on a real socket: its answers, held to the document that it serves. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it, onTestFinished } from 'vitest'
import { UserError } from '../../../src/core/model/errors.ts'
import { isJsonObject } from '../../../src/core/text/json-text.ts'
import { findRoute } from '../../../src/monitor/api/route.ts'
import { eventOf } from '../../support/model-builders.ts'
import { letterWith, resultWith, retryingWith } from '../../support/indexed-results.ts'
import {
  healthWith,
  hookValue,
  memoryOutcomes,
  startMonitorRig,
  type MonitorRig,
  type MonitorRigOptions,
} from '../../support/monitor-rig.ts'

async function rigWith(options: MonitorRigOptions = {}): Promise<MonitorRig> {
  const rig = await startMonitorRig(options)
  onTestFinished(() => rig[Symbol.asyncDispose]())
  await rig.putHook('good', hookValue('good', { createdAt: 2 }))
  await rig.putHook(
    'bad',
    hookValue('bad', {
      createdAt: 3,
      tenantId: 't2',
      config: {
        url: 'https://u.example/s3cr3tS3cr3tS3cr3tS3cr3t?key=canary',
        headers: { 'x-key': 'canary' },
      },
    }),
  )
  await rig.putHook('broken', { ...hookValue('broken'), createdAt: 1, config: { url: 5 } })
  rig.endpoints.set('bad', healthWith({ hookId: 'bad', tenantId: 't2' }))
  rig.index.addResults(
    [
      resultWith({ hookId: 'good', deliveryId: 'dlv_good', userId: 'u1', sourceKey: 'k1' }),
      retryingWith({
        hookId: 'bad',
        deliveryId: 'dlv_bad',
        tenantId: 't2',
        responseBody: '{"a":1}',
      }),
      retryingWith({ hookId: 'bad', deliveryId: 'dlv_bad', tenantId: 't2', attempt: 2 }),
    ],
    [],
    10_000,
  )
  rig.index.addLetters([letterWith({ hookId: 'bad', deliveryId: 'dlv_dead' })], [], 10_000)
  rig.index.addSample({ lag: 1, waiting: 2 }, 10_000)
  return rig
}

async function jsonOf(answer: Response): Promise<unknown> {
  return answer.status === 204 ? undefined : await answer.json()
}

/** Checks answers against the OpenAPI document that the monitor itself serves. */
async function checkerOf(rig: MonitorRig) {
  const document: unknown = await (await rig.get('/api/openapi.json')).json()
  const ajv = new Ajv2020({ strict: false, validateSchema: false })
  ajv.addSchema(isJsonObject(document) ? document : {}, 'api')
  return async (method: string, path: string, answer: Response) => {
    const found = findRoute(rig.routes, method, path.split('?')[0] ?? '')
    if (found.kind !== 'route') throw new Error(`no route for ${path}`)
    const body = await jsonOf(answer)
    const pointer = [
      ...['paths', found.route.path, method.toLowerCase(), 'responses', String(answer.status)],
      ...(body === undefined ? [] : ['content', 'application/json', 'schema']),
    ].map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')))
    const validate = ajv.getSchema(`api#/${pointer.join('/')}`)
    expect(validate, `${method} ${path} ${answer.status} is in the document`).toBeDefined()
    if (body !== undefined) {
      const isValid = validate?.(body)
      expect([isValid, validate?.errors ?? []], `${method} ${path}`).toEqual([true, []])
    }
    return body
  }
}

const reads = [
  ...['/api/status', '/api/overview', '/api/overview?from=1h', '/api/openapi.json'],
  ...['/api/stats', '/api/stats?by=event', '/api/stats?by=tenant', '/api/stats?by=all'],
  ...[
    '/api/hooks',
    '/api/hooks?includeExecutionStats=true&page=1&page_size=2',
    '/api/hooks?search=good',
  ],
  ...[
    '/api/hooks/bad',
    '/api/hooks/bad?includeExecutionStats=true',
    '/api/hooks/broken',
    '/api/hooks/nobody',
  ],
  ...['/api/hooks/bad/recent-logs', '/api/hooks/bad/traffic', '/api/hooks/nobody/recent-logs'],
  ...[
    '/api/deliveries',
    '/api/deliveries?show=open',
    '/api/deliveries?show=attempts&outcome=retrying',
  ],
  ...['/api/deliveries/dlv_bad', '/api/deliveries/dlv_dead', '/api/deliveries/nobody'],
  ...[
    '/api/deliveries/dlv_good/request',
    '/api/deliveries/nobody/request',
    '/api/deliveries/dlv_bad/waiting',
  ],
  ...[
    '/api/events',
    '/api/events?userId=u1',
    '/api/explain?eventId=event-of-dlv_good',
    '/api/dead-letters',
    '/api/dead-letters/facets',
  ],
]

describe("the API's answers", () => {
  it.each(reads)('to GET %s are as the document says', async (path) => {
    const place = { run: 'r', attempt: 2, dueAt: 5, place: 'auth.webhook.retry.5s/0/7' }
    const rig = await rigWith({ request: { body: '{}' }, waiting: [place] })
    const check = await checkerOf(rig)
    const answer = await rig.get(path)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    await check('GET', path, answer)
  })

  it('to what changes something are as the document says', async () => {
    const rig: MonitorRig = await rigWith({
      outcomes: {
        ...memoryOutcomes(() => rig),
        'hooks rotate-key': async () => {
          await rig.putHook('good', hookValue('good', { signingKey: 'another' }))
          return { code: 0, records: [{ id: 'good', signingKey: 'shown-once' }], notes: [] }
        },
        'hooks test': () => ({ code: 0, records: [{ outcome: 'delivered' }], notes: [] }),
        replay: () => ({
          code: 0,
          records: [
            { hookId: 'bad', tenantId: 't2', deliveries: 1 },
            { replay: null, dryRun: true, records: 1, requests: 1, leftOut: { invalid: 1 } },
          ],
          notes: [],
        }),
      },
    })
    const check = await checkerOf(rig)
    const fields = { events: ['PostSignIn'], config: { url: 'https://a.example' } }
    const changes = [
      ['POST', '/api/hooks', fields, 201],
      ['POST', '/api/hooks', { config: fields.config }, 400],
      ['PATCH', '/api/hooks/good', { enabled: false }, 200],
      ['PATCH', '/api/hooks/nobody', {}, 404],
      ['PATCH', '/api/hooks/good/signing-key', undefined, 200],
      ['POST', '/api/hooks/good/test', { events: ['PostSignIn'] }, 204],
      ['POST', '/api/hooks/good/endpoint', { state: 'enabled' }, 200],
      ['POST', '/api/deliveries/dlv_good/resend', undefined, 202],
      ['POST', '/api/dead-letters/replay', { hookIds: ['bad'] }, 200],
      ['POST', '/api/dead-letters/replay', { deliveryIds: ['dlv_dead'], dryRun: false }, 200],
      ['DELETE', '/api/hooks/good', undefined, 204],
    ] as const
    for (const [method, path, body, status] of changes) {
      const answer = await rig.send(method, path, body)
      expect([method, path, answer.status]).toEqual([method, path, status])
      await check(method, path, answer)
    }
  })

  it("have Logto's hooks, the newest first, without any secret", async () => {
    const rig = await rigWith()
    const text = await (await rig.get('/api/hooks?includeExecutionStats=true')).text()
    expect(text).not.toMatch(/canary|s3cr3t|Qm3Vx8/)
    const hooks = JSON.parse(text) as readonly Record<string, unknown>[]
    expect(hooks.map(({ id }) => id)).toEqual(['bad', 'good', 'broken'])
    expect(hooks[0]).toMatchObject({
      tenantId: 't2',
      events: ['PostSignIn'],
      signingKey: '(hidden)',
      executionStats: { requestCount: 2, successCount: 0 },
      endpoint: { state: 'open', reason: 'failures' },
    })
    expect(hooks[2]).toMatchObject({ state: 'suspended', problems: [{ field: 'config.url' }] })
  })

  it("have Logto's log of a hook, in pages, with what the endpoint said", async () => {
    const rig = await rigWith()
    const answer = await rig.get('/api/hooks/bad/recent-logs?page=2&page_size=1')
    expect(answer.headers.get('total-number')).toBe('2')
    expect(answer.headers.get('link')).toContain('rel="prev"')
    expect(await answer.json()).toMatchObject([
      {
        key: 'TriggerHook.PostSignIn',
        payload: {
          result: 'Error',
          hookId: 'bad',
          response: { statusCode: 503, body: { a: 1 } },
          error: 'http: answered 503',
        },
      },
    ])
  })

  it('have the statistics of those that fail most first', async () => {
    const rig = await rigWith()
    rig.index.addResults(
      [1, 2, 3, 4].map((run) => resultWith({ hookId: 'good', run: `auth.events/0/${run}` })),
      [],
      10_000,
    )
    expect(await (await rig.get('/api/stats?by=hook')).json()).toMatchObject([
      { name: 'bad', calls: 2, delivered: 0 },
      { name: 'good' },
    ])
  })

  it('tell the same state of a hook in the list, its filter and the overview', async () => {
    const rig = await rigWith()
    await rig.putHook('off', hookValue('off', { enabled: false }))
    rig.endpoints.set('off', healthWith({ hookId: 'off', state: 'open' }))
    const idsWith = async (state: string) => {
      const hooks: unknown = await (await rig.get(`/api/hooks?state=${state}`)).json()
      return (hooks as readonly { readonly id: string }[]).map(({ id }) => id)
    }
    const overview: unknown = await (await rig.get('/api/overview')).json()
    const states = isJsonObject(overview) ? overview['endpoints'] : {}
    expect(isJsonObject(states) && Object.keys(states)).toContain('hook-disabled')
    for (const [state, count] of Object.entries(isJsonObject(states) ? states : {})) {
      expect([state, (await idsWith(state)).length]).toEqual([state, count])
    }
    expect(await idsWith('hook-disabled')).toEqual(['off'])
  })

  it('answer what became of an event for a user', async () => {
    const rig = await rigWith()
    expect(await (await rig.get('/api/events?userId=u1')).json()).toMatchObject([
      {
        eventId: 'event-of-dlv_good',
        userId: 'u1',
        deliveries: [{ hookId: 'good', outcome: 'delivered' }],
      },
    ])
  })

  describe('to why hooks were not called for an event', () => {
    const record = {
      event: eventOf({
        ...{ tenantId: 'default', eventId: 'event-of-dlv_good' },
        source: { topic: 'auth.events', partition: 3, offset: 7 },
      }),
      writtenAt: 10_000,
    }
    const delivered = {
      ...{ hookId: 'good', deliveryId: 'dlv_good', eventId: 'event-of-dlv_good' },
      run: 'auth.events/3/7',
    }

    async function rigOfHooks(options: MonitorRigOptions = {}) {
      const rig = await startMonitorRig({ record, ...options })
      onTestFinished(() => rig[Symbol.asyncDispose]())
      await rig.putHook('good', hookValue('good'))
      await rig.putHook('off', hookValue('off', { enabled: false }))
      await rig.putHook('deaf', hookValue('deaf', { events: ['User.Created'] }))
      await rig.putHook('picky', hookValue('picky', { delivery: { filter: 'tenant == "x"' } }))
      await rig.putHook('foreign', hookValue('foreign', { tenantId: 't2' }))
      await rig.putHook('late', hookValue('late'))
      return rig
    }

    it('name each hook of its tenant without a delivery, with the reason', async () => {
      const rig = await rigOfHooks()
      rig.index.addResults([resultWith(delivered)], [], 10_000)
      const answer = await rig.get('/api/explain?eventId=event-of-dlv_good&tenantId=default')
      expect(await answer.json()).toMatchObject({
        event: { eventId: 'event-of-dlv_good', deliveries: [{ hookId: 'good' }] },
        record: 'auth.events/3/7',
        notCalled: [
          { hookId: 'picky', why: 'filter-false', words: 'its filter is false: tenant == "x"' },
          { hookId: 'off', why: 'disabled', words: 'it is disabled' },
          { hookId: 'late', why: 'matches' },
          { hookId: 'deaf', why: 'not-subscribed', words: 'PostSignIn is not among its events' },
        ],
      })
    })

    it('name a hook of another tenant if it is asked for', async () => {
      const rig = await rigOfHooks()
      rig.index.addResults([resultWith(delivered)], [], 10_000)
      const answer = await rig.get('/api/explain?eventId=event-of-dlv_good&hookId=foreign')
      expect(await answer.json()).toMatchObject({
        event: { deliveries: [] },
        notCalled: [{ hookId: 'foreign', why: 'other-tenant', words: 'it is of tenant t2' }],
      })
    })

    it('are not known when the record of the event is not kept, or is another one', async () => {
      const rig = await rigOfHooks()
      rig.index.addResults([resultWith({ ...delivered, eventId: 'other' })], [], 10_000)
      const answer = await rig.get('/api/explain?eventId=other')
      expect(await answer.json()).toMatchObject({ record: null, notCalled: null })
    })

    it('need an event that the monitor has read', async () => {
      const rig = await rigOfHooks()
      expect((await rig.get('/api/explain?eventId=nobody')).status).toBe(404)
      expect((await rig.get('/api/explain')).status).toBe(400)
    })
  })

  it('have one overview for all pages that ask for it, until something changes', async () => {
    let now = 10_000
    const rig = await rigWith({ now: () => (now += 1) })
    const shownAt = async () => {
      const overview: unknown = await (await rig.get('/api/overview')).json()
      const status = isJsonObject(overview) ? overview['status'] : undefined
      return isJsonObject(status) ? status['now'] : undefined
    }
    const first = await shownAt()
    expect(await shownAt()).toBe(first)
    rig.changed()
    const second = await shownAt()
    expect(second).not.toBe(first)
    now += 2_000
    expect(await shownAt()).not.toBe(second)
  })

  it('enable and disable a hook as the commands for that do, and write nothing else of it', async () => {
    const rig: MonitorRig = await rigWith({ outcomes: memoryOutcomes(() => rig) })
    for (const enabled of [false, false, true]) {
      const answer = await rig.send('PATCH', '/api/hooks/good', { enabled })
      expect([answer.status, await answer.json()]).toMatchObject([200, { enabled }])
    }
    const args = ['good']
    expect(rig.actions).toEqual([
      ['hooks disable', { args }],
      ['hooks disable', { args }],
      ['hooks enable', { args }],
    ])
  })

  it('tell failures of a test as Logto does', async () => {
    const rig = await rigWith({
      outcomes: {
        'hooks test': () => ({
          code: 1,
          records: [{ outcome: 'retrying', statusCode: 500, responseBody: 'oh' }],
          notes: [],
        }),
      },
    })
    const answer = await rig.send('POST', '/api/hooks/good/test', { events: ['PostSignIn'] })
    expect(answer.status).toBe(422)
    expect(await answer.json()).toMatchObject({
      code: 'hook.endpoint_responded_with_error',
      data: { responseStatus: 500, responseBody: 'oh' },
    })
  })

  it('say what a command refuses', async () => {
    const rig = await rigWith({
      outcomes: {
        resend: () => Promise.reject(new UserError('dlv_good cannot be sent again: why.')),
      },
    })
    const answer = await rig.send('POST', '/api/deliveries/dlv_good/resend')
    expect(answer.status).toBe(422)
    expect(await answer.json()).toMatchObject({ message: 'dlv_good cannot be sent again: why.' })
  })

  it.each([
    ['/api/deliveries?limit=0', 'limit'],
    ['/api/deliveries?from=yesterday', 'from'],
    ['/api/stats?by=moon', 'by'],
    ['/api/hooks?state=lost', 'state'],
    [`/api/deliveries?userId=${'u'.repeat(600)}`, 'userId'],
  ])('name what is wrong with %s', async (path, field) => {
    const rig = await rigWith()
    const answer = await rig.get(path)
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ code: 'guard.invalid_input', data: { field } })
  })
})

describe('the stream of changes', () => {
  it('tells when something was read', async () => {
    const rig = await rigWith()
    const answer = await rig.get('/api/changes')
    expect(answer.headers.get('content-type')).toBe('text/event-stream')
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
    expect((await reader?.read())?.value).toBe(': open\n\n')
    rig.changed()
    expect((await reader?.read())?.value).toBe('event: changed\ndata: {}\n\n')
    await reader?.cancel()
  })
})
