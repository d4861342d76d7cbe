/**
 * Durations by size class, so that percentiles of any span of time follow from sums. A class is a tenth wider than the one
 * below it: a percentile is right to within five per cent.
 */

const step = Math.log(1.1)
/** One byte has a class. The last one holds all from a year on. */
const lastClass = 255

/** How many durations there are of each class. */
export type Histogram = Map<number, number>

/** The class of a duration in milliseconds; 0 for what is under one. */
function durationClass(ms: number): number {
  return ms < 1 ? 0 : Math.min(lastClass, 1 + Math.floor(Math.log(ms) / step))
}

/** The middle of a class, in milliseconds. */
function classMiddle(durationClass: number): number {
  return durationClass === 0 ? 0.5 : Math.exp((durationClass - 0.5) * step)
}

export interface Percentiles {
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** `null` when there are none. */
export function percentilesOf(histogram: Histogram): Percentiles | null {
  const counts = [...histogram].toSorted(([one], [other]) => one - other)
  const total = counts.reduce((sum, [, count]) => sum + count, 0)
  if (total === 0) return null
  const at = (share: number) => {
    let seen = 0
    for (const [one, count] of counts) {
      seen += count
      if (seen >= share * total) return rounded(classMiddle(one))
    }
    return rounded(classMiddle(counts.at(-1)?.[0] ?? 0))
  }
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}

export function addDuration(histogram: Histogram, ms: number): void {
  addCount(histogram, durationClass(ms), 1)
}

/** For a store: of each class that occurs one byte, then the count in groups of seven bits, the lowest first. */
export function packed(histogram: Histogram): Uint8Array {
  const bytes: number[] = []
  for (const [one, count] of histogram) {
    bytes.push(one)
    let rest = count
    while (rest > 0x7f) {
      bytes.push((rest % 0x80) | 0x80)
      rest = Math.floor(rest / 0x80)
    }
    bytes.push(rest)
  }
  return Uint8Array.from(bytes)
}

/** Adds what was packed. */
export function addPacked(histogram: Histogram, bytes: Uint8Array): void {
  let at = 0
  while (at < bytes.length) {
    const one = bytes[at] ?? 0
    let count = 0
    let scale = 1
    for (at += 1; ; at += 1) {
      const byte = bytes[at] ?? 0
      count += (byte & 0x7f) * scale
      scale *= 0x80
      if (byte < 0x80) break
    }
    at += 1
    addCount(histogram, one, count)
  }
}

export function addCount<Key>(counts: Map<Key, number>, key: Key, added: number): void {
  counts.set(key, (counts.get(key) ?? 0) + added)
}

function rounded(ms: number): number {
  return ms < 100 ? Math.round(ms * 10) / 10 : Math.round(ms)
}
