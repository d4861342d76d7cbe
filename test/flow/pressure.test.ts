import { describe, expect, it } from 'vitest'
import type { GroupListener } from '../../src/ports.ts'
import { createRig, topics, type Rig } from '../support/flow-rig.ts'

const url = (id: string) => `https://${id}.example/`
const tier = `${topics.retryPrefix}5s`

/** A member that takes its partitions and does nothing with them. */
const idleListener: GroupListener = {
  onAssigned: () => undefined,
  onFetched: () => undefined,
  onEnd: () => undefined,
  onRebalance: () => Promise.resolve(),
  beforeRejoin: () => Promise.resolve(),
  onFailed: () => undefined,
}

/** A run that waits on the 5 s tier for its second attempt. */
function addRetry(
  rig: Rig,
  hookId: string,
  { tenantId = 'default', ...headers }: Readonly<Record<string, string>> = {},
): void {
  rig.broker.produce(tier, {
    value: '{"event":"PostSignIn","createdAt":"2026-09-14T09:02:11.019Z"}',
    headers: {
      'hooktide-hook-id': hookId,
      'hooktide-tenant-id': tenantId,
      'hooktide-event-id': 'retried',
      'hooktide-attempt': '1',
      'hooktide-hop': '1',
      ...headers,
    },
  })
}

describe('a process whose event loop is busy', () => {
  /** 40 hooks, each of which may make 16 calls at once; each event is for all of them. */
  async function rigWithManyCalls(busyShare: number) {
    const rig = createRig({ busyShare })
    for (let index = 0; index < 40; index += 1) {
      rig.putHook({ id: `h${index}`, delivery: { concurrency: 16, timeoutMs: 60_000 } })
    }
    const one = await rig.start()
    rig.sendEvent()
    await rig.clock.advance(10)
    for (let round = 0; round < 4; round += 1) {
      for (let index = 0; index < 16; index += 1) rig.sendEvent()
      await rig.clock.advance(400)
      for (const call of one.http.openCalls) call.answer(200)
    }
    return { rig, one }
  }

  it('starts no more than 200 calls that are not acknowledged, since a crash would repeat them', async () => {
    const { rig, one } = await rigWithManyCalls(1)
    await rig.clock.advance(20)
    expect(one.http.openCalls.length).toBeGreaterThan(150)
    expect(one.http.openCalls.length).toBeLessThanOrEqual(200)
  })

  it('starts more when it is not busy and endpoints are slow', async () => {
    const { rig, one } = await rigWithManyCalls(0)
    await rig.clock.advance(20)
    expect(one.http.openCalls.length).toBeGreaterThan(300)
  })

  it('starts others beside hanging calls when these are half a second old', async () => {
    const { rig, one } = await rigWithManyCalls(1)
    await rig.clock.advance(20)
    const before = one.http.calls.length
    await rig.clock.advance(600)
    expect(one.http.calls.length).toBeGreaterThan(before + 100)
  })

  it('starts calls of fresh events while hundreds of others hop, since a crash repeats no call of those', async () => {
    const rig = createRig({ busyShare: 1 })
    rig.putHook({ id: 'rests' })
    rig.putHook({ id: 'fresh', tenantId: 'other' })
    const one = await rig.start()
    const dueAt = String(rig.clock.now() + 3_600_000)
    for (let n = 0; n < 300; n += 1) {
      addRetry(rig, 'rests', { 'hooktide-event-id': `e${n}`, 'hooktide-due-at': dueAt })
    }
    rig.broker.setAckDelay(60_000)
    await rig.clock.advance(6_000)
    expect(one.signals.filter(({ kind }) => kind === 'run.hopped')).toHaveLength(300)
    rig.sendEvent({}, { 'tenant-id': 'other' })
    await rig.clock.advance(20)
    expect(one.http.calls).toHaveLength(1)
  })
})

