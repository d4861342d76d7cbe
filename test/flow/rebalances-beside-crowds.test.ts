import { describe, expect, it } from 'vitest'
import { latencies, putAddressed, sendTo, urlOf } from '../support/addressed.ts'
import { createRig, defaultTiers, type Rig } from '../support/flow-rig.ts'

const second = 1_000
const tickMs = 20
const partitions = 12
/** More hooks than a tenant may have calls in flight. */
const hooks = 600
const slots = { maxInFlight: 512 }
const usualPerTick = 8

/** The tenant of the hook that answers. */
const tenantId = 'default'

type TenantOf = (hook: number) => string

/** Goes on for so long with events for hooks that hang, and for one that answers. */
async function goOn(
  rig: Rig,
  tenantOf: TenantOf,
  ms: number,
  eachTick = usualPerTick,
): Promise<void> {
  const from = Math.round(rig.clock.monotonic() / tickMs)
  for (let n = from; n < from + ms / tickMs; n += 1) {
    for (let index = 0; index < eachTick; index += 1) {
      const place = n * eachTick + index
      const hook = place % hooks
      sendTo(rig, `hangs${hook}`, { tenantId: tenantOf(hook), partition: place % partitions })
    }
    sendTo(rig, 'answers', { tenantId, partition: n % partitions })
    await rig.clock.advance(tickMs)
  }
}

/** Every hook gets only what is addressed to it. */
function crowdedRig(tenantOf: TenantOf, timeoutMs = (_hook: number) => 10 * second): Rig {
  const rig = createRig({ partitions, tiers: defaultTiers, tierPartitions: partitions })
  putAddressed(rig, 'answers', { tenantId })
  rig.script(urlOf('answers'), { status: 200, afterMs: 3 })
  for (let hook = 0; hook < hooks; hook += 1) {
    putAddressed(rig, `hangs${hook}`, { tenantId: tenantOf(hook), timeoutMs: timeoutMs(hook) })
  }
  return rig
}

const ofOthers: TenantOf = (hook) => `tenant${hook}`
const crowds: readonly (readonly [string, TenantOf])[] = [
  ['of its tenant', () => tenantId],
  ['of as many other tenants', ofOthers],
]

describe('a process that joins while hooks hang', () => {
  it.each(crowds)(
    'calls a hook that answers within two seconds, beside hundreds %s',
    async (_, tenantOf) => {
      const rig = crowdedRig(tenantOf)
      await rig.start(slots)
      await goOn(rig, tenantOf, 15 * second)
      const joining = rig.start({ ...slots, instance: 'two' })
      await goOn(rig, tenantOf, 10 * second)
      const two = await joining
      await rig.clock.advance(5 * second)
      expect(two.http.calls.filter(({ request }) => request.url === urlOf('answers'))).not.toEqual(
        [],
      )
      const waits = latencies(rig, 'answers')
      expect(waits).toHaveLength((25 * second) / tickMs)
      expect(Math.max(...waits)).toBeLessThan(2 * second)
    },
    60_000,
  )
})

describe('a process that stops while hooks hang', () => {
  const manyPerTick = 16

  /** One of two processes stops. Returns the waits from then on. */
  async function waitsWithStop(rig: Rig, busyShare: number): Promise<readonly number[]> {
    const one = await rig.start(slots)
    const joining = rig.start({ ...slots, instance: 'two' })
    await goOn(rig, ofOthers, 20 * second, manyPerTick)
    await joining
    rig.loop.share = busyShare
    const stopping = one.processor.stop(20 * second)
    await goOn(rig, ofOthers, 15 * second, manyPerTick)
    await stopping
    await rig.clock.advance(5 * second)
    const waits = latencies(rig, 'answers')
    expect(waits).toHaveLength((35 * second) / tickMs)
    return waits.slice((-15 * second) / tickMs)
  }

  it('holds up no hook that answers, on a busy machine', async () => {
    const waits = await waitsWithStop(crowdedRig(ofOthers), 0.95)
    expect(Math.max(...waits)).toBeLessThan(second)
  }, 60_000)

  it('holds up no hook that answers while the last calls that take long end', async () => {
    const timeoutMs = (hook: number) => 2 * second + (hook % 100) * 130
    const waits = await waitsWithStop(crowdedRig(ofOthers, timeoutMs), 0)
    expect(Math.max(...waits)).toBeLessThan(second / 2)
  }, 60_000)
})
