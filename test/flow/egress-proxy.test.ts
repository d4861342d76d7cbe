/** The operator runs the egress proxy, so its failures are not those of endpoints. */
import { describe, expect, it } from 'vitest'
import { createRig, topics } from '../support/flow-rig.ts'

describe('an egress proxy that is unavailable', () => {
  it('stops all calls, uses up no attempt, and is reported', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a' })
    const one = await rig.start()
    one.http.setTrouble('the egress proxy cannot be reached')
    rig.sendEvent()
    await rig.clock.advance(60_000)
    expect(one.http.calls).toEqual([])
    expect(one.signals).toContainEqual({ kind: 'calls.stopped', cause: 'proxy-away' })
    expect(one.processor.status().troubles).toEqual([
      'no call is made: the egress proxy cannot be reached',
    ])
    one.http.setTrouble(undefined)
    await rig.clock.advance(100)
    one.http.calls[0]?.answer(200)
    await rig.clock.advance(20)
    expect(rig.story()).toEqual(['a delivered 1'])
    expect(one.processor.status().troubles).toEqual([])
  })

  it('opens no breaker by the calls in flight, and has its own blame', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a' })
    const one = await rig.start()
    for (let event = 0; event < 40; event += 1) rig.sendEvent()
    await rig.clock.advance(20)
    for (let call = 0; call < 40; call += 1) {
      one.http.openCalls[0]?.fail('proxy')
      await rig.clock.advance(20)
    }
    expect(one.http.calls).toHaveLength(40)
    const results = rig.results()
    expect(results).toHaveLength(40)
    for (const { errorClass, blame, outcome } of results) {
      expect({ errorClass, blame, outcome }).toEqual({
        errorClass: 'proxy',
        blame: 'hooktide',
        outcome: 'retrying',
      })
    }
    expect(rig.broker.read(topics.endpoints)).toEqual([])
  })
})
