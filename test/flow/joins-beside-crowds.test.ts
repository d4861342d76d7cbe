import { describe, expect, it } from 'vitest'
import { latencies, putAddressed, sendTo, urlOf } from '../support/addressed.ts'
import { createRig, defaultTiers, type Rig } from '../support/flow-rig.ts'

const second = 1_000
const tickMs = 20
const partitions = 12
/** More hooks than a tenant may have calls in flight. */
const hooks = 600
const slots = { maxInFlight: 512 }
const eachTick = 8

/** The tenant of the hook that answers. */
const tenantId = 'default'

/** Goes on for so long with events for hooks that hang, and for one that answers. */
async function goOn(rig: Rig, tenantOf: (hook: number) => string, ms: number): Promise<void> {
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

describe('a process that joins while hooks hang', () => {
  it.each([
    ['of its tenant', () => tenantId],
    ['of as many other tenants', (hook: number) => `tenant${hook}`],
  ])(
    'calls a hook that answers within two seconds, beside hundreds %s',
    async (_, tenantOf) => {
      const rig = createRig({ partitions, tiers: defaultTiers, tierPartitions: partitions })
      putAddressed(rig, 'answers', { tenantId })
      rig.script(urlOf('answers'), { status: 200, afterMs: 3 })
      for (let hook = 0; hook < hooks; hook += 1) {
        putAddressed(rig, `hangs${hook}`, { tenantId: tenantOf(hook) })
      }
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
