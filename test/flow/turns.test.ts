import { describe, expect, it } from 'vitest'
import { putAddressed, sendTo } from '../support/addressed.ts'
import { createRig, topics } from '../support/flow-rig.ts'

/** Counts signals of one kind per pass of the event loop. */
function countPerPass(kind: string, options: Parameters<typeof createRig>[0] = {}) {
  const passes: number[] = [0]
  const rig = createRig({
    ...options,
    isKept(signal) {
      if (signal.kind === kind) passes[passes.length - 1] = (passes.at(-1) ?? 0) + 1
      return true
    },
  })
  const { soon } = rig.clock
  rig.clock.soon = (run) => {
    soon(() => {
      passes.push(0)
      run()
    })
  }
  return { rig, most: () => Math.max(...passes), sum: () => passes.reduce((a, b) => a + b) }
}

describe('a turn', () => {
  it('admits a bounded part of a backlog, so that sockets and timers have their turn', async () => {
    const { rig, most, sum } = countPerPass('event.unmatched')
    for (let n = 0; n < 3_000; n += 1) rig.sendEvent({ event: 'Nobody.Asked', n })
    await rig.start()
    await rig.clock.advance(0)
    expect(sum()).toBe(3_000)
    expect(most()).toBeLessThanOrEqual(64)
  })

  it('admits no more when many partitions have a backlog, and each has its share', async () => {
    const { rig, most, sum } = countPerPass('event.unmatched', { partitions: 30 })
    for (let n = 0; n < 6_000; n += 1) rig.sendEvent({ event: 'Nobody.Asked', n })
    await rig.start()
    await rig.clock.advance(0)
    expect(sum()).toBe(6_000)
    expect(most()).toBeLessThanOrEqual(512)
    expect(most()).toBeGreaterThan(64)
  })

  it('is not followed by another at once while a rate limit allows a call and something else does not', async () => {
    const rig = createRig()
    putAddressed(rig, 'rated', { ratePerSecond: 1 })
    const { http } = await rig.start()
    http.script('https://rated.example/', 200)
    sendTo(rig, 'rated', { count: 20 })
    await rig.clock.advance(100)
    rig.broker.outage(true)
    // The clock throws if timers are set again and again without a delay.
    await rig.clock.advance(60_000)
    rig.broker.outage(false)
    await rig.clock.advance(60_000)
    expect(rig.results().filter(({ outcome }) => outcome === 'delivered')).toHaveLength(20)
  })

  it('admits a fresh event soon, whatever number of retries is due at once', async () => {
    const kinds: string[] = []
    const rig = createRig({
      tierPartitions: 30,
      isKept({ kind }) {
        if (kind === 'run.hopped' && !kinds.includes(kind)) rig.sendEvent({ event: 'Nobody.Asked' })
        kinds.push(kind)
        return true
      },
    })
    rig.putHook({ id: 'rests', events: ['Rests'] })
    const value = '{"event":"Rests","createdAt":"2026-09-14T09:02:11.019Z"}'
    for (let n = 0; n < 3_000; n += 1) {
      const headers = {
        'hooktide-hook-id': 'rests',
        'hooktide-tenant-id': 'default',
        'hooktide-event-id': `e${n}`,
        'hooktide-hop': '1',
        'hooktide-due-at': String(rig.clock.now() + 3_600_000),
      }
      rig.broker.produce(`${topics.retryPrefix}5s`, { partition: n % 30, value, headers })
    }
    await rig.clock.advance(6_000)
    await rig.start()
    await rig.clock.advance(10)
    const hoppedBefore = kinds.slice(0, kinds.indexOf('event.unmatched'))
    expect(kinds.filter((kind) => kind === 'run.hopped')).toHaveLength(3_000)
    expect(hoppedBefore.filter((kind) => kind === 'run.hopped').length).toBeLessThanOrEqual(128)
  })

  it('admits of each partition, however many retries are due in the others', async () => {
    const hooks: string[] = []
    const rig = createRig({
      tierPartitions: 8,
      isKept(signal) {
        if (signal.kind === 'delivery.recorded') hooks.push(signal.hookId)
        return true
      },
    })
    const value = '{"event":"Gone","createdAt":"2026-09-14T09:02:11.019Z"}'
    for (let n = 0; n < 1_600; n += 1) {
      const headers = {
        'hooktide-hook-id': `deleted${n % 8}`,
        'hooktide-tenant-id': 'default',
        'hooktide-event-id': `e${n}`,
        'hooktide-hop': '1',
      }
      rig.broker.produce(`${topics.retryPrefix}5s`, { partition: n % 8, value, headers })
    }
    await rig.clock.advance(6_000)
    await rig.start()
    await rig.clock.advance(10)
    expect(hooks).toHaveLength(1_600)
    expect(new Set(hooks.slice(0, 8 * 64)).size).toBe(8)
  })

  it('handles a bounded number of answers that come at once', async () => {
    const { rig, most, sum } = countPerPass('delivery.recorded')
    const hooks = 900
    for (let n = 0; n < hooks; n += 1) rig.putHook({ id: `hangs${n}`, events: [`Hangs.N${n}`] })
    await rig.start()
    for (let n = 0; n < hooks; n += 1) rig.sendEvent({ event: `Hangs.N${n}` })
    // All of their calls time out in the same millisecond.
    await rig.clock.advance(10_000)
    expect(sum()).toBeGreaterThan(500)
    expect(most()).toBeLessThanOrEqual(64)
  })

  it('starts a bounded number of calls that may start at once', async () => {
    const hooks = 400
    const rig = createRig()
    for (let n = 0; n < hooks; n += 1) {
      const delivery = { concurrency: 1, timeoutMs: 60_000 }
      rig.putHook({ id: `h${n}`, tenantId: `t${n}`, delivery })
    }
    const one = await rig.start()
    for (let n = 0; n < 2 * hooks; n += 1) rig.sendEvent({}, { 'tenant-id': `t${n % hooks}` })
    await rig.clock.advance(100)
    rig.broker.outage(true)
    await rig.clock.advance(30_000)
    for (const call of one.http.openCalls) call.answer(200)
    await rig.clock.advance(10)
    const begun = [one.http.calls.length]
    const { soon } = rig.clock
    rig.clock.soon = (run) => {
      soon(() => {
        run()
        begun.push(one.http.calls.length)
      })
    }
    rig.broker.outage(false)
    await rig.clock.advance(5_000)
    expect([begun[0], begun.at(-1)]).toEqual([hooks, 2 * hooks])
    const most = Math.max(...begun.slice(1).map((count, index) => count - (begun[index] ?? 0)))
    expect(most).toBeLessThanOrEqual(64)
  })

  it('aborts a bounded number of the calls whose partitions another member got', async () => {
    const rig = createRig({ partitions: 2 })
    for (let n = 0; n < 600; n += 1) putAddressed(rig, `hangs${n}`)
    const one = await rig.start()
    for (let n = 0; n < 600; n += 1) sendTo(rig, `hangs${n}`, { partition: n % 2 })
    await rig.clock.advance(2_000)
    const aborted = () => one.http.calls.filter(({ isAborted }) => isAborted).length
    const passes = [aborted()]
    const { soon } = rig.clock
    rig.clock.soon = (run) => {
      soon(() => {
        run()
        passes.push(aborted())
      })
    }
    const joining = rig.start({ instance: 'two' })
    await rig.clock.advance(5_000)
    await joining
    expect([passes[0], passes.at(-1)]).toEqual([0, 300])
    const most = Math.max(...passes.slice(1).map((count, index) => count - (passes[index] ?? 0)))
    expect(most).toBeLessThanOrEqual(64)
  })
})
