/**
 * The routes of hooks that Logto's Management API has too, one by one: what Logto answers (`packages/core/src/routes/hook.ts`,
 * its integration tests, and `koa-pagination.ts`), on a real socket. Where hooktide differs, docs/monitor.md says so.
 */
import { describe, expect, it } from 'vitest'
import { UserError } from '../../../src/core/model/errors.ts'
import {
  answerTo,
  anything,
  expectedOf,
  logtoRig as rigWith,
  type RouteCase,
} from '../../support/logto-routes.ts'
import { hookValue } from '../../support/monitor-rig.ts'

const refusal = UserError.listing('Nothing was written', ['config.url: must be text'])

const config = { url: 'https://a.example/in' }
const fields = { name: 'Made', events: ['PostSignIn'], config }
const stats = { requestCount: 3, successCount: 2 }
const withStats = [{ executionStats: anything }, { executionStats: stats }, anything]

const lists: readonly RouteCase[] = [
  {
    does: 'lists all hooks, the newest first',
    ask: ['GET', '/api/hooks'],
    status: 200,
    has: [{ id: 'two' }, { id: 'one' }, { id: 'three' }],
    headers: { link: null },
  },
  ...['1', 'true', 'TRUE', 'y', 'yes', 'yep', 'yeah'].map((text) => ({
    does: `adds statistics to a list for ${text}`,
    ask: ['GET', `/api/hooks?includeExecutionStats=${text}`] as const,
    ...{ status: 200, has: withStats },
  })),
  {
    does: 'pages when one of both parameters is there',
    ask: ['GET', '/api/hooks?page_size=2'],
    status: 200,
    has: [{ id: 'two' }, { id: 'one' }],
    headers: { 'total-number': '3' },
  },
  {
    does: 'does not page when both parameters are empty',
    ask: ['GET', '/api/hooks?page=&page_size='],
    status: 200,
    has: [{ id: 'two' }, { id: 'one' }, { id: 'three' }],
    headers: { link: null },
  },
  {
    does: 'has an empty page behind the last one',
    ask: ['GET', '/api/hooks?page=7&page_size=2'],
    status: 200,
    has: [],
    headers: { 'total-number': '3' },
  },
  ...['page=0', 'page=-1', 'page=x', 'page_size=0', 'page_size=101'].map((query) => ({
    does: `refuses ${query}`,
    ask: ['GET', `/api/hooks?${query}`] as const,
    ...{ status: 400, has: { code: 'guard.invalid_pagination' } },
  })),
]

