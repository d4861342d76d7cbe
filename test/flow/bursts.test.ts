import { describe, expect, it } from 'vitest'
import {
  blamedDeferrals,
  latencies,
  outcomesOf,
  putAddressed,
  sendTo,
  tierWrites,
  urlOf,
} from '../support/addressed.ts'
import { createRig, topics } from '../support/flow-rig.ts'

const second = 1_000
/** 1,500 calls of 400 ms, 16 at once. */
const idealMs = 37.5 * second
const slow = { status: 200, afterMs: 400 }

describe('a burst for a slow hook and a fast one', () => {
  it.each([1, 6])(
    'on %i partitions takes the slow one hardly longer than necessary, and does not delay the fast one',
    async (partitions) => {
      const rig = createRig({ partitions })
      putAddressed(rig, 'slow')
      putAddressed(rig, 'fast')
      rig.script(urlOf('slow'), slow)
      rig.script(urlOf('fast'), 200)
      await rig.start()
      for (let index = 0; index < 1_500; index += 1) {
        sendTo(rig, 'slow')
        sendTo(rig, 'fast')
      }
      await rig.clock.advance(5 * second)
      expect(outcomesOf(rig, 'fast')).toEqual({ delivered: 1_500 })
      await rig.clock.advance(1.15 * idealMs - 5 * second)
      const { delivered, dead } = outcomesOf(rig, 'slow')
      expect({ delivered, dead }).toEqual({ delivered: 1_500, dead: undefined })
      expect(rig.broker.read(topics.deadLetters)).toEqual([])
      expect(blamedDeferrals(rig)).toBe(0)
    },
    30_000,
  )

  it.each([1, 6])(
    'that get the same events, on %i partitions, does not delay the fast one',
    async (partitions) => {
      const rig = createRig({ partitions })
      rig.putHook({ id: 'slow' })
      rig.putHook({ id: 'fast' })
      rig.script(urlOf('slow'), slow)
      rig.script(urlOf('fast'), 200)
      const one = await rig.start()
      for (let index = 0; index < 1_500; index += 1) rig.sendEvent({ index })
      await rig.clock.advance(5 * second)
      expect(outcomesOf(rig, 'fast')).toEqual({ delivered: 1_500 })
      await rig.clock.advance(1.15 * idealMs - 5 * second)
      const { delivered, dead } = outcomesOf(rig, 'slow')
      expect({ delivered, dead }).toEqual({ delivered: 1_500, dead: undefined })
      expect(one.http.calls).toHaveLength(3_000)
      expect(blamedDeferrals(rig)).toBe(0)
    },
    30_000,
  )
})

describe('a quiet hook', () => {
  it.each(['default', 'acme'])(
    'of tenant %s waits behind 4,000 events of a slow one only while these are deferred',
    async (tenantId) => {
      const rig = createRig()
      putAddressed(rig, 'slow')
      putAddressed(rig, 'quiet', { tenantId })
      rig.script(urlOf('slow'), slow)
      rig.script(urlOf('quiet'), 200)
      await rig.start()
      sendTo(rig, 'quiet', { tenantId })
      await rig.clock.advance(600 * second)
      sendTo(rig, 'slow', { count: 4_000 })
      sendTo(rig, 'quiet', { tenantId })
      await rig.clock.advance(3 * second)
      const [, latency] = latencies(rig, 'quiet')
      expect(latency).toBeLessThanOrEqual((4_000 / 5_000) * second + 2 * second)
    },
    30_000,
  )
})

