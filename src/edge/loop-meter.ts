/** How busy the event loop of this process is, as Node measures it. */
import { performance, type EventLoopUtilization } from 'node:perf_hooks'
import type { LoopMeter } from '../ports.ts'

const sampleMs = 100
/** How long a reading is used again: reading for each call would cost too much. */
const freshMs = 10
/** Samples of the last second, and the one before it. */
const kept = 11

/**
 * Takes a sample ten times a second. Its timer does not keep the process alive.
 *
 * A busy loop takes its samples late. Then the newest sample is older than 100 ms, and the busy time lies after it.
 */
export function createLoopMeter(): LoopMeter {
  const samples: EventLoopUtilization[] = [performance.eventLoopUtilization()]
  setInterval(() => {
    samples.push(performance.eventLoopUtilization())
    if (samples.length > kept) samples.shift()
  }, sampleMs).unref()
  let share = 0
  let readAt = Number.NEGATIVE_INFINITY
  return {
    busyShare() {
      const at = performance.now()
      if (at - readAt < freshMs) return share
      readAt = at
      const now = performance.eventLoopUtilization()
      const [second, tenth] = [samples.at(0), samples.at(-2) ?? samples.at(-1)]
      share = Math.max(shareSince(now, second), shareSince(now, tenth))
      return share
    },
  }
}

function shareSince(now: EventLoopUtilization, then: EventLoopUtilization | undefined): number {
  return performance.eventLoopUtilization(now, then).utilization
}
