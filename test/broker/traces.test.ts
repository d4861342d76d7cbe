/** Spans of real processes, as an OpenTelemetry collector receives them over OTLP/HTTP. */
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { createBrokerRig, type BrokerRig } from '../support/broker-rig.ts'
import { listening } from '../support/listening.ts'
import { surroundings } from '../support/sandbox.ts'

interface OtlpSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly attributes: readonly {
    readonly key: string
    readonly value: Readonly<Record<string, unknown>>
  }[]
}

interface OtlpTraces {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[]
  }[]
}

/** What a collector is, as far as exporters know. */
async function startCollector() {
  const spans: OtlpSpan[] = []
  const bodies: string[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      bodies.push(body)
      const { resourceSpans } = JSON.parse(body) as OtlpTraces
      for (const { scopeSpans } of resourceSpans)
        spans.push(...scopeSpans.flatMap((one) => one.spans))
      response.setHeader('content-type', 'application/json').end('{}')
    })
  })
  const port = await listening(server)
  return { spans, bodies, url: `http://127.0.0.1:${port}` }
}

function attributesOf({ attributes }: OtlpSpan): Readonly<Record<string, unknown>> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
}

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const producersSpan = '00f067aa0ba902b7'

it('attempts and their results come to a collector, and a retry in another process is in the same trace', async () => {
  const { brokers } = surroundings()
  const collector = await startCollector()
  const secret = 'sk3VQ9xT7LmZ2pRw'
  let status = 500
  await using rig = await createBrokerRig({
    brokers,
    answer: () => ({ kind: 'respond', status }),
    environment: {
      HOOKTIDE_RETRY_TIERS: '1s',
      HOOKTIDE_RETRY_SCHEDULE: '1s',
      NODE_OPTIONS: `--import ${fileURLToPath(new URL('../../examples/tracing.ts', import.meta.url))}`,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    },
  })
  await rig.putHooks({ id: 'a', config: { url: `${rig.urlOf('a')}?key=${secret}` } })
  const one = await rig.run({ HOOKTIDE_INSTANCE: 'one' })
  await one.waitForLine(({ msg }) => msg === 'attempts are traced with OpenTelemetry')
  const traceparent = `00-${traceId}-${producersSpan}-01`
  await rig.sendEvents({}, { headers: { traceparent, tracestate: 'rojo=1' } })
  await rig.results.waitFor((all) => all.length === 2)
  one.signal('SIGTERM')
  await one.exited
  status = 200
  const two = await rig.run({ HOOKTIDE_INSTANCE: 'two' })
  await rig.results.waitFor((all) => all.length === 4)
  two.signal('SIGTERM')
  await two.exited

  const traces = Map.groupBy(collector.spans, (span) => span.traceId)
  expect(traces.size).toBe(2)
  for (const [id, trace] of traces) expectWhole(rig, trace, id === traceId)
  expect(collector.bodies.join('')).not.toContain(secret)
})

/** The spans of an event's two attempts, of which the second was made by another process. */
function expectWhole(rig: BrokerRig, trace: readonly OtlpSpan[], isProducers: boolean): void {
  const topics = [`${rig.prefix}.events`, `${rig.prefix}.webhook.retry.1s`]
  const send = `send ${rig.prefix}.webhook.results`
  const names = [...topics.map((topic) => `process ${topic}`), 'POST', 'POST', 'queued', 'queued']
  expect(trace.map(({ name }) => name).toSorted()).toEqual([...names, send, send].toSorted())
  const [first, later] = topics.map((topic) =>
    trace.find(({ name }) => name === `process ${topic}`),
  )
  expect(first?.parentSpanId ?? '').toBe(isProducers ? producersSpan : '')
  expect(later?.parentSpanId).toBe(isProducers ? producersSpan : first?.spanId)
  expect(first && attributesOf(first)).toMatchObject({
    'messaging.system': 'kafka',
    'messaging.destination.name': topics[0],
    'hooktide.hook.id': 'a',
    'hooktide.outcome': 'retrying',
  })
  expectCalls(rig, trace, isProducers)
  const parents = trace
    .filter(({ name }) => name === 'POST')
    .map(({ parentSpanId }) => parentSpanId)
  expect(new Set(parents)).toEqual(new Set([first?.spanId, later?.spanId]))
}

function expectCalls(rig: BrokerRig, trace: readonly OtlpSpan[], isProducers: boolean): void {
  const calls = trace.filter(({ name }) => name === 'POST')
  const id = calls[0]?.traceId ?? ''
  const received = rig.receiver.requests
    .map(({ headers }) => headers)
    .filter(({ traceparent }) => traceparent?.includes(id))
  expect(received.map(({ traceparent }) => traceparent)).toEqual(
    calls.map(({ spanId }) => `00-${id}-${spanId}-01`),
  )
  const tracestate = isProducers ? 'rojo=1' : undefined
  expect(received.map((headers) => headers['tracestate'])).toEqual([tracestate, tracestate])
  const [failure, success] = calls.map(attributesOf)
  expect(failure).toMatchObject({
    'http.request.method': 'POST',
    'url.full': rig.urlOf('a'),
    'server.address': '127.0.0.1',
    'error.type': '500',
  })
  expect(Number(success?.['http.request.resend_count'])).toBe(1)
}