const hooks: readonly RouteCase[] = [
  {
    does: 'has a hook with the fields of Logto',
    ask: ['GET', '/api/hooks/one'],
    status: 200,
    has: {
      ...{ tenantId: 'default', id: 'one', name: 'Name of one', event: null, enabled: true },
      ...{ events: ['PostSignIn'], createdAt: 2, signingKey: '(hidden)' },
      config: { url: 'https://receiver.example/one' },
    },
  },
  {
    does: 'adds statistics to one hook for any text, even false',
    ask: ['GET', '/api/hooks/one?includeExecutionStats=false'],
    status: 200,
    has: { executionStats: stats },
  },
  {
    does: 'adds none to one hook for an empty text',
    ask: ['GET', '/api/hooks/one?includeExecutionStats='],
    status: 200,
    has: { id: 'one' },
  },
  {
    does: 'knows no such hook',
    ask: ['GET', '/api/hooks/nobody'],
    status: 404,
    has: { code: 'entity.not_exists_with_id', message: anything },
  },
  {
    does: 'makes a hook, and tells its key',
    ask: ['POST', '/api/hooks', fields],
    status: 201,
    has: { ...fields, event: null, enabled: true, signingKey: 'made-signing-key' },
  },
  {
    does: 'makes a hook with the former event',
    ask: ['POST', '/api/hooks', { event: 'PostSignIn', config: { ...config, retries: 2 } }],
    status: 201,
    has: { event: 'PostSignIn', config: { ...config, retries: 2 } },
  },
  {
    does: 'makes a hook with an empty name',
    ask: ['POST', '/api/hooks', { ...fields, name: '' }],
    status: 201,
    has: { name: '' },
  },
  {
    does: 'ignores an id and a key, and names each event once',
    ask: [
      'POST',
      '/api/hooks',
      { ...fields, id: 'mine', signingKey: 'mine', other: 1, events: ['PostSignIn', 'PostSignIn'] },
    ],
    status: 201,
    has: { id: 'made0000000000000000a', events: ['PostSignIn'], signingKey: 'made-signing-key' },
  },
  {
    does: 'refuses a hook without events',
    ask: ['POST', '/api/hooks', { config }],
    status: 400,
    has: { code: 'hook.missing_events' },
  },
  {
    does: 'refuses an empty list of events',
    ask: ['POST', '/api/hooks', { config, events: [], event: 'PostSignIn' }],
    status: 400,
    has: { code: 'guard.invalid_input', data: { field: 'events' } },
  },
  {
    does: 'refuses a hook that is not valid',
    ask: ['POST', '/api/hooks', { ...fields, config: { url: 5 } }],
    status: 400,
    has: { code: 'guard.invalid_input', data: { problems: refusal.problems } },
    outcomes: { 'hooks put': () => Promise.reject(refusal) },
  },
  {
    does: 'changes some fields, and keeps the others',
    ask: ['PATCH', '/api/hooks/one', { name: 'Other', events: ['User.Created', 'User.Created'] }],
    status: 200,
    has: {
      ...{ id: 'one', name: 'Other', events: ['User.Created'], createdAt: 2 },
      config: { url: 'https://receiver.example/one' },
    },
  },
  {
    does: 'replaces config as a whole, and takes event away',
    ask: ['PATCH', '/api/hooks/one', { config: { url: 'https://b.example/in' }, event: null }],
    status: 200,
    has: { config: { url: 'https://b.example/in' }, event: null },
  },
  {
    does: 'refuses to change to an empty list of events',
    ask: ['PATCH', '/api/hooks/one', { events: [] }],
    status: 400,
    has: { code: 'guard.invalid_input', data: { field: 'events' } },
  },
  {
    does: 'refuses a change that is not valid',
    ask: ['PATCH', '/api/hooks/one', { config: { url: 5 } }],
    status: 400,
    has: { code: 'guard.invalid_input', data: { problems: refusal.problems } },
    outcomes: { 'hooks put': () => Promise.reject(refusal) },
  },
  {
    does: 'cannot change a hook that is not there',
    ask: ['PATCH', '/api/hooks/nobody', { name: 'Other' }],
    status: 404,
    has: { code: 'entity.not_exists' },
  },
  { does: 'deletes a hook', ask: ['DELETE', '/api/hooks/one'], status: 204 },
  {
    does: 'cannot delete a hook that is not there',
    ask: ['DELETE', '/api/hooks/nobody'],
    status: 404,
    has: { code: 'entity.not_found' },
  },
  {
    does: 'gives a hook a new key, and tells it',
    ask: ['PATCH', '/api/hooks/one/signing-key'],
    status: 200,
    has: { id: 'one', signingKey: 'rotated-key', config: anything, events: ['PostSignIn'] },
  },
  {
    does: 'cannot give a key to a hook that is not there',
    ask: ['PATCH', '/api/hooks/nobody/signing-key'],
    status: 404,
    has: { code: 'entity.not_exists' },
  },
]

const tested = { events: ['PostSignIn'], config: { url: 'https://receiver.example/one' } }
const answered = (result: object) => ({
  'hooks test': () => ({ code: 1, records: [result], notes: [] }),
})

const tests: readonly RouteCase[] = [
  {
    does: 'tests a hook',
    ask: ['POST', '/api/hooks/one/test', tested],
    status: 204,
    outcomes: answered({ outcome: 'delivered' }),
  },
  {
    does: 'tells what an endpoint answered to a test',
    ask: ['POST', '/api/hooks/one/test', tested],
    status: 422,
    has: {
      code: 'hook.endpoint_responded_with_error',
      data: { responseStatus: 500, responseBody: 'oh' },
    },
    outcomes: answered({ outcome: 'dead', statusCode: 500, responseBody: 'oh' }),
  },
  {
    does: 'tells why a test did not arrive',
    ask: ['POST', '/api/hooks/one/test', tested],
    status: 422,
    has: { code: 'hook.send_test_payload_failed', message: 'getaddrinfo ENOTFOUND' },
    outcomes: answered({ outcome: 'dead', errorMessage: 'getaddrinfo ENOTFOUND' }),
  },
  {
    does: 'tests no hook that is not there',
    ask: ['POST', '/api/hooks/nobody/test', tested],
    status: 404,
    has: { code: 'entity.not_exists_with_id' },
  },
  {
    does: 'tests nothing with an empty list of events',
    ask: ['POST', '/api/hooks/one/test', { ...tested, events: [] }],
    status: 400,
    has: { code: 'guard.invalid_input' },
  },
  {
    does: 'tests no event that there cannot be',
    ask: ['POST', '/api/hooks/one/test', { ...tested, events: ['no key'] }],
    status: 400,
    has: { code: 'guard.invalid_input' },
    outcomes: { 'hooks test': () => Promise.reject(new UserError('--event must be a key.', 2)) },
  },
]

