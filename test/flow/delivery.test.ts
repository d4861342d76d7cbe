import { describe, expect, it } from 'vitest'
import type { InboundRecord, KafkaHeader } from '../../src/core/model/model.ts'
import { settled } from '../support/hand-clock.ts'
import { createRig, topics } from '../support/flow-rig.ts'

const url = (id: string) => `https://${id}.example/`

describe('an event', () => {
  it('is delivered to every matching hook of its tenant, with one final result each', async () => {
    const rig = createRig()
    for (const id of ['a', 'b']) rig.putHook({ id })
    rig.putHook({ id: 'other-event', events: ['User.Created'] })
    rig.putHook({ id: 'other-tenant', tenantId: 'acme' })
    const one = await rig.start()
    for (const id of ['a', 'b']) one.http.script(url(id), 200)
    rig.sendEvent({ name: 'Zoë' })
    await rig.clock.advance(20)
    expect(rig.story()).toEqual(['a delivered 1', 'b delivered 1'])
    expect(rig.results().every(({ final }) => final)).toBe(true)
    expect(JSON.parse(one.http.calls[0]?.request.body.toString() ?? '')).toMatchObject({
      event: 'PostSignIn',
      name: 'Zoë',
      hookId: 'a',
    })
  })

  it('completes only when everything it caused is acknowledged', async () => {
    const rig = createRig()
    for (const id of ['a', 'b']) rig.putHook({ id })
    const one = await rig.start()
    rig.sendEvent()
    await rig.clock.advance(20)
    one.http.calls[0]?.answer(200)
    await rig.clock.advance(1_000)
    expect(rig.broker.committed('hooktide', { topic: 'auth.events', partition: 0 })).toBeUndefined()
    rig.broker.setAckDelay(500)
    one.http.calls[1]?.answer(200)
    await rig.clock.advance(400)
    expect(rig.broker.committed('hooktide', { topic: 'auth.events', partition: 0 })).toBeUndefined()
    await rig.clock.advance(200)
    expect(rig.broker.committed('hooktide', { topic: 'auth.events', partition: 0 })?.offset).toBe(1)
  })

  it('without a matching hook completes at once and writes nothing', async () => {
    const rig = createRig()
    const one = await rig.start()
    rig.sendEvent()
    await rig.clock.advance(20)
    expect(rig.results()).toEqual([])
    expect(rig.broker.committed('hooktide', { topic: 'auth.events', partition: 0 })?.offset).toBe(1)
    expect(one.signals).toContainEqual({ kind: 'event.unmatched' })
  })

  it('that is not valid goes to the rejected topic unchanged, with the reason and its place', async () => {
    const rig = createRig()
    await rig.start()
    const value = Buffer.from('{"event":"PostSignIn"}')
    rig.broker.produce('auth.events', { key: 'user-1', value, headers: { 'x-own': 'kept' } })
    await rig.clock.advance(20)
    const [rejected] = rig.broker.read(topics.rejected)
    expect(rejected?.value).toEqual(value)
    expect(rejected?.key?.toString()).toBe('user-1')
    const headers = Object.fromEntries(
      [...(rejected?.headers ?? [])].map(([k, v]) => [k, String(v)]),
    )
    expect(headers).toMatchObject({
      'x-own': 'kept',
      'hooktide-reason': 'missing-field',
      'hooktide-field': 'createdAt',
    })
    expect(headers['hooktide-source']).toContain('auth.events')
    expect(rig.broker.committed('hooktide', { topic: 'auth.events', partition: 0 })?.offset).toBe(1)
  })
})

describe('a result', () => {
  it('has all of its times in tenths of a millisecond', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a', delivery: { concurrency: 1 } })
    const one = await rig.start()
    rig.sendEvent()
    rig.sendEvent()
    await rig.clock.advance(0.314_159)
    one.http.calls[0]?.answer(200)
    await rig.clock.advance(12.345_678)
    one.http.calls[1]?.answer(200)
    await rig.clock.advance(20)
    const queued = rig.results().map(({ queuedMs }) => queuedMs ?? Number.NaN)
    expect(queued).toHaveLength(2)
    expect(queued.map((ms) => Math.round(ms * 10) / 10)).toEqual(queued)
    expect(queued[1]).toBeGreaterThan(0)
  })
})

