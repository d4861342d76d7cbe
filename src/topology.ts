/**
 * One processor, wired. Read from top to bottom it is the data's path: hooks → table; events, requests and tiers →
 * groups → lanes → calls → recorder → results, tiers and dead letters. It knows ports, never libraries, so the same
 * wiring runs on Kafka and in memory.
 */
import { DeferredCounts } from './core/deferral.ts'
import { retryGroupOf } from './core/group-names.ts'
import { HookTable } from './core/hook-table.ts'
import { Lanes } from './core/lanes.ts'
import type { EpochMs, HookId, InboundRecord, MonotonicMs, Tier, Topics } from './core/model.ts'
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
  SchemaSource,
  TableSource,
} from './ports.ts'
import { overdueMs, sumByTopic, type ByTopic } from './stages/depths.ts'
import { Deferring } from './stages/deferring.ts'
import { Dispatch } from './stages/dispatch.ts'
import {
  hooksOfEvent,
  hooksOfRun,
  openEvent,
  openRequest,
  openTierRecord,
  type Joining,
} from './stages/expand.ts'
import { emptyLoad, GroupFlow, type GroupLimits } from './stages/group-flow.ts'
import { loadHooks } from './stages/hook-loader.ts'
import { Recorder, type RecorderParts } from './stages/recorder.ts'
import type { Work } from './stages/work.ts'

export interface ProcessorPorts {
  readonly hooks: TableSource
  /** Of framed events and hooks. */
  readonly schemas: SchemaSource
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
  readonly maxDeferredPerHook: number
  readonly maxDeferred: number
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
  /** Why records are not read or not acknowledged, a sentence each. */
  readonly troubles: readonly string[]
  /** Why framed records wait for their schemas; `undefined` when none does in vain. */
  readonly schemaTrouble: string | undefined
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
  /** Stops intake, lets calls finish until the deadline, records the rest as interrupted, commits and leaves. */
  stop(deadlineMs: number): Promise<void>
  status(): ProcessorStatus
  depths(): ProcessorDepths
}

/** Bounds of one process. Together they keep its memory flat whatever comes in. */
const limits = {
  /** Keeps a commit's metadata within 4,096 characters (design section 8). */
  maxIncomplete: 750,
  partitionBytes: 8 * 1024 * 1024,
  totalBytes: 128 * 1024 * 1024,
  deliveries: 20_000,
  /** Each call has a body of its own, and an event has as many as hooks: bytes admitted say nothing of these. */
  bodyBytes: 64 * 1024 * 1024,
  slowBodyBytes: 32 * 1024 * 1024,
  backlogBytes: 512 * 1024,
  tierBacklogBytes: 128 * 1024,
  laneQueue: 1_000,
  pendingRecords: 20_000,
  recentlyHandled: 200_000,
  drainBudgetMs: 2_000,
  slowAfterMs: 1_000,
  initialConcurrency: 2,
  /** Retries, deferrals and requests never take more than this share of the calls in flight. */
  lateShare: 0.75,
  /** What would wait longer in its lane is deferred, if that spares others of its partition. */
  maxWaitMs: 2_000,
  /** A lane's speed is judged when it was seen for so long. */
  evidenceMs: 1_000,
} as const

/** How long the last records may take to be acknowledged at a stop. */
const flushMs = 5_000

export function createProcessor(ports: ProcessorPorts, settings: ProcessorSettings): Processor {
  const onFailed = once(ports.onFailed)
  const { clock, emit } = ports
  const table = new HookTable()
  const handled = new RecentlyHandled(limits.recentlyHandled)
  const lanes = createLanes(ports, settings, () => dispatch.pump())
  const recorder = createRecorder(ports, settings, {
    handled,
    onFailed,
    onAcknowledged: () => dispatch.pump(),
  })
  const onRoom = () => groups.forEach((group) => group.wake())
  const dispatch = createDispatch(ports, settings, {
    table,
    lanes,
    recorder,
    onRoom,
  })
  const joining: Joining = {
    table,
    findSchema: (id) => ports.schemas.find(id),
    handled,
    maxAgeMs: settings.maxAgeMs,
    isDisabled: () => false,
    now: () => clock.now(),
  }
  const [live, retry] = createGroups(ports, settings, {
    joining,
    dispatch,
    recorder,
    onRoom,
    onFailed,
  })
  const groups = [live, retry]
  const path: Path = { table, lanes, recorder, dispatch, live, retry, groups }
  ports.schemas.onAgain(() => groups.forEach((group) => group.reread()))
  let isTableLoaded = false
  return {
    async start() {
      const onDeleted = (id: HookId) => lanes.forget(id)
      const { hooks: source, schemas } = ports
      await loadHooks({ source, schemas, table, emit, onFailed, onDeleted })
      isTableLoaded = true
      await Promise.all(groups.map((group) => group.start()))
    },
    stop: (deadlineMs) => stop(ports, path, deadlineMs),
    status: () => ({ ...statusOf(ports, settings, path), isTableLoaded }),
    depths: () => depthsOf(path, settings.topics.retryPrefix, clock.now()),
  }
}

