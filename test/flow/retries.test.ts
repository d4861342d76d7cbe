import { describe, expect, it, vi } from 'vitest'
import { waitingRun } from '../../src/core/run/waiting.ts'
import { chance } from '../support/chance.ts'
import { createRig, settings, topics } from '../support/flow-rig.ts'
import { settled } from '../support/hand-clock.ts'
import { headerTextsOf } from '../support/record-builders.ts'

const url = 'https://a.example/'
const minute = 60_000

async function rigWithHook(
  fields: Readonly<Record<string, unknown>> = {},
  options: Parameters<typeof createRig>[0] = {},
) {
  const rig = createRig(options)
  rig.putHook({ id: 'a', ...fields })
  const one = await rig.start()
  return { rig, one }
}

describe('a delivery that fails', () => {
  it('follows the schedule over the tiers and ends in the dead letters, with a result per attempt', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 500)
    const startedAt = rig.clock.now()
    rig.sendEvent({ name: 'one' }, { 'event-id': 'e-1', 'x-own': 'kept' })
    await rig.clock.advance(20 * minute)
    expect(rig.story()).toEqual(['a retrying 1', 'a retrying 2', 'a retrying 3', 'a dead 4'])
    expect(new Set(rig.results().map(({ deliveryId }) => deliveryId)).size).toBe(1)
    const waits = rig.results().map(({ attemptedAt }) => attemptedAt - startedAt)
    expect(waits[1]).toBeGreaterThanOrEqual(5_000)
    expect((waits[2] ?? 0) - (waits[1] ?? 0)).toBeGreaterThanOrEqual(minute * 0.95)
    expect((waits[3] ?? 0) - (waits[2] ?? 0)).toBeGreaterThanOrEqual(10 * minute * 0.95)
    const [dead] = rig.broker.read(topics.deadLetters)
    expect(dead?.value?.toString()).toContain('"name":"one"')
    expect(dead?.value?.toString()).not.toContain('hookId')
    expect(headerTextsOf(dead)).toMatchObject({
      'x-own': 'kept',
      'event-id': 'e-1',
      'hooktide-reason': 'exhausted',
      'hooktide-status': '500',
      'hooktide-attempt': '4',
      'hooktide-hook-id': 'a',
    })
  })

  it('has its dead letter written before its last result, and each retry after its result', async () => {
    const rig = createRig()
    const { broker } = rig
    const written: string[] = []
    const createSink = broker.sink.bind(broker)
    vi.spyOn(broker, 'sink').mockImplementation(() => {
      const sink = createSink()
      return {
        ...sink,
        write(records) {
          written.push(...records.map(({ topic }) => topic))
          return sink.write(records)
        },
      }
    })
    rig.putHook({ id: 'a', delivery: { maxRetries: 1 } })
    const one = await rig.start()
    one.http.script(url, 500)
    rig.sendEvent()
    await rig.clock.advance(minute)
    const { results, deadLetters } = topics
    expect(written).toEqual([results, 'auth.webhook.retry.5s', deadLetters, results])
  })

  it.each([
    [0, 0],
    [0.5, 0],
    [0.999, 0],
    [0, 900],
    [0.999, 900],
  ])(
    'is called again 5 to 6 s later, after one hop, with random number %f and %i ms until its record is written',
    async (chance, writeMs) => {
      const rig = createRig({ random: () => chance })
      rig.putHook({ id: 'a' })
      const one = await rig.start()
      rig.broker.setAckDelay(writeMs)
      one.http.script(url, 500, 200)
      const failedAt = rig.clock.now()
      rig.sendEvent()
      await rig.clock.advance(4_999)
      expect(one.http.calls).toHaveLength(1)
      await rig.clock.advance(5_000)
      const [, second] = rig.results()
      expect(second).toMatchObject({ attempt: 2, outcome: 'delivered' })
      expect(second?.attemptedAt).toBeGreaterThanOrEqual(failedAt + 5_000)
      expect(second?.attemptedAt).toBeLessThanOrEqual(failedAt + 6_000)
      const written = ['1s', '5s'].map((tier) => rig.broker.read(topics.retryPrefix + tier).length)
      expect(written).toEqual([0, 1])
    },
  )

  it('keeps its webhook-id and says its attempt number in every call', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 503, 200)
    rig.sendEvent()
    await rig.clock.advance(6_000)
    const sent = one.http.calls.map(({ request }) => request.headers)
    expect(sent.map((headers) => headers['hooktide-attempt'])).toEqual(['1', '2'])
    expect(sent[0]?.['webhook-id']).toBe(sent[1]?.['webhook-id'])
    expect(rig.story()).toEqual(['a retrying 1', 'a delivered 2'])
  })

  it('is not called before Retry-After, and then at once', async () => {
    const { rig, one } = await rigWithHook()
    rig.sendEvent()
    await rig.clock.advance(10)
    one.http.calls[0]?.answer(503, 2 * minute)
    await rig.clock.advance(2 * minute - 100)
    expect(one.http.calls).toHaveLength(1)
    await rig.clock.advance(6_000)
    expect(one.http.calls).toHaveLength(2)
  })

  it('uses the hook as it is then: new URL and key', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 500)
    one.http.script('https://moved.example/', 200)
    rig.sendEvent()
    await rig.clock.advance(100)
    rig.putHook({ id: 'a', config: { url: 'https://moved.example/' }, signingKey: 'other' })
    await rig.clock.advance(6_000)
    const [first, second] = one.http.calls
    expect(second?.request.url).toBe('https://moved.example/')
    expect(second?.request.headers['logto-signature-sha-256']).not.toBe(
      first?.request.headers['logto-signature-sha-256'],
    )
  })

  it.each([
    ['deleted', 'hook-deleted'],
    ['disabled', 'hook-disabled'],
    ['moved to another tenant', 'hook-deleted'],
  ])('is discarded when its hook was %s meanwhile', async (change, reason) => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 500)
    rig.sendEvent()
    await rig.clock.advance(100)
    if (change === 'deleted') rig.deleteHook('a')
    else
      rig.putHook({
        id: 'a',
        ...(change === 'disabled' ? { enabled: false } : { tenantId: 'acme' }),
      })
    await rig.clock.advance(6_000)
    expect(rig.results().at(-1)).toMatchObject({
      outcome: 'discarded',
      reason,
      final: true,
      attempt: null,
    })
    expect(rig.broker.read(topics.deadLetters)).toEqual([])
  })

  it('expires by its age, to the dead letters too', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a' })
    const one = await rig.start({ maxAgeMs: minute })
    one.http.script(url, 500)
    rig.sendEvent()
    await rig.clock.advance(3 * minute)
    expect(rig.story()).toEqual(['a retrying 1', 'a retrying 2', 'a expired null'])
    expect(headerTextsOf(rig.broker.read(topics.deadLetters)[0])['hooktide-reason']).toBe('max-age')
  })

  it('is limited by the maxRetries of its hook', async () => {
    const { rig, one } = await rigWithHook({ delivery: { maxRetries: 0 } })
    one.http.script(url, 500)
    rig.sendEvent()
    await rig.clock.advance(minute)
    expect(rig.story()).toEqual(['a dead 1'])
  })
})

