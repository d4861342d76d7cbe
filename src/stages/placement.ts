/** Puts deliveries where they wait: in their lane until they are called, or on a tier when the lane does not take them. */
import type { HookTable } from '../core/hook/table.ts'
import type { Lane } from '../core/lane/lane.ts'
import type { LaneMove, Lanes } from '../core/lane/lanes.ts'
import type { Pressure } from '../core/lane/pressure.ts'
import type { HookId, MonotonicMs } from '../core/model/model.ts'
import type { Clock } from '../ports.ts'
import type { CallGate } from './call-gate.ts'
import { beyondNeed, blockedBy, type Deferring, type Defer } from './deferring.ts'
import type { EndpointHealth } from './endpoint-health.ts'
import type { HalfDone } from './half-done.ts'
import type { LaneUpkeep } from './lane-upkeep.ts'
import type { Recorder } from './recorder.ts'
import { lineOf, type Work } from './work.ts'

export interface PlacementParts {
  readonly lanes: Lanes<Work>
  readonly pressure: Pressure
  readonly upkeep: LaneUpkeep
  readonly deferring: Deferring
  readonly gate: CallGate
  readonly table: HookTable
  readonly health: EndpointHealth
  readonly halfDone: HalfDone
  readonly recorder: Recorder
  readonly clock: Clock
}

/**
 * Of how many deliveries lanes are relieved together, and how often. It looks at all lanes. After that it rests for at least so
 * many times as long as it took.
 */
const relief = {
  forOthers: { most: 100, everyMs: 100, rest: 50 },
  /** Before a stop, all is to be given back before the longest calls end. */
  beforeStop: { most: 200, everyMs: 100, rest: 5 },
  /** Before a rejoin, other members may wait for it. */
  beforeRejoin: { most: 200, everyMs: 25, rest: 1 },
}

export class Placement {
  readonly #parts: PlacementParts
  #relieveAt: MonotonicMs = Number.NEGATIVE_INFINITY
  #hasMoreToGiveBack = false

  constructor(parts: PlacementParts) {
    this.#parts = parts
  }

  /** Queues work in its lane, which must have room for it. */
  queue(work: Work, lane: Lane<Work>): void {
    const { lanes, deferring, upkeep, clock } = this.#parts
    deferring.returned(work.run)
    work.place = lanes.add(lane, lineOf(work.run), work, clock.monotonic())
    work.origin.waiting?.add(work)
    upkeep.queued()
  }

  /** Defers work to a tier, or ends it as a dead letter when too many runs are deferred. */
  defer(work: Work, how: Defer): void {
    const { deferring, lanes } = this.#parts
    deferring.returned(work.run)
    if (how.blocked === undefined) lanes.refused(work.run.hookId)
    this.#recordDeferral(work, how)
  }

  /** The condition of the hook's lane changed. If it opened or paused, the work that was queued in it is deferred. */
  laneChanged(hookId: HookId, { condition, evicted }: LaneMove<Work>): void {
    const { clock, health } = this.#parts
    health.laneChanged(hookId, condition)
    if (condition.kind === 'flowing') return
    const now = clock.monotonic()
    for (const work of evicted) {
      this.#parts.halfDone.unqueued(work)
      this.#recordDeferral(work, blockedBy(condition, now))
    }
  }

  /**
   * Defers queued work of lanes that hold more than they can call soon, and may not. Does a part of it at a time.
   *
   * @returns after how many milliseconds it must be called again; `undefined` when the next turn is early enough
   */
  relieve(): number | undefined {
    const { pressure, deferring, gate, clock } = this.#parts
    const now = clock.monotonic()
    const { isHandingOver } = deferring
    if (now >= this.#relieveAt && (!pressure.isNone || isHandingOver)) {
      pressure.sweep(now)
      const { most, everyMs, rest } = this.#relief()
      const given = this.#relieveOf(most, now)
      this.#hasMoreToGiveBack = isHandingOver && (given === most || deferring.hasSinkBacklog)
      // The acknowledgements of these deferrals cause further turns.
      const endedAt = clock.monotonic()
      this.#relieveAt = Math.max(now + everyMs, endedAt + (endedAt - now) * rest)
    }
    return isHandingOver && !gate.isStopped ? Math.max(0, this.#relieveAt - now) : undefined
  }

  /** Partitions are handed over soon. The next turn begins to give back what the next owner should not have to read again. */
  giveBack(): void {
    this.#hasMoreToGiveBack = this.#parts.deferring.isHandingOver
    this.#relieveAt = Number.NEGATIVE_INFINITY
  }

  /** Whether lanes may still hold something that is to be given back before partitions are handed over. */
  get hasMoreToGiveBack(): boolean {
    return this.#hasMoreToGiveBack
  }

  #relief() {
    const { gate, deferring } = this.#parts
    if (gate.isLongOver) return relief.beforeStop
    return deferring.isHandingOver ? relief.beforeRejoin : relief.forOthers
  }

  /** @returns how many deliveries were given back */
  #relieveOf(most: number, now: MonotonicMs): number {
    const { pressure, lanes, deferring } = this.#parts
    let left = most
    for (const lane of lanes.overfull(now, deferring.isHandingOver)) {
      // What waits for its first attempt is given back wherever late runs are.
      if (!deferring.mustRelieve(lane, 'first', now)) continue
      if (!deferring.isEndpointBound(lane, now)) continue
      const count = Math.min(left, deferring.mostGivenBack(lane, now))
      const mayGo = (work: Work) => deferring.mayGiveBack(lane, work, now)
      const relieved = lanes.relieve(lane, count, mayGo)
      for (const work of relieved) this.#recordDeferral(work, beyondNeed)
      if (relieved.length > 0) pressure.eased(lane.limits.tenantId, now)
      left -= relieved.length
      if (left === 0) break
    }
    return most - left
  }

  /** Splits off work that has not started, so that it continues from a record of its own. */
  split(work: Work): void {
    const { lanes, halfDone, recorder } = this.#parts
    const { run, place } = work
    if (place === undefined || !lanes.remove(run.hookId, lineOf(run), place)) return
    halfDone.unqueued(work)
    recorder.record(work, { kind: 'split' })
  }

  /** Drops queued work. */
  drop(isUnwanted: (work: Work) => boolean): void {
    const { lanes, halfDone } = this.#parts
    for (const work of lanes.drop(isUnwanted)) halfDone.unqueued(work)
  }

  #recordDeferral(work: Work, how: Defer): void {
    const { deferring, recorder, table, upkeep } = this.#parts
    const { run, origin } = work
    if (!origin.epoch.isLive) return
    const configVersion = table.get(run.hookId)?.hook.configVersion
    const verdict = deferring.verdictOf(run, how)
    recorder.record(work, { kind: 'ended', verdict, configVersion })
    upkeep.deferred()
  }
}
