/** What is done about lanes from time to time, while there are any: the old ones are forgotten, and idle ones are counted. */
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

/** How often lanes are looked for that are idle though something of theirs was put off. */
const idleCheckMs = 1_000
/** How often lanes are looked for that nothing comes to any more. */
const sweepMs = 60_000

export class LaneUpkeep {
  readonly #parts: LaneUpkeepParts
  #isIdleCheckPlanned = false
  #isSweepPlanned = false

  constructor(parts: LaneUpkeepParts) {
    this.#parts = parts
  }

  /** Something was put off: counts how long lanes are idle meanwhile, for as long as something is. */
  defer(): void {
    if (this.#isIdleCheckPlanned) return
    this.#isIdleCheckPlanned = true
    const { clock, deferring, gate, emit } = this.#parts
    const from = clock.monotonic()
    clock.after(idleCheckMs, () => {
      this.#isIdleCheckPlanned = false
      // While no call may start, no lane is idle by its own doing.
      const lanes = gate.isOpen ? deferring.idleLanes() : 0
      if (lanes > 0) emit({ kind: 'lanes.idle', laneMs: lanes * (clock.monotonic() - from) })
      if (deferring.hasDeferred) this.defer()
    })
  }

  /** Something was queued: its lane is to be forgotten when nothing comes to it for long. */
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
