/**
 * What has happened and is to be looked at. Whatever happens outside of a turn, a fetch, an answer, an acknowledgement or a
 * time that has come, is marked here; {@link ./turn.ts} looks at all that is marked.
 */
import type { Slot } from '../core/lane/lanes.ts'
import type { Attempted, Progress } from '../core/run/recording.ts'
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
  /** `undefined` where a record was rejected. */
  readonly work: Work | undefined
  readonly progress: Progress
}

export class Marks {
  #answered: Answered[] = []
  #acknowledged: Acknowledged[] = []
  #partitions = new Set<PartitionFlow>()
  #hasRoom = false
  #isSet = false
  #onSet: () => void = () => undefined

  /** Who takes the turns. Called whenever something is marked, within a turn too. */
  onSet(take: () => void): void {
    this.#onSet = take
  }

  answered(answered: Answered): void {
    this.#answered.push(answered)
    this.set()
  }

  acknowledged(acknowledged: Acknowledged): void {
    this.#acknowledged.push(acknowledged)
    this.set()
  }

  /** The heads of the partitions may be admitted: records came, a time came, or a schema. */
  partitions(...flows: readonly PartitionFlow[]): void {
    for (const flow of flows) this.#partitions.add(flow)
    this.set()
  }

  /** Something was completed or begun: partitions that wait for room may go on. Looked at with the next mark. */
  room(): void {
    this.#hasRoom = true
  }

  /** Calls may start that could not before, or somebody waits for what has changed. */
  set(): void {
    this.#isSet = true
    this.#onSet()
  }

  /** Whether anything was marked since this was asked last. */
  take(): boolean {
    const isSet = this.#isSet
    this.#isSet = false
    return isSet
  }

  takeAnswered(): readonly Answered[] {
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
