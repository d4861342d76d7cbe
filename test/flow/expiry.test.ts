import { expect, it } from 'vitest'
import { createRig } from '../support/flow-rig.ts'

const url = 'https://a.example/'
const minute = 60_000

it('an expired delivery is blamed on its endpoint if that asked for more time, and otherwise on hooktide, which was late', async () => {
  const day = 24 * 60 * minute
  const expired = async (standsStillMs: number) => {
    const rig = createRig({ tiers: ['5s', '30m', '2h'] })
    rig.putHook({ id: 'a' })
    rig.script(url, { status: 429, retryAfterMs: day })
    const one = await rig.start({ retrySchedule: Array.from({ length: 9 }, () => 5_000) })
    rig.sendEvent()
    await rig.clock.advance(day + minute)
    if (standsStillMs > 0) {
      await one.processor.stop(0)
      await rig.clock.advance(standsStillMs)
      await rig.start()
    }
    await rig.clock.advance(5 * day)
    const { outcome, reason, blame } = rig.results().at(-1) ?? {}
    return { outcome, reason, blame }
  }
  const reason = 'max-age'
  expect(await expired(0)).toEqual({ outcome: 'expired', reason, blame: 'endpoint' })
  expect(await expired(5 * day)).toEqual({ outcome: 'expired', reason, blame: 'hooktide' })
})
