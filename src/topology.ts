/**
 * The wiring of one processor, in the order of the data's path:
 *
 * - hooks and endpoint health → tables;
 * - events, requests and tiers → partitions → lanes → calls → records → complete offsets.
 *
 * Each part gets the parts that it uses. What happens is marked, and {@link ./stages/turn.ts} handles the marks. The wiring
 * knows ports and no libraries, so the same wiring runs on Kafka and in memory.
 */
import type { Filtering } from './core/hook/filter-match.ts'
import { HookTable } from './core/hook/table.ts'
import { unknownPatienceMs } from './core/lane/lane.ts'
import { Lanes } from './core/lane/lanes.ts'
import { DeferralBudget } from './core/lane/deferral-budget.ts'
import { Pressure } from './core/lane/pressure.ts'
import { RepeatBounds } from './core/lane/repeat-bounds.ts'
import { retryGroupOf } from './core/model/group-names.ts'
import { DeferredCounts } from './core/run/deferral.ts'
import type { RecordingRules } from './core/run/recording.ts'
import type { Emit } from './core/signal/signal.ts'
import type { InboundRecord } from './core/model/model.ts'
import { limits } from './limits.ts'
import type { Processor, ProcessorPorts, ProcessorSettings } from './processor.ts'
import { Admission, type AdmissionParts } from './stages/admission.ts'
import { CallGate } from './stages/call-gate.ts'
import { Calls } from './stages/calls.ts'
import { Completion } from './stages/completion.ts'
import { Deferring } from './stages/deferring.ts'
import { EndpointHealth } from './stages/endpoint-health.ts'
import { openRecord } from './stages/expand.ts'
import { Group } from './stages/group.ts'
import { HalfDone } from './stages/half-done.ts'
import { HandOver } from './stages/hand-over.ts'
import { HandledRuns } from './stages/handled-runs.ts'
import { loadHooks } from './stages/hook-loader.ts'
import { IdleWaiters } from './stages/idle-waiters.ts'
import { LaneUpkeep } from './stages/lane-upkeep.ts'
import { Load } from './stages/load.ts'
import { Marks } from './stages/marks.ts'
import { Notices } from './stages/notices.ts'
import { Placement } from './stages/placement.ts'
import { Recorder } from './stages/recorder.ts'
import { Turn } from './stages/turn.ts'
import type { Work } from './stages/work.ts'
import { depthsOf, statusOf } from './status.ts'

/** How long each of the last waits of a stop may take, in milliseconds. */
const flushMs = 5_000

export function createProcessor(outer: ProcessorPorts, settings: ProcessorSettings): Processor {
  const ports = { ...outer, onFailed: once(outer.onFailed) }
  const parts = createParts(ports, settings)
  ports.schemas.onAgain(() => parts.turn.schemasArrived())
  let isTableLoaded = false
  return {
    async start() {
      await loadTables(ports, parts)
      isTableLoaded = true
      await Promise.all(parts.groups.map((group) => group.start()))
    },
    stop: (deadlineMs) => stop(ports, parts, deadlineMs),
    status: () => ({ ...statusOf(ports, parts), isTableLoaded }),
    depths: () => depthsOf(ports, parts, settings.topics.retryPrefix),
  }
}

type Parts = ReturnType<typeof createParts>

function createParts(ports: ProcessorPorts, settings: ProcessorSettings) {
  const shared = { ...createShared(ports, settings), ...createTables(ports, settings) }
  const { table } = shared
  const isOwner = (topic: string, partition: number) => live.owns({ topic, partition })
  const notices = createNotices(ports, settings, { table, isOwner })
  const recorder = createRecorder(ports, settings, { ...shared, notices })
  const deferring = createDeferring(ports, settings, shared)
  const placement = createPlacement(ports, { ...shared, deferring, recorder })
  const admission = createAdmission(ports, settings, { ...shared, deferring, placement, recorder })
  const calls = createCalls(ports, settings, { ...shared, deferring })
  const completion = new Completion(shared)
  const handOver = new HandOver({
    ...{ ...shared, calls, placement, recorder, clock: ports.clock },
    budgetMs: limits.drainBudgetMs,
  })
  const { live, retry } = createGroups(ports, settings, { ...shared, calls, handOver })
  const parts = {
    ...shared,
    recorder,
    placement,
    admission,
    calls,
    completion,
    notices,
    live,
    retry,
  }
  const groups = [live, retry]
  const turn = new Turn({ ...parts, groups, clock: ports.clock, emit: ports.emit })
  return { ...parts, groups, turn }
}

/** The parts that several stages use. */
function createShared(ports: ProcessorPorts, { sessionTimeoutMs }: ProcessorSettings) {
  const { live, retry, sink, http, clock, emit } = ports
  return {
    marks: new Marks(),
    gate: new CallGate({
      ...{ live, retry, sink, http, clock, emit, sessionTimeoutMs },
      maxPending: limits.pendingRecords,
    }),
    load: new Load({ count: limits.deliveries, bytes: limits.totalBytes }),
    pressure: new Pressure(),
    handled: new HandledRuns({ own: limits.recentlyHandled, ofEvents: limits.deliveries }),
    halfDone: new HalfDone(),
    bounds: new RepeatBounds(),
    waiters: new IdleWaiters(clock),
  }
}

