import { describe, expect, it } from 'vitest'
import { splitHeaders } from '../../src/core/run/delivery-headers.ts'
import { deliveryIdOf } from '../../src/core/model/identity.ts'
import { eventOf, runOf } from '../support/model-builders.ts'
import { createRig, topics } from '../support/flow-rig.ts'

const url = 'https://a.example/'
const minute = 60_000

async function rigWithHook(delivery: Readonly<Record<string, unknown>> = {}) {
  const rig = createRig()
  rig.putHook({ id: 'a', delivery })
  const one = await rig.start()
  return { rig, one }
}

describe('an event that is sent again under the same id', () => {
  it('is a run of its own, with retries of its own, after the first has ended as exhausted', async () => {
    const { rig, one } = await rigWithHook({ maxRetries: 1 })
    one.http.script(url, 500, 500, 500, 200)
    rig.sendEvent({}, { 'event-id': 'x' })
    await rig.clock.advance(minute)
    expect(rig.story()).toEqual(['a retrying 1', 'a dead 2'])
    rig.sendEvent({}, { 'event-id': 'x' })
    await rig.clock.advance(minute)
    expect(rig.story().slice(2)).toEqual(['a retrying 1', 'a delivered 2'])
    expect(one.signals.filter(({ kind }) => kind === 'run.repeated')).toEqual([])
    const [first, , again] = rig.results()
    expect(again?.deliveryId).toBe(first?.deliveryId)
    expect(rig.results().map(({ run }) => run)).toEqual([
      'auth.events/0/0',
      'auth.events/0/0',
      'auth.events/0/1',
      'auth.events/0/1',
    ])
  })

  it('by another producer while the first is retried loses neither of the two', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 500, 500, 200)
    rig.sendEvent({ name: 'one' }, { 'event-id': 'x' })
    await rig.clock.advance(1_000)
    rig.sendEvent({ name: 'two' }, { 'event-id': 'x' })
    await rig.clock.advance(minute)
    expect(rig.story()).toEqual(['a retrying 1', 'a retrying 1', 'a delivered 2', 'a delivered 2'])
    const bodies = one.http.calls
      .slice(2)
      .map(({ request }) => JSON.parse(request.body.toString()).name)
    expect(bodies).toEqual(['one', 'two'])
  })
})

describe('a run of before runs were named by their record', () => {
  const waiting = (source: string, attempt: string) => ({
    value: '{"event":"PostSignIn","createdAt":"2026-09-14T09:02:11.019Z"}',
    headers: {
      'hooktide-hook-id': 'a',
      'hooktide-tenant-id': 'default',
      'hooktide-event-id': 'x',
      'hooktide-run': '0',
      'hooktide-attempt': attempt,
      'hooktide-hop': attempt,
      'hooktide-trigger': 'event',
      'hooktide-source': source,
    },
  })

  it('continues under its old name, also in its dead letter', async () => {
    const { rig, one } = await rigWithHook({ maxRetries: 2 })
    one.http.script(url, 500)
    rig.broker.produce(`${topics.retryPrefix}5s`, waiting('auth.events/0/7', '1'))
    await rig.clock.advance(20 * minute)
    expect(rig.story()).toEqual(['a retrying 2', 'a dead 3'])
    expect(rig.results().map(({ run }) => run)).toEqual(['0', '0'])
    const [dead] = rig.broker.read(topics.deadLetters)
    expect(String(new Map(dead?.headers).get('hooktide-run'))).toBe('0')
  })

  it('differs from another run of its event by the place of that event, though both have the same name', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 200)
    rig.broker.produce(`${topics.retryPrefix}5s`, waiting('auth.events/0/7', '2'))
    await rig.clock.advance(6_000)
    rig.broker.produce(`${topics.retryPrefix}5s`, waiting('auth.events/0/8', '1'))
    rig.broker.produce(`${topics.retryPrefix}5s`, waiting('auth.events/0/7', '2'))
    await rig.clock.advance(6_000)
    expect(rig.story()).toEqual(['a delivered 3', 'a delivered 2'])
    expect(one.signals.filter(({ kind }) => kind === 'run.repeated')).toHaveLength(1)
  })
})

