/**
 * The ports: what the stages need from the outside. Types only. Every port has one adapter in `edge/` and one in
 * `test/support/`, and both pass the same suite in `test/contract/`.
 */
import type { FilterNode } from './core/filter/filter.ts'
import type { Schema } from './core/event/framed-value.ts'
import type { Outcome, Reason } from './core/model/record-values.ts'
import type {
  AttemptResult,
  ClientCertificate,
  ClientCredentials,
  EpochMs,
  InboundRecord,
  MonotonicMs,
  OutboundRecord,
  RecordPlace,
  Run,
  TenantId,
  TraceContext,
} from './core/model/model.ts'

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** A partition that is assigned to this member, and where to continue. */
export interface AssignedPartition extends TopicPartition {
  /**
   * True when ownership was not interrupted (docs/architecture.md, Offsets): the member is the same, its generation is
   * exactly one higher, and the partition is in both assignments. Then the epoch continues, and known records may be read
   * again.
   */
  readonly isKept: boolean
  /** The offset that the group has committed, or `undefined` when there is none. */
  readonly committedOffset: number | undefined
  /** Metadata of that commit; empty when none. */
  readonly committedMetadata: string
}

/** The result of one fetch of a partition. */
export interface Fetched {
  /** In offset order, possibly none. The listener must hold them: the source does not wait for it. */
  readonly records: readonly InboundRecord[]
  /** The next offset to read. Lower offsets that were not in `records` do not exist: compaction, transaction markers. */
  readonly next: number
  /** The partition's end: the offset of the next record to be written to it. */
  readonly end: number
}

/** Receives what happens in a consumer group. No method may throw, and only `onRebalance` and `beforeRejoin` may wait. */
export interface GroupListener {
  /** The group was joined. Called before any record of the new assignment. Partitions that are not listed are lost. */
  onAssigned(partitions: readonly AssignedPartition[]): void
  /** Called for each fetch, also for one without records. */
  onFetched(partition: TopicPartition, fetched: Fetched): void
  /** The end of a partition that is paused, so that nothing is fetched of it. Called every few seconds. */
  onEnd(partition: TopicPartition, end: number): void
  /**
   * A rebalance has begun. Everything goes on until the promise settles: records are fetched, and calls start. Then
   * {@link beforeRejoin} is called. Not called when the member has to rejoin at once.
   *
   * @param mayLose whether this member may lose partitions: others have joined, or that is not known
   */
  onRebalance(mayLose: boolean): Promise<void>
  /**
   * The member rejoins, and membership is still valid. The listener stops starting calls, lets those in flight finish,
   * and commits. The source continues its heartbeats meanwhile, and rejoins when the promise settles.
   */
  beforeRejoin(): Promise<void>
  /** This member cannot go on. The process must end. */
  onFailed(error: Error): void
}

export interface CommitEntry extends TopicPartition {
  readonly offset: number
  readonly metadata: string
}

export type CommitOutcome = 'committed' | 'stale' | 'unavailable'

/** One member of one consumer group. */
export interface GroupSource {
  /** Resolves when the group was joined for the first time. */
  start(listener: GroupListener): Promise<void>
  pause(partition: TopicPartition): void
  resume(partition: TopicPartition): void
  /**
   * - `committed`: the commit is acknowledged.
   * - `stale`: the group has a newer generation, so the entries are not valid any more.
   * - `unavailable`: the broker could not be reached. The commit may be tried again.
   */
  commit(entries: readonly CommitEntry[]): Promise<CommitOutcome>
  /**
   * When the newest acknowledged heartbeat or join was *sent*; `undefined` before the first. A call may start only while
   * this is within the session time-out, because only then no other member can own the partition.
   */
  provenAt(): MonotonicMs | undefined
  /** Why nothing can be read, if the cause must be fixed outside this process; `undefined` when there is none. */
  trouble(): string | undefined
  /** Leaves the group. */
  stop(): Promise<void>
}

/** Reads a compacted topic from its beginning, and then every new record. */
export interface TableSource {
  /**
   * Resolves when every partition has been read to the end that it had at the call. Rejects when that is not possible.
   * Afterwards `apply` is called for each new record. A record is never applied twice, even if the client reads it again.
   * The records of one partition come in their order, but there is no order between partitions. `onFailed` is called when
   * the topic was recreated or the client has ended.
   */
  start(apply: (record: InboundRecord) => void, onFailed: (error: Error) => void): Promise<void>
  /** See {@link GroupSource.trouble}. */
  trouble(): string | undefined
  stop(): Promise<void>
}

