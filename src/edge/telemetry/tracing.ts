/**
 * Spans of attempts by OpenTelemetry's API (docs/operating.md, Traces). Only this file and `trace-state.ts` know it. An SDK that was loaded
 * before (`node --import`) receives them; without one nothing is made. Names and attributes are those of OpenTelemetry's
 * semantic conventions for messaging and HTTP (https://opentelemetry.io/docs/specs/semconv/); others begin with `hooktide.`.
 *
 * An attempt has four spans: `process <topic>` from the moment it was queued until Kafka has its result, and below that
 * `queued`, `POST` and `send <topic>`.
 */
import {
  diag,
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type Tracer,
} from '@opentelemetry/api'
import { validTracestate } from '../../core/event/trace-context.ts'
import { asError } from '../../core/model/errors.ts'
import type { AttemptResult, TraceContext } from '../../core/model/model.ts'
import type { AttemptTrace, Clock, TracedAttempt, Tracing } from '../../ports.ts'
import { sleep } from '../waiting.ts'
import { Entries } from './trace-state.ts'

export interface TracingOptions {
  readonly version: string
  /** Topic of results. */
  readonly results: string
  readonly clock: Pick<Clock, 'now'>
}

/** How long the last spans may take to be sent, in milliseconds. */
const flushMs = 3_000

/** `undefined` if no SDK was loaded. */
export function createTracing(options: TracingOptions): Tracing | undefined {
  const { version } = options
  const tracer = trace.getTracer('hooktide', version)
  // Without an SDK the API makes spans without ids. This one never ends, so it goes nowhere.
  const probe = tracer.startSpan('probe', {}, ROOT_CONTEXT)
  if (!isSpanContextValid(probe.spanContext())) return undefined
  return {
    attemptBegins: (attempt) => safely(() => guarded(attemptBegins(tracer, options, attempt))),
    async flush() {
      const provider = registeredProvider()
      if (!canFlush(provider)) return
      // An exporter that fails has reported it.
      const flushed = safely(() => provider.forceFlush()) ?? Promise.resolve()
      await Promise.race([flushed.catch(() => undefined), sleep(flushMs)])
    },
  }
}

/**
 * What an SDK and its parts throw must not reach the delivery. It goes to the logger that OpenTelemetry has for faults of its
 * own.
 */
function safely<Result>(work: () => Result): Result | undefined {
  try {
    return work()
  } catch (error) {
    diag.error(`hooktide: tracing failed: ${asError(error).message}`)
    return undefined
  }
}

function guarded(attempt: AttemptTrace): AttemptTrace {
  return {
    call: attempt.call,
    onward: attempt.onward,
    answered: (result) => safely(() => attempt.answered(result)),
    recorded: (outcome, reason) => safely(() => attempt.recorded(outcome, reason)),
    acknowledged: () => safely(() => attempt.acknowledged()),
  }
}

/** The API gives one that stands before that of the SDK. */
function registeredProvider(): object {
  const provider = trace.getTracerProvider()
  return hasDelegate(provider) ? provider.getDelegate() : provider
}

function hasDelegate(provider: object): provider is { getDelegate(): object } {
  return 'getDelegate' in provider && typeof provider.getDelegate === 'function'
}

/** The API has no way to flush; SDKs do. */
function canFlush(provider: object): provider is { forceFlush(): Promise<void> } {
  return 'forceFlush' in provider && typeof provider.forceFlush === 'function'
}

