import { describe, expect, it } from 'vitest'
import { createRig, type Instance } from '../support/flow-rig.ts'

const second = 1_000
const minute = 60 * second
const url = (id: string) => `https://${id}.example/`

function callsTo(one: Instance, id: string): number {
  return one.http.calls.filter(({ request }) => request.url === url(id)).length
}

interface Crowd {
  /** Whether all of them answered for some time before they fell silent. */
  readonly healthyBefore?: boolean
  /** The tenant of a hook of the crowd. */
  readonly tenantOf?: (n: number) => string
  readonly partitions?: number
  readonly maxInFlight?: number
}

describe('a crowd of hooks that never answer, more than a partition has places', () => {
  const crowd = 1_200
  const perTick = 20
  const ticks = 400
  const tickMs = 20

  /** A tenant has the crowd and a hook that answers; another tenant has one that answers. */
  async function rigWithCrowd({
    healthyBefore = false,
    tenantOf = () => 'greedy',
    partitions = 1,
    maxInFlight = 4_096,
  }: Crowd = {}) {
    const rig = createRig({ partitions })
    const put = (id: string, event: string, tenantId: string) =>
      rig.putHook({ id, tenantId, events: [event], config: { url: url(id) } })
    for (let n = 0; n < crowd; n += 1) put(`hangs-${n}`, `Hangs.N${n}`, tenantOf(n))
    put('sibling', 'Sibling', 'greedy')
    put('other', 'Other', 'quiet')
    const one = await rig.start({ maxInFlight })
    for (const id of ['sibling', 'other']) one.http.script(url(id), 200)
    const send = (tenantId: string, event: string, tick: number) =>
      rig.sendEvent({ event, tick }, { 'tenant-id': tenantId })
    const sendTick = (tick: number) => {
      for (let index = 0; index < perTick; index += 1) {
        const n = (tick * perTick + index) % crowd
        send(tenantOf(n), `Hangs.N${n}`, tick)
      }
      send('greedy', 'Sibling', tick)
      send('quiet', 'Other', tick)
    }
    if (healthyBefore) {
      for (let n = 0; n < crowd; n += 1) one.http.script(url(`hangs-${n}`), 200)
      for (let tick = 0; tick < ticks; tick += 1) {
        sendTick(tick)
        await rig.clock.advance(tickMs)
      }
      await rig.clock.advance(minute)
      for (let n = 0; n < crowd; n += 1) one.http.script(url(`hangs-${n}`))
    }
    return { rig, one, sendTick }
  }

  /** How many ticks later than their own calls were made, at most, after the first `from` ticks. */
  async function latest(from: number, options: Crowd = {}) {
    const { rig, one, sendTick } = await rigWithCrowd(options)
    const before = { other: callsTo(one, 'other'), sibling: callsTo(one, 'sibling') }
    const late = { other: 0, sibling: 0 }
    for (let tick = 1; tick <= ticks; tick += 1) {
      sendTick(tick)
      await rig.clock.advance(tickMs)
      if (tick < from) continue
      for (const id of ['other', 'sibling'] as const) {
        late[id] = Math.max(late[id], tick - (callsTo(one, id) - before[id]))
      }
    }
    return late
  }

  it('delay neither a hook of another tenant nor one of their own that answers', async () => {
    // Half a second shows that the crowd does not answer; its partition may have waited for that.
    expect(await latest(second / tickMs)).toEqual({ other: 0, sibling: 0 })
  }, 60_000)

  it.each([2, 10, 100, crowd])(
    'delay nobody else where they are of %i tenants',
    async (tenants) => {
      const tenantOf = (n: number) => `greedy-${n % tenants}`
      expect(await latest(second / tickMs, { tenantOf })).toEqual({ other: 0, sibling: 0 })
    },
    60_000,
  )

  it.each([false, true])(
    'delay nobody else where they would take all slots of the process (fell silent: %s)',
    async (healthyBefore) => {
      const tenantOf = (n: number) => `greedy-${n}`
      const slots = { partitions: 4, maxInFlight: 800 }
      const late = await latest(second / tickMs, { healthyBefore, tenantOf, ...slots })
      expect(late).toEqual({ other: 0, sibling: 0 })
    },
    60_000,
  )

  it('delay nobody of another tenant when all of them fall silent at once', async () => {
    const { other, sibling } = await latest(second / tickMs, { healthyBefore: true })
    expect(other).toBe(0)
    // Until they are seen not to answer, their tenant has no place left: its hooks go by way of a tier.
    expect(sibling * tickMs).toBeLessThan(8 * second)
  }, 60_000)

  it.each([2, 10, 100, crowd])(
    'delay nobody else when all of them fall silent at once, where they are of %i tenants',
    async (tenants) => {
      const tenantOf = (n: number) => `greedy-${n % tenants}`
      const late = await latest(second / tickMs, { healthyBefore: true, tenantOf })
      expect(late).toEqual({ other: 0, sibling: 0 })
    },
    60_000,
  )

  it('have each delivery written few times while they hang, and all are made within minutes of their recovery', async () => {
    const { rig, one, sendTick } = await rigWithCrowd()
    for (let tick = 1; tick <= ticks; tick += 1) {
      sendTick(tick)
      await rig.clock.advance(tickMs)
    }
    await rig.clock.advance(30 * second)
    const deferrals = one.signals.filter(({ kind }) => kind === 'run.deferred').length
    const hops = one.signals.filter(({ kind }) => kind === 'run.hopped').length
    expect((deferrals + hops) / (ticks * perTick)).toBeLessThan(2)
    for (let n = 0; n < crowd; n += 1) one.http.script(url(`hangs-${n}`), 200)
    await rig.clock.advance(6 * minute)
    const delivered = rig.results().filter(({ outcome }) => outcome === 'delivered')
    expect(delivered).toHaveLength(ticks * (perTick + 2))
  }, 60_000)
})