describe('headers of an event', () => {
  const headers: readonly KafkaHeader[] = [
    ['a', Buffer.from('one')],
    ['__proto__', null],
    ['b', Buffer.alloc(0)],
    ['a', null],
    ['a', Buffer.from('two')],
  ]
  const valueOf = (fields: object) =>
    JSON.stringify({ event: 'PostSignIn', createdAt: '2026-09-14T09:02:11.019Z', ...fields })
  const foreign = (record: InboundRecord | undefined) =>
    [...(record?.headers ?? [])].filter(([name]) => !name.startsWith('hooktide-'))

  it('are unchanged on its retries and dead letters: order, repetitions and null values', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a', delivery: { maxRetries: 1 } })
    const one = await rig.start()
    one.http.script(url('a'), 500)
    rig.broker.produce('auth.events', { value: valueOf({}), headers })
    await rig.clock.advance(60_000)
    expect(rig.story()).toEqual(['a retrying 1', 'a dead 2'])
    const [tiered] = rig.broker.read(`${topics.retryPrefix}5s`)
    expect(foreign(tiered)).toEqual(headers)
    expect(foreign(rig.broker.read(topics.deadLetters)[0])).toEqual(headers)
  })

  it.each(['auth.events', topics.requests, `${topics.retryPrefix}5s`])(
    'that are too many make a record of %s rejected with all of them, and the next one is handled',
    async (topic) => {
      const rig = createRig()
      rig.putHook({ id: 'a' })
      const one = await rig.start()
      one.http.script(url('a'), 200)
      const many = Array.from({ length: 2_000 }, () => headers).flat()
      rig.broker.produce(topic, { value: valueOf({}), headers: many })
      rig.sendEvent()
      await rig.clock.advance(10_000)
      expect(rig.story()).toEqual(['a delivered 1'])
      const [rejected] = rig.broker.read(topics.rejected)
      expect(foreign(rejected)).toEqual(many)
      expect(String(new Map(rejected?.headers).get('hooktide-reason'))).toBe('invalid-header')
      expect(one.signals).toContainEqual({
        kind: 'record.rejected',
        source: { topic, partition: 0, offset: 0 },
        reason: 'invalid-header',
        field: '',
        message: expect.stringMatching(/^The record has 10000 headers, more than 1[01]00\.$/),
      })
    },
  )
})

describe('the hook table', () => {
  it('is loaded before the first event is handled', async () => {
    const rig = createRig()
    rig.sendEvent()
    for (let index = 0; index < 50; index += 1) rig.putHook({ id: 'a', name: `${index}` })
    rig.broker.setCommitted('hooktide', { topic: 'auth.events', partition: 0 }, 0)
    const one = await rig.start()
    one.http.script(url('a'), 200)
    await rig.clock.advance(20)
    one.http.calls[0]?.answer(200)
    await rig.clock.advance(20)
    expect(rig.results().map(({ configVersion }) => configVersion)).toEqual(['0-49'])
  })

  it('changes live: an edit, a disabling and a tombstone count from the next call on', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a' })
    const one = await rig.start()
    one.http.script(url('a'), 200)
    one.http.script('https://moved.example/', 200)
    rig.sendEvent()
    await rig.clock.advance(20)
    rig.putHook({ id: 'a', config: { url: 'https://moved.example/' } })
    await settled()
    rig.sendEvent()
    await rig.clock.advance(20)
    rig.putHook({ id: 'a', enabled: false })
    await settled()
    rig.sendEvent()
    await rig.clock.advance(20)
    rig.putHook({ id: 'a' })
    await settled()
    rig.sendEvent()
    await rig.clock.advance(20)
    rig.deleteHook('a')
    await settled()
    rig.sendEvent()
    await rig.clock.advance(20)
    expect(one.http.calls.map(({ request }) => request.url)).toEqual([
      url('a'),
      'https://moved.example/',
      url('a'),
    ])
  })

  it('reports each change after the first reading, with the record that made it', async () => {
    const rig = createRig()
    for (const id of ['a', 'gone']) rig.putHook({ id })
    rig.deleteHook('gone')
    const one = await rig.start()
    rig.putHook({ id: 'a', name: 'edited' })
    rig.deleteHook('a')
    await settled()
    const emitted = one.signals.filter(
      ({ kind }) => kind === 'table.loaded' || kind === 'hook.changed',
    )
    expect(emitted).toEqual([
      { kind: 'table.loaded', hooks: 1, suspended: 0 },
      { kind: 'hook.changed', hookId: 'a', configVersion: '0-3', change: 'set' },
      { kind: 'hook.changed', hookId: 'a', configVersion: '0-4', change: 'deleted' },
    ])
  })

  it.each([
    ['a URL that is not text', { config: { url: 7 } }],
    ['a filter that cannot be read', { delivery: { filter: 'event.' } }],
  ])('suspends a hook with %s: its deliveries go to the dead letters', async (_, fields) => {
    const rig = createRig()
    rig.putHook({ id: 'a' })
    const one = await rig.start()
    rig.putHook({ id: 'a', ...fields })
    await settled()
    rig.sendEvent()
    await rig.clock.advance(20)
    expect(one.http.calls).toEqual([])
    expect(rig.results()).toMatchObject([
      {
        hookId: 'a',
        outcome: 'dead',
        reason: 'hook-invalid',
        blame: 'owner',
        final: true,
        attempt: null,
      },
    ])
    const [dead] = rig.broker.read(topics.deadLetters)
    expect(JSON.parse(dead?.value?.toString() ?? '')).toMatchObject({ event: 'PostSignIn' })
    expect(one.signals).toContainEqual(
      expect.objectContaining({ kind: 'hook.suspended', hookId: 'a' }),
    )
  })
})
