import { describe, expect, it } from 'vitest'
import { createRig, topics } from '../support/flow-rig.ts'

const url = 'https://a.example/'
const minute = 60_000
const year = 365 * 24 * 60 * minute
const tier = `${topics.retryPrefix}5s`

/** A run that waits for its second attempt, with the times that a clock which is ahead would write. */
async function waitingWith(aheadMs: Readonly<Record<string, number>>, dueInMs: number) {
  const before = createRig()
  before.putHook({ id: 'a' })
  before.script(url, { status: 503, retryAfterMs: dueInMs })
  await before.start()
  before.sendEvent()
  await before.clock.advance(100)
  const [written] = before.broker.read(tier)
  const headers = [...(written?.headers ?? [])].map(([name, value]) => {
    const ahead = aheadMs[name]
    return [name, ahead === undefined ? value : Buffer.from(String(Number(value) + ahead))] as const
  })
  const rig = createRig()
  rig.putHook({ id: 'a' })
  rig.script(url, 200)
  await rig.start()
  const { key = null, value = null } = written ?? {}
  await rig.broker.sink().write([{ topic: tier, key, value, headers }])
  return rig
}

describe('a run whose writer had a clock that was ahead', () => {
  it.each([
    ['a year', year],
    ['ten minutes', 10 * minute],
  ])('by %s waits no longer than it should', async (_, ahead) => {
    const times = { 'hooktide-first-handled-at': ahead, 'hooktide-due-at': ahead }
    const rig = await waitingWith(times, 25_000)
    await rig.clock.advance(24_000)
    expect(rig.story()).toEqual([])
    await rig.clock.advance(6_000)
    expect(rig.story()).toEqual(['a delivered 2'])
  })

  it('when it was first handled, and right when it was deferred, is not called before its time', async () => {
    const rig = await waitingWith({ 'hooktide-first-handled-at': year }, 25_000)
    await rig.clock.advance(24_000)
    expect(rig.story()).toEqual([])
    await rig.clock.advance(6_000)
    expect(rig.story()).toEqual(['a delivered 2'])
  })

  it('when it was deferred expires by its age, and does not wait for its time', async () => {
    const rig = await waitingWith({ 'hooktide-due-at': year }, 25_000)
    await rig.clock.advance(6 * 24 * 60 * minute)
    expect(rig.story()).toEqual(['a expired null'])
  })

  it('by less than the maximum age of a signature is not corrected, since clocks may differ by that much', async () => {
    const ahead = 4 * minute
    const times = { 'hooktide-first-handled-at': ahead, 'hooktide-due-at': ahead }
    const rig = await waitingWith(times, 25_000)
    await rig.clock.advance(ahead)
    expect(rig.story()).toEqual([])
    await rig.clock.advance(minute)
    expect(rig.story()).toEqual(['a delivered 2'])
  })
})
