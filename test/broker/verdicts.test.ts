/** Every verdict there is, from a real socket to the records that say so: one event, and a hook for each. */
import { createServer } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DeliveryResult } from '../../src/core/model/records.ts'
import type { ReceiverAnswer } from '../../examples/sandbox/sandbox.ts'
import { createBrokerRig, type BrokerRig } from '../support/broker-rig.ts'
import { hooktide } from '../support/hooktide-process.ts'
import { listening } from '../support/listening.ts'
import { surroundings } from '../support/sandbox.ts'
import { certificate, privateKey } from '../support/tls-fixture.ts'
import { tailTopic } from '../support/topic-tail.ts'

const second = 1_000
const hour = 3_600 * second
/** An HTTP date has whole seconds, so the wait differs by up to one: it must not lie at the bound of a tier. */
const dateAheadMs = 1.5 * hour
const soon = () => new Date(Date.now() + dateAheadMs).toUTCString()

const respond = (status: number, headers = {}, body = ''): ReceiverAnswer => ({
  kind: 'respond',
  status,
  headers,
  body,
})
const raw = (...lines: readonly string[]): ReceiverAnswer => ({
  kind: 'raw',
  bytes: lines.join('\r\n'),
})

/** What the endpoints on the receiver do. */
const answers: Readonly<Record<string, () => ReceiverAnswer>> = {
  ok: () => respond(200, {}, 'thanks'),
  'no-content': () => respond(204),
  'huge-body': () => respond(200, {}, 'x'.repeat(10_000_000)),
  'early-hints': () =>
    raw('HTTP/1.1 103 Early Hints', '', 'HTTP/1.1 200 OK', 'content-length: 2', '', 'ok'),
  redirect: () => respond(302, { location: '/elsewhere' }),
  'bad-request': () => respond(400, {}, 'no such tenant'),
  'server-error': () => respond(500),
  gone: () => respond(410),
  'busy-seconds': () => respond(503, { 'retry-after': '7200' }),
  'busy-date': () => respond(429, { 'retry-after': soon() }),
  'busy-for-ever': () => respond(429, { 'retry-after': '99999999' }),
  'busy-unreadable': () => respond(503, { 'retry-after': 'later' }),
  'slow-headers': () => ({ kind: 'hang' }),
  'slow-body': () => ({ kind: 'hang-in-body', status: 200 }),
  reset: () => ({ kind: 'reset' }),
  'reset-in-body': () => ({ kind: 'reset-in-body', status: 200 }),
  malformed: () => raw('HTTP/1.1 pigeon', '', ''),
  'no-http': () => raw('220 mail.example ESMTP', ''),
}

/** A retry after the first failure is due by the schedule: 5 s and up to 20 % more. */
const bySchedule = { dueMs: [5 * second, 6 * second] } as const

type Expected = Partial<DeliveryResult> & {
  /** How long after the attempt the next one is due. */
  readonly dueMs?: readonly [least: number, most: number]
}

const retry = (fields: Expected): Expected => ({
  outcome: 'retrying',
  final: false,
  reason: null,
  ...bySchedule,
  ...fields,
})
const http = (statusCode: number, fields: Expected = {}): Expected =>
  retry({ statusCode, errorClass: 'http', blame: 'endpoint', ...fields })
const error = (errorClass: string, blame: string, statusCode: number | null = null): Expected =>
  retry({ errorClass, blame, statusCode })
const delivered = (statusCode: number): Expected => ({
  outcome: 'delivered',
  final: true,
  reason: null,
  errorClass: null,
  blame: null,
  nextDueAt: null,
  statusCode,
})
const dead = (reason: string, blame: string, fields: Expected = {}): Expected => ({
  outcome: 'dead',
  final: true,
  reason,
  blame,
  nextDueAt: null,
  ...fields,
})

const expectations: Readonly<Record<string, Expected>> = {
  ok: { ...delivered(200), responseBody: 'thanks' },
  'no-content': delivered(204),
  'huge-body': { ...delivered(200), responseBody: 'x'.repeat(4_096) },
  'early-hints': { ...delivered(200), responseBody: 'ok' },
  redirect: http(302),
  'bad-request': http(400, { responseBody: 'no such tenant' }),
  'server-error': http(500),
  gone: dead('gone', 'endpoint', { statusCode: 410, errorClass: 'http' }),
  'busy-seconds': http(503, { dueMs: [2 * hour, 2 * hour + 10 * second] }),
  'busy-date': http(429, { dueMs: [dateAheadMs - 10 * second, dateAheadMs + 10 * second] }),
  'busy-for-ever': http(429, { dueMs: [24 * hour, 24 * hour + 10 * second] }),
  'busy-unreadable': http(503),
  'slow-headers': error('timeout', 'endpoint'),
  'slow-body': error('timeout', 'endpoint', 200),
  reset: error('reset', 'endpoint'),
  'reset-in-body': error('reset', 'endpoint', 200),
  malformed: error('protocol', 'endpoint'),
  'no-http': error('protocol', 'endpoint'),
  refused: error('connect', 'network'),
  'no-name': error('dns', 'network'),
  'own-certificate': error('tls', 'endpoint'),
  'no-tls': error('tls', 'endpoint'),
  private: error('blocked', 'owner'),
  'no-url': dead('invalid-url', 'owner', { attempt: 1, statusCode: null, errorClass: null }),
  'last-try': dead('exhausted', 'endpoint', { statusCode: 500, errorClass: 'http', attempt: 1 }),
}
const names = Object.keys(expectations)

