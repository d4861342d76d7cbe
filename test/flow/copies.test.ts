/** Records of one run that were written twice, as by a process that did not know that it was cut off. */
import { describe, expect, it } from 'vitest'
import type { Run } from '../../src/core/model/model.ts'
import { runHeaders, splitHeaders } from '../../src/core/run/delivery-headers.ts'
import { decodeEvent } from '../../src/core/event/event.ts'
import { deliveryIdOf } from '../../src/core/model/identity.ts'
import { createRig, topics, type Instance, type Rig } from '../support/flow-rig.ts'
import { runOf } from '../support/model-builders.ts'

const second = 1_000
const url = 'https://a.example/'

/** The run of hook `a` that an event began, with these fields. */
function runOfEvent(rig: Rig, offset: number, fields: Partial<Run>): Run {
  const record = rig.broker.read('auth.events')[offset]
  const decoded = record === undefined ? undefined : decodeEvent(record)
  if (decoded?.kind !== 'event') throw new RangeError(`offset ${offset} has no event`)
  const { event } = decoded
  return runOf({
    deliveryId: deliveryIdOf(event.tenantId, event.eventSource, event.eventId, 'a'),
    hookId: 'a',
    run: `auth.events/0/${offset}`,
    firstHandledAt: rig.clock.now(),
    dueAt: rig.clock.now(),
    event,
    ...fields,
  })
}

function write(rig: Rig, topic: string, run: Run, headers: ReturnType<typeof runHeaders>): void {
  const texts = [...headers].map(([name, value]) => [name, String(value)] as const)
  rig.broker.produce(topic, {
    key: run.deliveryId,
    value: run.event.body.toString(),
    headers: Object.fromEntries(texts),
    timestamp: rig.clock.now(),
  })
}

function repeats({ signals }: Instance): number {
  return signals.filter(({ kind }) => kind === 'run.repeated').length
}

describe('a record of a run', () => {
  it('that waits in its lane while another record of the run ends it is not called for', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a', delivery: { concurrency: 1, timeoutMs: 60_000 } })
    const one = await rig.start()
    for (let index = 0; index < 3; index += 1) rig.sendEvent({ index })
    await rig.clock.advance(100)
    const split = runOfEvent(rig, 2, { hop: 1 })
    for (let copy = 0; copy < 2; copy += 1) write(rig, topics.requests, split, splitHeaders(split))
    await rig.clock.advance(2 * second)
    for (let call = 0; call < 4; call += 1) {
      one.http.openCalls[0]?.answer(200)
      await rig.clock.advance(2 * second)
    }
    expect(one.http.calls).toHaveLength(3)
    expect(repeats(one)).toBe(2)
    expect(new Set(rig.results().map(({ deliveryId }) => deliveryId)).size).toBe(3)
    const requests = { topic: topics.requests, partition: 0 }
    expect(rig.broker.committed('hooktide', requests)?.offset).toBe(2)
    expect(rig.broker.committed('hooktide', { topic: 'auth.events', partition: 0 })?.offset).toBe(3)
  })

  it('that its former owner wrote before it was cut off is dropped by the owner that ended the run', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a' })
    rig.script(url, 200)
    rig.sendEvent()
    const one = await rig.start()
    await rig.clock.advance(second)
    expect(rig.story()).toEqual(['a delivered 1'])
    const tier = `${topics.retryPrefix}5s`
    const retry = runOfEvent(rig, 0, { attempt: 1, hop: 1, dueAt: rig.clock.now() + 5 * second })
    write(rig, tier, retry, runHeaders(retry))
    await rig.clock.advance(10 * second)
    expect(one.http.calls).toHaveLength(1)
    expect(repeats(one)).toBe(1)
    expect(rig.broker.committed('hooktide.retry', { topic: tier, partition: 0 })?.offset).toBe(1)
  })

  it('that ended because its retry was too large for the tier is not called for', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a' })
    rig.script(url, 500)
    const tiny = { topic: `${topics.retryPrefix}tiny`, delayMs: 5 * second }
    rig.broker.createTopic(tiny.topic, { maxMessageBytes: 300 })
    const one = await rig.start({ tiers: [tiny] })
    rig.sendEvent({ padding: 'x'.repeat(1_000) })
    await rig.clock.advance(second)
    expect(rig.story()).toEqual(['a retrying 1', 'a dead null'])
    const split = runOfEvent(rig, 0, { attempt: 1, hop: 1 })
    write(rig, topics.requests, split, splitHeaders(split))
    await rig.clock.advance(second)
    expect(one.http.calls).toHaveLength(1)
    expect(repeats(one)).toBe(1)
  })
})
