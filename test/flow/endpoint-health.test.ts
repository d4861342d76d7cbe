import { describe, expect, it } from 'vitest'
import { decodeHealth, endpointOf, renewed } from '../../src/core/health/record.ts'
import type { EndpointRecord } from '../../src/core/model/records.ts'
import { healthOf } from '../support/endpoints.ts'
import { hookOf } from '../support/model-builders.ts'
import { createRig, topics, type Instance, type Rig } from '../support/flow-rig.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const url = 'https://a.example/'

function words(rig: Rig): readonly EndpointRecord[] {
  return rig.broker
    .read(topics.endpoints)
    .map(({ value }) => JSON.parse(value?.toString() ?? 'null') as EndpointRecord)
}

function story(rig: Rig): readonly string[] {
  return words(rig).map((word) => (word === null ? 'gone' : `${word.state} ${word.reason}`))
}

async function rigWithHook(overrides = {}): Promise<{ rig: Rig; one: Instance }> {
  const rig = createRig()
  rig.putHook({ id: 'a' })
  rig.putHook({ id: 'b', events: ['User.Created'] })
  const one = await rig.start(overrides)
  one.http.script('https://b.example/', 200)
  return { rig, one }
}

function send(rig: Rig, count: number): void {
  for (let index = 0; index < count; index += 1) rig.sendEvent({ index })
}

