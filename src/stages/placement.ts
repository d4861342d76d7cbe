/** Puts deliveries where they wait: in their lane until they are called, or on a tier when the lane does not take them. */
import type { HookTable } from '../core/hook/table.ts'
import type { Lane } from '../core/lane/lane.ts'
import type { LaneMove, Lanes } from '../core/lane/lanes.ts'
import type { Pressure } from '../core/lane/pressure.ts'
import type { HookId, MonotonicMs } from '../core/model/model.ts'
import type { Clock } from '../ports.ts'
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
  readonly table: HookTable
  readonly health: EndpointHealth
  readonly halfDone: HalfDone
  readonly recorder: Recorder
  readonly clock: Clock
}

/** How often lanes are relieved, and of how many deliveries together. */
const relieveEveryMs = 100
const mostRelieved = 100
/** It looks at all lanes. Where there are so many that this takes long, it rests for so many times as long. */
const relieveRest = 50

export class Placement {
  readonly #parts: PlacementParts
  #relieveAt: MonotonicMs = Number.NEGATIVE_INFINITY

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
   * Defers queued work of lanes that hold more than they can call soon, while other hooks of their tenants find no room. Does
   * a part of it at a time.
   */
  relieve(): void {
    const { pressure, lanes, deferring, clock } = this.#parts
    const now = clock.monotonic()
    if (pressure.isNone || now < this.#relieveAt) return
    pressure.sweep(now)
    const mayGo = (work: Work) => deferring.mayGiveBack(work)
    let left = mostRelieved
    for (const lane of lanes.overfull(now)) {
      if (!pressure.isOn(lane.limits.tenantId, now)) continue
      if (!deferring.isEndpointBound(lane, now)) continue
      const most = Math.min(left, deferring.mostGivenBack(lane))
      const relieved = lanes.relieve(lane, most, mayGo, now)
      for (const work of relieved) this.#recordDeferral(work, beyondNeed)
      if (relieved.length > 0) pressure.eased(lane.limits.tenantId, now)
      left -= relieved.length
      if (left === 0) break
    }
    // The acknowledgements of these deferrals cause further turns.
    const spentMs = clock.monotonic() - now
    this.#relieveAt = now + Math.max(relieveEveryMs, spentMs * relieveRest)
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
