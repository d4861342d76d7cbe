/**
 * What the stages need of the world, in their own words. Types only. Every port has one adapter in `edge/`
 * and one in `test/support/`, and both pass the same suite in `test/contract/`.
 */
import type { FilterNode } from './core/filter/filter.ts'
import type { Schema } from './core/event/framed-value.ts'
import type {
  AttemptResult,
  EpochMs,
  InboundRecord,
  MonotonicMs,
  OutboundRecord,
  TenantId,
} from './core/model/model.ts'

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** A partition this member has been given, and from where to go on. */
export interface AssignedPartition extends TopicPartition {
  /**
   * True when ownership was not interrupted (docs/architecture.md, Offsets): same member, generation exactly one higher,
   * and the partition is in both assignments. Then the epoch goes on, and records already known may be read again.
   */
  readonly isKept: boolean
  /** Offset committed by the group, or `undefined` when it has none. */
  readonly committedOffset: number | undefined
  /** Metadata of that commit; empty when none. */
  readonly committedMetadata: string
}

/** What one fetch of a partition brought. */
export interface Fetched {
  /** In offset order, maybe none. They are the listener's from here on: the source never waits. */
  readonly records: readonly InboundRecord[]
  /** Where reading goes on. Offsets below it that never were among records cannot be read: compaction, markers. */
  readonly next: number
  /** The partition's end: the offset of the next record to be written to it. */
  readonly end: number
}

/** Everything a consumer group tells its owner. Nothing here may throw; only `beforeRejoin` may wait. */
export interface GroupListener {
  /** The group was joined. Called before any record of the new assignment. Partitions not named are lost. */
  onAssigned(partitions: readonly AssignedPartition[]): void
  /** Called for each fetch, also for one that brought no record. */
  onFetched(partition: TopicPartition, fetched: Fetched): void
  /** Where a partition ends of which nothing is fetched, since it is paused. Told every few seconds. */
  onEnd(partition: TopicPartition, end: number): void
  /**
   * A rebalance was seen and membership is still valid: stop starting calls, let those in flight finish, commit.
   * The source keeps heartbeating meanwhile and rejoins when the promise settles.
   */
  beforeRejoin(): Promise<void>
  /** The group goes on only with another process: end this one. */
  onFailed(error: Error): void
}

export interface CommitEntry extends TopicPartition {
  readonly offset: number
  readonly metadata: string
}

export type CommitOutcome = 'committed' | 'stale' | 'unavailable'

/** One member of one consumer group. */
export interface GroupSource {
  /** Resolves once the group was joined for the first time. */
  start(listener: GroupListener): Promise<void>
  pause(partition: TopicPartition): void
  resume(partition: TopicPartition): void
  /**
   * `committed` when acknowledged; `stale` when the group has moved on, so the entries are void; `unavailable` when the
   * broker could not be asked: try again.
   */
  commit(entries: readonly CommitEntry[]): Promise<CommitOutcome>
  /**
   * When the newest acknowledged heartbeat or join was *sent*; `undefined` before the first. A call may start only while
   * this lies within the session time-out, since only then can no other member own the partition.
   */
  provenAt(): MonotonicMs | undefined
  /** Why nothing can be read, where only somebody else can mend it; `undefined` when nothing is refused. */
  trouble(): string | undefined
  /** Leaves the group. */
  stop(): Promise<void>
}

/** Reads a compacted topic from its beginning and goes on for ever. */
export interface TableSource {
  /**
   * Resolves when every partition has been read to the end offsets that it had at the call. Rejects when that cannot be
   * reached. Afterwards `apply` goes on being called as records arrive. Records that were applied before are not
   * repeated, whatever the client reads again. Those of a partition come in its order; between partitions there is none.
   * `onFailed` reports a topic that was recreated, or a client that ended.
   */
  start(apply: (record: InboundRecord) => void, onFailed: (error: Error) => void): Promise<void>
  /** As that of a group. */
  trouble(): string | undefined
  stop(): Promise<void>
}

/** Writes records. Acknowledged means by all in-sync replicas. */
export interface RecordSink {
  /**
   * Resolves when all of `records` are acknowledged. Rejects with `TooLargeError` (core/model/errors.ts) when one of them
   * can never be written, and then says which; the others are written. A broker that is away makes it wait, not reject.
   */
  write(records: readonly OutboundRecord[]): Promise<void>
  /** Records handed over and not acknowledged yet. */
  pendingCount(): number
  /** Why nothing is acknowledged, once that has lasted a while; `undefined` when all is well. */
  trouble(): string | undefined
  /** Writes that are pending are given up, and their promises never settle: await them before. */
  stop(): Promise<void>
}

export interface HttpRequest {
  readonly url: string
  /** Names one pool of kept connections: a hook's calls share theirs with nobody. */
  readonly poolKey: string
  readonly tenantId: TenantId
  /** Most connections of the pool. */
  readonly connections: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** One deadline over connect, headers and body. */
  readonly timeoutMs: number
}

export interface Call {
  /** Ends the call now; `done` is called with `aborted` unless it was called before. */
  abort(): void
}

export interface HttpSender {
  /**
   * Never throws. `done` is called exactly once, never within `send` itself. One call may send its request twice: where a
   * kept connection ended before anything of an answer had come.
   */
  send(request: HttpRequest, done: (result: AttemptResult) => void): Call
  /** Why no call can be made, to whatever endpoint; `undefined` when all is well. */
  trouble(): string | undefined
  /** Closes all pools; calls in flight are aborted. */
  stop(): Promise<void>
}

export interface Clock {
  now(): EpochMs
  monotonic(): MonotonicMs
  /** Calls `fire` once after `delayMs`; returns its cancellation. Does not keep the process alive. */
  after(delayMs: number, fire: () => void): () => void
}

/** How busy the event loop is. */
export interface LoopMeter {
  /** Share of the last second, and of the last 100 ms, in which it ran: 0 to 1. The larger of the two. */
  busyShare(): number
}

/** Uniform in [0, 1). */
export type Random = () => number

/** Schemas of a registry, by the ids that frames carry. */
export interface SchemaSource {
  /**
   * The schema, or `undefined` while it is being asked for, be it for as long as the registry is away. Whoever waits for
   * one calls this again when told to, or it is no longer asked for.
   */
  find(id: number): Schema | undefined
  /** `again` is called whenever waiting heads must call `find` again; never within `find`. */
  onAgain(again: () => void): void
  /** Why schemas that are waited for do not come; `undefined` when none is late. */
  trouble(): string | undefined
  /** Asks for nothing any more. */
  stop(): void
}

/** Where results get their bytes. */
export interface ResultEncoder<Result> {
  encode(result: Result): Buffer
}

/** Reads the filters of hooks: CEL expressions, as the hook's owner wrote them. */
export interface Filters {
  /** Why the text is no filter, as the end of a sentence that names its field; `undefined` when it is one. */
  fault(text: string): string | undefined
  /** Whether reading the text again takes no time. */
  isKept(text: string): boolean
  /** What a text without fault says. */
  read(text: string): FilterNode | undefined
}
