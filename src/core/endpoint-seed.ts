/**
 * What the newest word on an endpoint means for lanes that are not called: one of which nothing is known, and one that is
 * open (design section 7).
 *
 * One process probes an open endpoint: the one whose `open` is the newest word. The others wait for what it says next,
 * until the time of its word and a grace are over, as it may be dead, or may have no delivery to probe with. Who probes in
 * its place says so, and is the one that others wait for from then on. A process waits for no word of its own, nor for
 * that of one that fails where another succeeds. It waits for the same process for an hour at most: that one may be the
 * only one that does not reach the endpoint any more.
 *
 * Times in words are by the clock of who wrote them, and no clock is trusted. A word never binds for longer than the time
 * from its writing to its end, nor than a breaker stays open; and how long it binds is settled when it is read, by a
 * clock that never jumps.
 */
import { levelFor, longestOpenMs } from './breaker.ts'
import type { Health } from './endpoint-record.ts'
import type { EpochMs, MonotonicMs } from './model.ts'
import { maxRetryAfterMs } from './schedule.ts'

/** For how long a lane is not to call, as others say. */
export type LaneSeed =
  | { readonly kind: 'flowing' }
  | {
      readonly kind: 'open'
      readonly until: MonotonicMs
      /** Of the breaker that opened; see {@link levelFor}. */
      readonly level: number
    }
  | { readonly kind: 'paused'; readonly until: MonotonicMs }

/** The newest word by which an endpoint is not called. */
export interface Binding {
  readonly kind: 'open' | 'paused'
  /** When its time is over. */
  readonly until: MonotonicMs
  readonly level: number
  readonly instance: string
  /** Since when that instance is waited for; `undefined` when it is not. */
  readonly waitedFrom: MonotonicMs | undefined
  readonly spread: number
}

/** When a word was read, and by whom. */
export interface Reading {
  readonly instance: string
  readonly now: EpochMs
  readonly monotonic: MonotonicMs
  /** By chance, at least 0 and below 1: those who wait for one that is dead must not all take its place at once. */
  readonly spread: number
}

/** A process writes at most one record of a hook in so long, in milliseconds. */
export const leastBetweenWritesMs = 10_000
/** All processes hear of a recovery at once. They probe within so long, so that the endpoint has time between. */
export const probeSpreadMs = 1_000
/**
 * One process is waited for so long at most, and by chance up to {@link turnSpreadMs} longer. Whoever then probes in its
 * place does so before its second probe of the longest period is due, so it hears of that and waits in turn: that others
 * have their turn costs hardly more probes. They are spread far apart, since a call may take a minute to fail.
 */
const longestWaitMs = 1.5 * longestOpenMs
const turnSpreadMs = longestOpenMs / 3

const flowing = { kind: 'flowing' } as const

/** @param word the one that counts now */
export function boundBy(
  before: Binding | undefined,
  word: Health,
  reading: Reading,
): Binding | undefined {
  switch (word.state) {
    case 'healthy':
    case 'disabled':
      return undefined
    // It says nothing of when a probe is due, and is said by one whose lane is not open.
    case 'failing':
      return before
    case 'open':
    case 'paused': {
      const { state: kind, at, instance } = word
      const { now, monotonic, spread } = reading
      const end = word.until ?? at
      const longestMs = kind === 'open' ? longestOpenMs : maxRetryAfterMs
      const until = monotonic + Math.min(end - now, end - at, longestMs)
      const waitedFrom = waitedSince(before, word, reading)
      return { kind, until, level: levelFor(end - at), instance, waitedFrom, spread }
    }
  }
}

function waitedSince(
  before: Binding | undefined,
  { instance, lastSuccessAt, lastFailureAt }: Health,
  reading: Reading,
): MonotonicMs | undefined {
  // Who succeeds marks that in the word of who fails, as if it had not failed.
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
  if (waitedFrom === undefined) return { kind, until, level }
  const wordBy = until + graceMs(timeoutMs) * (1 + spread)
  const turnAt = waitedFrom + longestWaitMs + turnSpreadMs * spread
  return { kind, until: Math.min(wordBy, turnAt), level }
}

/**
 * How long after its time the word of who probes can come: its call may take up to its time-out, and its record may
 * have to wait for the one before. The second time is nearly always left to the delivery that is the probe, which a tier
 * gives back a few seconds late. Others spread over as long again, or all would probe before the first has its answer.
 */
function graceMs(timeoutMs: number): number {
  return timeoutMs + leastBetweenWritesMs
}
