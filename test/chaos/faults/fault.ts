/** The interface of a fault: how it begins, how it ends, and when work has resumed after it. */
import type { PlannedFault } from '../plan.ts'
import type { World } from '../world.ts'

export interface FaultBegun {
  /** What it does to what, for the report. */
  readonly what: string
  /** Ends the fault. Called once, after the planned time. */
  end(): Promise<void>
  /** Whether the time to resume is counted from its beginning, or from its end. */
  readonly countsFrom: 'begin' | 'end'
  /** Resolves when work has resumed. Without it: when an event of each partition was called. */
  readonly resumed?: (since: number) => Promise<void>
  /** The endpoints that it hits. */
  readonly hookIds?: readonly string[]
}

export interface FaultOf {
  /** Why the fault is not possible in this world; `undefined` when it is. */
  lacks?(world: World): string | undefined
  begin(world: World, planned: PlannedFault): Promise<FaultBegun>
}

/** @throws {RangeError} when there is no item */
export function pickByTurn<Item>(items: readonly Item[], turn: number): Item {
  const item = items[turn % items.length]
  if (item === undefined) throw new RangeError('there is nothing to pick from')
  return item
}

/** Resolves when each of the hooks has answered a call since then with success. */
export function whenAnswered(
  { watch, recovery }: World,
  hookIds: readonly string[],
): (since: number) => Promise<void> {
  return async (since) => {
    await watch.answeredSince(hookIds, since)
    recovery.answered(hookIds, Date.now())
  }
}