describe('pressure', () => {
  it('from a slow endpoint does not delay another one on the same partition', async () => {
    const rig = createRig()
    rig.putHook({ id: 'slow' })
    rig.putHook({ id: 'fast' })
    const one = await rig.start()
    one.http.script(url('fast'), 200)
    for (let index = 0; index < 200; index += 1) rig.sendEvent({ index })
    await rig.clock.advance(50)
    expect(rig.results().filter(({ hookId }) => hookId === 'fast')).toHaveLength(200)
    expect(one.http.calls.filter(({ request }) => request.url === url('slow'))).toHaveLength(2)
  })

  it('starts no call while the bodies in flight have 64 MiB, and goes on as calls end', async () => {
    const rig = createRig()
    const ids = ['a', 'b', 'c', 'd', 'e', 'f']
    for (const id of ids) rig.putHook({ id })
    const one = await rig.start()
    rig.sendEvent({ padding: 'x'.repeat(16 * 1024 * 1024) })
    await rig.clock.advance(50)
    // A tenant leaves as much free as it takes.
    expect(one.http.calls).toHaveLength(2)
    one.http.calls[0]?.answer(200)
    await rig.clock.advance(50)
    expect(one.http.calls).toHaveLength(3)
    for (const id of ids) one.http.script(url(id), 200)
    for (const call of one.http.calls.slice(1)) call.answer(200)
    await rig.clock.advance(50)
    expect(rig.results().filter(({ outcome }) => outcome === 'delivered')).toHaveLength(6)
  })

  it('never has more than 750 offsets of a partition incomplete, drops nothing, and goes on', async () => {
    const rig = createRig({ busyShare: 1 })
    const tenants = Array.from({ length: 40 }, (_, index) => `t${index}`)
    for (const tenantId of tenants) rig.putHook({ id: tenantId, tenantId })
    const one = await rig.start()
    const send = (index: number) => {
      for (const tenantId of tenants) rig.sendEvent({ index }, { 'tenant-id': tenantId })
    }
    for (const tenantId of tenants) one.http.script(url(tenantId), 200)
    send(0)
    await rig.clock.advance(100)
    for (const tenantId of tenants) one.http.script(url(tenantId))
    for (let index = 1; index < 50; index += 1) send(index)
    await rig.clock.advance(500)
    const { inFlight, queued } = one.processor.status()
    expect(inFlight + queued).toBeGreaterThan(700)
    expect(inFlight + queued).toBeLessThanOrEqual(750)
    for (const tenantId of tenants) one.http.script(url(tenantId), 200)
    for (const call of [...one.http.calls]) call.answer(200)
    await rig.clock.advance(5_000)
    expect(rig.results()).toHaveLength(2_000)
    expect(new Set(rig.results().map(({ deliveryId }) => deliveryId)).size).toBe(2_000)
    expect(rig.broker.committed('hooktide', { topic: 'auth.events', partition: 0 })?.offset).toBe(
      2_000,
    )
  })

  it('leaves more than half of a partition free while one hook of unknown speed has a larger backlog', async () => {
    const rig = createRig()
    rig.putHook({ id: 'slow' })
    const one = await rig.start()
    for (let index = 0; index < 1_000; index += 1) rig.sendEvent({ index })
    await rig.clock.advance(500)
    const { inFlight, queued } = one.processor.status()
    expect(inFlight + queued).toBe(300)
  })

  it('counts what headers hold: a partition admits at most 8 MiB, and less than half of that for one hook', async () => {
    const rig = createRig()
    rig.putHook({ id: 'slow' })
    const one = await rig.start()
    const headers = { baggage: 'x'.repeat(512 * 1024) }
    for (let index = 0; index < 50; index += 1) rig.sendEvent({ index }, headers)
    await rig.clock.advance(50)
    const { inFlight, queued } = one.processor.status()
    expect(inFlight + queued).toBe(7)
  })

  it('of one partition with a full lane leaves another partition alone', async () => {
    const rig = createRig({ partitions: 2 })
    rig.putHook({ id: 'slow' })
    rig.putHook({ id: 'fast', events: ['User.Created'] })
    const one = await rig.start()
    one.http.script(url('fast'), 200)
    const value = (event: string) => `{"event":"${event}","createdAt":"2026-09-14T09:02:11.019Z"}`
    for (let index = 0; index < 2_000; index += 1) {
      rig.broker.produce('auth.events', { partition: 0, value: value('PostSignIn') })
    }
    for (let index = 0; index < 100; index += 1) {
      rig.broker.produce('auth.events', { partition: 1, value: value('User.Created') })
    }
    await rig.clock.advance(100)
    expect(rig.results()).toHaveLength(100)
  })

  it('frees a slot when the answer has arrived, not when its record is acknowledged', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a', delivery: { concurrency: 1 } })
    const one = await rig.start()
    rig.broker.setAckDelay(60_000)
    for (const name of ['x', 'y']) rig.sendEvent({ name })
    await rig.clock.advance(10)
    one.http.calls[0]?.answer(200)
    await rig.clock.advance(10)
    expect(one.http.calls).toHaveLength(2)
    expect(rig.results()).toEqual([])
  })
})

