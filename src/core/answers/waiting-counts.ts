/** Counts what waits now, from the records as which it waits. Memory is bounded. */
import type { DeliveryResult } from '../model/records.ts'
import type { EpochMs, Run, Tier } from '../model/model.ts'
import { otherNames } from './counter.ts'
import { SeenRuns } from './seen-runs.ts'

/** What a run waits for, in the words of outcomes. Those on the topic of requests were requested, or split off their event. */
export const waitingKinds = ['retrying', 'deferred', 'requested'] as const
export type WaitingKind = (typeof waitingKinds)[number]

/** What a run's record says of how it waits. */
interface Wait extends Pick<Run, 'attempt' | 'deferrals' | 'dueAt' | 'earlyMs'> {
  /** `undefined` on the topic of requests. */
  readonly tier: Tier | undefined
  /** When its tier hands the record out. */
  readonly releasedAt: EpochMs
}

/** Whether the last thing that happened to a run was a failed attempt or a deferral. */
export function waitingKind(wait: Wait): WaitingKind {
  const { attempt, deferrals, dueAt, earlyMs, releasedAt, tier } = wait
  if (tier === undefined) return 'requested'
  if (attempt === 0) return 'deferred'
  if (deferrals === 0) return 'retrying'
  // A deferred run may start at once, unless its endpoint is paused. A retry waits as long as its tier delays, at least.
  // Half of that is enough to tell them apart, though the clock of the broker may differ.
  return dueAt - earlyMs < releasedAt - tier.delayMs / 2 ? 'deferred' : 'retrying'
}

export type OpenCounts = Readonly<Record<WaitingKind, number>>

/** What is counted of a run. */
export interface CountedRun extends Pick<
  DeliveryResult,
  'deliveryId' | 'run' | 'hookId' | 'tenantId'
> {
  readonly waits: WaitingKind
}

export const noneOpen: OpenCounts = { retrying: 0, deferred: 0, requested: 0 }

/** The maximum number of groups. Further ones are counted as {@link otherNames}. */
const mostGroups = 10_000
const mostRuns = 1_000_000

interface GroupCounts extends OpenCounts {
  readonly tenantId: string
}

export class WaitingCounts {
  readonly #groups = new Map<string, GroupCounts>()
  readonly #seen = new SeenRuns(mostRuns)
  #all = noneOpen

  get all(): OpenCounts {
    return this.#all
  }

  groups(): Iterable<readonly [name: string, GroupCounts]> {
    return this.#groups
  }

  /** @param wanted the group; `undefined`: it is counted in none */
  add(run: CountedRun, wanted: string | undefined): void {
    // A run that moves on while topics are read may be met in two places.
    if (!this.#seen.add(run)) return
    this.#all = oneMore(this.#all, run)
    if (wanted === undefined) return
    const isKept = this.#groups.has(wanted) || this.#groups.size < mostGroups
    const name = isKept ? wanted : otherNames
    const counts = this.#groups.get(name) ?? { ...noneOpen, tenantId: run.tenantId }
    this.#groups.set(name, { ...counts, ...oneMore(counts, run) })
  }
}

export function sumOfOpen(one: OpenCounts, other: OpenCounts): OpenCounts {
  return {
    retrying: one.retrying + other.retrying,
    deferred: one.deferred + other.deferred,
    requested: one.requested + other.requested,
  }
}

function oneMore(counts: OpenCounts, { waits }: CountedRun): OpenCounts {
  return { ...counts, [waits]: counts[waits] + 1 }
}
