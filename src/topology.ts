/**
 * One processor, wired. Read from top to bottom it is the data's path: hooks → table; events, requests and tiers →
 * groups → lanes → calls → recorder → results, tiers and dead letters. It knows ports, never libraries, so the same
 * wiring runs on Kafka and in memory.
 */
import { DeferredCounts } from './core/run/deferral.ts'
import { probeSpreadMs } from './core/lane/seed.ts'
import { admitted, type Filtering } from './core/hook/filter-match.ts'
import { retryGroupOf } from './core/model/group-names.ts'
import { HookTable } from './core/hook/table.ts'
import { Lanes, type LanesParts } from './core/lane/lanes.ts'
import type { Hook, HookId, InboundRecord, MonotonicMs, Run, Tier } from './core/model/model.ts'
import { PutOffBudget } from './core/lane/put-off-budget.ts'
import { tierOf } from './core/run/schedule.ts'
import type { Holdings } from './core/lane/share.ts'
import type { StopCause } from './core/signal/signal.ts'
import { limits } from './limits.ts'
import type { GroupSource } from './ports.ts'
import type {
  Processor,
  ProcessorDepths,
  ProcessorPorts,
  ProcessorSettings,
  ProcessorStatus,
} from './processor.ts'
import { overdueMs, sumByTopic } from './stages/depths.ts'
import { Deferring } from './stages/deferring.ts'
import { Dispatch } from './stages/dispatch.ts'
import { openEvent, openRequest, openTierRecord, type Joining } from './stages/expand.ts'
import { GroupFlow, type GroupLimits } from './stages/group-flow.ts'
import { HandledRuns } from './stages/handled-runs.ts'
import { EndpointHealth, type EndpointHealthParts } from './stages/endpoint-health.ts'
import { loadHooks } from './stages/hook-loader.ts'
import { Load } from './stages/load.ts'
import { Recorder, type RecorderParts } from './stages/recorder.ts'
import type { Work } from './stages/work.ts'

/** How long the last records may take to be acknowledged at a stop. */
const flushMs = 5_000

