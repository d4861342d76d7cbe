/** A processor as its surroundings see it: what it needs, what it is set to, and what it tells of itself. */
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
} from './ports.ts'
import type { ByTopic } from './stages/depths.ts'
import type { EndpointCounts } from './stages/endpoint-health.ts'

export interface ProcessorPorts {
  readonly hooks: TableSource
  /** Endpoint health. */
  readonly endpoints: TableSource
  /** Of framed events and hooks. */
  readonly schemas: SchemaSource
  readonly filters: Filters
  /** Secrets of hooks. */
  readonly decrypt: Decrypt
  /** Events and requests. */
  readonly live: GroupSource
  /** Retry tiers. */
  readonly retry: GroupSource
  readonly sink: RecordSink
  readonly http: HttpSender
  readonly encoder: ResultEncoder<DeliveryResult>
  readonly clock: Clock
  readonly loop: LoopMeter
  readonly random: Random
  readonly emit: Emit
  /** Something broke that only another process mends. Called once at most. */
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
  readonly egressProxy: string | undefined
  readonly disableAfterMs: number
  readonly maxDeferredPerHook: number
  readonly maxDeferredPerTenant: number
  readonly sessionTimeoutMs: number
  readonly commitIntervalMs: number
}

export interface ProcessorStatus {
  readonly isTableLoaded: boolean
  readonly isJoined: boolean
  /** Sent within the session time-out and acknowledged: the broker is reachable. */
  readonly isProven: boolean
  readonly hooks: number
  readonly suspendedHooks: number
  readonly inFlight: number
  readonly queued: number
  readonly backlog: number
  readonly pendingRecords: number
  /** Why records are not read or not acknowledged, or no call is made, a sentence each. */
  readonly troubles: readonly string[]
  /** Why framed records wait for their schemas; `undefined` when none does in vain. */
  readonly schemaTrouble: string | undefined
  /** Endpoints that are not healthy, by state. */
  readonly endpoints: EndpointCounts
}

/** What waits in the partitions that this process owns. */
export interface ProcessorDepths {
  /** Partitions owned. */
  readonly partitions: ByTopic
  /** Offsets that are not complete, of event and request topics. */
  readonly lag: ByTopic
  /** The same of tiers: runs that wait for their next attempt. */
  readonly retryDepth: ByTopic
  readonly retryOverdueMs: number
}

export interface Processor {
  /** Resolves when the table is loaded and both groups are joined. */
  start(): Promise<void>
  /**
   * Stops intake, lets calls finish until the deadline, records the rest as interrupted, commits and leaves.
   *
   * @returns how many records Kafka has not acknowledged; they are given up
   */
  stop(deadlineMs: number): Promise<number>
  status(): ProcessorStatus
  depths(): ProcessorDepths
}
