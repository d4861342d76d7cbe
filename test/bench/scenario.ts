/** What a scenario is to the program that runs it. */
import type { Figures, Target } from './figures.ts'
import type { Rig } from './rig.ts'

/** One of those that are measured beside each other. */
export interface Subject {
  readonly name: string
  /** Measures once. Starts what it needs, and leaves nothing running. */
  readonly measure: () => Promise<Figures>
}

export interface ScenarioOptions {
  /** Of a backlog that is drained. */
  readonly events: number
}

export interface Scenario {
  readonly targets: readonly Target[]
  /** Makes what all rounds share, and says what takes turns in each round. */
  prepare(rig: Rig, options: ScenarioOptions): Promise<readonly Subject[]>
}