describe('a tier', () => {
  it('lets a run expire whose due time is beyond its maximum age, instead of hopping forever', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a' })
    const one = await rig.start({ maxAgeMs: minute })
    rig.sendEvent()
    await rig.clock.advance(10)
    one.http.calls[0]?.answer(503, 60 * minute)
    await rig.clock.advance(10 * minute)
    expect(rig.story()).toEqual(['a retrying 1', 'a expired null'])
  })

  it('releases in order of arrival, and a later one does not wait for an earlier with a longer schedule', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 500, 500, 500, 200)
    for (const name of ['x', 'y', 'z']) rig.sendEvent({ name })
    await rig.clock.advance(6_000)
    const bodies = one.http.calls
      .slice(3)
      .map(({ request }) => JSON.parse(request.body.toString()).name)
    expect(bodies).toEqual(['x', 'y', 'z'])
  })

  it('gets what a blocked lane defers in the order in which it is due', async () => {
    const random = chance(7)
    const { rig, one } = await rigWithHook({ delivery: { ratePerSecond: 10 } }, { random })
    rig.sendEvent()
    await rig.clock.advance(10)
    one.http.calls[0]?.answer(503, 10 * minute)
    for (let nth = 0; nth < 600; nth += 1) rig.sendEvent()
    await rig.clock.advance(100)
    const dueTimes = rig.broker.read('auth.webhook.retry.5m').flatMap((record) => {
      const run = waitingRun(record, { topic: record.topic, delayMs: 5 * minute })
      return 'kind' in run || run.deferrals === 0 ? [] : [run.dueAt]
    })
    expect(dueTimes).toHaveLength(600)
    // The first hundred return at any time of five seconds.
    const later = dueTimes.slice(100)
    expect(later).toEqual(later.toSorted((one, other) => one - other))
    expect((later.at(-1) ?? 0) - (later[0] ?? 0)).toBeGreaterThan(24_000)
  })

  it('drops a record that was handled already, and its offset completes', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 500, 200)
    rig.sendEvent()
    await rig.clock.advance(100)
    const tier = `${topics.retryPrefix}5s`
    const [original] = rig.broker.read(tier)
    await rig.clock.advance(1_000)
    if (original !== undefined)
      rig.broker.produce(tier, { ...original, timestamp: rig.clock.now() })
    await rig.clock.advance(12_000)
    expect(one.http.calls).toHaveLength(2)
    expect(one.signals.filter(({ kind }) => kind === 'run.repeated')).toHaveLength(1)
    expect(rig.broker.committed('hooktide.retry', { topic: tier, partition: 0 })?.offset).toBe(2)
  })

  it('whose broker is some milliseconds behind makes the run wait, instead of hopping once more', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 200)
    const now = rig.clock.now()
    rig.broker.produce(`${topics.retryPrefix}5s`, {
      value: '{"event":"PostSignIn","createdAt":"2026-09-14T09:02:11.019Z"}',
      headers: {
        'hooktide-hook-id': 'a',
        'hooktide-tenant-id': 'default',
        'hooktide-event-id': 'x',
        'hooktide-attempt': '1',
        'hooktide-hop': '1',
        'hooktide-due-at': String(now + 5_500),
        'hooktide-early-ms': '500',
      },
      timestamp: now - 200,
    })
    await rig.clock.advance(4_999)
    expect(one.http.calls).toEqual([])
    await rig.clock.advance(1)
    expect(rig.results()).toMatchObject([{ outcome: 'delivered', attemptedAt: now + 5_000 }])
    expect(rig.broker.read(`${topics.retryPrefix}1s`)).toEqual([])
  })

  it('record that hooktide did not write goes to the rejected topic', async () => {
    const { rig } = await rigWithHook()
    rig.broker.produce(`${topics.retryPrefix}5s`, { value: '{}' })
    await rig.clock.advance(6_000)
    expect(rig.broker.read(topics.rejected)).toHaveLength(1)
  })
})

