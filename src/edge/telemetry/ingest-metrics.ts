/** The Prometheus metrics of `ingest`. Each label value is exported from the start, with the value 0. */
import { answerNames, type AnswerName } from '../../core/ingest/answer.ts'
import { Count, Distribution, Family, gauge, Single } from './exposition.ts'
import type { Metrics } from './metrics.ts'
import { buildText, createNodeMetrics, readyText } from './process-metrics.ts'

/** Values that are read at each request for metrics. */
export interface IngestReadings {
  readonly isReady: boolean
  readonly connections: number
  readonly pendingRecords: number
  readonly pendingBytes: number
}

export interface IngestMetrics extends Pick<Metrics, 'render' | 'contentType'> {
  /** @param answer `undefined` if the client closed the connection before it */
  countAnswer(answer: AnswerName | undefined, tookMs: number): void
  /** Called when Kafka has acknowledged an event of a source. */
  countEvent(path: string): void
}

const gone = 'client-gone'
const outcomes = [...answerNames, gone] as const
const durationBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** @param options.paths of all sources: a closed set, few enough for a label */
export function createIngestMetrics(options: {
  readonly version: string
  readonly paths: readonly string[]
  readonly readings: () => IngestReadings
}): IngestMetrics {
  const node = createNodeMetrics()
  const create = () => new Count()
  const requests = new Family(
    {
      name: 'hooktide_ingest_requests_total',
      help: 'Requests by their answer; client-gone: the client closed the connection first.',
      type: 'counter',
    },
    { label: 'answer', values: outcomes, create },
  )
  const events = new Family(
    {
      name: 'hooktide_ingest_events_total',
      help: 'Events that Kafka has acknowledged, by the path of their request.',
      type: 'counter',
    },
    { label: 'path', values: options.paths, create },
  )
  const durations = new Single(
    {
      name: 'hooktide_ingest_duration_seconds',
      help: "From the end of a request's head to the end of its answer, for accepted requests.",
      type: 'histogram',
    },
    new Distribution(durationBounds),
  )
  return {
    countAnswer(answer, tookMs) {
      requests.of(answer ?? gone).add()
      if (answer === 'accepted') durations.series.observe(tookMs / 1_000)
    },
    countEvent: (path) => events.of(path).add(),
    async render() {
      const families = [requests, events, durations].map((family) => family.text())
      const { isReady, ...now } = options.readings()
      return [
        buildText(options.version),
        ...families,
        readyText(isReady),
        ...gaugesOf(now),
        await node.metrics(),
      ].join('')
    },
    contentType: node.contentType,
  }
}

function gaugesOf(now: Omit<IngestReadings, 'isReady'>): readonly string[] {
  return [
    gauge({ name: 'hooktide_ingest_connections', help: 'Open connections.' }, now.connections),
    gauge(
      { name: 'hooktide_ingest_pending', help: 'Events that Kafka has not acknowledged yet.' },
      now.pendingRecords,
    ),
    gauge(
      {
        name: 'hooktide_ingest_pending_bytes',
        help: 'Bytes of the events that Kafka has not acknowledged yet.',
      },
      now.pendingBytes,
    ),
  ]
}