describe('an event that is read again', () => {
  const events = { topic: 'auth.events', partition: 0 }

  it('is called again only for hooks whose run was not handled here', async () => {
    const { rig, one } = await rigWithHook()
    rig.putHook({ id: 'slow', delivery: { timeoutMs: 60_000 } })
    await rig.clock.advance(10)
    one.http.script(url, 500, 200)
    rig.sendEvent()
    await rig.clock.advance(10_000)
    expect(rig.story()).toEqual(['a retrying 1', 'a delivered 2'])
    // Its offset is open, since one call has not ended. So a new epoch reads it again.
    await one.live.freeze()
    await one.live.thaw()
    await rig.clock.advance(10)
    const urls = one.http.calls.map(({ request }) => request.url)
    expect(urls.filter((each) => each === url)).toHaveLength(2)
    expect(urls.filter((each) => each !== url)).toHaveLength(2)
    one.http.calls.at(-1)?.answer(200)
    await rig.clock.advance(1_000)
    expect(rig.story().slice(2)).toEqual(['slow interrupted 1', 'slow delivered 1'])
    expect(rig.broker.committed('hooktide', events)?.offset).toBe(1)
  })

  it('is a repeat when all of its runs were handled here: no call is made, and its offset completes', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 500, 200)
    rig.sendEvent()
    await rig.clock.advance(10_000)
    rig.broker.setCommitted('hooktide', events, 0)
    await one.live.freeze()
    await one.live.thaw()
    await rig.clock.advance(1_000)
    expect(rig.story()).toEqual(['a retrying 1', 'a delivered 2'])
    expect(one.http.calls).toHaveLength(2)
    expect(one.signals.filter(({ kind }) => kind === 'run.repeated')).toHaveLength(1)
    expect(rig.broker.committed('hooktide', events)?.offset).toBe(1)
  })
})

describe('a run that continues on the requests topic', () => {
  const run = runOf({
    deliveryId: deliveryIdOf('default', '', 'x', 'a'),
    hookId: 'a',
    run: 'auth.events/0/7',
    hop: 1,
    event: eventOf({ eventId: 'x', source: { topic: 'auth.events', partition: 0, offset: 7 } }),
  })

  const splitOf = (firstHandledAt: number, fields = {}) => ({
    value: run.event.body,
    headers: splitHeaders({ ...run, firstHandledAt, ...fields }),
  })

  it('is called at once under its own name, attempt and trigger, and hops on from there', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 500, 200)
    const due = { dueAt: rig.clock.now() + minute, attempt: 2 }
    rig.broker.produce(topics.requests, splitOf(rig.clock.now(), due))
    await rig.clock.advance(10)
    expect(rig.results()).toMatchObject([
      { run: 'auth.events/0/7', trigger: 'event', attempt: 3, outcome: 'retrying' },
    ])
    const [record] = rig.broker.read(`${topics.retryPrefix}5m`)
    const texts = Object.fromEntries(
      [...(record?.headers ?? [])].map(([name, text]) => [name, String(text)]),
    )
    expect(texts).toMatchObject({ 'hooktide-hop': '2', 'hooktide-run': 'auth.events/0/7' })
    expect(texts).not.toHaveProperty('hooktide-split')
  })

  it('keeps its age, and expires by it', async () => {
    const { rig, one } = await rigWithHook()
    const long = rig.clock.now() - 6 * 24 * 60 * minute
    rig.broker.produce(topics.requests, splitOf(long))
    await rig.clock.advance(10)
    expect(rig.story()).toEqual(['a expired null'])
    expect(one.http.calls).toEqual([])
  })

  it('is a repeat when its record was written twice, or its event is read again', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 200)
    rig.broker.setCommitted('hooktide', { topic: 'auth.events', partition: 0 }, 0)
    const split = splitOf(rig.clock.now(), { run: 'auth.events/0/0' })
    rig.broker.produce(topics.requests, split)
    await rig.clock.advance(10)
    rig.broker.produce(topics.requests, split)
    rig.sendEvent({}, { 'event-id': 'x' })
    await rig.clock.advance(1_000)
    expect(rig.story()).toEqual(['a delivered 1'])
    expect(one.signals.filter(({ kind }) => kind === 'run.repeated')).toHaveLength(2)
  })
})