describe('a request', () => {
  it('is a run of its own of the same delivery, called for at once', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 200)
    rig.sendEvent({}, { 'event-id': 'e-1' })
    await rig.clock.advance(100)
    rig.broker.produce(topics.requests, {
      value: '{"event":"PostSignIn","createdAt":"2026-09-14T09:02:11.019Z"}',
      headers: {
        'hooktide-hook-id': 'a',
        'hooktide-tenant-id': 'default',
        'hooktide-event-id': 'e-1',
        'hooktide-event-source': '',
        'hooktide-trigger': 'resend',
      },
    })
    await settled()
    await rig.clock.advance(100)
    const [first, second] = rig.results()
    expect(second).toMatchObject({
      outcome: 'delivered',
      trigger: 'resend',
      run: 'auth.webhook.requests/0/0',
      deliveryId: first?.deliveryId,
    })
  })
})

describe('the schedule of this rig', () => {
  it('is shorter than its age limit, so that exhaustion comes first', () => {
    expect(settings.retrySchedule.reduce((sum, wait) => sum + wait, 0)).toBeLessThan(
      settings.maxAgeMs,
    )
  })
})

describe('a dead letter that is copied to the requests topic', () => {
  it('is a new run of the same delivery, called for at once', async () => {
    const { rig, one } = await rigWithHook({ delivery: { maxRetries: 0 } })
    one.http.script(url, 500, 200)
    rig.sendEvent({}, { 'event-id': 'e-1' })
    await rig.clock.advance(100)
    const [dead] = rig.broker.read(topics.deadLetters)
    expect(dead).toBeDefined()
    if (dead !== undefined) rig.broker.produce(topics.requests, dead)
    await settled()
    await rig.clock.advance(100)
    expect(rig.story()).toEqual(['a dead 1', 'a delivered 1'])
    const [first, second] = rig.results()
    expect(second).toMatchObject({
      deliveryId: first?.deliveryId,
      run: 'auth.webhook.requests/0/0',
      trigger: 'resend',
    })
  })
})
