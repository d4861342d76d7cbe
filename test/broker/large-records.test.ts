/** What only a broker can say of large records: what it takes, what it refuses, and what it hands out again. */
import { describe, expect, it } from 'vitest'
import { createSink } from '../../src/edge/kafka/sink.ts'
import { TooLargeError } from '../../src/core/model/errors.ts'
import type { OutboundRecord } from '../../src/core/model/model.ts'
import { committedCount, waitForFinals } from '../support/accounting.ts'
import { createBrokerRig } from '../support/broker-rig.ts'
import { settingsOf, silentLog, useKafka } from '../support/kafka-tools.ts'
import { uniqueNames } from '../support/names.ts'
import { surroundings } from '../support/sandbox.ts'

/** One retry, after a second. */
const schedule = { HOOKTIDE_RETRY_SCHEDULE: '1s', HOOKTIDE_RETRY_TIERS: '1s' }
/** Kafka's default of `max.message.bytes`. */
const limit = 1_048_588
/** What a batch of one record without key and headers adds to its value. */
const batchBytes = 72

function eventOf(bytes: number, field = 'padding'): Buffer {
  const event = { event: 'PostSignIn', createdAt: '2026-09-14T09:02:11.019Z', [field]: '' }
  const padding = 'x'.repeat(bytes - JSON.stringify(event).length)
  return Buffer.from(JSON.stringify({ ...event, [field]: padding }))
}

async function writeEvents(
  topic: string,
  ...values: readonly (Buffer | Pick<OutboundRecord, 'value' | 'headers'>)[]
): Promise<void> {
  const sink = createSink({ settings: settingsOf(surroundings().brokers), log: silentLog })
  try {
    for (const one of values) {
      const content = Buffer.isBuffer(one) ? { value: one, headers: [] } : one
      await sink.write([{ topic, key: null, ...content }])
    }
  } finally {
    await sink.stop()
  }
}

describe('events at the limit of their topic', () => {
  it('are delivered, retried and kept as dead letters with every byte and header', async () => {
    const { brokers } = surroundings()
    const tools = await useKafka(brokers)
    await using rig = await createBrokerRig({
      brokers,
      environment: schedule,
      // What is kept of it is longest in a result that is written as JSON.
      answer: () => ({ kind: 'respond', status: 500, body: '\u0001'.repeat(70_000) }),
    })
    await rig.putHooks({ id: 'a' })
    await rig.run()
    const events = `${rig.prefix}.events`
    const full = eventOf(limit - batchBytes)
    await expect(writeEvents(events, eventOf(full.length + 1))).rejects.toThrow(TooLargeError)
    const headers = Array.from(
      { length: 500 },
      (_, index) => [`x-${index}`, Buffer.alloc(1_000, 'h')] as const,
    )
    const half = { value: eventOf(400_000), headers }
    await writeEvents(events, full, half)
    await waitForFinals(rig, 2)
    await rig.deadLetters.waitFor((all) => all.length >= 2)

    const dead = await tools.readAll(`${rig.prefix}.webhook.dead-letters`)
    const sizes = new Set(dead.map(({ value }) => value?.length))
    expect(sizes).toEqual(new Set([full.length, 400_000]))
    const kept = dead.find(({ value }) => value?.length === 400_000)
    expect([...(kept?.headers ?? [])].filter(([name]) => name.startsWith('x-'))).toEqual(headers)
    expect(rig.receiver.requests.map(({ standardSignature }) => standardSignature)).toEqual(
      Array.from({ length: 4 }, () => 'valid'),
    )
    expect(rig.results.items.map(({ outcome, reason }) => reason ?? outcome).toSorted()).toEqual([
      'exhausted',
      'exhausted',
      'retrying',
      'retrying',
    ])
    expect(new Set(rig.results.items.map(({ responseBody }) => responseBody?.length))).toEqual(
      new Set([4096]),
    )
  })
})

describe('an event with very many headers', () => {
  it('is rejected with all of them unchanged, and the member that read it continues with the next event', async () => {
    const { brokers } = surroundings()
    const tools = await useKafka(brokers)
    await using rig = await createBrokerRig({ brokers })
    await rig.putHooks({ id: 'a' })
    const one = await rig.run()
    const many = Array.from(
      { length: 10_000 },
      (_, index) =>
        [`x-${index % 4_000}`, index % 3 === 0 ? null : Buffer.from(`${index}`)] as const,
    )
    const short = Array.from({ length: 300_000 }, () => ['', null] as const)
    const events = `${rig.prefix}.events`
    await writeEvents(
      events,
      { value: eventOf(200), headers: many },
      { value: eventOf(200), headers: short },
      { value: eventOf(200), headers: [...many.slice(0, 1_000)] },
    )
    await waitForFinals(rig, 1)

    const [delivered] = rig.results.items
    expect(delivered).toMatchObject({ outcome: 'delivered', sourceOffset: 2 })
    await expect.poll(() => committedCount(rig), { timeout: 10_000 }).toBe(3)
    const rejected = await tools.readAll(`${rig.prefix}.events.rejected`)
    expect(rejected.map(({ headers }) => String(new Map(headers).get('hooktide-reason')))).toEqual([
      'invalid-header',
      'invalid-header',
    ])
    // Deep equality of so many takes the test's time.
    const kept = rejected.map(({ headers }) => JSON.stringify([...headers].slice(0, -3)))
    expect(kept[0] === JSON.stringify(many)).toBe(true)
    expect(kept[1] === JSON.stringify(short)).toBe(true)
    const joins = one.lines.filter(({ msg, group }) => {
      return msg === 'group.assigned' && group === rig.environment['HOOKTIDE_GROUP_ID']
    })
    expect(joins).toHaveLength(1)
  })
})