export function createProcessor(ports: ProcessorPorts, settings: ProcessorSettings): Processor {
  const onFailed = once(ports.onFailed)
  const { clock } = ports
  const table = new HookTable()
  const handled = new HandledRuns({ ours: limits.recentlyHandled, ofEvents: limits.deliveries })
  const health = createHealth(ports, settings, {
    table,
    onFailed,
    isUsed: (hookId) => lanes.get(hookId) !== undefined,
    onRenewed: (hookId) => lanes.reset(hookId, clock.monotonic()),
    onRecovered: (hookId) =>
      lanes.probeSoon(hookId, clock.monotonic() + ports.random() * probeSpreadMs),
  })
  const lanes = createLanes(ports, settings, {
    seedOf: (hookId) => health.seedOf(hookId),
    pump: () => dispatch.pump(),
  })
  const onAcknowledged = () => dispatch.pump()
  const recorder = createRecorder(ports, settings, { handled, onFailed, onAcknowledged })
  const load = new Load({ count: limits.deliveries, bytes: limits.totalBytes })
  const onRoom = () => groups.forEach((group) => group.wake())
  const isHandled = (run: Run) => handled.has(run)
  const dispatch = createDispatch(ports, settings, {
    table,
    lanes,
    health,
    recorder,
    isHandled,
    admitted: load.admitted,
    onRoom,
  })
  const joining: Joining = {
    table,
    findSchema: (id) => ports.schemas.find(id),
    admit: createAdmission(ports),
    isHandled,
    maxAgeMs: settings.maxAgeMs,
    isDisabled: (hookId) => health.isDisabled(hookId),
    now: () => clock.now(),
  }
  const parts = { joining, load, dispatch, recorder, onRoom, onFailed }
  const [live, retry] = createGroups(ports, settings, parts)
  const groups = [live, retry]
  const path: Path = { table, health, lanes, recorder, dispatch, live, retry, groups }
  ports.schemas.onAgain(() => groups.forEach((group) => group.reread()))
  let isTableLoaded = false
  return {
    async start() {
      await loadTables(ports, path, onFailed)
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
  readonly health: EndpointHealth
  readonly live: GroupFlow
  readonly retry: GroupFlow
  /** Both. */
  readonly groups: readonly GroupFlow[]
  readonly lanes: Lanes<Work>
  readonly dispatch: Dispatch
  readonly recorder: Recorder
}

function createAdmission({ filters, emit }: ProcessorPorts): Joining['admit'] {
  const filtering: Filtering = {
    read: filters.read,
    isKept: filters.isKept,
    onFault: (hookId, fault) => emit({ kind: 'filter.failed', hookId, fault }),
  }
  return (entries, event) => admitted(entries, event, filtering)
}

/** All hooks and what is said of their endpoints, before the first event. */
async function loadTables(
  ports: ProcessorPorts,
  { table, health, lanes }: Path,
  onFailed: (error: Error) => void,
): Promise<void> {
  const { hooks: source, endpoints, schemas, filters, decrypt, emit } = ports
  const onChanged = (hook: Hook, hasOtherUrl: boolean) => health.hookChanged(hook, hasOtherUrl)
  const onDeleted = (id: HookId) => {
    health.hookDeleted(id)
    lanes.forget(id)
  }
  await Promise.all([
    loadHooks({
      ...{ source, schemas, filters, decrypt, table },
      ...{ emit, onFailed, onDeleted, onChanged },
    }),
    endpoints.start((record) => health.apply(record), onFailed),
  ])
  health.loaded()
}

/** Events and requests in one group, tiers in another: waiting records must not hold up fresh ones. */
function createGroups(
  ports: ProcessorPorts,
  settings: ProcessorSettings,
  parts: Pick<Path, 'dispatch' | 'recorder'> & {
    readonly joining: Joining
    readonly load: Load
    readonly onRoom: () => void
    readonly onFailed: (error: Error) => void
  },
): readonly [live: GroupFlow, retry: GroupFlow] {
  const { topics, groupId, commitIntervalMs } = settings
  const { joining, ...shared } = parts
  const common = {
    ...shared,
    putOffs: new PutOffBudget(),
    commitIntervalMs,
    clock: ports.clock,
    emit: ports.emit,
  }
  const live = new GroupFlow({
    ...common,
    name: groupId,
    source: ports.live,
    open: (record) =>
      record.topic === topics.requests ? openRequest(record, joining) : openEvent(record, joining),
    isFirst: (topic) => topic !== topics.requests,
    lines: ['first', 'late'],
    limits: { ...groupLimits, backlogBytes: limits.backlogBytes },
  })
  const retry = new GroupFlow({
    ...common,
    name: retryGroupOf(groupId),
    source: ports.retry,
    open: (record) => openTierRecord(record, tierOfRecord(record, topics.retryPrefix), joining),
    isFirst: () => false,
    lines: ['late'],
    limits: { ...groupLimits, backlogBytes: limits.tierBacklogBytes },
  })
  return [live, retry]
}

function createHealth(
  { sink, clock, random, emit }: ProcessorPorts,
  { topics, instance, disableAfterMs, timeoutMs }: ProcessorSettings,
  parts: Pick<EndpointHealthParts, 'isUsed' | 'onRenewed' | 'onRecovered' | 'onFailed'> & {
    readonly table: HookTable
  },
): EndpointHealth {
  const { table, ...others } = parts
  return new EndpointHealth({
    ...others,
    hookOf: (hookId) => table.get(hookId),
    topic: topics.endpoints,
    sink,
    clock,
    random,
    emit,
    instance,
    disableAfterMs,
    defaultTimeoutMs: timeoutMs,
  })
}

function createLanes(
  { clock }: ProcessorPorts,
  { maxInFlight }: ProcessorSettings,
  { seedOf, pump }: Pick<LanesParts<Work>, 'seedOf'> & { readonly pump: () => void },
): Lanes<Work> {
  return new Lanes<Work>({
    limits: {
      maxInFlight,
      lateShare: limits.lateShare,
      maxBytes: limits.bodyBytes,
      initialConcurrency: limits.initialConcurrency,
    },
    sizeOf: ({ run }) => run.event.body.length,
    wakeAt(at, again) {
      clock.after(Math.max(0, at - clock.monotonic()), () => {
        again(clock.monotonic())
        pump()
      })
    },
    seedOf,
  })
}

function createDispatch(
  ports: ProcessorPorts,
  settings: ProcessorSettings,
  parts: Pick<Path, 'table' | 'health' | 'lanes' | 'recorder'> & {
    readonly admitted: Holdings
    readonly isHandled: (run: Run) => boolean
    readonly onRoom: () => void
  },
): Dispatch {
  const { admitted, ...others } = parts
  return new Dispatch({
    ...others,
    http: ports.http,
    clock: ports.clock,
    emit: ports.emit,
    deferring: new Deferring({
      lanes: parts.lanes,
      counts: new DeferredCounts({
        maxPerHook: settings.maxDeferredPerHook,
        maxPerTenant: settings.maxDeferredPerTenant,
      }),
      admitted,
      loop: ports.loop,
      pendingCount: () => ports.sink.pendingCount(),
      tiers: settings.tiers,
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
    keeping: { bodies: settings.resultBodies, egressProxy: settings.egressProxy },
    instance: settings.instance,
  })
}

/**
 * Stop intake → drain lanes, the last two seconds before the deadline without new calls → move on what has begun → give up the rest → flush → commit → leave → flush what only leaving
 * decided. Returns how many records were not acknowledged.
 */
async function stop(ports: ProcessorPorts, path: Path, deadlineMs: number): Promise<number> {
  const { groups, dispatch, recorder, health } = path
  for (const group of groups) group.stopIntake()
  ports.schemas.stop()
  const drainMs = Math.min(deadlineMs, limits.drainBudgetMs)
  await dispatch.drained(deadlineMs - drainMs)
  await Promise.all(groups.map((group) => group.drain(drainMs)))
  dispatch.stop()
  await dispatch.drained(flushMs)
  await recorder.idle(flushMs)
  await Promise.all(groups.map((group) => group.leave()))
  await recorder.idle(flushMs)
  health.stop()
  await Promise.all([ports.hooks.stop(), ports.endpoints.stop(), ports.http.stop()])
  const unwritten = ports.sink.pendingCount()
  await ports.sink.stop()
  return unwritten
}

function statusOf(
  ports: ProcessorPorts,
  { sessionTimeoutMs }: ProcessorSettings,
  { table, health, groups, lanes, dispatch }: Path,
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
    endpoints: health.counts,
  }
}

function depthsOf({ live, retry, lanes }: Path, retryPrefix: string, now: number): ProcessorDepths {
  const releaseOf = (record: InboundRecord) =>
    record.timestamp + tierOfRecord(record, retryPrefix).delayMs
  return {
    partitions: sumByTopic([...live.flows, ...retry.flows], () => 1),
    lag: sumByTopic(live.flows, ({ lag }) => lag),
    retryDepth: sumByTopic(retry.flows, ({ lag }) => lag),
    retryOverdueMs: overdueMs({ flows: retry.flows, queued: lanes.queuedWork() }, releaseOf, now),
  }
}

function troublesOf(ports: ProcessorPorts): readonly string[] {
  const { hooks, endpoints, live, retry, sink, http } = ports
  const reading = new Set([hooks, endpoints, live, retry].map((source) => source.trouble()))
  return [
    ...[...reading].map((trouble) => trouble && `records are not read: ${trouble}`),
    ...[sink.trouble()].map((trouble) => trouble && `records are not acknowledged: ${trouble}`),
    ...[http.trouble()].map((trouble) => trouble && `no call is made: ${trouble}`),
  ].filter((trouble) => trouble !== undefined)
}

const groupLimits: Omit<GroupLimits, 'backlogBytes'> = {
  maxIncomplete: limits.maxIncomplete,
  maxBytes: limits.partitionBytes,
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
  if (ports.sink.pendingCount() >= limits.pendingRecords) return 'results-pending'
  return ports.http.trouble() === undefined ? undefined : 'proxy-away'
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