type Shared = ReturnType<typeof createShared> & ReturnType<typeof createTables>

/** Hooks, their lanes, and the reports about their endpoints. */
function createTables(
  { sink, clock, random, emit, onFailed }: ProcessorPorts,
  settings: ProcessorSettings,
) {
  const { maxInFlight, topics, instance, disableAfterMs, timeoutMs } = settings
  const { lateShare, bodyBytes, initialConcurrency } = limits
  const table = new HookTable({ keepsDisabled: settings.recordUnmatched })
  const lanes = new Lanes<Work>({
    limits: { maxInFlight, lateShare, maxBytes: bodyBytes, initialConcurrency },
    sizeOf: ({ run }) => run.event.body.length,
  })
  const health = new EndpointHealth({
    ...{ table, lanes, sink, clock, random, emit, onFailed, instance, disableAfterMs },
    topic: topics.endpoints,
    defaultTimeoutMs: timeoutMs,
  })
  return { table, lanes, health }
}

/** `undefined` if they are not asked for. The owner of the first partition of the first event topic writes them. */
function createNotices(
  { noticeSink: sink, clock, emit, onFailed }: ProcessorPorts,
  { notices, topics }: ProcessorSettings,
  parts: {
    readonly table: HookTable
    readonly isOwner: (topic: string, partition: number) => boolean
  },
): Notices | undefined {
  const [topic] = topics.events
  if (!notices || topic === undefined) return undefined
  const isOwner = () => parts.isOwner(topic, 0)
  return new Notices({ topic, table: parts.table, isOwner, sink, clock, emit, onFailed })
}

function createRecorder(
  ports: ProcessorPorts,
  settings: ProcessorSettings,
  { gate, marks, notices }: Shared & { readonly notices: Notices | undefined },
): Recorder {
  const { sink, encoder, clock, random, onFailed } = ports
  const emit = notices === undefined ? ports.emit : withNotices(ports.emit, notices)
  const { topics, tiers, retrySchedule, instance, resultBodies, egressProxy } = settings
  const rules: RecordingRules = {
    ...{ topics, tiers, instance },
    schedule: retrySchedule,
    keeping: { bodies: resultBodies, egressProxy },
    encode: (result) => encoder.encode(result),
  }
  return new Recorder({ sink, rules, gate, marks, clock, random, emit, onFailed })
}

function createDeferring(
  { sink, loop, clock, random }: ProcessorPorts,
  settings: ProcessorSettings,
  { lanes, health, load, pressure, gate }: Shared,
): Deferring {
  const { tiers, concurrency, maxDeferredPerHook, maxDeferredPerTenant } = settings
  const counts = new DeferredCounts({
    maxPerHook: maxDeferredPerHook,
    maxPerTenant: maxDeferredPerTenant,
  })
  return new Deferring({
    ...{ lanes, health, load, pressure, gate, counts, sink, loop, clock, random, tiers },
    defaultConcurrency: concurrency,
  })
}

function createPlacement(
  { clock, emit }: ProcessorPorts,
  parts: Shared & { readonly deferring: Deferring; readonly recorder: Recorder },
): Placement {
  const { lanes, pressure, deferring, gate, table, health, halfDone, recorder } = parts
  const upkeep = new LaneUpkeep({ lanes, deferring, gate, clock, emit })
  return new Placement({
    ...{ lanes, pressure, upkeep, deferring, gate, table, health, halfDone, recorder, clock },
  })
}

function createAdmission(
  { filters, schemas, clock, emit }: ProcessorPorts,
  { topics, maxAgeMs, recordUnmatched: recordsUnmatched }: ProcessorSettings,
  parts: Shared & Pick<AdmissionParts, 'deferring' | 'placement' | 'recorder'>,
): Admission {
  const { table, handled, health, load, bounds, deferring, placement, recorder } = parts
  const filtering: Filtering = {
    read: filters.read,
    isKept: filters.isKept,
    onFault: (hookId, fault) => emit({ kind: 'filter.failed', hookId, fault }),
  }
  const joining = {
    ...{ topics, table, schemas, filtering, handled, health, clock, maxAgeMs },
    recordsUnmatched,
  }
  return new Admission({
    ...{ load, deferring, bounds, placement, recorder, clock, emit },
    open: (record) => openRecord(record, joining),
    deferrals: new DeferralBudget(),
  })
}

function createCalls(
  { http, clock, tracing }: ProcessorPorts,
  settings: ProcessorSettings,
  parts: Shared & { readonly deferring: Deferring },
): Calls {
  const { gate, lanes, deferring, table, health, handled, bounds, marks } = parts
  const { userAgent, maxAgeMs, timeoutMs } = settings
  return new Calls({
    ...{ gate, lanes, deferring, table, health, handled, bounds, http, tracing, clock, marks },
    ...{ userAgent, maxAgeMs, defaultTimeoutMs: timeoutMs },
  })
}

