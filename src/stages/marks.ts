/**
 * The inputs of the loop. Everything that happens outside a turn (a fetch, an answer, an acknowledgement, a timer) is marked
 * here, and {@link ./turn.ts} handles all marks.
 */
import type { CountedAs } from '../core/lane/repeat-bounds.ts'
import type { Slot } from '../core/lane/lanes.ts'
import type { Attempted } from '../core/run/recording.ts'
import type { Progress } from '../core/run/result.ts'
import type { PartitionFlow } from './partition-flow.ts'
import type { Origin, Work } from './work.ts'

/** A call has ended. */
export interface Answered {
  readonly slot: Slot<Work>
  readonly attempted: Attempted
}

/** Records that Kafka has acknowledged. */
export interface Acknowledged {
  readonly origin: Origin
  /** `undefined` when the record was rejected. */
  readonly work: Work | undefined
  readonly progress: Progress
  /**
   * How the call was counted that caused the records, which a crash before they were acknowledged would have repeated;
   * `undefined` if no call caused them.
   */
  readonly ofCall: CountedAs | undefined
}

export class Marks {
  #answered: Answered[] = []
  #acknowledged: Acknowledged[] = []
  #partitions = new Set<PartitionFlow>()
  #hasRoom = false
  #isSet = false
  #onSet: () => void = () => undefined

  /** Sets the function that plans a turn. It is called for every mark, also within a turn. */
  onSet(plan: () => void): void {
    this.#onSet = plan
  }

  answered(answered: Answered): void {
    this.#answered.push(answered)
    this.set()
  }

  acknowledged(acknowledged: Acknowledged): void {
    this.#acknowledged.push(acknowledged)
    this.set()
  }

  /** The heads of the partitions may be admitted now: records were fetched, a timer fired, or a schema arrived. */
  partitions(...flows: readonly PartitionFlow[]): void {
    for (const flow of flows) this.#partitions.add(flow)
    this.set()
  }

  /** Room has become free, so partitions that wait for room may go on. Does not start a turn by itself. */
  room(): void {
    this.#hasRoom = true
  }

  /** Plans a turn. Something has changed that has no mark of its own: calls may start, or a waiter may be done. */
  set(): void {
    this.#isSet = true
    this.#onSet()
  }

  /** Whether anything was marked since the last call of this method. */
  take(): boolean {
    const isSet = this.#isSet
    this.#isSet = false
    return isSet
  }

  get hasAnswered(): boolean {
    return this.#answered.length > 0
  }

  /** @param most the others stay marked */
  takeAnswered(most: number): readonly Answered[] {
    if (this.#answered.length > most) return this.#answered.splice(0, most)
    const answered = this.#answered
    if (answered.length > 0) this.#answered = []
    return answered
  }

  takeAcknowledged(): readonly Acknowledged[] {
    const acknowledged = this.#acknowledged
    if (acknowledged.length > 0) this.#acknowledged = []
    return acknowledged
  }

  takePartitions(): Iterable<PartitionFlow> {
    const partitions = this.#partitions
    if (partitions.size > 0) this.#partitions = new Set()
    return partitions
  }

  takeRoom(): boolean {
    const hasRoom = this.#hasRoom
    this.#hasRoom = false
    return hasRoom
  }
}
