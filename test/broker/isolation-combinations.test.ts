/** Combinations of slow, hanging and healthy hooks that share partitions, processes and tenants: by order and counts. */
import { describe, expect, it } from 'vitest'
import type { DeliveryResult } from '../../src/core/model/records.ts'
import type { ReceivedRequest, ReceiverAnswer } from '../../examples/sandbox/sandbox.ts'
import { callsByDelivery } from '../support/accounting.ts'
import { createBrokerRig, type BrokerRig, type EventInput } from '../support/broker-rig.ts'
import { surroundings } from '../support/sandbox.ts'

const hang: ReceiverAnswer = { kind: 'hang' }

function after(ms: number): ReceiverAnswer {
  const passed = new Promise((resolve) => setTimeout(resolve, ms))
  return { kind: 'respond', status: 200, after: passed }
}

function events(count: number, event: string, headers: Readonly<Record<string, string>> = {}) {
  return Array.from({ length: count }, (_, n): EventInput => ({ fields: { event, n }, headers }))
}

/** One of each in turn. */
function mixed<Item>(...lists: readonly (readonly Item[])[]): readonly Item[] {
  const longest = Math.max(...lists.map((list) => list.length))
  return Array.from({ length: longest }, (_, n) => lists.flatMap((list) => list[n] ?? [])).flat()
}

function countOf(results: readonly DeliveryResult[], hookId: string, outcome = 'delivered') {
  return results.filter((one) => one.hookId === hookId && one.outcome === outcome).length
}

function callsTo({ receiver }: BrokerRig, path: string): readonly ReceivedRequest[] {
  return receiver.requests.filter((request) => request.path === path)
}

describe('a burst for a slow endpoint beside a fast one, on one partition', () => {
  it('does not delay the fast one, and is delivered at the first attempt', async () => {
    await using rig = await createBrokerRig({
      brokers: surroundings().brokers,
      answer: ({ path }) => (path === '/slow' ? after(200) : undefined),
    })
    await rig.putHooks({ id: 'slow', events: ['Slow'] }, { id: 'fast', events: ['Fast'] })
    await rig.run()
    await rig.sendEvents(...mixed(events(800, 'Slow'), events(800, 'Fast')))
    const whenFast = await rig.results.waitFor((all) => countOf(all, 'fast') === 800)
    expect(countOf(whenFast, 'slow')).toBeLessThan(700)
    const all = await rig.results.waitFor((results) => countOf(results, 'slow') >= 800)
    expect(countOf(all, 'slow')).toBe(800)
    expect(all.filter(({ outcome }) => outcome === 'dead')).toEqual([])
    expect(all.filter(({ attempt }) => attempt !== null && attempt > 1)).toEqual([])
    // What waits for its turn is no fault of the endpoint.
    const deferred = all.filter(({ outcome }) => outcome === 'deferred')
    expect(deferred.every(({ blame }) => blame === null)).toBe(true)
    expect(callsTo(rig, '/slow')).toHaveLength(800)
  })
})

describe('a normal join while another hook of the same events is slow', () => {
  it('repeats no call of the hook that is done', async () => {
    await using rig = await createBrokerRig({
      brokers: surroundings().brokers,
      partitions: 6,
      answer: ({ path }) => (path === '/slow' ? after(200) : undefined),
    })
    await rig.putHooks({ id: 'quick' }, { id: 'slow', delivery: { concurrency: 1 } })
    await rig.run({ HOOKTIDE_INSTANCE: 'one' })
    await rig.sendEvents(
      ...Array.from({ length: 60 }, (_, n) => ({ fields: { n }, partition: n % 6 })),
    )
    await rig.results.waitFor((all) => countOf(all, 'quick') === 60)
    await rig.run({ HOOKTIDE_INSTANCE: 'two' })
    await rig.results.waitFor((all) => countOf(all, 'slow') >= 60)
    expect(callsTo(rig, '/quick')).toHaveLength(60)
    expect(callsTo(rig, '/slow')).toHaveLength(60)
  })

  it('and a normal stop repeat none either', async () => {
    await using rig = await createBrokerRig({
      brokers: surroundings().brokers,
      partitions: 6,
      answer: ({ path }) => (path === '/slow' ? after(200) : undefined),
      environment: { HOOKTIDE_SHUTDOWN_MS: '1000' },
    })
    await rig.putHooks({ id: 'quick' }, { id: 'slow', delivery: { concurrency: 1 } })
    const one = await rig.run({ HOOKTIDE_INSTANCE: 'one' })
    await rig.sendEvents(
      ...Array.from({ length: 60 }, (_, n) => ({ fields: { n }, partition: n % 6 })),
    )
    await rig.results.waitFor((all) => countOf(all, 'quick') === 60)
    one.signal('SIGTERM')
    expect(await one.exited).toBe(0)
    await rig.run({ HOOKTIDE_INSTANCE: 'two' })
    await rig.results.waitFor((all) => countOf(all, 'slow') >= 60)
    expect(callsTo(rig, '/quick')).toHaveLength(60)
    // The call that was out when the time of the stop was over was aborted and is made again.
    expect(callsTo(rig, '/slow').length).toBeLessThanOrEqual(61)
    expect(callsByDelivery(rig).size).toBe(120)
  })
})