/** Events and requests are in one group, and tiers in another: waiting records must not delay fresh ones. */
function createGroups(
  ports: ProcessorPorts,
  { groupId, topics, commitIntervalMs }: ProcessorSettings,
  parts: Shared & { readonly calls: Calls; readonly handOver: HandOver },
): { readonly live: Group; readonly retry: Group } {
  const { load, gate, calls, handOver, marks } = parts
  const { clock, emit, onFailed } = ports
  const { maxIncomplete, partitionBytes: maxBytes, drainBudgetMs } = limits
  const common = {
    ...{ load, gate, calls, handOver, marks, clock, emit, onFailed },
    ...{ commitIntervalMs, drainBudgetMs },
  }
  const live = new Group({
    ...common,
    name: groupId,
    source: ports.live,
    lineOf: (topic) => (topic === topics.requests ? 'late' : 'first'),
    lines: ['first', 'late'],
    limits: { maxIncomplete, maxBytes, backlogBytes: limits.backlogBytes },
  })
  const retry = new Group({
    ...common,
    name: retryGroupOf(groupId),
    source: ports.retry,
    lineOf: () => 'late',
    lines: ['late'],
    limits: { maxIncomplete, maxBytes, backlogBytes: limits.tierBacklogBytes },
  })
  return { live, retry }
}

function withNotices(emit: Emit, notices: Notices): Emit {
  return (signal) => {
    if (signal.kind === 'delivery.recorded') notices.recorded(signal)
    emit(signal)
  }
}

/** Reads all hooks and all reports about their endpoints before the first event. */
async function loadTables(ports: ProcessorPorts, parts: Parts): Promise<void> {
  const { hooks: source, endpoints, schemas, filters, decrypt, emit, onFailed } = ports
  const { table, health, lanes, notices } = parts
  const report = (record: InboundRecord) => {
    health.apply(record)
    notices?.apply(record)
  }
  await Promise.all([
    loadHooks({ source, schemas, filters, decrypt, table, health, lanes, emit, onFailed }),
    endpoints.start(report, onFailed),
  ])
  health.loaded()
  notices?.loaded()
}

/**
 * Stops the processor in these steps:
 *
 * 1. Wait for the calls in flight, until two seconds before the deadline. Meanwhile everything goes on, but no call starts that
 *    takes long, and what waits for these is deferred. Otherwise all partitions would wait for an endpoint that is slow.
 * 2. For the last half second of this time, start no call either of a hook whose call length is not known, and wait for those
 *    in flight.
 * 3. Stop intake.
 * 4. Drain: no call starts, those in flight may end, and half-done events are split.
 * 5. Drop the remaining work, which is the next owner's, and abort the remaining calls.
 * 6. Wait until all records are acknowledged.
 * 7. Commit and leave the groups.
 * 8. Wait for records that waited for the end of their epoch.
 *
 * @returns how many records were not acknowledged
 */
async function stop(ports: ProcessorPorts, parts: Parts, deadlineMs: number): Promise<number> {
  const { groups, gate, marks, calls, placement, recorder, health, notices, waiters } = parts
  const isWritten = () => recorder.isIdle && notices?.isIdle !== false
  const drainMs = Math.min(deadlineMs, limits.drainBudgetMs)
  const unknownMs = Math.min(deadlineMs - drainMs, unknownPatienceMs)
  const stoppedAt = ports.clock.monotonic()
  gate.holdLong()
  marks.set()
  const isOver = () => !calls.hasBegunBy(stoppedAt)
  await waiters.wait(isOver, deadlineMs - drainMs - unknownMs)
  const unknown = groups.map((group) => group.awaitUnknown(unknownMs))
  await Promise.all([waiters.wait(isOver, unknownMs), ...unknown])
  for (const group of groups) group.stopIntake()
  ports.schemas.stop()
  await Promise.all(groups.map((group) => group.drain(drainMs)))
  placement.drop(() => true)
  calls.stop()
  await waiters.wait(() => calls.inFlight === 0, flushMs)
  notices?.stop()
  await waiters.wait(isWritten, flushMs)
  await Promise.all(groups.map((group) => group.leave()))
  await waiters.wait(isWritten, flushMs)
  health.stop()
  await Promise.all([ports.hooks.stop(), ports.endpoints.stop(), ports.http.stop()])
  const sinks = [ports.sink, ports.noticeSink]
  const unwritten = sinks.reduce((sum, sink) => sum + sink.pendingCount(), 0)
  await Promise.all(sinks.map((sink) => sink.stop()))
  return unwritten
}

function once(report: (error: Error) => void): (error: Error) => void {
  let isReported = false
  return (error) => {
    if (isReported) return
    isReported = true
    report(error)
  }
}
