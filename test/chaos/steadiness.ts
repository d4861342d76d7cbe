/** Samples the processors' metrics every few seconds, to show whether memory, handles and lag are steady. */
import { byLabel, parseMetrics } from '../support/metric-lines.ts'
import type { Fleet } from './fleet.ts'

export interface Sample {
  readonly at: number
  readonly name: string
  readonly rssBytes: number
  readonly heapBytes: number
  readonly openFiles: number
  readonly handles: number
  readonly lag: number
}

export interface Sampling {
  readonly samples: readonly Sample[]
  stop(): void
}

const everyMs = 5_000
const answerMs = 2_000

export function startSampling(fleet: Fleet): Sampling {
  const samples: Sample[] = []
  const timer = setInterval(() => {
    for (const { name, run, isReady } of fleet.members) {
      if (!isReady()) continue
      // A process that is stopped, or has just ended, gives no metrics.
      run.port
        .then((port) => sample(name, port))
        .then(
          (one) => samples.push(one),
          () => undefined,
        )
    }
  }, everyMs)
  return { samples, stop: () => clearInterval(timer) }
}

async function sample(name: string, port: number): Promise<Sample> {
  const signal = AbortSignal.timeout(answerMs)
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal })
  const series = parseMetrics(await response.text())
  return {
    at: Date.now(),
    name,
    rssBytes: series.get('process_resident_memory_bytes') ?? 0,
    heapBytes: series.get('nodejs_heap_size_used_bytes') ?? 0,
    openFiles: series.get('process_open_fds') ?? 0,
    handles: sum(Object.values(byLabel(series, 'nodejs_active_resources'))),
    lag: sum(Object.values(byLabel(series, 'hooktide_lag'))),
  }
}

/** A part of the time, with the medians and maxima of its samples. */
export interface Stretch {
  readonly rssMiB: number
  readonly mostRssMiB: number
  readonly heapMiB: number
  readonly openFiles: number
  readonly mostOpenFiles: number
  readonly handles: number
  /** Of all processors together. */
  readonly lag: number
}

/** The time in equal parts, for the process that ran the longest. */
export function stretchesOf(samples: readonly Sample[], parts: number): readonly Stretch[] {
  const name = longestLived(samples)
  const from = samples[0]?.at ?? 0
  const length = ((samples.at(-1)?.at ?? 0) - from + 1) / parts
  return Array.from({ length: parts }, (_, index) => {
    const [begin, end] = [from + index * length, from + (index + 1) * length]
    const within = samples.filter(({ at }) => at >= begin && at < end)
    const own = within.filter((one) => one.name === name)
    const lags = Map.groupBy(within, ({ at }) => Math.floor(at / everyMs))
    const sums = [...lags.values()].map((list) => sum(list.map(({ lag }) => lag)))
    const most = (of: (one: Sample) => number) => Math.max(0, ...own.map(of))
    const middle = (of: (one: Sample) => number) => median(own.map(of))
    return {
      rssMiB: mib(middle((one) => one.rssBytes)),
      mostRssMiB: mib(most((one) => one.rssBytes)),
      heapMiB: mib(middle((one) => one.heapBytes)),
      openFiles: middle((one) => one.openFiles),
      mostOpenFiles: most((one) => one.openFiles),
      handles: middle((one) => one.handles),
      lag: median(sums),
    }
  })
}

function longestLived(samples: readonly Sample[]): string {
  const counts = new Map<string, number>()
  for (const { name } of samples) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].toSorted(([, one], [, other]) => other - one)[0]?.[0] ?? ''
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function mib(bytes: number): number {
  return Math.round(bytes / 1024 / 1024)
}
