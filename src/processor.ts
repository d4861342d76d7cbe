/** The outside of a processor: the ports it needs, its settings, and its status. */
import type { Decrypt } from './core/hook/encrypted-text.ts'
import type { Tier, Topics } from './core/model/model.ts'
import type { ResultBodies } from './core/run/kept-answer.ts'
import type { DeliveryResult } from './core/model/records.ts'
import type { Emit } from './core/signal/signal.ts'
import type {
  Clock,
  Filters,
  GroupSource,
  HttpSender,
  LoopMeter,
  Random,
  RecordSink,
  ResultEncoder,
  SchemaSource,
  TableSource,
  Tracing,
} from './ports.ts'
import type { ByTopic } from './stages/depths.ts'
import type { EndpointCounts } from './stages/endpoint-health.ts'

export interface ProcessorPorts {
  readonly hooks: TableSource
  /** Endpoint health. */
  readonly endpoints: TableSource
  /** The schemas of framed events and hooks. */
  readonly schemas: SchemaSource
  readonly filters: Filters
  /** Decrypts secrets of hooks. */
  readonly decrypt: Decrypt
  /** Events and requests. */
  readonly live: GroupSource
  /** Retry tiers. */
  readonly retry: GroupSource
  readonly sink: RecordSink
  /** Of notices alone: what keeps these from being written must hold up nothing else. */
  readonly noticeSink: RecordSink
  readonly http: HttpSender
  readonly encoder: ResultEncoder<DeliveryResult>
  readonly clock: Clock
  readonly loop: LoopMeter
  /** `undefined` where nothing is traced. */
  readonly tracing: Tracing | undefined
  readonly random: Random
  readonly emit: Emit
  /** The process cannot go on: it must end, and be started again. Called at most once. */
  readonly onFailed: (error: Error) => void
}

export interface ProcessorSettings {
  readonly groupId: string
  readonly instance: string
  readonly userAgent: string
  readonly topics: Topics
  readonly tiers: readonly Tier[]
  readonly retrySchedule: readonly number[]
  readonly maxAgeMs: number
  readonly timeoutMs: number
  readonly concurrency: number
  readonly maxInFlight: number
  readonly resultBodies: ResultBodies
  /** Whether events that go to no hook are recorded. */
  readonly recordUnmatched: boolean
  readonly egressProxy: string | undefined
  readonly disableAfterMs: number
  /** Whether what happens to endpoints is written to the first event topic. */
  readonly notices: boolean
  readonly maxDeferredPerHook: number
  readonly maxDeferredPerTenant: number
  readonly sessionTimeoutMs: number
  readonly commitIntervalMs: number
}

export interface ProcessorStatus {
  readonly isTableLoaded: boolean
  readonly isJoined: boolean
  /** Whether membership is proven: a heartbeat or join was sent within the session time-out, and acknowledged. */
  readonly isProven: boolean
  readonly hooks: number
  readonly suspendedHooks: number
  readonly inFlight: number
  readonly queued: number
  readonly backlog: number
  readonly pendingRecords: number
  /** Why records are not read or acknowledged, or no call is made; one sentence for each reason. */
  readonly troubles: readonly string[]
  /** Why schemas of framed records cannot be fetched; `undefined` when there is no trouble. */
  readonly schemaTrouble: string | undefined
  /** Endpoints that are not healthy, by state. */
  readonly endpoints: EndpointCounts
}

/** How much waits in the partitions that this process owns. */
export interface ProcessorDepths {
  /** The number of owned partitions. */
  readonly partitions: ByTopic
  /** The number of incomplete offsets of event and request topics. */
  readonly lag: ByTopic
  /** The same for tiers: runs that wait for their next attempt. */
  readonly retryDepth: ByTopic
  readonly retryOverdueMs: number
}

export interface Processor {
  /** Resolves when the table is loaded and both groups are joined. */
  start(): Promise<void>
  /**
   * Stops intake, lets calls finish until the deadline, records the others as interrupted, commits, and leaves the groups.
   *
   * @returns how many records Kafka has not acknowledged; they are lost
   */
  stop(deadlineMs: number): Promise<number>
  status(): ProcessorStatus
  depths(): ProcessorDepths
}