describe('a retry that waits for room', () => {
  it(
    'goes on when fresh deliveries complete that took the last room of the process',
    {
      timeout: 20_000,
    },
    async () => {
      const rig = createRig()
      for (let index = 1; index < 20_000; index += 1) rig.putHook({ id: `h${index}` })
      rig.putHook({ id: 'first', events: ['User.Created'] })
      rig.putHook({ id: 'retried', tenantId: 'other', events: ['User.Deleted'] })
      const one = await rig.start({ maxInFlight: 90_000 })
      addRetry(rig, 'retried', { tenantId: 'other' })
      await rig.clock.advance(4_900)
      rig.sendEvent({ event: 'User.Created' })
      rig.sendEvent()
      await rig.clock.advance(200)
      expect(one.http.calls).toHaveLength(20_000)
      for (const call of one.http.calls.slice(0, 3_100)) call.answer(200)
      await rig.clock.advance(100)
      expect(one.http.calls.at(-1)?.request.url).toBe(url('retried'))
    },
  )

  it('goes on when the work that filled its lane moves to another member', async () => {
    const rig = createRig({ partitions: 2 })
    rig.putHook({ id: 'a', delivery: { concurrency: 1, timeoutMs: 60_000 } })
    const one = await rig.start()
    const value = '{"event":"PostSignIn","createdAt":"2026-09-14T09:02:11.019Z"}'
    for (let index = 0; index < 600; index += 1) {
      rig.broker.produce('auth.events', { partition: index % 2, value })
    }
    addRetry(rig, 'a')
    await rig.clock.advance(6_000)
    expect(one.processor.status().queued).toBeGreaterThanOrEqual(590)
    await one.live.freeze()
    for (let members = 0; members < 2; members += 1) {
      const other = rig.broker.groupSource({ groupId: 'hooktide', topics: topics.events })
      await other.start(idleListener)
    }
    const thawing = one.live.thaw()
    await rig.clock.advance(3_000)
    await thawing
    const attempts = one.http.openCalls.map(({ request }) => request.headers['hooktide-attempt'])
    expect(attempts).toEqual(['2'])
  })
})

describe('a broker that is unavailable', () => {
  it('stops calls once membership is no longer proven, and everything goes on by itself', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a' })
    const one = await rig.start()
    one.http.script(url('a'), 200)
    for (let index = 0; index < 20; index += 1) rig.sendEvent({ index })
    rig.broker.outage(true)
    await rig.clock.advance(30_000)
    const during = one.http.calls.length
    expect(one.processor.status().isProven).toBe(false)
    rig.broker.outage(false)
    await rig.clock.advance(5_000)
    expect(one.processor.status().isProven).toBe(true)
    expect(during).toBeLessThanOrEqual(20)
    expect(new Set(rig.results().map(({ deliveryId }) => deliveryId)).size).toBe(20)
    expect(one.failures).toEqual([])
  })

  it('leaves records unwritten at a stop, and the stop returns their number; otherwise it is 0', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a' })
    const one = await rig.start()
    rig.sendEvent()
    await rig.clock.advance(10)
    rig.broker.outage(true)
    one.http.calls[0]?.answer(200)
    const stopping = one.processor.stop(1_000)
    await rig.clock.advance(60_000)
    expect(await stopping).toBe(1)

    rig.broker.outage(false)
    const two = await rig.start({ instance: 'two' })
    const stoppingAgain = two.processor.stop(1_000)
    await rig.clock.advance(60_000)
    expect(await stoppingAgain).toBe(0)
  })
})
