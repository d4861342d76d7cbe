import { describe, expect, it } from 'vitest'
import { ConnectFailure } from '../../../src/edge/http/connecting.ts'
import { ProxyWatch } from '../../../src/edge/http/proxy-watch.ts'
import { createHandClock } from '../../support/hand-clock.ts'

const lost = new ConnectFailure('proxy', 'cannot be reached', new Error('10.0.0.5:3128 refuses'))

function watching() {
  const clock = createHandClock()
  const asked: ((failure: ConnectFailure | undefined) => void)[] = []
  const told: string[] = []
  const watch = new ProxyWatch({
    clock,
    reach: (done) => asked.push(done),
    onAway: (error) => told.push(error),
    onBack: () => told.push('back'),
  })
  return { clock, asked, told, watch, answer: (failure?: ConnectFailure) => asked.pop()?.(failure) }
}

describe('an egress proxy', () => {
  it('of which one call says that it is away is asked, and is not taken for that before', () => {
    const { watch, asked, answer } = watching()
    watch.suspect(lost)
    watch.suspect(lost)
    expect(asked).toHaveLength(1)
    expect(watch.trouble).toBeUndefined()
    answer()
    expect(watch.trouble).toBeUndefined()
  })

  it('that is away holds calls back until it answers, and is asked every second', async () => {
    const { watch, asked, answer, clock, told } = watching()
    watch.suspect(lost)
    answer(lost)
    for (let second = 0; second < 3; second += 1) {
      expect(watch.trouble).toBe('cannot be reached')
      expect(asked).toHaveLength(0)
      await clock.advance(1_000)
      expect(asked).toHaveLength(1)
      if (second < 2) answer(lost)
    }
    answer()
    expect(watch.trouble).toBeUndefined()
    await clock.advance(10_000)
    expect(asked).toHaveLength(0)
    expect(told).toEqual(['cannot be reached: 10.0.0.5:3128 refuses', 'back'])
  })

  it('is told of at most twice a minute, however often calls fail', async () => {
    const { watch, told, answer, clock } = watching()
    for (let second = 0; second < 60; second += 1) {
      for (let call = 0; call < 100; call += 1) watch.suspect(lost)
      answer()
      await clock.advance(1_000)
    }
    expect(told).toHaveLength(2)
  })

  it('is asked when calls are given up before it answers, no more than once a second', async () => {
    const { watch, asked, answer, clock, told } = watching()
    for (let call = 0; call < 100; call += 1) {
      watch.suspectSlow()
      answer()
    }
    await clock.advance(1_000)
    watch.suspectSlow()
    expect(asked).toHaveLength(1)
    expect(told).toEqual([])
    answer(lost)
    expect(watch.trouble).toBe('cannot be reached')
    expect(told).toHaveLength(1)
  })

  it('is asked no more after the end', async () => {
    const { watch, asked, answer, clock } = watching()
    watch.suspect(lost)
    answer(lost)
    watch.stop()
    watch.suspect(lost)
    await clock.advance(10_000)
    expect(asked).toHaveLength(0)
    expect(watch.trouble).toBeUndefined()
  })
})