let rig: BrokerRig
let results: ReadonlyMap<string, DeliveryResult>
const endings: (() => void)[] = []
/** Hook ids by the tier on which they wait. */
const tiers = new Map<string, readonly string[]>()

async function putHooks(): Promise<void> {
  const tlsServer = createServer({ cert: certificate, key: privateKey })
  tlsServer.on('tlsClientError', () => undefined)
  const urls: Readonly<Record<string, string>> = {
    refused: 'http://127.0.0.1:1/',
    'no-name': 'https://nobody.invalid/',
    'own-certificate': `https://127.0.0.1:${await listening(tlsServer, (end) => endings.push(end))}/`,
    'no-tls': rig.receiver.origin.replace('http:', 'https:'),
    private: 'https://10.0.0.1/',
    'no-url': 'not a URL',
  }
  await rig.putHooks(
    ...names.map((id) => ({
      id,
      config: { url: urls[id] ?? rig.urlOf(id) },
      delivery: {
        ...(id.startsWith('slow') ? { timeoutMs: 300 } : {}),
        ...(id === 'last-try' ? { maxRetries: 0 } : {}),
      },
    })),
  )
}

beforeAll(async () => {
  const { brokers, registryUrl } = surroundings()
  rig = await createBrokerRig({
    brokers,
    registryUrl,
    environment: { HOOKTIDE_RESULT_BODIES: 'always' },
    answer: ({ path }) => answers[path.slice(1)]?.() ?? respond(500),
  })
  await putHooks()
  await rig.run()
  await rig.sendEvents({ headers: { 'event-id': 'e1' } })
  const all = await rig.results.waitFor((found) => found.length >= names.length)
  results = new Map(all.map((result) => [result.hookId, result]))
  for (const delay of ['5s', '30m', '2h']) {
    const topic = `${rig.prefix}.webhook.retry.${delay}`
    const waiting = names.filter((name) => tierOf(name) === delay)
    const tail = tailTopic(brokers, topic, ({ headers }) => Promise.resolve(headers))
    const found = await tail.waitFor((records) => records.length >= waiting.length)
    tiers.set(
      delay,
      found.map((headers) => headers['hooktide-hook-id'] ?? ''),
    )
    await tail.stop()
  }
})

afterAll(async () => {
  for (const end of endings) end()
  await rig[Symbol.asyncDispose]()
})

/** The largest tier whose delay fits into the wait. */
function tierOf(name: string): string | undefined {
  const [least] = expectations[name]?.dueMs ?? []
  if (least === undefined) return undefined
  if (least >= 2 * hour) return '2h'
  return least >= hour ? '30m' : '5s'
}

describe('the behaviour of an endpoint', () => {
  it.each(names)('leads to its verdict: %s', (name) => {
    const { dueMs, ...expected } = expectations[name] ?? {}
    const result = results.get(name)
    expect(result).toMatchObject(expected)
    expect(result?.attempt).toBe(1)
    if (dueMs === undefined) return
    const waitMs = (result?.nextDueAt ?? 0) - (result?.attemptedAt ?? 0)
    expect(waitMs).toBeGreaterThanOrEqual(dueMs[0])
    // The wait begins with the answer, which may be late.
    expect(waitMs).toBeLessThanOrEqual(dueMs[1] + 10 * second)
  })

  it('puts retries on the largest tier that fits their wait', () => {
    for (const [delay, found] of tiers) {
      const expected = names.filter((name) => tierOf(name) === delay)
      expect(found.toSorted()).toEqual(expected.toSorted())
    }
  })

  it('puts deliveries that are not retried into the dead letters, with the reason and the status', async () => {
    const letters = await rig.deadLetters.waitFor((all) => all.length >= 3)
    const told = letters.map((headers) =>
      ['hook-id', 'reason', 'status'].map((name) => headers[`hooktide-${name}`] ?? '-').join(' '),
    )
    expect(told.toSorted()).toEqual([
      'gone gone 410',
      'last-try exhausted 500',
      'no-url invalid-url -',
    ])
  })

  it('changes the state of the endpoint if it answers that it is gone or wants no calls', async () => {
    const { stdout } = await hooktide(['endpoints', 'list', '--json'], rig.environment)
    const states = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
      .map(({ hookId, state, reason }) => `${String(hookId)} ${String(state)} ${String(reason)}`)
    expect(states).toEqual([
      'busy-date paused retry-after',
      'busy-for-ever paused retry-after',
      'busy-seconds paused retry-after',
      'gone disabled gone',
    ])
  })

  it('causes no calls elsewhere: no redirect is followed, and no forbidden address is called', () => {
    const paths = rig.receiver.requests.map(({ path }) => path)
    expect(paths).not.toContain('/elsewhere')
    expect(paths.toSorted()).toEqual(
      [...Object.keys(answers), 'last-try'].map((name) => `/${name}`).toSorted(),
    )
  })
})