/** Writes records. A record is acknowledged when all in-sync replicas have it. */
export interface RecordSink {
  /**
   * Resolves when all of `records` are acknowledged. Rejects with `TooLargeError` (core/model/errors.ts) when some of them
   * are too large for their topic. The error names these, and the others are written. It does not reject while the broker is
   * unavailable, but waits.
   */
  write(records: readonly OutboundRecord[]): Promise<void>
  /** The number of records that are not acknowledged yet. */
  pendingCount(): number
  /** Why nothing is acknowledged, when that has lasted a while; `undefined` when there is no trouble. */
  trouble(): string | undefined
  /** Abandons pending writes. Their promises never settle, so they must be awaited before. */
  stop(): Promise<void>
}

export interface HttpRequest {
  readonly url: string
  /** Names a pool of kept connections. A call to an origin may use any idle connection of its pool to that origin. */
  readonly poolKey: string
  readonly tenantId: TenantId
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** One deadline for connecting, headers and body together, and for getting a token. */
  readonly timeoutMs: number
  /** How to get the access token of the call. Calls with the same object share a token. */
  readonly oauth: ClientCredentials | undefined
  /** The client certificate. All calls of a pool must have the same one, or none. */
  readonly clientCertificate: ClientCertificate | undefined
}

export interface Call {
  /** Ends the call now. Unless `done` was called before, it is called with `aborted`. */
  abort(): void
}

export interface HttpSender {
  /**
   * Never throws. `done` is called exactly once, and never within `send` itself. A call may send its request twice, if a
   * kept connection ended before any part of an answer arrived, or if the endpoint refused its access token.
   */
  send(request: HttpRequest, done: (result: AttemptResult) => void): Call
  /** Why no call can be made to any endpoint; `undefined` when there is no trouble. */
  trouble(): string | undefined
  /** Closes all pools and aborts calls in flight. */
  stop(): Promise<void>
}

/** Where spans of attempts go. */
export interface Tracing {
  /** A call begins now, whose delivery waited for so long. Never throws; `undefined`: it is not traced. */
  attemptBegins(attempt: TracedAttempt): AttemptTrace | undefined
  /** Sends what has ended, within a bounded time. Never rejects. */
  flush(): Promise<void>
}

export interface TracedAttempt {
  readonly run: Run
  /** The consumer group that read the record, and where and when that was written. */
  readonly group: string
  readonly source: RecordPlace
  readonly writtenAt: EpochMs
  /** Without secrets. */
  readonly shownUrl: string
  readonly startedAt: EpochMs
  readonly queuedMs: number
}

/**
 * The spans of one attempt. To be told of everything that becomes of it, in this order, each at most once unless it says
 * more.
 */
export interface AttemptTrace {
  /** What the call carries. */
  readonly call: TraceContext
  /** What the records carry by which the run goes on, if its event has no trace. */
  readonly onward: TraceContext
  answered(result: AttemptResult): void
  /** Its records are handed over. Again if Kafka has refused them, and others take their place. */
  recorded(outcome: Outcome, reason: Reason | undefined): void
  /** Kafka has them. */
  acknowledged(): void
}

export interface Clock {
  now(): EpochMs
  monotonic(): MonotonicMs
  /** Calls `fire` once after `delayMs`. Returns a function that cancels it. Does not keep the process alive. */
  after(delayMs: number, fire: () => void): () => void
  /** Calls `run` once, after the handlers of everything that has already happened: answers and records that have arrived. */
  soon(run: () => void): void
}

/** How busy the event loop is. */
export interface LoopMeter {
  /** The share of time in which the loop was busy, from 0 to 1: the larger one of the last second and the last 100 ms. */
  busyShare(): number
}

/** Uniform in [0, 1). */
export type Random = () => number

/** Schemas of a registry, by the ids that frames carry. */
export interface SchemaSource {
  /**
   * The schema, or `undefined` while it is being fetched, which may take as long as the registry is unavailable. A caller
   * that waits for a schema must call this again at each `again`, or fetching stops.
   */
  find(id: number): Schema | undefined
  /**
   * `again` is called whenever waiting callers must call `find` again, at once or in what they let run soon
   * ({@link Clock.soon}). It is never called within `find`.
   */
  onAgain(again: () => void): void
  /** Why schemas cannot be fetched; `undefined` when there is no trouble. */
  trouble(): string | undefined
  /** Stops all fetching. */
  stop(): void
}

/** Encodes results. */
export interface ResultEncoder<Result> {
  encode(result: Result): Buffer
}

/** Reads the filters of hooks. They are CEL expressions, as the hook's owner wrote them. */
export interface Filters {
  /** Why the text is not a filter, as the end of a sentence that names its field; `undefined` when it is one. */
  fault(text: string): string | undefined
  /** Whether the parsed text is cached, so that reading it again takes no time. */
  isKept(text: string): boolean
  /** Parses a text without fault. */
  read(text: string): FilterNode | undefined
}
