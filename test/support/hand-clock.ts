/** A clock that stands still until a test moves it. */
import type { Clock } from '../../src/ports.ts'

export interface HandClock extends Clock {
  /**
   * Moves time forward and fires timers in the order of their times. Before the next timer fires, everything that follows
   * from one without a further wait is done: promise chains, deliveries of the memory broker, its acknowledgements.
   */
  advance(ms: number): Promise<void>
}

interface Timer {
  readonly at: number
  readonly fire: () => void
}

/** If more timers fire at one time, it is one that sets itself again without delay, and time would never go on. */
const mostAtOnce = 10_000
/** How many functions were given to `soon` and have not run. */
let waiting = 0

/** Both clocks always move together. The monotonic one has fractions of milliseconds, like that of the platform. */
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
    soon(run) {
      waiting += 1
      setImmediate(() => {
        waiting -= 1
        run()
      })
    },
    async advance(ms) {
      const until = time + ms
      let atOnce = 0
      await settled()
      for (let timer = nextDue(until); timer !== undefined; timer = nextDue(until)) {
        timers.delete(timer)
        atOnce = timer.at > time ? 1 : atOnce + 1
        if (atOnce > mostAtOnce) throw new Error(`${mostAtOnce} timers have fired at one time`)
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
 * Resolves when all promise chains have run that wait for nothing external, and everything that was to run soon. An immediate
 * runs only when the queue of microtasks is empty. The second one waits for chains that an immediate started.
 */
export async function settled(): Promise<void> {
  do {
    await new Promise<void>((resolve) => setImmediate(resolve))
    await new Promise<void>((resolve) => setImmediate(resolve))
  } while (waiting > 0)
}
