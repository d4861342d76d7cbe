import avro from 'avsc'
import { describe, expect, it } from 'vitest'
import { compileAvro } from '../../src/core/avro/avro.ts'
import type { Schema } from '../../src/core/event/framed-value.ts'
import { settled } from '../support/hand-clock.ts'
import { createRig, topics, type Rig } from '../support/flow-rig.ts'
import { framed } from '../support/memory-schemas.ts'

const json: Schema = { kind: 'json' }
const avroSchema: avro.Schema = {
  type: 'record',
  name: 'Event',
  fields: [
    { name: 'event', type: 'string' },
    { name: 'createdAt', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'big', type: ['null', 'long'], default: null },
  ],
}
const avroEvents = compileAvro([JSON.stringify(avroSchema)])
const time = '2026-09-14T09:02:11.019Z'
const avroEvent = avro.Type.forSchema(structuredClone(avroSchema)).toBuffer({
  event: 'PostSignIn',
  createdAt: Date.parse(time),
  big: 7,
})
const avroBody = `{"event":"PostSignIn","createdAt":"${time}","big":7,"hookId":"a"}`

const eventText = (n: number) => `{"event":"PostSignIn","createdAt":"${time}","n":${n}}`
const hookText = (id: string, url = `https://${id}.example/`) =>
  JSON.stringify({
    id,
    tenantId: 'default',
    name: id,
    events: ['PostSignIn'],
    config: { url },
    signingKey: '',
    enabled: true,
  })

function send(rig: Rig, value: Buffer | string, partition = 0): void {
  rig.broker.produce('auth.events', { value, partition })
}

function sendHook(rig: Rig, id: string, value: Buffer | string | null): void {
  rig.broker.produce(topics.hooks, { key: id, value })
}