describe("routes that Logto's Management API has", () => {
  it.each([...lists, ...hooks, ...tests])('$does', async (one) => {
    expect(await answerTo(one)).toMatchObject(expectedOf(one))
  })

  it.each([
    ...['', '?includeExecutionStats=', '?includeExecutionStats=0', '?includeExecutionStats=false'],
    ...['?includeExecutionStats=no', '?includeExecutionStats=2'],
  ])('have no statistics in a list for "%s"', async (query) => {
    const rig = await rigWith()
    expect(await (await rig.get(`/api/hooks${query}`)).text()).not.toContain('executionStats')
  })

  it.each(['', '?includeExecutionStats='])(
    'have no statistics of one hook for "%s"',
    async (query) => {
      const rig = await rigWith()
      expect(await (await rig.get(`/api/hooks/one${query}`)).text()).not.toContain('executionStats')
    },
  )

  it('take back what they answered, and change what differs', async () => {
    const rig = await rigWith()
    const secret = { ...config, headers: { authorization: 'canary' } }
    await rig.putHook('one', hookValue('one', { config: secret, delivery: { maxRetries: 3 } }))
    const hook = (await (await rig.get('/api/hooks/one?includeExecutionStats=1')).json()) as object
    const answer = await rig.send('PATCH', '/api/hooks/one', { ...hook, name: 'Other' })
    expect([answer.status, await answer.json()]).toMatchObject([200, { name: 'Other' }])
    const input = rig.actions.at(-1)?.[1].input?.toString() ?? ''
    expect(JSON.parse(input)).toEqual(
      hookValue('one', { name: 'Other', config: secret, delivery: { maxRetries: 3 } }),
    )
  })

  it.each([{ name: 'Other' }, { name: 'Other', enabled: null }])(
    'leave whether a hook is enabled to what the topic has when %j is written',
    async (body) => {
      const rig = await rigWith()
      expect((await rig.send('PATCH', '/api/hooks/one', body)).status).toBe(200)
      const { enabled: _, ...others } = hookValue('one', { name: 'Other', createdAt: 2 })
      expect(JSON.parse(rig.actions.at(-1)?.[1].input?.toString() ?? '')).toEqual(others)
    },
  )

  it('link to other pages of a list by whole addresses', async () => {
    const rig = await rigWith()
    const answer = await rig.get('/api/hooks?page=2&page_size=1&search=name')
    const at = `${rig.origin}/api/hooks?page_size=1&search=name`
    const links = (answer.headers.get('link') ?? '').split(', ').map((link) => {
      const [, address = '', rel = ''] = /^<(.+)>; rel="(\w+)"$/.exec(link) ?? []
      const url = new URL(address)
      const page = url.searchParams.get('page')
      url.searchParams.delete('page')
      return [rel, page, url.href]
    })
    expect(new Set(links)).toEqual(
      new Set([
        ['first', '1', at],
        ['prev', '1', at],
        ['next', '3', at],
        ['last', '3', at],
      ]),
    )
  })

  it('link by the scheme that a proxy was called by', async () => {
    const rig = await rigWith()
    const linkOf = async (scheme: string) => {
      const answer = await rig.get('/api/hooks?page=1', { 'x-forwarded-proto': scheme })
      return answer.headers.get('link')
    }
    expect(await linkOf('https')).toContain(`<https://${new URL(rig.origin).host}/api/hooks?`)
    expect(await linkOf('javascript')).toContain(`<${rig.origin}/api/hooks?`)
  })
})
