/** Computes statistics of deliveries from results, which must be added in the order in which they were written. Memory is bounded. */
import type { EpochMs } from '../model/model.ts'
import type { DeliveryResult } from '../model/records.ts'
import { Counter, otherNames } from './counter.ts'
import { Histogram } from './histogram.ts'
import { SeenRuns } from './seen-runs.ts'
import { noneOpen, sumOfOpen, type OpenCounts, type WaitingCounts } from './waiting-counts.ts'

export const groupings = ['hook', 'tenant', 'event', 'class'] as const
/** How results are grouped. `class` groups failures by how the attempt failed, or why the run ended without one. */
export type Grouping = (typeof groupings)[number]

/** Ends of runs. */
const ends = ['delivered', 'dead', 'expired', 'discarded'] as const
type End = (typeof ends)[number]

/** The maximum number of groups. Further ones are counted as {@link otherNames}. */
const mostGroups = 10_000
const mostDetails = 100
/** The maximum number of ended runs that are known, about 40 MB. */
const mostRuns = 1_000_000

/** The counts of one group. */
export interface GroupStatistics {
  readonly name: string
  /** The tenant, if the group is a hook. */
  readonly tenantId: string | undefined
  /** The URL of the newest attempt as results show it, if the group is a hook. */
  readonly url: string | undefined
  /** Finished HTTP calls, including those of tests. */
  readonly requests: number
  /** Finished HTTP calls that did not deliver. */
  readonly failed: number
  /** Calls that a process aborted, mostly at shutdown. */
  readonly interrupted: number
  /** Runs that ended, by outcome. */
  readonly ended: Readonly<Record<End, number>>
  /** Runs that ended with an attempt, and the sum of their attempts. */
  readonly attempts: { readonly sum: number; readonly runs: number }
  /** Duration of the requests. */
  readonly total: Histogram
  /** From the event's time to the start of its first attempt, for runs that an event began. */
  readonly toFirst: Histogram
  /** Runs that wait now, whatever the range of the results; `undefined` if that is not known. */
  readonly open: OpenCounts | undefined
  /** Failures by status code, error class or reason. In a group of failures: hooks. */
  readonly details: Counter
}

/** The share of requests that delivered, from 0 to 1; `undefined` without requests. */
export function successShare({ requests, failed }: GroupStatistics): number | undefined {
  return requests === 0 ? undefined : (requests - failed) / requests
}

/**
 * The share of ended runs that delivered, from 0 to 1; `undefined` without ended runs. Runs that were discarded because the
 * hook was deleted or disabled do not count.
 */
export function deliveredShare({ ended }: GroupStatistics): number | undefined {
  const all = ended.delivered + ended.dead + ended.expired
  return all === 0 ? undefined : ended.delivered / all
}

export function attemptsPerDelivery({ attempts }: GroupStatistics): number | undefined {
  return attempts.runs === 0 ? undefined : attempts.sum / attempts.runs
}

class Group implements GroupStatistics {
  readonly name: string
  tenantId: string | undefined
  url: string | undefined
  requests = 0
  failed = 0
  interrupted = 0
  readonly ended = { delivered: 0, dead: 0, expired: 0, discarded: 0 }
  readonly attempts = { sum: 0, runs: 0 }
  readonly total = new Histogram()
  readonly toFirst = new Histogram()
  open: OpenCounts | undefined
  readonly details = new Counter(mostDetails)

  constructor(name: string) {
    this.name = name
  }

  /** @param isEnd whether the run ends with it, and did not end before */
  add(result: DeliveryResult, isEnd: boolean): void {
    if (result.attempt !== null) this.#addAttempt(result)
    if (isEnd) this.#addEnd(result)
  }

  #addAttempt({ attempt, trigger, outcome, totalMs, eventAt, attemptedAt }: DeliveryResult): void {
    if (outcome === 'interrupted') {
      this.interrupted += 1
      return
    }
    this.requests += 1
    if (outcome !== 'delivered') this.failed += 1
    if (totalMs !== null) this.total.add(totalMs)
    if (attempt === 1 && trigger === 'event') this.toFirst.add(attemptedAt - eventAt)
  }

  #addEnd({ outcome, attempt }: DeliveryResult): void {
    const end = ends.find((known) => known === outcome)
    if (end !== undefined) this.ended[end] += 1
    if (attempt === null) return
    this.attempts.sum += attempt
    this.attempts.runs += 1
  }
}

