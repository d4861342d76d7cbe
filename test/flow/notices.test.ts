/** Notices: what happens to an endpoint, told by a webhook (docs/notices.md). */
import { describe, expect, it } from 'vitest'
import { noticeKeys } from '../../src/core/event/event-keys.ts'
import { noticeBounds } from '../../src/core/notice/budget.ts'
import { endpointOf, renewed } from '../../src/core/health/record.ts'
import type { NoticePayload } from '../../src/core/model/records.ts'
import { createRig, topics, type Instance, type Rig } from '../support/flow-rig.ts'
import { healthOf } from '../support/endpoints.ts'
import { hookOf } from '../support/model-builders.ts'

const second = 1_000
const minute = 60 * second
const notices = true

interface Told extends NoticePayload {
  readonly webhookId: string
}

/** A hook `a` that fails, and a hook `owner` of the same tenant that receives notices. */
function createNoticeRig(options: Parameters<typeof createRig>[0] = {}): Rig {
  const rig = createRig(options)
  rig.putHook({ id: 'a' })
  rig.putHook({ id: 'owner', events: noticeKeys })
  rig.script('https://a.example/', 410)
  rig.script('https://owner.example/', 200)
  return rig
}

/** The notices that hooks received from the processes, with their ids. */
function received(id: string, ...instances: readonly Instance[]): readonly Told[] {
  return instances.flatMap(({ http }) =>
    http.calls
      .filter(({ request }) => request.url === `https://${id}.example/`)
      .map(({ request }) => ({
        ...(JSON.parse(request.body.toString()) as NoticePayload),
        webhookId: request.headers['webhook-id'] ?? '',
      })),
  )
}

const eventsOf = (told: readonly Told[]) => told.map(({ event }) => event)

/** Notices on the event topic, whoever received them. */
function written(rig: Rig): readonly NoticePayload[] {
  return rig.broker
    .read('auth.events')
    .map(({ value }) => JSON.parse(value?.toString() ?? 'null') as NoticePayload)
    .filter(({ event }) => event.startsWith('Hooktide.'))
}

