/**
 * What the newest report about an endpoint means for a lane that has no measurements of its own, or that is open
 * (docs/results.md, Endpoint health).
 *
 * **Who probes.** One process probes an open endpoint: the one that wrote the newest `open` report. The others wait for its
 * next report until the time in the report and a grace period are over, because that process may have crashed, or may have
 * no delivery to probe with. Then another process probes and reports, and the others wait for that one. A process does
 * not wait for its own report, nor for a process that fails where another one succeeds.
 *
 * **Claims.** A process waits for the same other process for one probe of the longest period, and then claims the next
 * probe, because the other one may be the only process that no longer reaches the endpoint. A claim is a report that repeats
 * the previous one, long before its time is over. So there is one probe at a time, and its time is the same whichever
 * process makes it. Deferred deliveries return at that time, whichever process deferred them.
 *
 * **Clocks.** Times in reports come from the clock of the process that wrote them, and no such clock is trusted. A report
 * never counts for longer than the time from its writing to its end, nor for longer than a breaker stays open. That time
 * is computed once, when the report is read, on a clock that never jumps.
 */
import { levelFor, maxOpenMs } from './breaker.ts'
import { minBetweenWritesMs, type Health } from '../health/record.ts'
import type { EpochMs, MonotonicMs } from '../model/model.ts'
import { maxRetryAfterMs } from '../run/verdict.ts'

/** How long a lane must not call, as other instances report. */
export type LaneSeed =
  | { readonly kind: 'flowing' }
  | OpenSeed
  | { readonly kind: 'paused'; readonly until: MonotonicMs }

export interface OpenSeed {
  readonly kind: 'open'
  /** When the endpoint is probed next, by this instance or another. */
  readonly probeAt: MonotonicMs
  /** When this instance may probe it, unless a newer report comes first. */
  readonly until: MonotonicMs
  /** The level of the breaker that opened; see {@link levelFor}. */
  readonly level: number
}

/** The newest report because of which an endpoint is not called. */
export interface Binding {
  readonly kind: 'open' | 'paused'
  /** When the report stops counting. */
  readonly until: MonotonicMs
  readonly level: number
  readonly instance: string
  /** Since when this instance has waited for that one; `undefined` when it does not wait. */
  readonly waitedFrom: MonotonicMs | undefined
  /** When this instance claims the next probe; `undefined` when it does not. */
  readonly claimAt: MonotonicMs | undefined
  readonly spread: number
}

/** When a report was read, and by which instance. */
export interface Reading {
  readonly instance: string
  readonly now: EpochMs
  readonly monotonic: MonotonicMs
  /** Random, at least 0 and below 1: instances that wait for a crashed one must not all probe at the same moment. */
  readonly spread: number
}

/** All processes read a recovery report at about the same time. Their probes are spread over this time. */
export const probeSpreadMs = 1_000
/**
 * A claim is written after this share of the time until the probe, plus a random part of the second share. So the others
 * read the first claim before they would write one.
 */
const claimShare = 0.1
const claimSpreadShare = 0.4

const flowing = { kind: 'flowing' } as const

/** @param report the one that counts now */
export function boundBy(
  before: Binding | undefined,
  report: Health,
  reading: Reading,
): Binding | undefined {
  switch (report.state) {
    case 'healthy':
    case 'disabled':
      return undefined
    // Such a report has no time of a probe. Its writer's lane is not open.
    case 'failing':
      return before
    case 'open':
    case 'paused': {
      const { state: kind, at, instance } = report
      const { now, monotonic, spread } = reading
      const end = report.until ?? at
      const longestMs = kind === 'open' ? maxOpenMs : maxRetryAfterMs
      const until = monotonic + Math.min(end - now, end - at, longestMs)
      const waitedFrom = waitedSince(before, report, reading)
      const mustClaim =
        kind === 'open' && waitedFrom !== undefined && until - waitedFrom > maxOpenMs
      const claimAt = mustClaim
        ? monotonic + (until - monotonic) * (claimShare + claimSpreadShare * spread)
        : undefined
      return { kind, until, level: levelFor(end - at), instance, waitedFrom, claimAt, spread }
    }
  }
}

function waitedSince(
  before: Binding | undefined,
  { instance, lastSuccessAt, lastFailureAt }: Health,
  reading: Reading,
): MonotonicMs | undefined {
  // A process that succeeds adds its success to the report of the process that fails, and removes the failures.
  const isMarked = lastSuccessAt !== null && lastSuccessAt > (lastFailureAt ?? 0)
  if (instance === reading.instance || isMarked) return undefined
  return before?.instance === instance
    ? (before.waitedFrom ?? reading.monotonic)
    : reading.monotonic
}

/** @param timeoutMs of the hook's calls */
export function seedOf(binding: Binding | undefined, timeoutMs: number): LaneSeed {
  if (binding === undefined) return flowing
  const { kind, until, level, waitedFrom, spread } = binding
  if (kind === 'paused') return { kind, until }
  if (waitedFrom === undefined) return { kind, probeAt: until, until, level }
  return { kind, probeAt: until, until: until + graceMs(timeoutMs) * (1 + spread), level }
}

/**
 * How long after the time of the probe its report may come: the call may take up to its time-out, and the report may have to
 * wait for the previous one. The second part rarely occurs, and then covers a probe whose delivery its tier releases a few
 * seconds late. The other instances spread over the same time again, or all would probe before the first has its answer.
 */
function graceMs(timeoutMs: number): number {
  return timeoutMs + minBetweenWritesMs
}
