/** Spans of real processes, as an OpenTelemetry collector receives them over OTLP/HTTP. */
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { createBrokerRig } from '../support/broker-rig.ts'
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
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  const traceparent = `00-${traceId}-00f067aa0ba902b7-01`
  await rig.sendEvents({}, { headers: { traceparent, tracestate: 'rojo=1' } })
  await rig.results.waitFor((all) => all.length === 2)
  one.signal('SIGTERM')
  await one.exited
  status = 200
  const two = await rig.run({ HOOKTIDE_INSTANCE: 'two' })
  await rig.results.waitFor((all) => all.length === 4)
  two.signal('SIGTERM')
  await two.exited

  const { spans, bodies } = collector
  const traces = Map.groupBy(spans, (span) => span.traceId)
  expect(traces.size).toBe(2)
  const topic = `${rig.prefix}.events`
  for (const [id, trace] of traces) {
    const names = trace.map(({ name }) => name).toSorted()
    expect(names).toEqual(
      [
        ...['POST', 'POST', 'queued', 'queued', `process ${topic}`],
        `process ${rig.prefix}.webhook.retry.1s`,
        ...Array.from({ length: 2 }, () => `send ${rig.prefix}.webhook.results`),
      ].toSorted(),
    )
    const first = trace.find(({ name }) => name === `process ${topic}`)
    const later = trace.find(({ name }) => name === `process ${rig.prefix}.webhook.retry.1s`)
    const isProducers = id === traceId
    expect(first?.parentSpanId ?? '').toBe(isProducers ? '00f067aa0ba902b7' : '')
    expect(later?.parentSpanId).toBe(isProducers ? '00f067aa0ba902b7' : first?.spanId)
    const calls = trace.filter(({ name }) => name === 'POST')
    expect(calls.map(({ parentSpanId }) => parentSpanId)).toEqual([first?.spanId, later?.spanId])
    const called = rig.receiver.requests.filter(({ headers }) =>
      headers['traceparent']?.includes(id),
    )
    expect(called.map(({ headers }) => headers['traceparent'])).toEqual(
      calls.map(({ spanId }) => `00-${id}-${spanId}-01`),
    )
    expect(called.map(({ headers }) => headers['tracestate'])).toEqual(
      Array(2).fill(isProducers ? 'rojo=1' : undefined),
    )
    const [failure, success] = calls.map(attributesOf)
    expect(failure).toMatchObject({
      'http.request.method': 'POST',
      'url.full': rig.urlOf('a'),
      'server.address': '127.0.0.1',
      'error.type': '500',
    })
    expect(Number(success?.['http.request.resend_count'])).toBe(1)
    expect(first && attributesOf(first)).toMatchObject({
      'messaging.system': 'kafka',
      'messaging.destination.name': topic,
      'hooktide.hook.id': 'a',
      'hooktide.outcome': 'retrying',
    })
  }
  expect(bodies.join('')).not.toContain(secret)
})
