import { diag, trace, type TraceState } from '@opentelemetry/api'
import {
  AlwaysOffSampler,
  InMemorySpanExporter,
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { afterEach, describe, expect, it } from 'vitest'
import type { TraceContext } from '../../../src/core/model/model.ts'
import { createTracing } from '../../../src/edge/telemetry/tracing.ts'
import type { AttemptTrace, TracedAttempt, Tracing } from '../../../src/ports.ts'
import { eventOf, runOf } from '../../support/model-builders.ts'

const startedAt = Date.UTC(2026, 0, 5)
const options = { version: '1.2.3', results: 'results', clock: { now: () => startedAt + 60 } }
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const phases = { connectMs: 1, firstByteMs: 40, totalMs: 50 }

function attemptOf(context: TraceContext | undefined, attempt = 0): TracedAttempt {
  return {
    run: runOf({ event: eventOf({ trace: context }), attempt, hop: attempt }),
    group: 'hooktide',
    source: { topic: 'auth.events', partition: 3, offset: 41 },
    writtenAt: startedAt - 30,
    shownUrl: 'https://receiver.example/hook/(hidden)',
    startedAt,
    queuedMs: 20,
  }
}

/** Tracing, which is on. */
function createdTracing(): Tracing {
  const tracing = createTracing(options)
  if (tracing === undefined) throw new Error('no SDK was found')
  return tracing
}

function begun(tracing: Tracing, attempt: TracedAttempt): AttemptTrace {
  const trace = tracing.attemptBegins(attempt)
  if (trace === undefined) throw new Error('it is not traced')
  return trace
}

/** Registers an SDK that keeps what it is given. */
function register(sampler?: Sampler): InMemorySpanExporter {
  const exporter = new InMemorySpanExporter()
  const spanProcessors = [new SimpleSpanProcessor({ exporter })]
  trace.setGlobalTracerProvider(
    new TracerProvider({ spanProcessors, ...(sampler === undefined ? {} : { sampler }) }),
  )
  return exporter
}

afterEach(() => trace.disable())

describe('tracing', () => {
  it('is off where no SDK was loaded', () => {
    expect(createTracing(options)).toBeUndefined()
  })

  it('makes of an attempt the spans from queue to result, below the span of the producer', async () => {
    const exporter = register()
    const tracing = createdTracing()
    const traceparent = `00-${traceId}-00f067aa0ba902b7-01`
    const attempt = begun(tracing, attemptOf({ traceparent, tracestate: 'rojo=1' }))
    expect(attempt.call).toEqual({
      traceparent: expect.stringMatching(`^00-${traceId}-[\\da-f]{16}-01$`) as unknown,
      tracestate: 'rojo=1',
    })
    attempt.answered({ kind: 'response', status: 503, retryAfterMs: undefined, body: '', phases })
    attempt.recorded('dead', 'exhausted')
    attempt.acknowledged()
    await tracing.flush()
    const spans = exporter.getFinishedSpans()
    const shown = spans.map(({ name, startTime, endTime }) => {
      const [from, to] = [startTime, endTime].map(
        ([seconds, nanos]) => seconds * 1_000 + nanos / 1e6 - startedAt,
      )
      return `${name} ${from} ${to}`
    })
    expect(shown).toEqual([
      'queued -20 0',
      'POST 0 50',
      'send results 60 60',
      'process auth.events -20 60',
    ])
    const [, call, , processing] = spans
    const own = processing?.spanContext().spanId
    const parents = spans.map(({ parentSpanContext }) => parentSpanContext?.spanId)
    expect(parents).toEqual([own, own, own, '00f067aa0ba902b7'])
    expect(call?.attributes).toEqual({
      'http.request.method': 'POST',
      'url.full': 'https://receiver.example/hook/(hidden)',
      'server.address': 'receiver.example',
      'server.port': 443,
      'http.response.status_code': 503,
      'error.type': '503',
    })
    expect(processing?.attributes).toMatchObject({
      'messaging.kafka.offset': 41,
      'hooktide.outcome': 'dead',
      'hooktide.reason': 'exhausted',
    })
    expect(processing?.events.map(({ name }) => name)).toEqual(['produced'])
  })

  it('ends each write of records, also one that was replaced, which failed', async () => {
    const exporter = register()
    const tracing = createdTracing()
    const attempt = begun(tracing, attemptOf(undefined))
    attempt.answered({ kind: 'response', status: 503, retryAfterMs: undefined, body: '', phases })
    attempt.recorded('retrying', undefined)
    attempt.recorded('dead', 'too-large')
    attempt.acknowledged()
    await tracing.flush()
    const spans = exporter.getFinishedSpans()
    expect(spans.map(({ name, status }) => `${name} ${status.code}`)).toEqual([
      'queued 0',
      'POST 2',
      'send results 2',
      'send results 0',
      'process auth.events 0',
    ])
    expect(spans.at(-1)?.attributes).toMatchObject({
      'hooktide.outcome': 'dead',
      'hooktide.reason': 'too-large',
    })
  })

  it('begins a trace for an event without one, which its records carry on', () => {
    register()
    const attempt = begun(createdTracing(), attemptOf(undefined))
    const [, id, span] = attempt.onward.traceparent.split('-')
    expect(id).toMatch(/^[\da-f]{32}$/)
    expect(attempt.call.traceparent).toContain(`00-${id}-`)
    expect(attempt.call.traceparent).not.toContain(span)
  })

  it('goes on where a processor of spans throws, and tells the logger of OpenTelemetry', async () => {
    const said: string[] = []
    const nothing = () => undefined
    const error = (message: string) => said.push(message)
    diag.setLogger({ error, warn: nothing, info: nothing, debug: nothing, verbose: nothing })
    let throwsIn = ''
    const fail = (name: string) => () => {
      if (throwsIn === name) throw new Error(`no ${name}`)
    }
    const processor = { onStart: fail('start'), onEnd: fail('end') }
    const forceFlush = () => {
      throw new Error('no flush')
    }
    const shutdown = () => Promise.resolve()
    trace.setGlobalTracerProvider(
      new TracerProvider({ spanProcessors: [{ ...processor, forceFlush, shutdown }] }),
    )
    const tracing = createdTracing()
    throwsIn = 'start'
    expect(tracing.attemptBegins(attemptOf(undefined))).toBeUndefined()
    throwsIn = ''
    const attempt = tracing.attemptBegins(attemptOf(undefined))
    throwsIn = 'end'
    attempt?.answered({ kind: 'aborted', phases })
    throwsIn = 'start'
    attempt?.recorded('interrupted', undefined)
    throwsIn = 'end'
    attempt?.acknowledged()
    await tracing.flush()
    diag.disable()
    const failed = said.filter((message) => message.includes('tracing failed'))
    expect(failed.join(' ')).toContain('no start')
    expect(failed.join(' ')).toContain('no end')
  })

  it('leaves out what its producer, or the sampler, does not record, and passes its trace on', () => {
    const exporter = register(new ParentBasedSampler({ root: new AlwaysOffSampler() }))
    const tracing = createdTracing()
    const traceparent = `00-${traceId}-00f067aa0ba902b7-00`
    for (const context of [undefined, { traceparent, tracestate: undefined }]) {
      const attempt = begun(tracing, attemptOf(context, 1))
      expect(attempt.call.traceparent).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-00$/)
      attempt.answered({ kind: 'aborted', phases })
      attempt.recorded('interrupted', undefined)
      attempt.acknowledged()
    }
    expect(exporter.getFinishedSpans()).toEqual([])
  })

  it('passes on no more of what a sampler adds to the trace state than is valid', () => {
    const text = Array.from({ length: 40 }, (_, at) => `k${at}=1`).join(',')
    const state: TraceState = {
      ...{ get: () => undefined, set: () => state, unset: () => state },
      serialize: () => text,
    }
    const decision = SamplingDecision.RECORD_AND_SAMPLED
    register({ shouldSample: () => ({ decision, traceState: state }), toString: () => 'adding' })
    const attempt = begun(createdTracing(), attemptOf(undefined))
    expect([attempt.call.tracestate, attempt.onward.tracestate]).toEqual([undefined, undefined])
  })
})
