/** How busy this process' event loop is, as Node measures it. */
import { performance, type EventLoopUtilization } from 'node:perf_hooks'
import type { LoopMeter } from '../ports.ts'

const sampleMs = 100
/** Reading costs more than a call's share of the loop may: what was read is good for so long. */
const freshMs = 10
/** Samples of the last second, and the one before it. */
const kept = 11

/**
 * Takes a sample ten times a second, for as long as the process lives; that keeps no process alive.
 *
 * A loop that is busy takes its samples late: then the newest one is older, and the busy time is in what follows it.
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
