import { describe, expect, it } from 'vitest'
import { createRig, topics } from '../support/flow-rig.ts'
import { headerTextsOf } from '../support/record-builders.ts'

const url = 'https://a.example/'

describe('a record that is too large', () => {
  it('ends its run as too-large, with a dead letter that refers to its source', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a' })
    const tiny = { topic: `${topics.retryPrefix}tiny`, delayMs: 5_000 }
    rig.broker.createTopic(tiny.topic, { maxMessageBytes: 300 })
    const one = await rig.start({ tiers: [tiny] })
    one.http.script(url, 500)
    rig.sendEvent({ padding: 'x'.repeat(1_000) })
    await rig.clock.advance(100)
    expect(rig.story()).toEqual(['a retrying 1', 'a dead null'])
    const [dead] = rig.broker.read(topics.deadLetters)
    expect(dead?.value).toBeNull()
    expect(headerTextsOf(dead)).toMatchObject({ 'hooktide-reason': 'too-large' })
    expect(headerTextsOf(dead)['hooktide-source']).toContain('auth.events')
    expect(rig.broker.committed('hooktide', { topic: 'auth.events', partition: 0 })?.offset).toBe(1)
  })

  it('ends the process when it is a result, since nothing can replace a result', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a' })
    const results = 'small.results'
    rig.broker.createTopic(results, { maxMessageBytes: 300 })
    const one = await rig.start({ topics: { ...topics, results } })
    one.http.script(url, 200)
    rig.sendEvent()
    await rig.clock.advance(100)
    expect(one.failures.map(({ message }) => message)).toEqual([
      'a result exceeds what topic small.results accepts: raise its max.message.bytes',
    ])
    expect(rig.broker.read(topics.deadLetters)).toEqual([])
    const committed = rig.broker.committed('hooktide', { topic: 'auth.events', partition: 0 })
    expect(committed?.offset ?? 0).toBe(0)
  })

  it('of an epoch that ended meanwhile is left to the next owner', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a' })
    const tiny = { topic: `${topics.retryPrefix}tiny`, delayMs: 5_000 }
    rig.broker.createTopic(tiny.topic, { maxMessageBytes: 300 })
    const one = await rig.start({ tiers: [tiny] })
    rig.broker.setAckDelay(1_000)
    rig.sendEvent({ padding: 'x'.repeat(1_000) })
    await rig.clock.advance(10)
    one.http.calls[0]?.answer(500)
    await rig.clock.advance(10)
    await one.live.freeze()
    await one.live.thaw()
    await rig.clock.advance(5_000)
    expect(rig.story()[0]).toBe('a retrying 1')
    expect(rig.broker.read(topics.deadLetters)).toEqual([])
  })

  it('has no dead letter while membership is not proven, and the next owner calls again', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a' })
    const tiny = { topic: `${topics.retryPrefix}tiny`, delayMs: 5_000 }
    rig.broker.createTopic(tiny.topic, { maxMessageBytes: 300 })
    const one = await rig.start({ tiers: [tiny] })
    rig.broker.setAckDelay(12_000)
    rig.sendEvent({ padding: 'x'.repeat(1_000) })
    await rig.clock.advance(10)
    one.http.calls[0]?.answer(500)
    await rig.clock.advance(10)
    await one.live.freeze()
    await rig.clock.advance(15_000)
    expect(rig.broker.read(topics.deadLetters)).toEqual([])
    await one.live.thaw()
    await rig.clock.advance(5_000)
    expect(one.http.calls).toHaveLength(2)
  })
})

describe('a rejected record that is too large for its topic', () => {
  /** The record is rejected while acknowledgements take 12 s. */
  async function rigWithRejection() {
    const rig = createRig()
    rig.broker.createTopic(topics.rejected, { maxMessageBytes: 700 })
    const one = await rig.start()
    rig.broker.setAckDelay(12_000)
    rig.broker.produce('auth.events', { value: `{"padding": "${'x'.repeat(1_000)}` })
    await rig.clock.advance(10)
    return { rig, one }
  }

  it('is replaced by a reference to its place', async () => {
    const { rig } = await rigWithRejection()
    await rig.clock.advance(30_000)
    const [reference] = rig.broker.read(topics.rejected)
    expect(reference?.value).toBeNull()
    expect(headerTextsOf(reference)['hooktide-source']).toContain('auth.events')
    expect(rig.broker.committed('hooktide', { topic: 'auth.events', partition: 0 })?.offset).toBe(1)
  })

  it('has no reference from a process whose membership is not proven', async () => {
    const { rig, one } = await rigWithRejection()
    await one.live.freeze()
    await rig.clock.advance(30_000)
    expect(rig.broker.read(topics.rejected)).toEqual([])
  })

  it('has one reference, of the present epoch, if that in which it was rejected has ended', async () => {
    const { rig, one } = await rigWithRejection()
    await one.live.freeze()
    await one.live.thaw()
    await rig.clock.advance(60_000)
    expect(rig.broker.read(topics.rejected)).toHaveLength(1)
    expect(rig.broker.committed('hooktide', { topic: 'auth.events', partition: 0 })?.offset).toBe(1)
  })
})
