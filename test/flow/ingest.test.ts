/** The way of a webhook through the stage: what Kafka does, and when, decides its answer. */
import { describe, expect, it } from 'vitest'
import { readySource } from '../../src/core/ingest/webhook.ts'
import type { RecordSink } from '../../src/ports.ts'
import { createIngest, type IngestSettings } from '../../src/stages/ingest.ts'
import { createHandClock, settled } from '../support/hand-clock.ts'
import { logtoKey, logtoWebhook, signatureOf } from '../support/logto-webhooks.ts'
import { createMemoryBroker } from '../support/memory-broker.ts'

const ackTimeoutMs = 8_000

interface RigOptions extends Partial<IngestSettings> {
  readonly maxMessageBytes?: number
  readonly sink?: RecordSink
  /** Of a second topic, which there is only with it. */
  readonly others?: RecordSink | 'working'
}

function createRig(options: RigOptions = {}) {
  const { maxMessageBytes = 1_000_000, sink, others, ...settings } = options
  const clock = createHandClock()
  const broker = createMemoryBroker(clock)
  broker.createTopic('events', { maxMessageBytes })
  broker.createTopic('others')
  const own = { tenantId: 'default', topic: 'events', signingKeys: [logtoKey] }
  const written: string[] = []
  const ingest = createIngest(
    {
      sinks: new Map([
        ['events', sink ?? broker.sink()],
        ...(others === undefined
          ? []
          : [['others', others === 'working' ? broker.sink() : others] as const]),
      ]),
      clock,
      onWritten: ({ path }) => void written.push(path),
    },
    {
      sources: [
        readySource({ ...own, path: '/one' }),
        readySource({ ...own, path: '/two' }),
        readySource({ ...own, path: '/acme', tenantId: 'acme' }),
        readySource({ ...own, path: '/others', topic: 'others' }),
      ],
      maxBodyBytes: 1_000_000,
      ackTimeoutMs,
      bounds: { records: 100, bytes: 1_000_000, remembered: 100 },
      ...settings,
    },
  )
  let writing = 0
  /** As the server does it: head, then body. */
  const post = async (body: string, target = '/one') => {
    const signature = signatureOf(body)
    const headers = {
      host: 'x',
      'content-type': 'application/json',
      'logto-signature-sha-256': signature,
    }
    const judged = ingest.judge({ method: 'POST', target, version: '1.1', headers })
    if (judged.kind === 'answer') return judged.answer
    const webhook = {
      source: judged.source,
      signature,
      trace: { traceparent: undefined, tracestate: undefined },
      body: Buffer.from(body),
    }
    return (await ingest.handle(webhook, () => (writing += 1))).answer
  }
  return {
    clock,
    broker,
    ingest,
    post,
    writing: () => writing,
    written,
    values: () => broker.read('events').map(({ value }) => String(value)),
  }
}

function brokenSink(write: RecordSink['write']): RecordSink {
  const pendingCount = () => 0
  return { write, pendingCount, trouble: () => 'it is broken', stop: () => Promise.resolve() }
}

/** What has been answered so far. */
function watch<Value>(work: Promise<Value>): { readonly value: Value | undefined } {
  const seen: { value: Value | undefined } = { value: undefined }
  void work.then((value) => (seen.value = value))
  return seen
}

