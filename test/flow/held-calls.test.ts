import { describe, expect, it } from 'vitest'
import { latencies, putAddressed, sendTo, urlOf } from '../support/addressed.ts'
import { createRig } from '../support/flow-rig.ts'

const second = 1_000

describe('hooks that hold their calls', () => {
  it.each(['default', 'acme'])(
    'for 55 s, sixty of them with 16 calls at once, do not delay a healthy one of tenant %s',
    async (tenantId) => {
      const rig = createRig()
      const holders = Array.from({ length: 60 }, (_, index) => `h${index}`)
      for (const id of holders) {
        putAddressed(rig, id, { timeoutMs: 60 * second, concurrency: 16 })
        rig.script(urlOf(id), { status: 200, afterMs: 55 * second })
      }
      putAddressed(rig, 'healthy', { tenantId })
      rig.script(urlOf('healthy'), 200)
      await rig.start()
      for (let round = 0; round < 50; round += 1) for (const id of holders) sendTo(rig, id)
      for (let tick = 0; tick < 100; tick += 1) {
        sendTo(rig, 'healthy', { tenantId, count: 10 })
        for (const id of holders.slice(tick % 10, (tick % 10) + 10)) sendTo(rig, id)
        await rig.clock.advance(second / 2)
      }
      const waits = latencies(rig, 'healthy')
      expect(waits).toHaveLength(1_000)
      // Of its first calls nothing is known of the healthy hook. Where they are its tenant's that hold their calls, these
      // go by way of the shortest tier rather than to hold up the partition.
      expect(Math.max(...waits)).toBeLessThan(7 * second)
      expect(Math.max(...waits.slice(100))).toBeLessThan(second)
    },
    60_000,
  )
})