/** The stateful parts of one processor, in the order of the data's path. */
interface Path {
  readonly table: HookTable
  readonly live: GroupFlow
  readonly retry: GroupFlow
  /** Both. */
  readonly groups: readonly GroupFlow[]
  readonly lanes: Lanes<Work>
  readonly dispatch: Dispatch
  readonly recorder: Recorder
}

/** Events and requests in one group, tiers in another: waiting records must not hold up fresh ones. */
function createGroups(
  ports: ProcessorPorts,
  settings: ProcessorSettings,
  parts: Pick<Path, 'dispatch' | 'recorder'> & {
    readonly joining: Joining
    readonly onRoom: () => void
    readonly onFailed: (error: Error) => void
  },
): readonly [live: GroupFlow, retry: GroupFlow] {
  const { topics, groupId, commitIntervalMs } = settings
  const { joining, ...shared } = parts
  const load = emptyLoad()
  const common = { ...shared, load, commitIntervalMs, clock: ports.clock, emit: ports.emit }
  const live = new GroupFlow({
    ...common,
    name: groupId,
    source: ports.live,
    open: (record) =>
      record.topic === topics.requests ? openRequest(record, joining) : openEvent(record, joining),
    hooksOf: (record) =>
      record.topic === topics.requests ? hooksOfRun(record) : hooksOfEvent(record, joining),
    isFirst: (topic) => topic !== topics.requests,
    limits: { ...groupLimits, backlogBytes: limits.backlogBytes },
  })
  const retry = new GroupFlow({
    ...common,
    name: retryGroupOf(groupId),
    source: ports.retry,
    open: (record) => openTierRecord(record, tierOfRecord(record, topics.retryPrefix), joining),
    hooksOf: hooksOfRun,
    isFirst: () => false,
    limits: { ...groupLimits, backlogBytes: limits.tierBacklogBytes },
  })
  return [live, retry]
}

function createLanes(
  { clock }: ProcessorPorts,
  { maxInFlight, maxSlow }: ProcessorSettings,
  pump: () => void,
): Lanes<Work> {
  return new Lanes<Work>({
    limits: {
      maxInFlight,
      maxLate: Math.max(1, Math.floor(maxInFlight * limits.lateShare)),
      maxBytes: limits.bodyBytes,
      slowAfterMs: limits.slowAfterMs,
      maxSlow,
      maxSlowBytes: limits.slowBodyBytes,
      maxQueued: limits.laneQueue,
      initialConcurrency: limits.initialConcurrency,
      maxWaitMs: limits.maxWaitMs,
      evidenceMs: limits.evidenceMs,
    },
    sizeOf: ({ run }) => run.event.body.length,
    wakeAt(at, again) {
      clock.after(Math.max(0, at - clock.monotonic()), () => {
        again()
        pump()
      })
    },
    seedOf: () => ({ kind: 'flowing' }),
  })
}

function createDispatch(
  ports: ProcessorPorts,
  settings: ProcessorSettings,
  parts: Pick<Path, 'table' | 'lanes' | 'recorder'> & { readonly onRoom: () => void },
): Dispatch {
  return new Dispatch({
    ...parts,
    http: ports.http,
    clock: ports.clock,
    emit: ports.emit,
    health: {
      attempted: () => undefined,
      laneChanged: () => undefined,
      isDisabled: () => false,
    },
    deferring: new Deferring({
      lanes: parts.lanes,
      counts: new DeferredCounts({
        maxPerHook: settings.maxDeferredPerHook,
        maxInAll: settings.maxDeferred,
      }),
      clock: ports.clock,
      random: ports.random,
      defaultConcurrency: settings.concurrency,
    }),
    stopCause: (now) => stopCauseOf(ports, settings.sessionTimeoutMs, now),
    userAgent: settings.userAgent,
    defaultTimeoutMs: settings.timeoutMs,
    defaultConcurrency: settings.concurrency,
    maxAgeMs: settings.maxAgeMs,
  })
}

