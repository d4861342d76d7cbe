/** What a kind of fault is to the run: how it begins, how it ends, and when work has resumed after it. */
import type { PlannedFault } from '../plan.ts'
import type { World } from '../world.ts'

export interface FaultBegun {
  /** What it does to what, for people. */
  readonly what: string
  /** Takes it back. Called after the planned time, once. */
  end(): Promise<void>
  /** Whether the time to resume is counted from its beginning, or from its end. */
  readonly countsFrom: 'begin' | 'end'
  /** Resolves when what was begun since then is done as before. Without it: when events of all partitions are called for. */
  readonly resumed?: (since: number) => Promise<void>
  /** The endpoints that it hits. */
  readonly hookIds?: readonly string[]
}

export interface FaultOf {
  /** Why it cannot be had in this world; `undefined` when it can. */
  lacks?(world: World): string | undefined
  begin(world: World, planned: PlannedFault): Promise<FaultBegun>
}

/** @throws {RangeError} when there is none */
export function pickByTurn<Item>(items: readonly Item[], turn: number): Item {
  const item = items[turn % items.length]
  if (item === undefined) throw new RangeError('there is nothing to pick from')
  return item
}

/** Resolves when each of the hooks has answered well to a call that was made since. */
export function whenAnswered(
  { watch, recovery }: World,
  hookIds: readonly string[],
): (since: number) => Promise<void> {
  return async (since) => {
    await watch.answeredSince(hookIds, since)
    recovery.answered(hookIds, Date.now())
  }
}
