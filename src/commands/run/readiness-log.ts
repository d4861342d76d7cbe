/** Logs when the process becomes ready and when it no longer is. A failing probe leaves no line in the log. */
import type { Telemetry } from '../../edge/telemetry/telemetry.ts'

/** How late the log may notice a change. */
const checkEveryMs = 1_000

export type ReadinessLog = Pick<Telemetry['log'], 'info' | 'warn'>

/**
 * Returns a function that takes the current reasons for not being ready, an empty list if the process is ready. It logs each
 * change. Nothing is logged before the process is ready for the first time: the start has its own log lines.
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

/** Checks once a second, and whenever `check` is called. A shutdown is not logged here: it has its own log lines. */
export function watchReadiness(options: {
  readonly log: ReadinessLog
  /** The current reasons for not being ready. */
  readonly unready: () => readonly string[]
  /** Aborted when the process shuts down. */
  readonly signal: AbortSignal
}): { readonly check: () => void; readonly stop: () => void } {
  const { log, unready, signal } = options
  const report = createReadinessLog(log)
  const check = () => {
    if (!signal.aborted) report(unready())
  }
  const timer = setInterval(check, checkEveryMs)
  return { check, stop: () => clearInterval(timer) }
}
