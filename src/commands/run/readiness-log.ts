/** Readiness in the log: a probe that fails says nothing of it there. */
import type { Telemetry } from '../../edge/telemetry/telemetry.ts'

/** How late the log may be with what readiness became. */
const lookMs = 1_000

export type ReadinessLog = Pick<Telemetry['log'], 'info' | 'warn'>

/**
 * Returns what is to be called with the reasons of the moment, none when the process is ready. It logs a line whenever
 * readiness was won or lost. Before it is won for the first time, the start has lines of its own.
 */
export function createReadinessLog(log: ReadinessLog): (reasons: readonly string[]) => void {
  let wasReady = false
  return (reasons) => {
    const isReady = reasons.length === 0
    if (isReady === wasReady) return
    wasReady = isReady
    if (isReady) log.info('ready')
    else log.warn({ reasons }, 'not ready')
  }
}

/** Looks once a second, and whenever `look` is called. An orderly end has lines of its own. */
export function watchReadiness(options: {
  readonly log: ReadinessLog
  /** Reasons of the moment. */
  readonly unready: () => readonly string[]
  /** Aborted when the process is asked to end. */
  readonly signal: AbortSignal
}): { readonly look: () => void; readonly stop: () => void } {
  const { log, unready, signal } = options
  const report = createReadinessLog(log)
  const look = () => {
    if (!signal.aborted) report(unready())
  }
  const timer = setInterval(look, lookMs)
  return { look, stop: () => clearInterval(timer) }
}
