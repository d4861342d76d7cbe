/** The log of a hook, as Logto's `GET /api/hooks/:id/recent-logs` has it. */
import { addCopies } from '../../support/indexed-results.ts'
import { describe, expect, it } from 'vitest'
import {
  answerTo,
  anything,
  expectedOf,
  logtoRig as rigWith,
  type RouteCase,
} from '../../support/logto-routes.ts'

const logs = '/api/hooks/one/recent-logs'
const created = {
  id: anything,
  key: 'TriggerHook.User.Created',
  payload: {
    ...{ key: 'TriggerHook.User.Created', result: 'Success', hookId: 'one' },
    ...{ deliveryId: 'dlv_3', attempt: 1, response: { statusCode: 200, body: { a: 1 } } },
  },
  createdAt: 3_000,
}

const logCases: readonly RouteCase[] = [
  {
    does: 'has the log of a hook, the newest first',
    ask: ['GET', logs],
    status: 200,
    has: [
      created,
      {
        payload: {
          ...{ result: 'Error', error: 'http: answered 503' },
          response: { statusCode: 503, body: 'busy' },
        },
      },
      { payload: { result: 'Success', response: { statusCode: 200, body: 'ok' } } },
    ],
    headers: { 'total-number': '3', 'total-number-is-capped': null },
  },
  {
    does: 'has the log of one key',
    ask: ['GET', `${logs}?logKey=TriggerHook.User.Created`],
    status: 200,
    has: [created],
    headers: { 'total-number': '1' },
  },
  {
    does: 'has the log of a span, its bounds included',
    ask: ['GET', `${logs}?start_time=2000&end_time=3000`],
    status: 200,
    has: [{ createdAt: 3_000 }, { createdAt: 2_000 }],
  },
  {
    does: 'takes any number as a bound',
    ask: ['GET', `${logs}?start_time=0&end_time=1`],
    status: 200,
    has: [],
  },
  ...['start_time=3000&end_time=2000', 'start_time=soon'].map((query) => ({
    does: `refuses ${query}`,
    ask: ['GET', `${logs}?${query}`] as const,
    ...{ status: 400, has: { code: 'guard.invalid_input' } },
  })),
  {
    does: 'has an empty log of a hook that is not there',
    ask: ['GET', '/api/hooks/nobody/recent-logs'],
    status: 200,
    has: [],
    headers: { 'total-number': '0' },
  },
  {
    does: 'always pages a log',
    ask: ['GET', `${logs}?page=2&page_size=2`],
    status: 200,
    has: [{ createdAt: 1_000 }],
    headers: { 'total-number': '3' },
  },
  {
    does: 'refuses pages of a log that there cannot be',
    ask: ['GET', `${logs}?page=0`],
    status: 400,
    has: { code: 'guard.invalid_pagination' },
  },
]

describe('the log of a hook', () => {
  it.each(logCases)('$does', async (one) => {
    expect(await answerTo(one)).toMatchObject(expectedOf(one))
  })

  it('links to the end of a log that has more than is counted', async () => {
    const rig = await rigWith()
    addCopies(rig.index, 100_000)
    const first = await rig.get(`${logs}?page_size=100`)
    expect(first.headers.get('total-number')).toBe('50000')
    expect(first.headers.get('total-number-is-capped')).toBe('true')
    expect(first.headers.get('link')).not.toContain('rel="last"')
    let read = 0
    let at = `${rig.origin}${logs}?page_size=100&page=499`
    for (let isFirst = true; at !== '';) {
      const answer = await rig.get(at.slice(rig.origin.length))
      read += ((await answer.json()) as readonly unknown[]).length
      at = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1] ?? ''
      if (!isFirst || !at.includes('before=')) continue
      // Almost all of the second part is like the first.
      isFirst = false
      at = at.replace(/page=1\b/, 'page=500')
    }
    expect(read).toBe(303)
  })

  it('has no link behind a count with a cap, as Logto', async () => {
    const rig = await rigWith()
    addCopies(rig.index, 20_000)
    const answer = await rig.get(`${logs}?enableCap=true`)
    expect(answer.headers.get('total-number')).toBe('10001')
    expect(answer.headers.get('total-number-is-capped')).toBe('true')
    expect(answer.headers.get('link')).not.toMatch(/next|last/)
  })

  it('have logs with the members of Logto, and no others', async () => {
    const rig = await rigWith()
    const [log] = (await (await rig.get(logs)).json()) as readonly [object]
    expect(Object.keys(log).toSorted()).toEqual(['createdAt', 'id', 'key', 'payload'])
  })
})
