/**
 * What the newest report on an endpoint means for lanes that are not called: a lane of which nothing is known, and one that
 * is open (docs/results.md, Endpoint health).
 *
 * One process probes an open endpoint: the one whose report of `open` is the newest. The others wait for its next report,
 * until the time in its report and a grace are over: it may be dead, or have no delivery to probe with. The process that
 * probes in its place reports so, and the others then wait for that one. A process does not wait for its own report, nor
 * for that of a process that fails where another succeeds.
 *
 * It waits for the same process for one probe of the longest period, and then claims the next: that process may be the only
 * one that does not reach the endpoint any more. A claim is a report that repeats the one before, long before its time. So
 * there is one probe at a time, and its time stays the same, whoever makes it. Deliveries that wait come back then, whoever
 * put them off.
 *
 * Times in reports are by the clock of the process that wrote them, and no clock is trusted. A report never binds for longer
 * than the time from its writing to its end, nor than a breaker stays open. How long it binds is settled when it is read, by
 * a clock that never jumps.
 */
import { levelFor, longestOpenMs } from './breaker.ts'
import { leastBetweenWritesMs, type Health } from '../health/record.ts'
import type { EpochMs, MonotonicMs } from '../model/model.ts'
import { maxRetryAfterMs } from '../run/verdict.ts'

/** For how long a lane is not to call, as others say. */
export type LaneSeed =
  | { readonly kind: 'flowing' }
  | OpenSeed
  | { readonly kind: 'paused'; readonly until: MonotonicMs }

export interface OpenSeed {
  readonly kind: 'open'
  /** When the endpoint is probed next, by this instance or another. */
  readonly probeAt: MonotonicMs
  /** When this instance may probe it, unless it hears of that before. */
  readonly until: MonotonicMs
  /** Of the breaker that opened; see {@link levelFor}. */
  readonly level: number
}

/** The newest report by which an endpoint is not called. */
export interface Binding {
  readonly kind: 'open' | 'paused'
  /** When its time is over. */
  readonly until: MonotonicMs
  readonly level: number
  readonly instance: string
  /** Since when that instance is waited for; `undefined` when it is not. */
  readonly waitedFrom: MonotonicMs | undefined
  /** When this instance is to say that it probes next; `undefined`: it is not. */
  readonly claimAt: MonotonicMs | undefined
  readonly spread: number
}

/** When a report was read, and by whom. */
export interface Reading {
  readonly instance: string
  readonly now: EpochMs
  readonly monotonic: MonotonicMs
  /** By chance, at least 0 and below 1: those who wait for one that is dead must not all take its place at once. */
  readonly spread: number
}

/** All processes hear of a recovery at once. They probe within so long, so that the endpoint has time between. */
export const probeSpreadMs = 1_000
/**
 * A claim comes after so much of the time until the probe, and by chance up to so much later: the first that claims is
 * heard by the others before these would.
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
    // It says nothing of when a probe is due, and is said by one whose lane is not open.
    case 'failing':
      return before
    case 'open':
    case 'paused': {
      const { state: kind, at, instance } = report
      const { now, monotonic, spread } = reading
      const end = report.until ?? at
      const longestMs = kind === 'open' ? longestOpenMs : maxRetryAfterMs
      const until = monotonic + Math.min(end - now, end - at, longestMs)
      const waitedFrom = waitedSince(before, report, reading)
      const isToClaim =
        kind === 'open' && waitedFrom !== undefined && until - waitedFrom > longestOpenMs
      const claimAt = isToClaim
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
  // Who succeeds marks that in the report of who fails, as if it had not failed.
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
 * How long after its time the report of who probes can come: its call may take up to its time-out, and its record may
 * have to wait for the one before. The second time is nearly always left to the delivery that is the probe, which a tier
 * gives back a few seconds late. Others spread over as long again, or all would probe before the first has its answer.
 */
function graceMs(timeoutMs: number): number {
  return timeoutMs + leastBetweenWritesMs
}
