/** Where signals go: each to its log line and to its metric, so that the two cannot disagree. */
import type { Emit } from '../../core/signal/signal.ts'
import { createMetrics, type Metrics, type MetricsOptions } from './metrics.ts'
import { createSignalLog, type SignalLog, type SignalLogOptions } from './signal-log.ts'

export interface Telemetry extends Pick<SignalLog, 'log'> {
  readonly emit: Emit
  readonly metrics: Metrics
}

export function createTelemetry(options: SignalLogOptions & MetricsOptions): Telemetry {
  const metrics = createMetrics(options)
  const { log, write } = createSignalLog(options)
  return {
    log,
    metrics,
    emit(signal) {
      metrics.count(signal)
      write(signal)
    },
  }
}
