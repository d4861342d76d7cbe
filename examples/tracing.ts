/**
 * Sends the spans of hooktide to an OpenTelemetry collector, by OTLP over HTTP (docs/operating.md, Traces). To be loaded
 * before hooktide: NODE_OPTIONS="--import ./tracing.ts". Reads OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES and
 * OTEL_EXPORTER_OTLP_*, and OTEL_TRACES_SAMPLER_ARG as the share of traces that are recorded where the producer of an event
 * has not decided.
 */
import { trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import {
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'

const share = Number(process.env['OTEL_TRACES_SAMPLER_ARG'] ?? 1)

trace.setGlobalTracerProvider(
  new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'hooktide' }).merge(
      detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] }),
    ),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(share) }),
    spanProcessors: [
      // An attempt has four spans. What does not fit into the queue is dropped; hooktide waits for nothing of this.
      new BatchSpanProcessor({ exporter: new OTLPTraceExporter(), maxQueueSize: 20_000 }),
    ],
  }),
)