describe('an event in a registry’s frame', () => {
  it('is delivered beside plain ones, JSON Schema byte for byte and Avro as JSON', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a' })
    rig.schemas.arrive(1, json)
    rig.schemas.arrive(2, avroEvents)
    const one = await rig.start()
    send(rig, eventText(1))
    send(rig, framed(1, ` {"event":"PostSignIn", "createdAt":"${time}","n":1.00}\n`))
    send(rig, framed(2, avroEvent))
    await rig.clock.advance(50)
    for (const call of [...one.http.openCalls]) call.answer(200)
    await rig.clock.advance(50)
    for (const call of [...one.http.openCalls]) call.answer(200)
    await rig.clock.advance(50)
    expect(one.http.calls.map(({ request }) => request.body.toString())).toEqual([
      eventText(1).replace('}', ',"hookId":"a"}'),
      `{"event":"PostSignIn", "createdAt":"${time}","n":1.00,"hookId":"a"}`,
      avroBody,
    ])
  })

  it('makes only its own partition wait for its schema, and goes on when that is there', async () => {
    const rig = createRig({ partitions: 2 })
    rig.putHook({ id: 'a' })
    const one = await rig.start()
    one.http.script('https://a.example/', 200)
    send(rig, framed(2, avroEvent), 0)
    send(rig, eventText(1), 0)
    send(rig, eventText(2), 1)
    await rig.clock.advance(60_000)
    const bodies = () => one.http.calls.map(({ request }) => request.body.toString())
    expect(bodies()).toEqual([eventText(2).replace('}', ',"hookId":"a"}')])
    rig.schemas.arrive(2, avroEvents)
    await rig.clock.advance(50)
    expect(bodies().slice(1)).toEqual([avroBody, eventText(1).replace('}', ',"hookId":"a"}')])
    expect(rig.broker.committed('hooktide', { topic: 'auth.events', partition: 0 })?.offset).toBe(2)
    expect(rig.broker.read(topics.rejected)).toEqual([])
  })

  it('is opened again only when something was fetched for its partition, or came from the registry', async () => {
    const rig = createRig({ partitions: 2 })
    rig.putHook({ id: 'a' })
    const one = await rig.start()
    one.http.script('https://a.example/', 200)
    send(rig, framed(2, avroEvent), 0)
    await rig.clock.advance(50)
    for (let n = 0; n < 200; n += 1) send(rig, eventText(n), 1)
    await rig.clock.advance(60_000)
    expect(one.http.calls).toHaveLength(200)
    expect(rig.schemas.looks).toEqual([2])
  })

  it('carries its JSON in its retries', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a' })
    rig.schemas.arrive(2, avroEvents)
    const one = await rig.start()
    one.http.script('https://a.example/', 500, 200)
    send(rig, framed(2, avroEvent))
    await rig.clock.advance(10_000)
    const [first, second] = one.http.calls.map(({ request }) => request.body.toString())
    expect([first, second]).toEqual([avroBody, avroBody])
    expect(rig.story()).toEqual(['a retrying 1', 'a delivered 2'])
    const tiers = rig.broker.read(`${topics.retryPrefix}5s`)
    expect(tiers.map(({ value }) => value?.toString().startsWith('{"event"'))).toEqual([true])
  })

  it.each<[string, Schema, Buffer, string]>([
    ['an unknown schema', { kind: 'unknown' }, framed(3, 'x'), 'unknown-schema'],
    ['no registry', { kind: 'no-registry' }, framed(3, 'x'), 'no-registry'],
    ['Protobuf', { kind: 'unusable', message: 'it is' }, framed(3, 'x'), 'unusable-schema'],
    ['a cut frame', json, Buffer.from([0, 0, 0]), 'truncated-frame'],
    ['bytes that are not its Avro', avroEvents, framed(3, 'x'), 'invalid-avro'],
    [
      'one byte too many',
      avroEvents,
      framed(3, Buffer.concat([avroEvent, Buffer.alloc(1)])),
      'invalid-avro',
    ],
    ['Avro that is no record', compileAvro(['"null"']), framed(3, ''), 'not-an-object'],
    ['text that is not JSON', json, framed(3, '{'), 'invalid-json'],
    ['nothing', json, framed(3, ''), 'empty-value'],
  ])('is rejected with its bytes unchanged: %s', async (_, schema, value, reason) => {
    const rig = createRig()
    rig.schemas.arrive(3, schema)
    await rig.start()
    send(rig, value)
    await rig.clock.advance(50)
    const [record] = rig.broker.read(topics.rejected)
    const headers = Object.fromEntries(record?.headers ?? [])
    expect(String(headers['hooktide-reason'])).toBe(reason)
    expect(record?.value).toEqual(value)
    expect(rig.broker.committed('hooktide', { topic: 'auth.events', partition: 0 })?.offset).toBe(1)
  })

  it('whose partition moves while it waits is delivered once, by the next owner', async () => {
    const rig = createRig({ partitions: 2 })
    rig.putHook({ id: 'a' })
    const instances = [await rig.start()]
    for (const partition of [0, 1]) send(rig, framed(2, avroEvent), partition)
    await rig.clock.advance(50)
    const joining = rig.start({ instance: 'two' })
    await rig.clock.advance(5_000)
    instances.push(await joining)
    for (const { http } of instances) http.script('https://a.example/', 200)
    rig.schemas.arrive(2, avroEvents)
    await rig.clock.advance(50)
    expect(instances.map(({ http }) => http.calls.length)).toEqual([1, 1])
    expect(rig.results()).toHaveLength(2)
  })

  it('counts in memory with its JSON, which can be many times its bytes', async () => {
    const rig = createRig()
    rig.putHook({ id: 'slow' })
    const fields = Array.from({ length: 2_000 }, (_, index) => ({
      name: `${'x'.repeat(500)}${index}`,
      type: 'null',
    }))
    const wide = { ...avroSchema, fields: [...avroSchema.fields.slice(0, 2), ...fields] }
    rig.schemas.arrive(4, compileAvro([JSON.stringify(wide)]))
    const one = await rig.start()
    // Without the last field, which the wide schema does not have.
    const value = framed(4, avroEvent.subarray(0, -2))
    for (let index = 0; index < 50; index += 1) send(rig, value)
    await rig.clock.advance(50)
    const { inFlight, queued } = one.processor.status()
    expect(inFlight + queued).toBeLessThan(12)
  })
})

