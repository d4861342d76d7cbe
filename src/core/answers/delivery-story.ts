/** What became of one delivery, folded from its results in the order in which they were written. */
import type { EpochMs } from '../model/model.ts'
import type { DeliveryResult } from '../model/records.ts'

/** Results of a run that are kept, and runs of a delivery: the first and the newest say most. */
const mostResults = 40
const mostRuns = 20

/** How a run stands. */
export type RunState =
  | { readonly kind: 'ended'; readonly last: DeliveryResult }
  /** It goes on at `dueAt`; `undefined`: at once. */
  | { readonly kind: 'open'; readonly last: DeliveryResult; readonly dueAt: EpochMs | undefined }

export interface RunStory {
  readonly run: string
  readonly trigger: string
  readonly results: readonly DeliveryResult[]
  /** Results between the first and the newest that were too many to be kept. */
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
    // The first end counts: what comes after it is a call that a crash repeated.
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

  /** In the order in which they began to be recorded. */
  get runs(): readonly RunStory[] {
    return [...this.#runs.values()]
  }

  /** Runs that were too many to be kept. */
  get leftOut(): number {
    return this.#leftOut
  }

  /** The run that began last. */
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
