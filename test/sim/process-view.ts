/** A process as seen from outside: what it received and what it did, without access to its internal state. */
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
  /** What the group had committed when the epoch began. */
  readonly coverage: Coverage
  /** Offsets that the process was given. */
  readonly fetched: Set<number>
  /** Offsets of which all records were acknowledged, with the task that got the last acknowledgement. */
  readonly done: Map<number, number>
  /** Hooks whose records were acknowledged, by the offset of an event that has others too. */
  readonly acknowledgedHooks: Map<number, Set<HookId>>
  /** Whether the process never owned the partition before. Otherwise acknowledgements may be of an earlier epoch. */
  readonly isFirst: boolean
  /** How it ended; `undefined` while it lasts. */
  end: EpochEnd | undefined
  /** How the process was asked to give up the partition, if it was. */
  release: Drain | undefined
}

export type EpochEnd =
  /** The process was asked to give up the partition, drained and committed, and no fault delayed it. */
  | 'orderly'
  /** The same, but a fault may have delayed it. */
  | 'disturbed'
  | 'lost'
  | 'killed'

/** A member is asked to give up its partitions. */
export interface Drain {
  readonly from: number
  /** How long calls in flight may take to end, in milliseconds. */
  readonly budgetMs: number
  /** Whether the process stops: then all calls in flight may take so long, not only those that may be expected to succeed. */
  readonly isStop: boolean
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
  readonly endpoints: Map<HookId, EndpointReport>
  /** When the final record of a run was acknowledged to the process, by run. */
  readonly finals: Map<string, number>
  /** When the handling of a tier or request record was acknowledged, by run, attempt and hop. */
  readonly handled: Map<string, number>
  readonly drains: Record<GroupName, Drain | undefined>
  /** Set when the process is asked to stop. */
  stopDrain: Drain | undefined
  /** Until when a fault may delay the process. */
  disturbedUntil: number
  state: 'starting' | 'running' | 'stopping' | 'ended'
}

/** The current report about an endpoint, by the rules of precedence. */
export interface EndpointReport {
  readonly state: string
  readonly enableEpoch: number
  readonly endpoint: string
}
