import { describe, expect, it } from 'vitest'
import { runHeaderNames } from '../../src/core/model/header-names.ts'
import { createRig, topics, type Instance, type Rig } from '../support/flow-rig.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const url = (id: string) => `https://${id}.example/`
const tiers = ['5s', '30s', '5m'].map((delay) => `${topics.retryPrefix}${delay}`)

/** A hook with an event key, and so traffic, of its own. */
function putHook(rig: Rig, id: string, event: string, delivery = {}): void {
  rig.putHook({ id, events: [event], config: { url: url(id) }, delivery })
}

function callsTo(one: Instance, id: string): number {
  return one.http.calls.filter(({ request }) => request.url === url(id)).length
}

function outcomesOf(rig: Rig, id: string): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { hookId, outcome } of rig.results()) {
    if (hookId === id) counts[outcome] = (counts[outcome] ?? 0) + 1
  }
  return counts
}

function writesToTiers(rig: Rig): number {
  return tiers.reduce((sum, topic) => sum + rig.broker.read(topic).length, 0)
}

function committed(rig: Rig): number | undefined {
  return rig.broker.committed('hooktide', { topic: 'auth.events', partition: 0 })?.offset
}

/** A partition with a hook that hangs and one that answers. */
async function rigWithTwo(overrides = {}) {
  const rig = createRig()
  putHook(rig, 'dead', 'User.Created')
  putHook(rig, 'fine', 'PostSignIn')
  const one = await rig.start(overrides)
  one.http.script(url('fine'), 200)
  return { rig, one }
}

describe('an endpoint that never answers', () => {
  it('does not delay another one on its partition, however long it hangs and however much traffic there is', async () => {
    const { rig, one } = await rigWithTwo()
    for (let tick = 1; tick <= 450; tick += 1) {
      for (let index = 0; index < 20; index += 1)
        rig.sendEvent({ event: 'User.Created', tick, index })
      rig.sendEvent({ tick })
      await rig.clock.advance(100)
      expect(callsTo(one, 'fine')).toBe(tick)
    }
    const { inFlight, queued } = one.processor.status()
    expect(inFlight + queued).toBeLessThan(10)
    expect(outcomesOf(rig, 'fine')).toEqual({ delivered: 450 })
  }, 20_000)

  it('leaves room for a healthy one at once, also when its own backlog came first', async () => {
    const { rig, one } = await rigWithTwo()
    for (let index = 0; index < 1_000; index += 1) rig.sendEvent({ event: 'User.Created', index })
    for (let index = 0; index < 100; index += 1) rig.sendEvent({ index })
    await rig.clock.advance(2 * second)
    expect(outcomesOf(rig, 'fine')).toEqual({ delivered: 100 })
    expect(callsTo(one, 'dead')).toBe(2)
    // The queue of its lane is deferred when its breaker opens, with the fifth time-out.
    await rig.clock.advance(minute)
    expect(committed(rig)).toBe(1_100)
  })

  it('is not called while its breaker is open, apart from one probe when its time is over', async () => {
    const { rig, one } = await rigWithTwo()
    one.http.script(url('dead'), 500)
    for (let tick = 0; tick < 29; tick += 1) {
      rig.sendEvent({ event: 'User.Created', tick })
      await rig.clock.advance(second)
    }
    expect(callsTo(one, 'dead')).toBe(5)
    one.http.script(url('dead'))
    await rig.clock.advance(10 * second)
    expect(one.http.openCalls).toHaveLength(1)
    rig.sendEvent({ event: 'User.Created', while: 'the probe is out' })
    await rig.clock.advance(second)
    expect(one.http.openCalls).toHaveLength(1)
    await rig.clock.advance(4 * minute)
    expect(callsTo(one, 'dead')).toBe(6)
    await rig.clock.advance(30 * minute)
    expect(callsTo(one, 'dead')).toBe(7)
  })

  it('is called normally after a successful probe, and everything deferred is delivered', async () => {
    const { rig, one } = await rigWithTwo()
    for (let index = 0; index < 200; index += 1) {
      rig.sendEvent({ event: 'User.Created', index })
      rig.sendEvent({ index })
    }
    await rig.clock.advance(minute)
    one.http.script(url('dead'), 200)
    await rig.clock.advance(2 * hour)
    expect(outcomesOf(rig, 'dead')['delivered']).toBe(200)
    expect(one.processor.status()).toMatchObject({ inFlight: 0, queued: 0 })
  })
})

