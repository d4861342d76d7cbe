/** What the world knows of a process from outside: by what it was told and what it did, never by looking into it. */
import type { HookId, InboundRecord } from '../../src/core/model/model.ts'
import type { Coverage } from './coverage.ts'
import type { Network } from './network.ts'
import type { ProcessLoop } from './process-loop.ts'
import type { SimMember } from './sim-member.ts'

/** One uninterrupted ownership of a partition by a process. */
export interface Epoch {
  readonly process: ProcessView
  readonly group: GroupName
  readonly topic: string
  readonly partition: number
  /** What the group had committed when it began. */
  readonly coverage: Coverage
  /** Offsets that the process was given. */
  readonly fetched: Set<number>
  /** Offsets all of whose runs the process has heard to be in the log, and in which of its tasks it heard that last. */
  readonly done: Map<number, number>
  /** Hooks whose runs it has heard to be in the log, by offset of an event that has others. */
  readonly heard: Map<number, Set<HookId>>
  /** Whether the process never owned the partition before: else what it hears may be of an earlier ownership. */
  readonly isFirst: boolean
  /** How it ended; `undefined` while it lasts. */
  end: EpochEnd | undefined
  /** By when its process was to let go of it, if it was asked to: calls that take longer may be repeated. */
  releasedBy: number | undefined
}

export type EpochEnd =
  /** The process was asked for it, drained and committed, and nothing kept it from doing so in time. */
  | 'orderly'
  /** The same, but something came between. */
  | 'disturbed'
  | 'lost'
  | 'killed'

/** A group is asked for its partitions, and gives them up. */
export interface Drain {
  readonly from: number
  /** How long calls that are out may take, in milliseconds. */
  readonly budgetMs: number
}

export type GroupName = 'live' | 'retry'

export interface ProcessView {
  readonly name: string
  readonly loop: ProcessLoop
  readonly network: Network
  readonly members: Readonly<Record<GroupName, SimMember>>
  /** Live epochs by partition name. */
  readonly epochs: Map<string, Epoch>
  /** Newest records of hook and endpoint topics that were applied. */
  readonly hooks: Map<HookId, InboundRecord>
  readonly endpoints: Map<HookId, EndpointWord>
  /** Final records that it heard to be in the log, by run, and when. */
  readonly finals: Map<string, number>
  /** Tier and request records whose handling it heard to be in the log, by run, attempt and hop, and when. */
  readonly handled: Map<string, number>
  readonly drains: Record<GroupName, Drain | undefined>
  /** Until then what it does may be held up by a fault. */
  disturbedUntil: number
  state: 'starting' | 'running' | 'stopping' | 'ended'
}

/** What was said of an endpoint last, by the rules of records' order. */
export interface EndpointWord {
  readonly state: string
  readonly enableEpoch: number
  readonly endpoint: string
}