describe('notices', () => {
  it('are written only where they are asked for', async () => {
    const rig = createNoticeRig()
    const one = await rig.start()
    rig.sendEvent()
    await rig.clock.advance(minute)
    expect(written(rig)).toEqual([])
    expect(received('owner', one)).toEqual([])
  })

  it('tell a hook of the tenant that an endpoint was disabled, without secrets', async () => {
    const rig = createNoticeRig()
    const secret = 'sk3VQ9xT7LmZ2pRw'
    rig.putHook({
      id: 'a',
      name: 'Orders',
      config: { url: `https://a.example/hook/${secret}?key=${secret}` },
    })
    rig.script(`https://a.example/hook/${secret}?key=${secret}`, 410)
    const one = await rig.start({ notices })
    rig.sendEvent()
    await rig.clock.advance(5 * second)
    const told = received('owner', one)
    expect(told).toMatchObject([
      {
        event: 'Hooktide.Endpoint.Disabled',
        hookId: 'owner',
        data: {
          hookId: 'a',
          hookName: 'Orders',
          url: 'https://a.example/hook/(hidden)',
          state: 'disabled',
          reason: 'gone',
          failures: 1,
          until: null,
        },
      },
    ])
    expect(JSON.stringify(rig.broker.read('auth.events'))).not.toContain(secret)
    expect(one.signals).toContainEqual({
      kind: 'notice.written',
      event: 'Hooktide.Endpoint.Disabled',
      hookId: 'a',
    })
  })

  it('tell of a failure, an open breaker and the recovery, each once', async () => {
    const rig = createNoticeRig()
    rig.script('https://a.example/', ...Array.from({ length: 6 }, () => 500), 200)
    const one = await rig.start({ notices })
    for (let index = 0; index < 90; index += 1) {
      rig.sendEvent({ index })
      await rig.clock.advance(10 * second)
    }
    expect(eventsOf(received('owner', one))).toEqual([
      'Hooktide.Endpoint.Failing',
      'Hooktide.Endpoint.Open',
      'Hooktide.Endpoint.Recovered',
    ])
  })

  it('stay within the tenant, and are not written where no hook of it is for them', async () => {
    const rig = createNoticeRig()
    rig.putHook({ id: 'b', tenantId: 'other' })
    rig.script('https://b.example/', 410)
    const one = await rig.start({ notices })
    rig.sendEvent({}, { 'tenant-id': 'other' })
    await rig.clock.advance(minute)
    expect(written(rig)).toEqual([])
    rig.putHook({ id: 'c', tenantId: 'other' })
    rig.putHook({ id: 'guard', tenantId: 'other', events: ['Hooktide.Endpoint.Disabled'] })
    one.http.script('https://c.example/', 410)
    one.http.script('https://guard.example/', 200)
    await rig.clock.advance(second)
    rig.sendEvent({}, { 'tenant-id': 'other' })
    await rig.clock.advance(minute)
    expect(received('guard', one).map(({ data }) => data.hookId)).toEqual(['c'])
    expect(received('owner', one)).toEqual([])
  })

  it('are never about a hook that receives notices, even if all of them fail', async () => {
    const rig = createNoticeRig()
    rig.putHook({ id: 'second', events: ['PostSignIn', 'Hooktide.Endpoint.Disabled'] })
    rig.putHook({ id: 'third', event: 'Hooktide.Endpoint.Open', events: [] })
    for (const id of ['owner', 'second', 'third']) rig.script(`https://${id}.example/`, 410)
    const one = await rig.start({ notices })
    for (let index = 0; index < 30; index += 1) {
      rig.sendEvent({ index })
      await rig.clock.advance(10 * second)
    }
    const subjects = written(rig).map(({ data, event }) => `${event} ${data.hookId}`)
    expect(subjects).toEqual(['Hooktide.Endpoint.Disabled a'])
    expect(one.processor.status().endpoints.disabled).toBe(3)
  })

  it('that are lost themselves cause none', async () => {
    const rig = createNoticeRig()
    rig.script('https://owner.example/', 400)
    await rig.start({ notices, retrySchedule: [second] })
    rig.sendEvent()
    await rig.clock.advance(60 * minute)
    expect(rig.results().filter(({ reason }) => reason === 'exhausted')).toHaveLength(1)
    expect(written(rig).map(({ event }) => event)).toEqual(['Hooktide.Endpoint.Disabled'])
  })

  it('come once from two processes, and tell of a command as well', async () => {
    const rig = createNoticeRig({ partitions: 4 })
    const one = await rig.start({ notices, instance: 'one' })
    const two = await rig.start({ notices, instance: 'two' })
    await rig.clock.advance(minute)
    for (let index = 0; index < 20; index += 1) rig.sendEvent({ index })
    await rig.clock.advance(minute)
    expect(eventsOf(received('owner', one, two))).toEqual(['Hooktide.Endpoint.Disabled'])
    const hook = hookOf({ id: 'a', url: 'https://a.example/', configVersion: '0-0' })
    const enabled = renewed(hook, undefined, {
      reason: 'operator',
      instance: 'cli',
      at: rig.clock.now(),
    })
    rig.broker.produce(topics.endpoints, { key: 'a', value: JSON.stringify(enabled) })
    await rig.clock.advance(minute)
    expect(received('owner', one, two).map(({ event, data }) => `${event} ${data.reason}`)).toEqual(
      ['Hooktide.Endpoint.Disabled gone', 'Hooktide.Endpoint.Recovered operator'],
    )
  })

  it('of what the writer did not live to tell come from the next owner, under the same id', async () => {
    const rig = createNoticeRig({ partitions: 2 })
    const one = await rig.start({ notices, instance: 'one' })
    const two = await rig.start({ notices, instance: 'two' })
    await rig.clock.advance(minute)
    for (let index = 0; index < 4; index += 1) rig.sendEvent({ index })
    await rig.clock.advance(2 * second)
    const writer = [one, two].find(({ signals }) => signals.some(isWritten))
    const other = writer === one ? two : one
    expect(writer).toBeDefined()
    expect(other.signals.some(isWritten)).toBe(false)
    const before = received('owner', one, two)
    expect(before).toHaveLength(1)
    await Promise.all([writer?.processor.stop(0), rig.clock.advance(30 * second)])
    expect(other.signals.filter(isWritten)).toHaveLength(1)
    const all = received('owner', one, two)
    expect(new Set(all.map(({ webhookId }) => webhookId)).size).toBe(1)
    expect(new Set(written(rig).map((notice) => JSON.stringify(notice))).size).toBe(1)
    await Promise.all([rig.start({ notices, instance: 'three' }), rig.clock.advance(5 * minute)])
    await rig.clock.advance(5 * minute)
    expect(new Set(received('owner', one, two).map(({ webhookId }) => webhookId)).size).toBe(1)
  })

  it('are not repeated by a start long after, and events that are read again cause none', async () => {
    const rig = createNoticeRig()
    const one = await rig.start({ notices })
    rig.sendEvent()
    await rig.clock.advance(5 * second)
    await Promise.all([one.processor.stop(0), rig.clock.advance(30 * second)])
    await rig.clock.advance(5 * minute)
    const two = await rig.start({ notices, instance: 'two' })
    two.http.script('https://owner.example/', 200)
    rig.sendEvent()
    await rig.clock.advance(10 * minute)
    expect(written(rig)).toHaveLength(1)
    expect(received('owner', two)).toEqual([])
  })

  it('count lost deliveries by reason, every five minutes and at a stop', async () => {
    const rig = createNoticeRig()
    rig.script('https://a.example/', ...Array.from({ length: 3 }, () => 400), 200)
    const one = await rig.start({ notices, retrySchedule: [] })
    for (let index = 0; index < 2; index += 1) rig.sendEvent({ index })
    await rig.clock.advance(4 * minute)
    expect(written(rig)).toEqual([])
    await rig.clock.advance(2 * minute)
    expect(received('owner', one)).toMatchObject([
      {
        event: 'Hooktide.Deliveries.Lost',
        data: { hookId: 'a', count: 2, reasons: { exhausted: 2 } },
      },
    ])
    rig.sendEvent()
    await rig.clock.advance(second)
    await Promise.all([one.processor.stop(1_000), rig.clock.advance(30 * second)])
    expect(written(rig).at(-1)).toMatchObject({
      event: 'Hooktide.Deliveries.Lost',
      data: { count: 1 },
    })
  })

  it('that cannot be written hold up no delivery, and are written as soon as they can be', async () => {
    const rig = createNoticeRig()
    rig.putHook({ id: 'b' })
    rig.script('https://b.example/', 200)
    const one = await rig.start({ notices })
    rig.broker.refuse('auth.events', true)
    for (let index = 0; index < 3; index += 1) {
      rig.sendEvent({ index })
      await rig.clock.advance(10 * second)
    }
    expect(rig.story().filter((line) => line.startsWith('b delivered'))).toHaveLength(3)
    const events = { topic: 'auth.events', partition: 0 }
    expect(rig.broker.committed('hooktide', events)?.offset).toBe(3)
    expect(written(rig)).toEqual([])
    rig.broker.refuse('auth.events', false)
    await rig.clock.advance(10 * second)
    expect(eventsOf(received('owner', one))).toEqual(['Hooktide.Endpoint.Disabled'])
  })

  it('that cannot be written are bounded in number', async () => {
    const { perTenant, total } = noticeBounds
    const rig = createRig()
    const tenants = total / perTenant + 1
    for (let tenant = 0; tenant < tenants; tenant += 1) {
      rig.putHook({ id: `owner${tenant}`, tenantId: `t${tenant}`, events: noticeKeys })
    }
    const fail = (tenant: number) => {
      for (let hook = 0; hook < perTenant; hook += 1) {
        const id = `h${tenant}-${hook}`
        const tenantId = `t${tenant}`
        rig.putHook({ id, tenantId })
        const endpoint = endpointOf(`https://${id}.example/`)
        const health = healthOf({ hookId: id, tenantId, endpoint, state: 'open' })
        const value = JSON.stringify({ ...health, at: rig.clock.now() })
        rig.broker.produce(topics.endpoints, { key: id, value })
      }
    }
    rig.broker.refuse('auth.events', true)
    const one = await rig.start({ notices })
    for (let tenant = 0; tenant < tenants - 1; tenant += 1) fail(tenant)
    await rig.clock.advance(minute)
    fail(tenants - 1)
    await rig.clock.advance(second)
    const leftOut = one.signals.filter(({ kind }) => kind === 'notice.left-out')
    expect(leftOut).toHaveLength(perTenant)
    expect(leftOut[0]).toMatchObject({ cause: 'unacknowledged' })
    rig.broker.refuse('auth.events', false)
    await rig.clock.advance(second)
    expect(written(rig)).toHaveLength(total)
  })

  it('beyond their bounds are left out and counted', async () => {
    const rig = createNoticeRig()
    for (let hook = 0; hook < 100; hook += 1) {
      rig.putHook({ id: `h${hook}` })
      rig.script(`https://h${hook}.example/`, 410)
    }
    const one = await rig.start({ notices })
    rig.sendEvent()
    await rig.clock.advance(30 * second)
    expect(written(rig)).toHaveLength(60)
    expect(one.signals.filter(({ kind }) => kind === 'notice.left-out')).toHaveLength(41)
  })
})

const isWritten = ({ kind }: { readonly kind: string }) => kind === 'notice.written'
