/** Lanes in simulated time, without randomness and I/O. Hooks get work at a steady rate, and calls take a fixed time. */
import { Heap, type HeapItem } from '../../src/core/collections/heap.ts'
import { Lanes, type LaneLimits } from '../../src/core/lane/lanes.ts'
import type { MonotonicMs } from '../../src/core/model/model.ts'

/** The limits of production. */
export const ofProcess: LaneLimits = {
  maxInFlight: 4_096,
  lateShare: 0.75,
  maxBytes: 64 * 1024 * 1024,
  initialConcurrency: 2,
}

export interface SimulatedHook {
  readonly id: string
  readonly tenantId: string
  readonly concurrency?: number
  /** How long each call takes. */
  readonly callMs: number
  /** `failure`: the call times out. */
  readonly outcome?: 'success' | 'failure'
  /** The interval of the work, and when it begins and ends. */
  readonly everyMs: number
  readonly from?: MonotonicMs
  readonly until?: MonotonicMs
  /** The most work that waits in its lane. Further work is dropped, as by a share. */
  readonly mostQueued?: number
}

export interface Observed {
  /** For each of its calls, the time from the arrival of the work to the start of the call. */
  readonly waits: readonly number[]
  /** Work that arrived and was not called for, because its lane was open. */
  readonly turnedAway: number
}

export interface Simulation {
  readonly hooks: ReadonlyMap<string, Observed>
  readonly lanes: Lanes<Arrived>
  /** Calls in flight at the end, by tenant. */
  readonly held: Readonly<Record<string, number>>
}

interface Arrived {
  readonly hook: SimulatedHook
  readonly at: MonotonicMs
}

interface Happening extends HeapItem {
  readonly at: MonotonicMs
  readonly nth: number
  readonly happen: () => void
}

export function simulate(
  hooks: readonly SimulatedHook[],
  untilMs: number,
  limits: Partial<LaneLimits> = {},
): Simulation {
  const agenda = new Heap<Happening>((one, other) =>
    one.at === other.at ? one.nth < other.nth : one.at < other.at,
  )
  const observed = new Map(hooks.map(({ id }) => [id, { waits: [] as number[], turnedAway: 0 }]))
  const held: Record<string, number> = {}
  let now = 0
  let happenings = 0
  const plan = (at: MonotonicMs, happen: () => void) => {
    happenings += 1
    agenda.push({ at, nth: happenings, happen, heapIndex: -1 })
  }
  const lanes = new Lanes<Arrived>({
    limits: { ...ofProcess, ...limits },
    sizeOf: () => 1_024,
  })
  const start = () => {
    for (let slot = lanes.next(now); slot !== undefined; slot = lanes.next(now)) {
      const started = slot
      const { hook, at } = started.work
      observed.get(hook.id)?.waits.push(now - at)
      held[hook.tenantId] = (held[hook.tenantId] ?? 0) + 1
      plan(now + hook.callMs, () => {
        held[hook.tenantId] = (held[hook.tenantId] ?? 0) - 1
        lanes.finish(started, { kind: hook.outcome ?? 'success' }, now)
      })
    }
  }
  const arrive = (hook: SimulatedHook) => {
    const { tenantId, concurrency = 16 } = hook
    const lane = lanes.laneOf(hook.id, { tenantId, concurrency, ratePerSecond: undefined }, now)
    const isTaken = lane.blockedBy(now) === undefined && lane.queued < (hook.mostQueued ?? 1e9)
    const seen = observed.get(hook.id)
    if (isTaken) lanes.add(lane, 'first', { hook, at: now }, now)
    else if (seen !== undefined) seen.turnedAway += 1
    if (now + hook.everyMs < (hook.until ?? untilMs)) {
      plan(now + hook.everyMs, () => arrive(hook))
    }
  }
  for (const hook of hooks) plan(hook.from ?? 0, () => arrive(hook))
  for (let next = agenda.peek(); next !== undefined && next.at <= untilMs; next = agenda.peek()) {
    agenda.remove(next)
    now = next.at
    next.happen()
    start()
  }
  return { hooks: observed, lanes, held }
}

/** The longest wait of any work of the hook; infinite if none was called for. */
export function longestWait({ hooks }: Simulation, id: string): number {
  const waits = hooks.get(id)?.waits ?? []
  return waits.reduce((most, ms) => Math.max(most, ms), waits.length === 0 ? Infinity : 0)
}