describe('an event that is sent again with its id', () => {
  it('is a new run, with retries and an end, after the first run was exhausted', async () => {
    let answers = [500, 500, 500, 200]
    await using rig = await createBrokerRig({
      brokers: surroundings().brokers,
      answer: () => ({ kind: 'respond', status: answers.shift() ?? 200 }),
      environment: { HOOKTIDE_RETRY_SCHEDULE: '1s', HOOKTIDE_RETRY_TIERS: '1s' },
    })
    await rig.putHooks({ id: 'a' })
    await rig.run()
    const event = { fields: { n: 1 }, headers: { 'event-id': 'X' } }
    await rig.sendEvents(event)
    await rig.results.waitFor((all) => all.some(({ reason }) => reason === 'exhausted'))
    await rig.sendEvents(event)
    const all = await rig.results.waitFor((results) => countOf(results, 'a') === 1)
    answers = []
    expect(all.map(({ attempt, outcome, final }) => [attempt, outcome, final])).toEqual([
      [1, 'retrying', false],
      [2, 'dead', true],
      [1, 'retrying', false],
      [2, 'delivered', true],
    ])
    expect(new Set(all.map(({ deliveryId }) => deliveryId)).size).toBe(1)
    expect(new Set(all.map(({ run }) => run)).size).toBe(2)
  })
})

describe('sixty hooks that hold their calls', () => {
  it('do not slow down a healthy hook of their partition and tenant', async () => {
    await using rig = await createBrokerRig({
      brokers: surroundings().brokers,
      answer: ({ path }) => (path === '/fine' ? undefined : hang),
      environment: { HOOKTIDE_TIMEOUT_MS: '60000' },
    })
    const holders = Array.from({ length: 60 }, (_, n) => `holds${n}`)
    await rig.putHooks(
      { id: 'fine', events: ['Fine'] },
      ...holders.map((id) => ({ id, events: [id] })),
    )
    await rig.run()
    await rig.sendEvents(...holders.flatMap((id) => events(40, id)))
    await rig.sendEvents(...events(1_000, 'Fine'))
    const all = await rig.results.waitFor((results) => countOf(results, 'fine') >= 1_000)
    expect(countOf(all, 'fine')).toBe(1_000)
    // None of the calls that hang has ended: all of this happened beside them.
    expect(all.filter(({ errorClass }) => errorClass === 'timeout')).toEqual([])
  })
})

describe('a tenant that was quiet', () => {
  it('does not wait for the backlog of another tenant on its partition', async () => {
    await using rig = await createBrokerRig({
      brokers: surroundings().brokers,
      answer: ({ path }) => (path === '/slow' ? after(400) : undefined),
    })
    await rig.putHooks({ id: 'slow', tenantId: 'busy' }, { id: 'quiet', tenantId: 'quiet' })
    await rig.run()
    await rig.sendEvents(...events(4_000, 'PostSignIn', { 'tenant-id': 'busy' }))
    await rig.sendEvents(...events(1, 'PostSignIn', { 'tenant-id': 'quiet' }))
    const all = await rig.results.waitFor((results) => countOf(results, 'quiet') === 1)
    // At 40 calls a second the backlog takes 100 s.
    expect(countOf(all, 'slow')).toBeLessThan(300)
  })
})

describe('4,500 hooks of one tenant that accept and hang, all called for one event', () => {
  it('delay neither another tenant nor a hook of the same tenant that answers', async () => {
    const isFine = ({ path }: { readonly path: string }) => !path.startsWith('/hangs')
    await using rig = await createBrokerRig({
      brokers: surroundings().brokers,
      answer: (request) => (isFine(request) ? undefined : hang),
      environment: { HOOKTIDE_TIMEOUT_MS: '60000' },
    })
    const hanging = Array.from({ length: 4_500 }, (_, n) => `hangs${n}`)
    await rig.putHooks(
      { id: 'sibling', events: ['Sibling'] },
      { id: 'other', tenantId: 'other', events: ['Other'] },
      ...hanging.map((id) => ({ id, events: ['All'] })),
    )
    await rig.run()
    await rig.sendEvents(...events(5, 'Sibling'))
    await rig.results.waitFor((all) => countOf(all, 'sibling') === 5)
    await rig.sendEvents(...events(1, 'All'))
    await rig.receiver.waitFor((all) => all.filter((one) => !isFine(one)).length >= 1_000)
    await rig.sendEvents(
      ...mixed(events(100, 'Sibling'), events(100, 'Other', { 'tenant-id': 'other' })),
    )
    const all = await rig.results.waitFor(
      (results) => countOf(results, 'sibling') >= 105 && countOf(results, 'other') >= 100,
    )
    expect(all.filter(({ errorClass }) => errorClass === 'timeout')).toEqual([])
    expect(all.filter(({ hookId }) => hookId.startsWith('hangs'))).toEqual([])
    const called = rig.receiver.requests.filter((one) => !isFine(one))
    expect(called.length).toBeLessThanOrEqual(2_048)
  })
})