describe('a deferral', () => {
  /** The dead hook's breaker is open for 30 s. */
  async function rigWithOpenLane(overrides = {}) {
    const { rig, one } = await rigWithTwo(overrides)
    one.http.script(url('dead'), 500)
    for (let index = 0; index < 5; index += 1) rig.sendEvent({ event: 'User.Created', index })
    await rig.clock.advance(second)
    return { rig, one }
  }

  /** One that comes back with each probe is the probe: with enough of them it is not this one. */
  async function sendLateBehindOthers(rig: Rig): Promise<void> {
    for (let index = 0; index < 50; index += 1) rig.sendEvent({ event: 'User.Created', index })
    await rig.clock.advance(second)
    rig.sendEvent({ event: 'User.Created' }, { 'event-id': 'late' })
  }

  it('counts no attempt, and only the first of a run has a result', async () => {
    const { rig, one } = await rigWithOpenLane()
    await sendLateBehindOthers(rig)
    await rig.clock.advance(2 * hour)
    one.http.script(url('dead'), 200)
    await rig.clock.advance(10 * hour)
    const byEvent = Map.groupBy(rig.results(), ({ eventId }) => eventId)
    // Others were calls that failed, before the lane opened or as its probes.
    const deferred = [...byEvent.values()].filter((all) =>
      all.every(({ outcome }) => outcome !== 'retrying'),
    )
    expect(deferred.length).toBeGreaterThan(30)
    for (const results of deferred) {
      expect(results).toMatchObject([
        { outcome: 'deferred', attempt: null, final: false, blame: 'endpoint', reason: null },
        { outcome: 'delivered', attempt: 1 },
      ])
    }
  })

  it('waits until the next probe, each time, and never longer than half an hour', async () => {
    const { rig } = await rigWithOpenLane()
    const openedAt = rig.clock.now() - second
    await sendLateBehindOthers(rig)
    await rig.clock.advance(20 * hour)
    const written = tiers.flatMap((topic) => rig.broker.read(topic))
    const waits = new Map<number, number>()
    let firstDueAt = 0
    for (const { headers, timestamp } of written) {
      const texts = Object.fromEntries([...headers].map(([name, value]) => [name, String(value)]))
      const nth = Number(texts[runHeaderNames.deferrals] ?? 0)
      if (texts['hooktide-event-id'] !== 'late' || nth === 0) continue
      const dueAt = Number(texts[runHeaderNames.dueAt])
      if (nth === 1) firstDueAt = dueAt
      // Written again for each hop: the first time shows the whole wait.
      waits.set(nth, Math.max(waits.get(nth) ?? 0, dueAt - timestamp))
    }
    expect(firstDueAt).toBeGreaterThanOrEqual(openedAt + 30 * second)
    expect(firstDueAt).toBeLessThanOrEqual(openedAt + 35 * second)
    expect(waits.size).toBeGreaterThanOrEqual(40)
    // All come at once here, and find the probe out: they come again after it.
    expect(waits.size).toBeLessThan(90)
    for (const wait of waits.values()) expect(wait).toBeLessThanOrEqual(30 * minute)
    expect([...waits.values()].filter((wait) => wait > 29 * minute).length).toBeGreaterThan(35)
  })

  it('beyond the bound is written once to the dead letters as endpoint-down', async () => {
    const { rig } = await rigWithOpenLane({ maxDeferredPerHook: 10 })
    for (let index = 0; index < 50; index += 1) {
      rig.sendEvent({ event: 'User.Created', more: index })
      rig.sendEvent({ more: index })
    }
    await rig.clock.advance(second)
    expect(outcomesOf(rig, 'dead')).toMatchObject({ deferred: 10, dead: 40 })
    const letters = rig.broker.read(topics.deadLetters)
    expect(letters).toHaveLength(40)
    const reasons = letters.map(({ headers }) => String(new Map(headers).get('hooktide-reason')))
    expect(new Set(reasons)).toEqual(new Set(['endpoint-down']))
    expect(outcomesOf(rig, 'fine')).toEqual({ delivered: 50 })
  })

  it('counts against the bound of its tenant too', async () => {
    const { rig, one } = await rigWithOpenLane({ maxDeferredPerTenant: 10, maxDeferredPerHook: 8 })
    putHook(rig, 'dead2', 'User.Deleted')
    await rig.clock.advance(10)
    one.http.script(url('dead2'), 500)
    for (let index = 0; index < 5; index += 1) rig.sendEvent({ event: 'User.Deleted', index })
    await rig.clock.advance(10)
    for (let index = 0; index < 10; index += 1) {
      rig.sendEvent({ event: 'User.Created', more: index })
    }
    await rig.clock.advance(10)
    for (let index = 0; index < 10; index += 1) {
      rig.sendEvent({ event: 'User.Deleted', more: index })
    }
    await rig.clock.advance(10)
    expect(outcomesOf(rig, 'dead')).toMatchObject({ deferred: 8, dead: 2 })
    expect(outcomesOf(rig, 'dead2')).toMatchObject({ deferred: 2, dead: 8 })
  })
})

