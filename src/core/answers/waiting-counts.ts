/** Counts what waits now, from the records as which it waits. Memory is bounded. */
import type { DeliveryResult } from '../model/records.ts'
import { otherNames } from './counter.ts'
import { SeenRuns } from './seen-runs.ts'

export interface OpenCounts {
  /** Runs with a failed attempt, which wait for the next one. */
  readonly retrying: number
  /** Runs that wait for their first attempt. */
  readonly waiting: number
}

/** What is counted of a run. */
export interface CountedRun extends Pick<
  DeliveryResult,
  'deliveryId' | 'run' | 'hookId' | 'tenantId'
> {
  /** Attempts made so far. */
  readonly attempt: number
}

/** The maximum number of groups. Further ones are counted as {@link otherNames}. */
const mostGroups = 10_000
const mostRuns = 1_000_000

interface GroupCounts extends OpenCounts {
  readonly tenantId: string
}

export class WaitingCounts {
  readonly #groups = new Map<string, GroupCounts>()
  readonly #seen = new SeenRuns(mostRuns)
  #all: OpenCounts = { retrying: 0, waiting: 0 }

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
    const counts = this.#groups.get(name) ?? { retrying: 0, waiting: 0, tenantId: run.tenantId }
    this.#groups.set(name, { ...counts, ...oneMore(counts, run) })
  }
}

function oneMore({ retrying, waiting }: OpenCounts, { attempt }: CountedRun): OpenCounts {
  return attempt > 0 ? { retrying: retrying + 1, waiting } : { retrying, waiting: waiting + 1 }
}
