/** Computes statistics of deliveries from results, which must be added in the order in which they were written. Memory is bounded. */
import type { EpochMs } from '../model/model.ts'
import type { DeliveryResult } from '../model/records.ts'
import { Counter, otherNames } from './counter.ts'
import { Histogram } from './histogram.ts'
import { OpenRuns, type Change, type OpenState } from './open-runs.ts'

export const groupings = ['hook', 'tenant', 'event', 'class'] as const
/** How results are grouped. `class` groups failures by how the attempt failed, or why the run ended without one. */
export type Grouping = (typeof groupings)[number]

/** Ends of runs. */
const ends = ['delivered', 'dead', 'expired', 'discarded'] as const
type End = (typeof ends)[number]

/** The maximum number of groups. Further ones are counted as {@link otherNames}. */
const mostGroups = 10_000
const mostDetails = 100
/** The maximum number of open runs that are tracked, about 50 MB. */
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
  /** Runs that have not ended. */
  readonly open: Readonly<Record<OpenState, number>>
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
  readonly open = { retrying: 0, waiting: 0 }
  readonly details = new Counter(mostDetails)

  constructor(name: string) {
    this.name = name
  }

  /** @param change the effect on the run */
  add(result: DeliveryResult, change: Change): void {
    if (result.attempt !== null) this.#addAttempt(result)
    if (change.kind !== 'changed') return
    if (change.before !== undefined) this.open[change.before] -= 1
    const state = openState(result)
    if (result.final) this.#addEnd(result)
    else if (state !== undefined) this.open[state] += 1
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
  readonly #runs = new OpenRuns(mostRuns)
  readonly #groups = new Map<string, Group>()
  readonly #all = new Group('')
  #untracked = 0
  #newestAt: EpochMs | undefined

  constructor(grouping: Grouping) {
    this.#grouping = grouping
  }

  /** The counts of all results. */
  get all(): GroupStatistics {
    return this.#all
  }

  /** The number of results of open runs beyond the maximum: these runs are not counted as open. */
  get untracked(): number {
    return this.#untracked
  }

  /** The start of the newest attempt; `undefined` without results. */
  get newestAt(): EpochMs | undefined {
    return this.#newestAt
  }

  /** Adds a result. One that says that an event went to no hook is about no delivery, and not counted. */
  add(result: DeliveryResult): void {
    if (result.outcome === 'unmatched') return
    const change = this.#changeBy(result)
    if (change.kind === 'untracked') this.#untracked += 1
    this.#newestAt = Math.max(this.#newestAt ?? 0, result.attemptedAt)
    const failure = failureOf(result)
    this.#all.add(result, change)
    if (failure !== undefined) this.#all.details.add(failure)
    if (this.#grouping === 'class') this.#addFailure(result, failure)
    else this.#addTo(nameIn(this.#grouping, result), result, { change, failure })
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

  #changeBy(result: DeliveryResult): Change {
    if (result.final) return this.#runs.end(result)
    const state = openState(result)
    return state === undefined ? { kind: 'repeat' } : this.#runs.goOn(result, state)
  }

  #addTo(
    name: string,
    result: DeliveryResult,
    { change, failure }: { readonly change: Change; readonly failure: string | undefined },
  ): void {
    const group = this.#group(name)
    group.add(result, change)
    if (failure !== undefined) group.details.add(failure)
    if (this.#grouping !== 'hook' || group.name === otherNames) return
    group.tenantId = result.tenantId
    group.url = result.url ?? group.url
  }

  /** A run that has not ended is not counted in a group of failures. */
  #addFailure(result: DeliveryResult, failure: string | undefined): void {
    if (failure === undefined) return
    const group = this.#group(failure)
    group.add(result, result.final ? { kind: 'changed', before: undefined } : { kind: 'repeat' })
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

function nameIn(grouping: Exclude<Grouping, 'class'>, result: DeliveryResult): string {
  switch (grouping) {
    case 'hook':
      return result.hookId
    case 'tenant':
      return result.tenantId
    case 'event':
      return result.eventKey
  }
}

/** An interrupted call is repeated at once by the next owner, so it does not change the state of its run. */
function openState({ final, outcome }: DeliveryResult): OpenState | undefined {
  if (final || outcome === 'interrupted') return undefined
  return outcome === 'deferred' ? 'waiting' : 'retrying'
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