describe('a hook in a registry’s frame', () => {
  it('delays the records behind it until its schema is there, and so the first event', async () => {
    const rig = createRig()
    sendHook(rig, 'a', framed(1, hookText('a', 'https://old.example/')))
    // Another key of the same hook. Only their order decides which of the two records counts.
    sendHook(rig, '"a"', hookText('a', 'https://new.example/'))
    sendHook(rig, 'b', hookText('b'))
    send(rig, eventText(1))
    const starting = rig.start()
    await rig.clock.advance(60_000)
    expect(rig.results()).toEqual([])
    let isStarted = false
    void starting.then(() => (isStarted = true))
    await settled()
    expect(isStarted).toBe(false)
    rig.schemas.arrive(1, json)
    const one = await starting
    await rig.clock.advance(50)
    expect(one.http.calls.map(({ request }) => request.url)).toEqual([
      'https://new.example/',
      'https://b.example/',
    ])
    expect(one.signals.filter(({ kind }) => kind === 'table.loaded')).toEqual([
      { kind: 'table.loaded', hooks: 2, suspended: 0 },
    ])
  })

  it('changes live in the order of the topic, also when its schema comes late', async () => {
    const rig = createRig()
    sendHook(rig, 'a', hookText('a', 'https://first.example/'))
    const one = await rig.start()
    sendHook(rig, 'a', framed(1, hookText('a', 'https://second.example/')))
    sendHook(rig, '"a"', hookText('a', 'https://third.example/'))
    await settled()
    send(rig, eventText(1))
    await rig.clock.advance(50)
    rig.schemas.arrive(1, json)
    send(rig, eventText(2))
    await rig.clock.advance(50)
    expect(one.http.calls.map(({ request }) => request.url)).toEqual([
      'https://first.example/',
      'https://third.example/',
    ])
  })

  it('is not decoded again for each record that arrives behind it', async () => {
    const rig = createRig()
    sendHook(rig, 'a', hookText('a'))
    await rig.start()
    sendHook(rig, 'b', framed(1, hookText('b')))
    for (let index = 0; index < 100; index += 1) sendHook(rig, `c${index}`, hookText(`c${index}`))
    await settled()
    expect(rig.schemas.looks).toEqual([1])
  })

  it('is not waited for when there is a newer record of its key', async () => {
    const rig = createRig()
    sendHook(rig, 'a', framed(1, hookText('a', 'https://old.example/')))
    sendHook(rig, 'a', framed(2, hookText('a', 'https://newer.example/')))
    sendHook(rig, 'a', hookText('a', 'https://newest.example/'))
    sendHook(rig, 'b', hookText('b'))
    const one = await rig.start()
    send(rig, eventText(1))
    await rig.clock.advance(50)
    expect(one.http.calls.map(({ request }) => request.url)).toEqual([
      'https://newest.example/',
      'https://b.example/',
    ])
  })

  it('whose value cannot be read is suspended, and the next good record puts it right', async () => {
    const rig = createRig()
    rig.schemas.arrive(1, json)
    rig.schemas.arrive(3, { kind: 'unknown' })
    sendHook(rig, 'a', framed(3, 'x'))
    const one = await rig.start()
    expect(one.signals).toContainEqual({
      kind: 'hook.suspended',
      hookId: 'a',
      configVersion: '0-0',
      problems: [{ field: '', message: 'The schema registry has no schema 3.' }],
    })
    sendHook(rig, 'a', framed(1, hookText('a')))
    await settled()
    send(rig, eventText(1))
    await rig.clock.advance(50)
    expect(one.http.calls).toHaveLength(1)
  })
})