describe('a record larger than a segment of its topic', () => {
  it('is refused as too large, although the topic has no such limit', async () => {
    const tools = await useKafka(surroundings().brokers)
    const topic = `${uniqueNames().prefix}.segments`
    const configs = { 'max.message.bytes': '10485760', 'segment.bytes': '1048576' }
    await tools.createTopic(topic, 1, configs)
    await expect(writeEvents(topic, eventOf(2_000_000))).rejects.toThrow(TooLargeError)
    await writeEvents(topic, eventOf(200))
    expect(await tools.readAll(topic)).toHaveLength(1)
  })
})

describe('limits that are lowered while the processor runs', () => {
  it('make dead letters refer to events that no longer fit, and do not delay later events', async () => {
    const { brokers } = surroundings()
    const tools = await useKafka(brokers)
    await using rig = await createBrokerRig({
      brokers,
      environment: schedule,
      answer: ({ body }) => ({ kind: 'respond', status: body.length > 10_000 ? 500 : 200 }),
    })
    await rig.putHooks({ id: 'a' })
    await rig.run()
    const [tier, rejected] = [`${rig.prefix}.webhook.retry.1s`, `${rig.prefix}.events.rejected`]
    await tools.admin.alterConfigs({
      validateOnly: false,
      resources: [tier, rejected].map((name) => ({
        type: 2,
        name,
        configEntries: [
          { name: 'max.message.bytes', value: '5000' },
          { name: 'message.timestamp.type', value: 'LogAppendTime' },
        ],
      })),
    })
    const events = `${rig.prefix}.events`
    await writeEvents(events, eventOf(600_000), Buffer.alloc(600_000, '{'), eventOf(200))
    await waitForFinals(rig, 2)

    const [dead] = await rig.deadLetters.waitFor((all) => all.length > 0)
    expect(dead).toMatchObject({
      'hooktide-reason': 'too-large',
      'hooktide-source': `${events}/0/0`,
    })
    const [reference] = await rig.rejected.waitFor((all) => all.length > 0)
    expect(reference?.value).toHaveLength(0)
    expect(reference?.headers).toMatchObject({
      'hooktide-reason': 'too-deep',
      'hooktide-source': `${events}/0/1`,
    })
    const endings = rig.results.items.filter(({ final }) => final)
    expect(endings.map(({ outcome, reason }) => reason ?? outcome).toSorted()).toEqual([
      'delivered',
      'too-large',
    ])
    await expect.poll(() => committedCount(rig), { timeout: 10_000 }).toBe(3)
  })
})

describe('events that exceed the size of a fetch and of a send together', () => {
  it('are delivered, retried and recorded on each partition if all topics accept them', async () => {
    const { brokers } = surroundings()
    const tools = await useKafka(brokers)
    const events = `${uniqueNames().prefix}.large`
    await tools.createTopic(events, 2, { 'max.message.bytes': '10485760' })
    const firstTries = new Set<string>()
    await using rig = await createBrokerRig({
      brokers,
      environment: { ...schedule, HOOKTIDE_EVENT_TOPICS: events },
      answer({ headers }) {
        const id = headers['webhook-id'] ?? ''
        const isFirst = !firstTries.has(id)
        firstTries.add(id)
        return { kind: 'respond', status: isFirst ? 503 : 200 }
      },
    })
    await rig.putHooks({ id: 'a' })
    await rig.run()
    const value = eventOf(5_000_000)
    await writeEvents(events, value, value, value, value)
    await waitForFinals(rig, 4)

    expect(rig.results.items.filter(({ outcome }) => outcome === 'delivered')).toHaveLength(4)
    expect(rig.receiver.requests).toHaveLength(8)
    const member = ',"hookId":"a"'.length
    for (const { body, standardSignature } of rig.receiver.requests) {
      expect(body).toHaveLength(value.length + member)
      expect(standardSignature).toBe('valid')
    }
  })
})