function createRecorder(
  ports: ProcessorPorts,
  settings: ProcessorSettings,
  parts: Pick<RecorderParts, 'handled' | 'onAcknowledged' | 'onFailed'>,
): Recorder {
  return new Recorder({
    ...parts,
    sink: ports.sink,
    encoder: ports.encoder,
    clock: ports.clock,
    random: ports.random,
    isProven: () => isProven(ports, settings.sessionTimeoutMs, ports.clock.monotonic()),
    emit: ports.emit,
    topics: settings.topics,
    tiers: settings.tiers,
    schedule: settings.retrySchedule,
    instance: settings.instance,
  })
}

/**
 * Stop intake → drain lanes until the deadline → give up the rest → flush → commit → leave → flush what only leaving
 * decided.
 */
async function stop(ports: ProcessorPorts, path: Path, deadlineMs: number): Promise<void> {
  const { groups, dispatch, recorder } = path
  for (const group of groups) group.stopIntake()
  ports.schemas.stop()
  await dispatch.drained(deadlineMs)
  dispatch.stop()
  await dispatch.drained(flushMs)
  await recorder.idle(flushMs)
  await Promise.all(groups.map((group) => group.leave()))
  await recorder.idle(flushMs)
  await Promise.all([ports.hooks.stop(), ports.http.stop()])
  await ports.sink.stop()
}

function statusOf(
  ports: ProcessorPorts,
  { sessionTimeoutMs }: ProcessorSettings,
  { table, groups, lanes, dispatch }: Path,
): Omit<ProcessorStatus, 'isTableLoaded'> {
  return {
    isJoined: groups.every((group) => group.isJoined),
    isProven: isProven(ports, sessionTimeoutMs, ports.clock.monotonic()),
    hooks: table.size,
    suspendedHooks: table.suspendedCount,
    inFlight: dispatch.inFlight,
    queued: lanes.queued,
    backlog: groups.reduce((sum, group) => sum + group.backlogCount, 0),
    pendingRecords: ports.sink.pendingCount(),
    troubles: troublesOf(ports),
    schemaTrouble: ports.schemas.trouble(),
  }
}

function depthsOf(
  { live, retry, lanes }: Path,
  retryPrefix: string,
  now: EpochMs,
): ProcessorDepths {
  const releaseOf = (record: InboundRecord) =>
    record.timestamp + tierOfRecord(record, retryPrefix).delayMs
  return {
    partitions: sumByTopic([...live.flows, ...retry.flows], () => 1),
    lag: sumByTopic(live.flows, ({ lag }) => lag),
    retryDepth: sumByTopic(retry.flows, ({ lag }) => lag),
    retryOverdueMs: overdueMs({ flows: retry.flows, queued: lanes.queuedWork() }, releaseOf, now),
  }
}

function troublesOf({ hooks, live, retry, sink }: ProcessorPorts): readonly string[] {
  const reading = new Set([hooks, live, retry].map((source) => source.trouble()))
  return [
    ...[...reading].map((trouble) => trouble && `records are not read: ${trouble}`),
    ...[sink.trouble()].map((trouble) => trouble && `records are not acknowledged: ${trouble}`),
  ].filter((trouble) => trouble !== undefined)
}

const groupLimits: Omit<GroupLimits, 'backlogBytes'> = {
  maxIncomplete: limits.maxIncomplete,
  maxBytes: limits.partitionBytes,
  maxTotalBytes: limits.totalBytes,
  maxDeliveries: limits.deliveries,
  drainBudgetMs: limits.drainBudgetMs,
}

function isProven(ports: ProcessorPorts, sessionTimeoutMs: number, now: MonotonicMs): boolean {
  const isSourceProven = (source: GroupSource) => {
    const provenAt = source.provenAt()
    return provenAt !== undefined && now - provenAt < sessionTimeoutMs
  }
  return isSourceProven(ports.live) && isSourceProven(ports.retry)
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
