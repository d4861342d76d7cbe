/** A clock that stands still until a test moves it. */
import type { Clock } from '../../src/ports.ts'

export interface HandClock extends Clock {
  /**
   * Moves time forward, firing what falls due in order. After each firing, everything that it led to without waiting for
   * more time is done before the next: promise chains, deliveries of the memory broker, its acknowledgements.
   */
  advance(ms: number): Promise<void>
}

interface Timer {
  readonly at: number
  readonly fire: () => void
}

/** Both readings only ever move together; the monotonic one has fractions, as the platform's has. */
export function createHandClock(start = Date.UTC(2026, 0, 5)): HandClock {
  let time = start
  const timers = new Set<Timer>()

  function nextDue(until: number): Timer | undefined {
    let next: Timer | undefined
    for (const timer of timers) {
      if (timer.at <= until && (next === undefined || timer.at < next.at)) next = timer
    }
    return next
  }

  return {
    now: () => time,
    monotonic: () => time - start + 0.375,
    after(delayMs, fire) {
      const timer = { at: time + Math.max(0, delayMs), fire }
      timers.add(timer)
      return () => {
        timers.delete(timer)
      }
    },
    async advance(ms) {
      const until = time + ms
      await settled()
      for (let timer = nextDue(until); timer !== undefined; timer = nextDue(until)) {
        timers.delete(timer)
        time = Math.max(time, timer.at)
        timer.fire()
        await settled()
      }
      time = until
      await settled()
    },
  }
}

/**
 * Resolves when all promise chains that wait for nothing outside have run. An immediate runs only after the microtask
 * queue is empty; the second lets those through that were themselves started by an immediate.
 */
export async function settled(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve))
  await new Promise<void>((resolve) => setImmediate(resolve))
}