function attemptBegins(
  tracer: Tracer,
  { results, clock }: TracingOptions,
  attempt: TracedAttempt,
): AttemptTrace {
  const { run, source, startedAt } = attempt
  const queuedAt = startedAt - attempt.queuedMs
  const processing = tracer.startSpan(
    `process ${source.topic}`,
    { kind: SpanKind.CONSUMER, startTime: queuedAt, attributes: processAttributes(attempt) },
    contextOf(run.event.trace),
  )
  if (run.hop === 0) processing.addEvent('produced', {}, attempt.writtenAt)
  const within = trace.setSpan(ROOT_CONTEXT, processing)
  tracer.startSpan('queued', { startTime: queuedAt }, within).end(startedAt)
  const calling = tracer.startSpan(
    'POST',
    { kind: SpanKind.CLIENT, startTime: startedAt, attributes: callAttributes(attempt) },
    within,
  )
  let sending: Span | undefined
  return {
    call: traceContextOf(calling),
    onward: traceContextOf(processing),
    answered(result) {
      describe(calling, result)
      calling.end(startedAt + result.phases.totalMs)
    },
    recorded(outcome, reason) {
      const startTime = clock.now()
      // The records before these were refused.
      sending?.setStatus({ code: SpanStatusCode.ERROR }).end(startTime)
      processing.setAttribute('hooktide.outcome', outcome)
      if (reason !== undefined) processing.setAttribute('hooktide.reason', reason)
      const attributes = messagingAttributes('send', results)
      sending = tracer.startSpan(
        `send ${results}`,
        { kind: SpanKind.PRODUCER, startTime, attributes },
        within,
      )
    },
    acknowledged() {
      const now = clock.now()
      sending?.end(now)
      processing.end(now)
    },
  }
}

function messagingAttributes(operation: 'process' | 'send', topic: string): Attributes {
  return {
    'messaging.system': 'kafka',
    'messaging.operation.name': operation,
    'messaging.operation.type': operation,
    'messaging.destination.name': topic,
  }
}

function processAttributes({ run, source, group }: TracedAttempt): Attributes {
  return {
    ...messagingAttributes('process', source.topic),
    'messaging.destination.partition.id': String(source.partition),
    'messaging.kafka.offset': source.offset,
    'messaging.consumer.group.name': group,
    'messaging.message.id': run.event.eventId,
    'messaging.message.body.size': run.event.body.length,
    'hooktide.event': run.event.event,
    'hooktide.tenant.id': run.event.tenantId,
    'hooktide.hook.id': run.hookId,
    'hooktide.delivery.id': run.deliveryId,
    'hooktide.run': run.run,
    'hooktide.trigger': run.trigger,
    'hooktide.attempt': run.attempt + 1,
  }
}

function callAttributes({ run, shownUrl }: TracedAttempt): Attributes {
  const url = URL.parse(shownUrl)
  return {
    'http.request.method': 'POST',
    'url.full': shownUrl,
    ...(url === null ? {} : { 'server.address': url.hostname, 'server.port': portOf(url) }),
    ...(run.attempt === 0 ? {} : { 'http.request.resend_count': run.attempt }),
  }
}

function portOf({ port, protocol }: URL): number {
  if (port !== '') return Number(port)
  return protocol === 'http:' ? 80 : 443
}

/** A status that is no success is an error of a client's span, and its number is the type. */
function describe(span: Span, result: AttemptResult): void {
  const status = 'status' in result ? result.status : undefined
  if (status !== undefined) span.setAttribute('http.response.status_code', status)
  const errorType = errorTypeOf(result)
  if (errorType === undefined) return
  span.setAttribute('error.type', errorType)
  span.setStatus({ code: SpanStatusCode.ERROR })
}

function errorTypeOf(result: AttemptResult): string | undefined {
  if (result.kind === 'error') return result.errorClass
  if (result.kind !== 'response') return result.kind
  return result.status >= 200 && result.status < 300 ? undefined : String(result.status)
}

/** @param from valid, as it was read */
function contextOf(from: TraceContext | undefined): Context {
  if (from === undefined) return ROOT_CONTEXT
  const [, traceId = '', spanId = '', flags = ''] = from.traceparent.split('-')
  return trace.setSpanContext(ROOT_CONTEXT, {
    ...{ traceId, spanId, isRemote: true, traceFlags: Number.parseInt(flags, 16) },
    ...(from.tracestate === undefined ? {} : { traceState: Entries.parse(from.tracestate) }),
  })
}

function traceContextOf(span: Span): TraceContext {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext()
  const flags = traceFlags.toString(16).padStart(2, '0')
  return {
    traceparent: `00-${traceId}-${spanId}-${flags}`,
    // A sampler may give a trace state of its own class.
    tracestate: traceState && validTracestate(traceState.serialize()),
  }
}
