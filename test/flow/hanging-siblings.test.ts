import { describe, expect, it } from 'vitest'
import type { DeliveryResult } from '../../src/core/model/records.ts'
import type { ProcessorSettings } from '../../src/processor.ts'
import { createRig, topics, type Rig } from '../support/flow-rig.ts'

const second = 1_000
const hour = 3_600 * second
const url = (id: string) => `https://${id}.example/`

/** Hooks of the default tenant, each with an event of its own, so that they have equally many events in one partition. */
function putHanging(rig: Rig, count: number, timeoutMs: number): readonly string[] {
  const events = Array.from({ length: count }, (_, index) => `Hangs.N${index}`)
  for (const event of events) {
    rig.putHook({
      id: event,
      events: [event],
      config: { url: url(event) },
      delivery: { timeoutMs },
    })
  }
  return events
}

function putAnswering(rig: Rig): void {
  rig.putHook({ id: 'answers', events: ['PostSignIn'], config: { url: url('answers') } })
}

function outcomesOf(
  rig: Rig,
  isWanted: (result: DeliveryResult) => boolean,
): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const result of rig.results().filter(isWanted)) {
    counts[result.outcome] = (counts[result.outcome] ?? 0) + 1
  }
  return counts
}

/** A request record. */
function testOf(hookId: string) {
  return {
    value: Buffer.from('{"event":"PostSignIn","createdAt":"2026-09-14T09:02:11.019Z"}'),
    headers: {
      'hooktide-hook-id': hookId,
      'hooktide-tenant-id': 'default',
      'hooktide-event-id': `test-of-${hookId}`,
      'hooktide-trigger': 'test',
    },
  }
}

const isOfAnswering = ({ hookId }: DeliveryResult) => hookId === 'answers'

describe('a hook that answers, beside hooks of its tenant and partition that hang', () => {
  /** The hanging hooks got their events three seconds ago. Nothing is known of the other one yet. */
  async function besideHanging(
    hooks: number,
    eventsEach: number,
    afterMs: number,
    overrides: Partial<ProcessorSettings> = {},
  ) {
    const rig = createRig()
    putAnswering(rig)
    const events = putHanging(rig, hooks, 60 * second)
    const one = await rig.start(overrides)
    expect(one.processor.status().suspendedHooks).toBe(0)
    one.http.script(url('answers'), { status: 200, afterMs })
    for (const event of events) {
      for (let index = 0; index < eventsEach; index += 1) rig.sendEvent({ event, index })
    }
    await rig.clock.advance(3 * second)
    return { rig, one, events }
  }

  it.each([
    [5, 400],
    [16, 200],
    [60, 40],
    [300, 2],
  ])(
    'gets its calls within two seconds, although %i of them got %i events each',
    async (hooks, eventsEach) => {
      const { rig } = await besideHanging(hooks, eventsEach, 0)
      for (let index = 0; index < 1_000; index += 1) rig.sendEvent({ index })
      await rig.clock.advance(2 * second)
      expect(outcomesOf(rig, isOfAnswering)).toMatchObject({ delivered: 1_000 })
    },
    20_000,
  )

  it.each([
    [5, 400],
    [16, 200],
    [60, 40],
  ])(
    'gets its calls also when each takes two seconds, beside %i of them with %i events each',
    async (hooks, eventsEach) => {
      const { rig } = await besideHanging(hooks, eventsEach, 2 * second)
      for (let index = 0; index < 100; index += 1) rig.sendEvent({ index })
      await rig.clock.advance(60 * second)
      expect(outcomesOf(rig, isOfAnswering)).toMatchObject({ delivered: 100 })
    },
    20_000,
  )

  it('gets its calls within seconds, although they have hung for longer than a minute', async () => {
    const { rig } = await besideHanging(5, 400, 0)
    await rig.clock.advance(62 * second)
    for (let index = 0; index < 100; index += 1) rig.sendEvent({ index })
    await rig.clock.advance(5 * second)
    expect(outcomesOf(rig, isOfAnswering)).toMatchObject({ delivered: 100 })
  }, 20_000)

  it('takes nothing from them as long as it finds room', async () => {
    const { rig, one } = await besideHanging(5, 60, 2 * second)
    const { queued } = one.processor.status()
    rig.sendEvent()
    await rig.clock.advance(10 * second)
    expect(one.processor.status().queued).toBe(queued)
  })

  it('makes them lose nothing of what they had queued', async () => {
    const { rig, one, events } = await besideHanging(5, 400, 2 * second)
    for (let index = 0; index < 100; index += 1) rig.sendEvent({ index })
    await rig.clock.advance(20 * second)
    for (const event of events) one.http.script(url(event), 200)
    await rig.clock.advance(3 * hour)
    expect(outcomesOf(rig, ({ hookId }) => hookId !== 'answers')).toMatchObject({
      delivered: 2_000,
    })
    expect(rig.broker.read(topics.deadLetters)).toEqual([])
  }, 20_000)

  it('has nothing that they had queued written to the dead letters, where no more may be deferred', async () => {
    const { rig } = await besideHanging(16, 100, 2 * second, { maxDeferredPerHook: 1 })
    const outcomes = () => outcomesOf(rig, ({ hookId }) => hookId !== 'answers')
    const before = outcomes()
    for (let index = 0; index < 100; index += 1) rig.sendEvent({ index })
    await rig.clock.advance(10 * second)
    expect(outcomes()).toEqual(before)
  })

  it('leaves deliveries in their lanes of events that go to several of them', async () => {
    const rig = createRig()
    putAnswering(rig)
    for (let n = 0; n < 5; n += 1) {
      const id = `hangs-${n}`
      rig.putHook({ id, events: ['Hangs.All'], config: { url: url(id) } })
    }
    const one = await rig.start()
    one.http.script(url('answers'), { status: 200, afterMs: 2 * second })
    for (let index = 0; index < 500; index += 1) rig.sendEvent({ event: 'Hangs.All', index })
    await rig.clock.advance(3 * second)
    const queued = () => one.processor.status().queued
    const before = queued()
    for (let index = 0; index < 100; index += 1) rig.sendEvent({ index })
    await rig.clock.advance(3 * second)
    expect(before).toBeGreaterThan(300)
    expect(queued()).toBeGreaterThanOrEqual(before)
    expect(one.signals.filter(({ kind }) => kind === 'run.split')).toEqual([])
  })

  it('leaves queued tests of theirs in their lanes', async () => {
    const { rig, events } = await besideHanging(5, 400, 2 * second)
    for (const hookId of events) rig.broker.produce(topics.requests, testOf(hookId))
    for (let index = 0; index < 100; index += 1) rig.sendEvent({ index })
    await rig.clock.advance(20 * second)
    expect(outcomesOf(rig, ({ trigger }) => trigger === 'test')).toEqual({})
  }, 20_000)
})

