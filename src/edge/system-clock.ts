import type { Clock } from '../ports.ts'

/** The platform's clock. Timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, fire) {
    // Node turns delays above 2^31-1 into 1 ms. Callers with longer waits check the time when the timer fires.
    const timer = setTimeout(fire, Math.min(delayMs, 2_147_483_647)).unref()
    return () => clearTimeout(timer)
  },
  soon: (run) => void setImmediate(run),
}
