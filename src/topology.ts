/**
 * One processor, wired. Read from top to bottom it is the data's path: hooks → table; events, requests and tiers →
 * groups → lanes → calls → recorder → results, tiers and dead letters. It knows ports, never libraries, so the same
 * wiring runs on Kafka and in memory.
 */
import { HookTable } from './core/hook-table.ts'
import { Lanes } from './core/lanes.ts'
import type { InboundRecord, MonotonicMs, Tier, Topics } from './core/model.ts'
import { RecentlyHandled } from './core/recently-handled.ts'
import type { DeliveryResult } from './core/records.ts'
import { tierOf } from './core/schedule.ts'
import type { Emit, StopCause } from './core/signal.ts'
import type {
  Clock,
  GroupSource,
  HttpSender,
  Random,
  RecordSink,
  ResultEncoder,
  TableSource,
} from './ports.ts'
import { Dispatch } from './stages/dispatch.ts'
import {
  openEvent,
  openRequest,
  openTierRecord,
  type Joining,
  type Opened,
} from './stages/expand.ts'
import { GroupFlow, type GroupLimits } from './stages/group-flow.ts'
import { loadHooks } from './stages/hook-loader.ts'
import { Recorder } from './stages/recorder.ts'
import type { Work } from './stages/work.ts'

export interface ProcessorPorts {
  readonly hooks: TableSource
  /** Events and requests. */
  readonly live: GroupSource
  /** Retry tiers. */
  readonly retry: GroupSource
  readonly sink: RecordSink
  readonly http: HttpSender
  readonly encoder: ResultEncoder<DeliveryResult>
  readonly clock: Clock
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
  readonly maxSlow: number
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
}

export interface Processor {
  /** Resolves when the table is loaded and both groups are joined. */
  start(): Promise<void>
  /** Stops intake, lets calls finish until the deadline, records the rest as interrupted, commits and leaves. */
  stop(deadlineMs: number): Promise<void>
  status(): ProcessorStatus
}

/** Bounds of one process. Together they keep its memory flat whatever comes in. */
const limits = {
  /** Keeps a commit's metadata within 4,096 characters (design section 8). */
  maxIncomplete: 750,
  partitionBytes: 8 * 1024 * 1024,
  totalBytes: 128 * 1024 * 1024,
  deliveries: 20_000,
  backlogBytes: 512 * 1024,
  tierBacklogBytes: 128 * 1024,
  laneQueue: 1_000,
  pendingRecords: 20_000,
  recentlyHandled: 200_000,
  drainBudgetMs: 2_000,
  slowAfterMs: 1_000,
  initialConcurrency: 2,
} as const

/** How long the last records may take to be acknowledged at a stop. */
const flushMs = 5_000

export function createProcessor(ports: ProcessorPorts, settings: ProcessorSettings): Processor {
  const { clock, sink, http, emit } = ports
  const { topics, tiers, maxAgeMs } = settings
  const onFailed = once(ports.onFailed)
  const table = new HookTable()
  const handled = new RecentlyHandled(limits.recentlyHandled)
  const lanes = new Lanes<Work>({
    maxInFlight: settings.maxInFlight,
    maxSlow: settings.maxSlow,
    slowAfterMs: limits.slowAfterMs,
    maxQueued: limits.laneQueue,
    initialConcurrency: limits.initialConcurrency,
  })

  const recorder = new Recorder({
    sink,
    encoder: ports.encoder,
    topics,
    tiers,
    schedule: settings.retrySchedule,
    handled,
    clock,
    random: ports.random,
    instance: settings.instance,
    emit,
    onFailed,
    onAcknowledged: () => dispatch.pump(),
  })

  const dispatch = new Dispatch({
    lanes,
    table,
    http,
    recorder,
    clock,
    emit,
    maxAgeMs,
    userAgent: settings.userAgent,
    defaultTimeoutMs: settings.timeoutMs,
    defaultConcurrency: settings.concurrency,
    stopCause: (now) => stopCauseOf(ports, settings.sessionTimeoutMs, now),
    onRoom: () => groups.forEach((group) => group.wake()),
  })

  const joining: Joining = {
    table,
    handled,
    maxAgeMs,
    defaultConcurrency: settings.concurrency,
    now: () => clock.now(),
  }
  const load = { deliveries: 0, bytes: 0 }
  const groupOf = (name: string, source: GroupSource, open: Open, backlogBytes: number) =>
    new GroupFlow({
      name,
      source,
      open,
      dispatch,
      recorder,
      clock,
      load,
      emit,
      onFailed,
      commitIntervalMs: settings.commitIntervalMs,
      limits: { ...groupLimits, backlogBytes },
    })
  const live = groupOf(
    settings.groupId,
    ports.live,
    (record) =>
      record.topic === topics.requests ? openRequest(record, joining) : openEvent(record, joining),
    limits.backlogBytes,
  )
  const retry = groupOf(
    `${settings.groupId}.retry`,
    ports.retry,
    (record) => openTierRecord(record, tierOfRecord(record, topics.retryPrefix), joining),
    limits.tierBacklogBytes,
  )
  const groups = [live, retry]
  let isTableLoaded = false

  return {
    async start() {
      await loadHooks({ source: ports.hooks, table, emit, onFailed })
      isTableLoaded = true
      await Promise.all(groups.map((group) => group.start()))
    },
    async stop(deadlineMs) {
      for (const group of groups) group.stopIntake()
      await dispatch.drained(deadlineMs)
      dispatch.stop()
      await dispatch.drained(flushMs)
      await recorder.idle(flushMs)
      await Promise.all(groups.map((group) => group.leave()))
      await Promise.all([ports.hooks.stop(), http.stop()])
      await sink.stop()
    },
    status: () => ({
      isTableLoaded,
      isJoined: groups.every((group) => group.isJoined),
      isProven: isProven(ports, settings.sessionTimeoutMs, clock.monotonic()),
      hooks: table.size,
      suspendedHooks: table.suspendedCount,
      inFlight: dispatch.inFlight,
      queued: lanes.queued,
      backlog: groups.reduce((sum, group) => sum + group.backlogCount, 0),
      pendingRecords: sink.pendingCount(),
    }),
  }
}

type Open = (record: InboundRecord) => Opened

const groupLimits: Omit<GroupLimits, 'backlogBytes'> = {
  maxIncomplete: limits.maxIncomplete,
  maxBytes: limits.partitionBytes,
  maxTotalBytes: limits.totalBytes,
  maxDeliveries: limits.deliveries,
  drainBudgetMs: limits.drainBudgetMs,
}

function isProven(ports: ProcessorPorts, sessionTimeoutMs: number, now: MonotonicMs): boolean {
  return [ports.live, ports.retry].every((source) => {
    const provenAt = source.provenAt()
    return provenAt !== undefined && now - provenAt < sessionTimeoutMs
  })
}

function stopCauseOf(
  ports: ProcessorPorts,
  sessionTimeoutMs: number,
  now: MonotonicMs,
): StopCause | undefined {
  if (!isProven(ports, sessionTimeoutMs, now)) return 'membership-unproven'
  return ports.sink.pendingCount() >= limits.pendingRecords ? 'results-pending' : undefined
}

function tierOfRecord(record: InboundRecord, retryPrefix: string): Tier {
  return tierOf(record.topic, retryPrefix) ?? { topic: record.topic, delayMs: 0 }
}

function once(report: (error: Error) => void): (error: Error) => void {
  let isReported = false
  return (error) => {
    if (isReported) return
    isReported = true
    report(error)
  }
}
