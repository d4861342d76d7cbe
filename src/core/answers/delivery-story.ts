/** The history of one delivery, from its results in the order in which they were written. */
import type { EpochMs } from '../model/model.ts'
import type { DeliveryResult } from '../model/records.ts'

/** The maximum number of results of a run, and of runs of a delivery. The first one and the newest ones are kept. */
const mostResults = 40
const mostRuns = 20

/** The state of a run. */
export type RunState =
  | { readonly kind: 'ended'; readonly last: DeliveryResult }
  /** It continues at `dueAt`; `undefined` means at once. */
  | { readonly kind: 'open'; readonly last: DeliveryResult; readonly dueAt: EpochMs | undefined }

export interface RunStory {
  readonly run: string
  readonly trigger: string
  readonly results: readonly DeliveryResult[]
  /** The number of results after the first that were not kept. */
  readonly leftOut: number
  readonly state: RunState
}

class Run implements RunStory {
  readonly run: string
  readonly trigger: string
  readonly results: DeliveryResult[] = []
  leftOut = 0
  state: RunState

  constructor(first: DeliveryResult) {
    this.run = first.run
    this.trigger = first.trigger
    this.state = stateAfter(first)
  }

  add(result: DeliveryResult): void {
    this.results.push(result)
    if (this.results.length > mostResults) {
      this.results.splice(1, 1)
      this.leftOut += 1
    }
    // The first end counts: later results are of a call that a crash repeated.
    if (this.state.kind === 'open') this.state = stateAfter(result)
  }
}

function stateAfter(last: DeliveryResult): RunState {
  if (last.final) return { kind: 'ended', last }
  return { kind: 'open', last, dueAt: last.nextDueAt ?? undefined }
}

export class DeliveryStory {
  readonly deliveryId: string
  readonly hookId: string
  readonly #runs = new Map<string, Run>()
  #leftOut = 0

  constructor({ deliveryId, hookId }: Pick<DeliveryResult, 'deliveryId' | 'hookId'>) {
    this.deliveryId = deliveryId
    this.hookId = hookId
  }

  /** In the order of their first results. */
  get runs(): readonly RunStory[] {
    return [...this.#runs.values()]
  }

  /** The number of runs that were not kept. */
  get leftOut(): number {
    return this.#leftOut
  }

  /** The run whose first result is the newest. */
  get newest(): RunStory | undefined {
    return this.runs.at(-1)
  }

  add(result: DeliveryResult): void {
    const known = this.#runs.get(result.run)
    const run = known ?? new Run(result)
    if (known === undefined) this.#begin(run)
    run.add(result)
  }

  #begin(run: Run): void {
    const [, second] = this.#runs.keys()
    if (this.#runs.size >= mostRuns && second !== undefined) {
      this.#runs.delete(second)
      this.#leftOut += 1
    }
    this.#runs.set(run.run, run)
  }
}