describe('a process that is slow itself', () => {
  it('defers nothing, however slow its lanes look', async () => {
    const rig = createRig({ partitions: 2 })
    const ids = Array.from({ length: 20 }, (_, index) => `h${index}`)
    for (const id of ids) {
      putAddressed(rig, id)
      rig.script(urlOf(id), { status: 200, afterMs: 300 })
    }
    rig.loop.share = 0.95
    await rig.start()
    for (let round = 0; round < 150; round += 1) for (const id of ids) sendTo(rig, id)
    await rig.clock.advance(20 * second)
    for (const id of ids) expect(outcomesOf(rig, id)).toEqual({ delivered: 150 })
    expect(tierWrites(rig)).toBe(0)
  }, 30_000)

  it('lets wait what a tier releases before it is due, instead of writing it again', async () => {
    const rig = createRig({ tierPartitions: 3 })
    putAddressed(rig, 'paused', { concurrency: 64 })
    rig.script(
      urlOf('paused'),
      { status: 503, retryAfterMs: 26 * second },
      { status: 200, afterMs: 100 },
    )
    await rig.start()
    sendTo(rig, 'paused')
    await rig.clock.advance(second)
    // They return over twelve seconds, and their tiers release most of them some seconds early.
    sendTo(rig, 'paused', { count: 12_000 })
    rig.loop.share = 0.95
    await rig.clock.advance(24.9 * second)
    const written = tierWrites(rig)
    await rig.clock.advance(60 * second)
    expect(outcomesOf(rig, 'paused')).toMatchObject({ retrying: 1, delivered: 12_001 })
    expect(tierWrites(rig)).toBe(written)
  }, 30_000)

  it('defers when it is no longer slow', async () => {
    const rig = createRig()
    putAddressed(rig, 'slow')
    rig.script(urlOf('slow'), slow)
    rig.loop.share = 0.95
    const one = await rig.start()
    sendTo(rig, 'slow', { count: 1_000 })
    await rig.clock.advance(5 * second)
    expect(tierWrites(rig)).toBe(0)
    expect(one.processor.status().queued).toBeLessThan(376)
    rig.loop.share = 0.5
    await rig.clock.advance(second)
    expect(tierWrites(rig)).toBeGreaterThan(300)
  })
})

describe('an endpoint that answers nothing for a while, and then as before', () => {
  const total = 4_000
  const quick = { status: 200, afterMs: 40 }
  /** 16 calls at once. */
  const idealMs = (total / 16) * 40

  it.each([
    { when: 'at its first calls', earlier: 0, workMs: 0, silentMs: 1_500 },
    { when: 'in the midst of its work', earlier: 0, workMs: 300, silentMs: 1_500 },
    { when: 'in the midst of its work', earlier: 0, workMs: 300, silentMs: 4_000 },
    { when: 'soon after a rest', earlier: 1_000, workMs: 20, silentMs: 1_500 },
  ])(
    'finishes a backlog within 10 s of the shortest time, when it is silent for $silentMs ms $when',
    async ({ earlier, workMs, silentMs }) => {
      const rig = createRig({ partitions: 2 })
      const url = urlOf('silent')
      putAddressed(rig, 'silent')
      if (workMs > 0) rig.script(url, quick)
      const one = await rig.start()
      sendTo(rig, 'silent', { count: earlier })
      await rig.clock.advance(60 * second)
      sendTo(rig, 'silent', { count: total })
      await rig.clock.advance(workMs)
      one.http.script(url)
      await rig.clock.advance(silentMs)
      one.http.script(url, quick)
      for (const call of one.http.openCalls) call.answer(200)
      await rig.clock.advance(idealMs + 10 * second)
      expect(outcomesOf(rig, 'silent')).toMatchObject({ delivered: earlier + total })
    },
    30_000,
  )
})

describe('a healthy lane at its cap', () => {
  it('writes its newest deliveries to the dead letters, and its partition goes on', async () => {
    const rig = createRig()
    putAddressed(rig, 'slow')
    putAddressed(rig, 'fine')
    rig.script(urlOf('slow'), slow)
    rig.script(urlOf('fine'), 200)
    await rig.start({ maxDeferredPerHook: 100 })
    sendTo(rig, 'slow', { count: 1_500 })
    sendTo(rig, 'fine')
    await rig.clock.advance(3 * second)
    expect(outcomesOf(rig, 'fine')).toEqual({ delivered: 1 })
    const letters = rig.broker.read(topics.deadLetters)
    const reasons = letters.map(({ headers }) => String(new Map(headers).get('hooktide-reason')))
    expect(new Set(reasons)).toEqual(new Set(['overflow']))
    const indexOf = ({ value }: (typeof letters)[number]) =>
      Number(JSON.parse(value?.toString() ?? '{}').index)
    expect(Math.min(...letters.map(indexOf))).toBeGreaterThanOrEqual(475)
    await rig.clock.advance(60 * second)
    const { delivered = 0, dead } = outcomesOf(rig, 'slow')
    expect(dead).toBe(letters.length)
    expect(delivered + letters.length).toBe(1_500)
    expect(delivered).toBeGreaterThanOrEqual(475)
  }, 30_000)
})