describe('endpoint health', () => {
  it('has no reports of endpoints that answer', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 200)
    send(rig, 50)
    await rig.clock.advance(hour)
    expect(words(rig)).toEqual([])
  })

  it('reports an endpoint that fails, opens and recovers, at most every ten seconds', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 500)
    for (let tick = 0; tick < 30; tick += 1) {
      send(rig, 1)
      rig.sendEvent({ event: 'User.Created', tick })
      await rig.clock.advance(second)
    }
    expect(story(rig)).toEqual(['failing failures', 'open failures'])
    expect(one.processor.status().endpoints).toEqual({
      failing: 0,
      open: 1,
      paused: 0,
      disabled: 0,
    })
    one.http.script(url, 200)
    await rig.clock.advance(10 * minute)
    expect(story(rig)).toEqual(['failing failures', 'open failures', 'healthy recovered'])
    const times = words(rig).map(({ at }) => at)
    times.forEach((at, index) => {
      if (index > 0) expect(at - (times[index - 1] ?? 0)).toBeGreaterThanOrEqual(10 * second)
    })
    expect(one.processor.status().endpoints).toEqual({
      failing: 0,
      open: 0,
      paused: 0,
      disabled: 0,
    })
  })

  it('disables an endpoint that answers 410, and later deliveries go to the dead letters', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 410)
    send(rig, 1)
    await rig.clock.advance(second)
    send(rig, 3)
    await rig.clock.advance(second)
    expect(rig.story()).toEqual(['a dead 1', 'a dead null', 'a dead null', 'a dead null'])
    expect(rig.results().map(({ reason }) => reason)).toEqual([
      'gone',
      'endpoint-disabled',
      'endpoint-disabled',
      'endpoint-disabled',
    ])
    expect(rig.broker.read(topics.deadLetters)).toHaveLength(4)
    expect(story(rig)).toEqual(['disabled gone'])
    expect(one.signals).toContainEqual(
      expect.objectContaining({ kind: 'endpoint.disabled', hookId: 'a', reason: 'gone' }),
    )
  })

  it('disables an endpoint after days of failures, and a waiting run is dead when it returns', async () => {
    const { rig, one } = await rigWithHook({ disableAfterMs: 6 * hour })
    one.http.script(url, 500)
    for (let passed = 0; passed < 24; passed += 1) {
      send(rig, 2)
      rig.sendEvent({ event: 'User.Created', passed })
      await rig.clock.advance(30 * minute)
    }
    expect(words(rig).at(-1)).toMatchObject({ state: 'disabled', reason: 'failing-for-days' })
    expect(rig.results().at(-1)).toBeDefined()
    const reasons = new Set(rig.results().map(({ reason }) => reason))
    expect(reasons).toContain('endpoint-disabled')
  })

  it('is enabled by a record with a higher epoch, and called at once', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 410, 200)
    send(rig, 1)
    await rig.clock.advance(second)
    const hook = hookOf({ id: 'a', url, configVersion: '0-0' })
    const word = renewed(hook, undefined, {
      reason: 'operator',
      instance: 'x',
      at: rig.clock.now(),
    })
    rig.broker.produce(topics.endpoints, { key: 'a', value: JSON.stringify(word) })
    await rig.clock.advance(second)
    send(rig, 1)
    await rig.clock.advance(minute)
    expect(rig.story()).toEqual(['a dead 1', 'a delivered 1'])
    expect(one.processor.status().endpoints.disabled).toBe(0)
  })

  it('is enabled by a hook record with another URL, and not by one with the same', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 410)
    one.http.script('https://new.example/', 200)
    send(rig, 1)
    await rig.clock.advance(second)
    rig.putHook({ id: 'a', name: 'the same URL' })
    await rig.clock.advance(minute)
    send(rig, 1)
    await rig.clock.advance(second)
    rig.putHook({ id: 'a', config: { url: 'https://new.example/' } })
    await rig.clock.advance(minute)
    send(rig, 1)
    await rig.clock.advance(second)
    expect(rig.story()).toEqual(['a dead 1', 'a dead null', 'a delivered 1'])
    expect(words(rig).at(-1)).toMatchObject({
      state: 'healthy',
      reason: 'url-changed',
      enableEpoch: 1,
    })
  })

  it('calls a new URL at once, though the lane of the former one is open', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 500)
    send(rig, 5)
    await rig.clock.advance(5 * second)
    rig.putHook({ id: 'a', config: { url: 'https://new.example/' } })
    one.http.script('https://new.example/', 200)
    await rig.clock.advance(10)
    send(rig, 1)
    await rig.clock.advance(10)
    expect(rig.results().at(-1)).toMatchObject({ outcome: 'delivered', attempt: 1 })
  })

  it('is known after a restart, and to other instances', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 410)
    send(rig, 1)
    await rig.clock.advance(second)
    await Promise.all([one.processor.stop(0), rig.clock.advance(20 * second)])
    const two = await rig.start({ instance: 'two' })
    send(rig, 1)
    await rig.clock.advance(second)
    expect(two.http.calls).toEqual([])
    expect(rig.story().at(-1)).toBe('a dead null')
    expect(two.processor.status().endpoints.disabled).toBe(1)
  })

  it('of an open endpoint keeps a new instance from calling before the probe', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 500)
    for (let tick = 0; tick < 15; tick += 1) {
      send(rig, 1)
      await rig.clock.advance(second)
    }
    expect(story(rig).at(-1)).toBe('open failures')
    await Promise.all([one.processor.stop(0), rig.clock.advance(100)])
    const two = await rig.start({ instance: 'two' })
    two.http.script(url, 200)
    send(rig, 3)
    await rig.clock.advance(second)
    expect(two.http.calls).toEqual([])
    await rig.clock.advance(10 * minute)
    expect(two.http.calls.length).toBeGreaterThanOrEqual(3)
    expect(words(rig).at(-1)).toMatchObject({ state: 'healthy', instance: 'two' })
  })

  it('is forgotten with its hook', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 410)
    send(rig, 1)
    await rig.clock.advance(second)
    rig.deleteHook('a')
    await rig.clock.advance(second)
    expect(story(rig)).toEqual(['disabled gone', 'gone'])
    expect(one.processor.status().endpoints.disabled).toBe(0)
    rig.putHook({ id: 'a' })
    one.http.script(url, 200)
    await rig.clock.advance(second)
    send(rig, 1)
    await rig.clock.advance(second)
    expect(rig.results().at(-1)).toMatchObject({ outcome: 'delivered' })
  })

  it('counts records that cannot be read, and goes on', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 200)
    rig.broker.produce(topics.endpoints, { key: 'a', value: 'nonsense' })
    rig.broker.produce(topics.endpoints, { key: null, value: null })
    await rig.clock.advance(second)
    send(rig, 1)
    await rig.clock.advance(second)
    const unusable = one.signals.filter(({ kind }) => kind === 'endpoint.unusable')
    expect(unusable).toHaveLength(2)
    // The log has signals as they are, so a signal has nothing of what such a record holds.
    expect(unusable[0]).toMatchObject({ source: { topic: topics.endpoints, partition: 0 } })
    expect(JSON.stringify(unusable)).not.toContain('Buffer')
    expect(rig.story()).toEqual(['a delivered 1'])
  })

  it('is paused until the end of Retry-After, and healthy with the next success', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, { status: 429, retryAfterMs: minute }, 200)
    send(rig, 1)
    await rig.clock.advance(second)
    expect(story(rig)).toEqual(['paused retry-after'])
    expect(words(rig)[0]?.until).toBe(rig.clock.now() - second + minute)
    await rig.clock.advance(10 * minute)
    expect(story(rig)).toEqual(['paused retry-after', 'healthy recovered'])
    expect(one.processor.status().endpoints.paused).toBe(0)
  })

  it('writes records that fit its schema, whatever the clock', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 500, 500, 500, 500, 500, { status: 503, retryAfterMs: 1_234.5 }, 410)
    for (let tick = 0; tick < 60; tick += 1) {
      send(rig, 1)
      await rig.clock.advance(10 * second)
    }
    expect(new Set(words(rig).map(({ state }) => state))).toContain('disabled')
    for (const { key, value } of rig.broker.read(topics.endpoints)) {
      expect(decodeHealth({ key, value })).toMatchObject({ kind: 'health' })
    }
    expect(one.signals.filter(({ kind }) => kind === 'endpoint.unusable')).toEqual([])
  })

  it('does not report the answers of a former URL for the new one', async () => {
    const { rig, one } = await rigWithHook()
    send(rig, 2)
    await rig.clock.advance(10)
    const [first, other] = one.http.openCalls
    rig.putHook({ id: 'a', config: { url: 'https://new.example/' } })
    await rig.clock.advance(10)
    first?.answer(410)
    other?.answer(500)
    await rig.clock.advance(minute)
    expect(words(rig)).toEqual([])
    one.http.script('https://new.example/', 200)
    send(rig, 1)
    await rig.clock.advance(second)
    expect(rig.results().at(-1)).toMatchObject({ outcome: 'delivered', attempt: 1 })
  })

  it('is kept at a start though the hook was once deleted, and when the hook is written again at once', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a' })
    rig.deleteHook('a')
    rig.putHook({ id: 'a' })
    const gone = healthOf({
      hookId: 'a',
      state: 'disabled',
      reason: 'gone',
      endpoint: endpointOf(url),
      configVersion: '0-2',
    })
    rig.broker.produce(topics.endpoints, { key: 'a', value: JSON.stringify(gone) })
    const one = await rig.start()
    rig.deleteHook('a')
    rig.putHook({ id: 'a' })
    await rig.clock.advance(minute)
    send(rig, 1)
    await rig.clock.advance(second)
    expect(rig.story()).toEqual(['a dead null'])
    expect(one.processor.status().endpoints.disabled).toBe(1)
    expect(words(rig)).toHaveLength(1)
  })

  it('of a hook that was deleted before a start is deleted', async () => {
    const rig = createRig()
    const gone = healthOf({ hookId: 'a', state: 'disabled', reason: 'gone' })
    rig.broker.produce(topics.endpoints, { key: 'a', value: JSON.stringify(gone) })
    const one = await rig.start()
    await rig.clock.advance(minute)
    expect(story(rig)).toEqual(['disabled gone', 'gone'])
    expect(one.processor.status().endpoints.disabled).toBe(0)
  })

  it('is reported again once after an outdated report that compaction would keep, and not at the next start', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a' })
    const about = { hookId: 'a', endpoint: endpointOf(url), configVersion: '0-0' }
    const gone = healthOf({ ...about, state: 'disabled', reason: 'gone', enableEpoch: 2 })
    const stale = healthOf({ ...about, state: 'open', reason: 'failures', enableEpoch: 1 })
    for (const word of [gone, stale]) {
      rig.broker.produce(topics.endpoints, { key: 'a', value: JSON.stringify(word) })
    }
    await Promise.all([rig.start(), rig.start({ instance: 'two' })])
    await rig.clock.advance(minute)
    expect(words(rig).at(-1)).toEqual(gone)
    const said = words(rig).length
    expect(said).toBeLessThanOrEqual(4)
    await rig.start({ instance: 'three' })
    await rig.clock.advance(minute)
    expect(words(rig)).toHaveLength(said)
  })

  it('is that of the newest URL, though another process still reported the former one', async () => {
    const { rig, one } = await rigWithHook()
    rig.putHook({ id: 'a', config: { url: 'https://new.example/' } })
    await rig.clock.advance(second)
    const late = healthOf({
      hookId: 'a',
      state: 'disabled',
      reason: 'gone',
      endpoint: endpointOf(url),
      configVersion: '0-0',
    })
    rig.broker.produce(topics.endpoints, { key: 'a', value: JSON.stringify(late) })
    one.http.script('https://new.example/', 200)
    await rig.clock.advance(second)
    send(rig, 1)
    await rig.clock.advance(second)
    expect(rig.story()).toEqual(['a delivered 1'])
    expect(story(rig)).toEqual(['disabled gone', 'healthy url-changed'])
  })
})