describe('a dead hook with heavy traffic for hours', () => {
  /** Writes to tiers in the last of six hours, with this many events per minute and at most 50 deferred ones. */
  async function writesInAnHour(perMinute: number): Promise<number> {
    const { rig, one } = await rigWithTwo({ maxDeferredPerHook: 50 })
    one.http.script(url('dead'), 500)
    let before = 0
    for (let passed = 0; passed < 6 * 60; passed += 1) {
      for (let index = 0; index < perMinute; index += 1) {
        rig.sendEvent({ event: 'User.Created', passed, index })
      }
      rig.sendEvent({ passed })
      await rig.clock.advance(minute)
      if (passed === 5 * 60) before = writesToTiers(rig)
    }
    expect(outcomesOf(rig, 'fine')).toEqual({ delivered: 360 })
    expect(callsTo(one, 'dead')).toBeLessThan(30)
    expect(one.processor.status()).toMatchObject({ inFlight: 0, queued: 0 })
    return writesToTiers(rig) - before
  }

  it('costs writes to tiers that depend on the bound and not on the traffic', async () => {
    const few = await writesInAnHour(5)
    const many = await writesInAnHour(25)
    // The longest tier here is 5 min: whatever waits is written at most every 5 min, but for the ends of its waits.
    expect(few).toBeLessThan(50 * 12 * 1.5)
    expect(many).toBeLessThan(50 * 12 * 1.5)
  }, 30_000)
})

describe('a healthy endpoint with more deliveries than it can take', () => {
  it('keeps its share in its lane, defers the others, and is never idle', async () => {
    const rig = createRig()
    putHook(rig, 'alone', 'PostSignIn')
    const one = await rig.start()
    for (let index = 0; index < 1_500; index += 1) rig.sendEvent({ index })
    let idle = 0
    for (let round = 0; round < 120; round += 1) {
      for (const call of one.http.openCalls) call.answer(200)
      await rig.clock.advance(200)
      if (one.http.openCalls.length === 0 && one.http.calls.length < 1_500) idle += 1
    }
    const { delivered, deferred, dead } = outcomesOf(rig, 'alone')
    expect([delivered, dead, idle]).toEqual([1_500, undefined, 0])
    expect(deferred).toBeLessThan(1_500 - 375)
    const deferralResults = rig.results().filter(({ outcome }) => outcome === 'deferred')
    expect(deferralResults.every(({ blame, reason }) => blame === null && reason === null)).toBe(
      true,
    )
  }, 20_000)

  it('defers nothing while the process is slow: its partition waits, and lag shows it', async () => {
    const rig = createRig({ busyShare: 0.95 })
    putHook(rig, 'alone', 'PostSignIn')
    const one = await rig.start()
    for (let index = 0; index < 1_500; index += 1) rig.sendEvent({ index })
    for (let round = 0; round < 20; round += 1) {
      for (const call of one.http.openCalls) call.answer(200)
      await rig.clock.advance(200)
    }
    expect(writesToTiers(rig)).toBe(0)
    expect([...one.processor.depths().lag.values()][0]).toBeGreaterThan(1_000)
  })

  it('leaves enough room for others of its partition, with a backlog of minutes', async () => {
    const { rig, one } = await rigWithTwo()
    for (let index = 0; index < 4_000; index += 1) rig.sendEvent({ event: 'User.Created', index })
    rig.sendEvent({ quiet: true })
    for (let round = 0; round < 20; round += 1) {
      await rig.clock.advance(200)
      for (const call of one.http.openCalls) call.answer(200)
    }
    expect(outcomesOf(rig, 'fine')).toEqual({ delivered: 1 })
  })

  it('has its newest deliveries written to the dead letters as overflow at its cap, and its partition goes on', async () => {
    const { rig, one } = await rigWithTwo({ maxDeferredPerHook: 100 })
    for (let index = 0; index < 1_000; index += 1) rig.sendEvent({ event: 'User.Created', index })
    for (let index = 0; index < 10; index += 1) rig.sendEvent({ index })
    for (let round = 0; round < 20; round += 1) {
      await rig.clock.advance(200)
      for (const call of one.http.openCalls) call.answer(200)
    }
    expect(outcomesOf(rig, 'fine')).toEqual({ delivered: 10 })
    const dead = rig.results().filter(({ outcome }) => outcome === 'dead')
    expect(dead.length).toBeGreaterThan(300)
    expect(dead.every(({ reason, blame }) => reason === 'overflow' && blame === 'endpoint')).toBe(
      true,
    )
    expect(rig.broker.read(topics.deadLetters)).toHaveLength(dead.length)
  })

  it('does not count as slow because all calls were stopped for a while', async () => {
    const { rig, one } = await rigWithTwo()
    one.http.script(url('dead'), 200)
    rig.broker.setAckDelay(1e9)
    for (let index = 0; index < 400; index += 1) {
      rig.sendEvent({ event: 'User.Created', index })
      rig.sendEvent({ index })
    }
    await rig.clock.advance(minute)
    rig.broker.setAckDelay(0)
    await rig.clock.advance(minute)
    expect(writesToTiers(rig)).toBe(0)
  })
})