describe('an incoming webhook', () => {
  it('is answered with 200 when Kafka has acknowledged its event, and not before', async () => {
    const { clock, broker, ingest, post, values } = createRig()
    broker.setAckDelay(500)
    const { body, event } = logtoWebhook({ userId: 'u' })
    const answer = watch(post(body))
    await clock.advance(499)
    expect(answer.value).toBe(undefined)
    expect(ingest.status()).toMatchObject({ pendingRecords: 1 })
    await clock.advance(1)
    expect(answer.value).toMatchObject({
      status: 200,
      body: { eventId: expect.stringMatching(/^logto-/) },
    })
    expect(values()).toEqual([event])
    expect(ingest.status()).toEqual({ pendingRecords: 0, pendingBytes: 0, troubles: [] })
  })

  it('is answered with 503 if Kafka did not acknowledge in time, whether or not the event is written later', async () => {
    const { clock, broker, post, values } = createRig()
    const { body, event } = logtoWebhook()
    broker.outage(true)
    const first = watch(post(body))
    await clock.advance(ackTimeoutMs - 1)
    expect(first.value).toBe(undefined)
    await clock.advance(1)
    expect(first.value).toMatchObject({ status: 503, headers: { 'retry-after': '5' } })
    broker.outage(false)
    await settled()
    expect(values()).toEqual([event])
  })

  it('is counted once when Kafka has acknowledged its event, even if it was answered with 503 before', async () => {
    const { clock, broker, post, written } = createRig()
    const { body } = logtoWebhook()
    broker.outage(true)
    const first = watch(post(body, '/two'))
    void post(body)
    await clock.advance(ackTimeoutMs)
    expect(first.value).toMatchObject({ status: 503 })
    expect(written).toEqual([])
    broker.outage(false)
    await settled()
    await post(body)
    expect(written).toEqual(['/two'])
  })

  it('is not counted if Kafka did not take its event', async () => {
    const { post, written } = createRig({ maxMessageBytes: 1_000 })
    await post(logtoWebhook({ data: 'x'.repeat(2_000) }).body)
    expect(written).toEqual([])
  })

  it('is refused at its head while the oldest event waits too long, and accepted again when Kafka is back', async () => {
    const { clock, broker, ingest, post, values } = createRig()
    broker.outage(true)
    void post(logtoWebhook({ userId: 'a' }).body)
    await clock.advance(ackTimeoutMs)
    const { body } = logtoWebhook({ userId: 'b' })
    expect(await post(body)).toMatchObject({ status: 503 })
    expect(ingest.status().pendingRecords).toBe(1)
    broker.outage(false)
    await settled()
    expect(await post(body)).toMatchObject({ status: 200 })
    expect(values()).toHaveLength(2)
  })

  it('that is sent again while the first is under way waits for the same record', async () => {
    const { clock, broker, post, values } = createRig()
    broker.setAckDelay(500)
    const { body } = logtoWebhook()
    const answers = [post(body), post(body), post(body, '/two')].map(watch)
    await clock.advance(500)
    expect(answers.map(({ value }) => value?.name)).toEqual(['accepted', 'repeated', 'repeated'])
    expect(new Set(answers.map(({ value }) => value?.body['eventId'])).size).toBe(1)
    expect(values()).toHaveLength(1)
  })

  it('that is sent again after it was written is answered with 200, and not written again', async () => {
    const { post, values, writing } = createRig()
    const { body } = logtoWebhook()
    expect(await post(body)).toMatchObject({ name: 'accepted' })
    expect(await post(body)).toMatchObject({ name: 'repeated', status: 200 })
    expect(await post(logtoWebhook({}, { hookId: 'another' }).body)).toMatchObject({
      name: 'repeated',
    })
    expect(values()).toHaveLength(1)
    expect(writing()).toBe(1)
  })

  it('is another event for another tenant', async () => {
    const { post, values } = createRig()
    const { body } = logtoWebhook()
    await post(body)
    expect(await post(body, '/acme')).toMatchObject({ name: 'accepted' })
    expect(values()).toHaveLength(2)
  })

  it('is answered with 413 each time if it is too large for its topic', async () => {
    const { post, values, ingest } = createRig({ maxMessageBytes: 1_000 })
    const { body } = logtoWebhook({ data: 'x'.repeat(2_000) })
    for (let attempt = 0; attempt < 2; attempt += 1) {
      expect(await post(body)).toMatchObject({ status: 413 })
    }
    expect(values()).toEqual([])
    expect(ingest.status().pendingRecords).toBe(0)
  })

  it('is answered with 503 if the sink fails with an unknown error', async () => {
    const sink = brokenSink(() => Promise.reject(new Error('unknown')))
    const { post, ingest } = createRig({ sink })
    expect(await post(logtoWebhook().body)).toMatchObject({ status: 503 })
    expect(ingest.status()).toMatchObject({ pendingRecords: 0, pendingBytes: 0 })
  })

  it('is written as before while Kafka does not take the events of another topic', async () => {
    const sink = brokenSink(() => new Promise(() => undefined))
    const { clock, post, ingest } = createRig({
      sink,
      others: 'working',
      bounds: { records: 4, bytes: 1e6, remembered: 9 },
    })
    const stalled = ['a', 'b', 'c'].map((userId) => watch(post(logtoWebhook({ userId }).body)))
    await clock.advance(ackTimeoutMs)
    expect(stalled.map(({ value }) => value?.status)).toEqual([503, 503, 503])
    expect(await post(logtoWebhook({ userId: 'd' }).body)).toMatchObject({ status: 503 })
    for (const userId of ['e', 'f', 'g']) {
      expect(await post(logtoWebhook({ userId }).body, '/others')).toMatchObject({ status: 200 })
    }
    expect(ingest.status()).toMatchObject({ pendingRecords: 2, troubles: [] })
  })

  it('cannot be written to any topic: then each is named with its trouble', () => {
    const sink = brokenSink(() => new Promise(() => undefined))
    const { ingest } = createRig({ sink, others: sink })
    const troubles = ['events: it is broken', 'others: it is broken']
    expect(ingest.status().troubles).toEqual(troubles)
  })

  it.each<[string, IngestSettings['bounds']]>([
    ['events', { records: 3, bytes: 1_000_000, remembered: 10 }],
    ['bytes', { records: 100, bytes: 1_500, remembered: 10 }],
  ])('is refused at its head while too many %s wait for Kafka', async (_, bounds) => {
    const { clock, broker, post, ingest } = createRig({ bounds })
    broker.setAckDelay(500)
    const answers = ['a', 'b', 'c', 'd', 'e'].map((userId) =>
      watch(post(logtoWebhook({ userId }).body)),
    )
    await clock.advance(500)
    expect(answers.map(({ value }) => value?.status)).toEqual([200, 200, 200, 503, 503])
    expect(await Promise.race([post(logtoWebhook({ userId: 'f' }).body), settled()])).toBe(
      undefined,
    )
    await clock.advance(500)
    expect(ingest.status()).toMatchObject({ pendingRecords: 0, pendingBytes: 0 })
  })

  it('writes nothing and waits for nothing if it is not an event', async () => {
    const { post, values, writing } = createRig()
    expect(await post('{"event":"PostSignIn"}')).toMatchObject({
      status: 400,
      body: { field: 'createdAt' },
    })
    expect([values(), writing()]).toEqual([[], 0])
  })
})
