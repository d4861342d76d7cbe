/** Periodic work while there are lanes: deletes unused ones, and measures how long lanes with deferred runs are idle. */
import type { Lanes } from '../core/lane/lanes.ts'
import type { Emit } from '../core/signal/signal.ts'
import type { Clock } from '../ports.ts'
import type { CallGate } from './call-gate.ts'
import type { Deferring } from './deferring.ts'
import type { Work } from './work.ts'

export interface LaneUpkeepParts {
  readonly lanes: Lanes<Work>
  readonly deferring: Deferring
  readonly clock: Clock
  readonly emit: Emit
  readonly gate: CallGate
}

/** How often lanes are counted that are idle while runs of theirs are deferred. */
const idleCheckMs = 1_000
/** How often unused lanes are deleted. */
const sweepMs = 60_000

export class LaneUpkeep {
  readonly #parts: LaneUpkeepParts
  #isIdleCheckPlanned = false
  #isSweepPlanned = false

  constructor(parts: LaneUpkeepParts) {
    this.#parts = parts
  }

  /** A run was deferred. While any run is, the idle time of lanes is measured. */
  deferred(): void {
    if (this.#isIdleCheckPlanned) return
    this.#isIdleCheckPlanned = true
    const { clock, deferring, gate, emit } = this.#parts
    const from = clock.monotonic()
    clock.after(idleCheckMs, () => {
      this.#isIdleCheckPlanned = false
      // While no call may start, idle lanes are not a fault of the deferrals.
      const lanes = gate.isOpen ? deferring.idleLanes() : 0
      if (lanes > 0) emit({ kind: 'lanes.idle', laneMs: lanes * (clock.monotonic() - from) })
      if (deferring.hasDeferred) this.deferred()
    })
  }

  /** Work was queued. Plans the deletion of unused lanes. */
  queued(): void {
    if (this.#isSweepPlanned) return
    this.#isSweepPlanned = true
    const { lanes, clock, deferring } = this.#parts
    clock.after(sweepMs, () => {
      this.#isSweepPlanned = false
      lanes.sweep(clock.monotonic())
      deferring.sweep()
      if (lanes.size > 0) this.queued()
    })
  }
}