describe('a crowd of retries', () => {
  it('that are due at once does not delay fresh events, not even of its own hook', async () => {
    const { rig, one } = await rigWithTwo()
    for (let index = 0; index < 5_000; index += 1) {
      rig.broker.produce(tiers[0] ?? '', {
        value: '{"event":"User.Created","createdAt":"2026-09-14T09:02:11.019Z"}',
        headers: {
          'hooktide-hook-id': 'dead',
          'hooktide-tenant-id': 'default',
          'hooktide-event-id': `retried ${index}`,
          'hooktide-attempt': '1',
          'hooktide-hop': '1',
        },
      })
    }
    await rig.clock.advance(6 * second)
    rig.sendEvent()
    rig.sendEvent({ event: 'User.Created' }, { 'event-id': 'fresh' })
    await rig.clock.advance(50)
    expect(outcomesOf(rig, 'fine')).toEqual({ delivered: 1 })
    const ids = one.http.calls.map(({ request }) => request.headers['hooktide-attempt'])
    expect(ids.filter((attempt) => attempt === '1')).toHaveLength(2)
  })
})

describe('a rate limit', () => {
  it('spaces the calls of its hook, in each process', async () => {
    const rig = createRig()
    putHook(rig, 'limited', 'PostSignIn', { ratePerSecond: 10 })
    const one = await rig.start()
    one.http.script(url('limited'), 200)
    for (let index = 0; index < 100; index += 1) rig.sendEvent({ index })
    await rig.clock.advance(second)
    expect(callsTo(one, 'limited')).toBeGreaterThanOrEqual(10)
    expect(callsTo(one, 'limited')).toBeLessThanOrEqual(12)
    await rig.clock.advance(9 * second)
    expect(callsTo(one, 'limited')).toBeGreaterThanOrEqual(99)
  })
})

describe('a pause that an endpoint asks for', () => {
  it.each([429, 503])('with %d stops its whole lane until then, and no other', async (status) => {
    const { rig, one } = await rigWithTwo()
    one.http.script(url('dead'), { status, retryAfterMs: 60 * second })
    rig.sendEvent({ event: 'User.Created', first: 1 })
    await rig.clock.advance(second)
    one.http.script(url('dead'), 200)
    for (let index = 0; index < 20; index += 1) {
      rig.sendEvent({ event: 'User.Created', index })
      rig.sendEvent({ index })
    }
    await rig.clock.advance(58 * second)
    expect(callsTo(one, 'dead')).toBe(1)
    expect(outcomesOf(rig, 'fine')).toEqual({ delivered: 20 })
    await rig.clock.advance(30 * minute)
    expect(outcomesOf(rig, 'dead')).toEqual({ retrying: 1, deferred: 20, delivered: 21 })
  })
})