describe('a hook whose calls take three seconds, alone in its tenant', () => {
  it('keeps all that it has queued, although its share is used up', async () => {
    const rig = createRig()
    putAnswering(rig)
    const one = await rig.start()
    one.http.script(url('answers'), { status: 200, afterMs: 3 * second })
    for (let index = 0; index < 1_000; index += 1) rig.sendEvent({ index })
    await rig.clock.advance(8 * second)
    expect(one.processor.status().queued).toBeGreaterThan(280)
  })
})

describe('a hook that is known to answer, beside 500 of its tenant and partition that hang', () => {
  /**
   * First one event for each hook of the crowd, then 1,200 a second for them, and one in each tick for the other hook.
   *
   * @returns the ticks in which the other hook was not called at once, after a second in which the crowd is new
   */
  async function lateTicks(ticks: number, shareAt: (tick: number) => number, ackDelayMs = 0) {
    const rig = createRig()
    rig.broker.setAckDelay(ackDelayMs)
    putAnswering(rig)
    const events = putHanging(rig, 500, 5 * second)
    const one = await rig.start()
    expect(one.processor.status().suspendedHooks).toBe(0)
    one.http.script(url('answers'), 200)
    rig.sendEvent({ tick: 0 })
    await rig.clock.advance(5)
    for (const event of events) rig.sendEvent({ event })
    const late: number[] = []
    for (let tick = 1; tick <= ticks; tick += 1) {
      rig.loop.share = shareAt(tick)
      for (let index = 0; index < 120; index += 1) {
        rig.sendEvent({ event: events[(tick * 120 + index) % events.length], tick })
      }
      rig.sendEvent({ tick })
      await rig.clock.advance(100)
      const calls = one.http.calls.filter(({ request }) => request.url === url('answers'))
      if (tick > 10 && calls.length <= tick) late.push(tick)
    }
    return late
  }

  it('is not delayed when their calls time out together', async () => {
    const late = await lateTicks(110, () => 0)
    expect(late).toEqual([])
  }, 20_000)

  it('is not delayed while the event loop is busy for a moment', async () => {
    const late = await lateTicks(45, (tick) => (tick > 30 && tick < 36 ? 1 : 0))
    expect(late).toEqual([])
  }, 20_000)

  it('is not delayed while many deferrals of theirs wait for their acknowledgement', async () => {
    const late = await lateTicks(45, () => 0, 80)
    expect(late).toEqual([])
  }, 20_000)
})

describe('a hook that is known to answer, beside 300 of its tenant whose calls time out while the loop is busy', () => {
  it('is called at once, also while a call of it is in flight', async () => {
    const rig = createRig({ partitions: 4 })
    putAnswering(rig)
    const events = putHanging(rig, 300, 10 * second)
    const one = await rig.start()
    expect(one.processor.status().suspendedHooks).toBe(0)
    one.http.script(url('answers'), { status: 200, afterMs: 25 })
    rig.sendEvent()
    await rig.clock.advance(second)
    for (let index = 0; index < 3; index += 1) {
      for (const event of events) rig.sendEvent({ event, index })
    }
    await rig.clock.advance(10 * second - 100)
    rig.loop.share = 1
    const timedOut = () => rig.results().filter(({ hookId }) => hookId !== 'answers').length
    const late: number[] = []
    for (let step = 0; step < 50; step += 1) {
      rig.sendEvent({ step })
      await rig.clock.advance(20)
      const calls = one.http.calls.filter(({ request }) => request.url === url('answers'))
      if (calls.length !== step + 2) late.push(step)
    }
    expect(timedOut()).toBeGreaterThan(300)
    expect(late).toEqual([])
  }, 20_000)
})