export class Statistics {
  readonly #grouping: Grouping
  readonly #ended = new SeenRuns(mostRuns)
  readonly #groups = new Map<string, Group>()
  readonly #all = new Group('')
  #newestAt: EpochMs | undefined

  constructor(grouping: Grouping) {
    this.#grouping = grouping
  }

  /** The counts of all results. */
  get all(): GroupStatistics {
    return this.#all
  }

  /** The start of the newest attempt; `undefined` without results. */
  get newestAt(): EpochMs | undefined {
    return this.#newestAt
  }

  /** Adds a result. One that says that an event went to no hook is about no delivery, and not counted. */
  add(result: DeliveryResult): void {
    if (result.outcome === 'unmatched') return
    // A crash may repeat a call whose run has ended.
    const isEnd = result.final && this.#ended.add(result)
    this.#newestAt = Math.max(this.#newestAt ?? 0, result.attemptedAt)
    const failure = failureOf(result)
    this.#all.add(result, isEnd)
    if (failure !== undefined) this.#all.details.add(failure)
    if (this.#grouping === 'class') this.#addFailure(result, failure)
    else this.#addTo(nameIn(this.#grouping, result), result, { isEnd, failure })
  }

  /** Says what waits now, after all results were added. */
  setWaiting(counts: WaitingCounts): void {
    this.#all.open = counts.all
    if (this.#grouping === 'class') return
    for (const group of this.#groups.values()) group.open = noneOpen
    for (const [name, { tenantId, ...open }] of counts.groups()) {
      const group = this.#group(name)
      group.open = sumOfOpen(group.open ?? noneOpen, open)
      if (group.name !== otherNames) group.tenantId ??= tenantId
    }
  }

  /** By failed requests, most first, then by lost deliveries and by requests. */
  groups(): readonly GroupStatistics[] {
    return [...this.#groups.values()].toSorted(
      (one, other) =>
        other.failed - one.failed ||
        lostOf(other) - lostOf(one) ||
        other.requests - one.requests ||
        (one.name < other.name ? -1 : 1),
    )
  }

  #addTo(
    name: string,
    result: DeliveryResult,
    { isEnd, failure }: { readonly isEnd: boolean; readonly failure: string | undefined },
  ): void {
    const group = this.#group(name)
    group.add(result, isEnd)
    if (failure !== undefined) group.details.add(failure)
    if (this.#grouping !== 'hook' || group.name === otherNames) return
    group.tenantId = result.tenantId
    group.url = result.url ?? group.url
  }

  #addFailure(result: DeliveryResult, failure: string | undefined): void {
    if (failure === undefined) return
    const group = this.#group(failure)
    group.add(result, result.final)
    group.details.add(result.hookId)
  }

  #group(wanted: string): Group {
    const known = this.#groups.get(wanted)
    if (known !== undefined) return known
    const name = this.#groups.size < mostGroups ? wanted : otherNames
    const group = this.#groups.get(name) ?? new Group(name)
    this.#groups.set(name, group)
    return group
  }
}

/** The number of runs that ended without success. */
function lostOf({ ended }: Group): number {
  return ended.dead + ended.expired
}

/** The group of a result, or of what waits. */
export function nameIn(
  grouping: Exclude<Grouping, 'class'>,
  result: Pick<DeliveryResult, 'hookId' | 'tenantId' | 'eventKey'>,
): string {
  switch (grouping) {
    case 'hook':
      return result.hookId
    case 'tenant':
      return result.tenantId
    case 'event':
      return result.eventKey
  }
}

const failures: ReadonlySet<string> = new Set(['retrying', 'dead', 'expired', 'discarded'])

/** The status code or error class of an attempt, or the reason of an end without one; `undefined` if it is not a failure. */
function failureOf(result: DeliveryResult): string | undefined {
  const { outcome, attempt, errorClass, statusCode, reason } = result
  if (!failures.has(outcome)) return undefined
  if (attempt === null) return reason ?? outcome
  const isAnswer = errorClass === 'http' && statusCode !== null
  return isAnswer ? String(statusCode) : (errorClass ?? reason ?? outcome)
}
