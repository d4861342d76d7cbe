/** The status of a processor. Computed on demand from the state of its stages. */
import type { HookTable } from './core/hook/table.ts'
import type { Lanes } from './core/lane/lanes.ts'
import type { InboundRecord } from './core/model/model.ts'
import { tierOf } from './core/run/schedule.ts'
import type { ProcessorDepths, ProcessorPorts, ProcessorStatus } from './processor.ts'
import type { CallGate } from './stages/call-gate.ts'
import type { Calls } from './stages/calls.ts'
import { overdueMs, sumByTopic } from './stages/depths.ts'
import type { EndpointHealth } from './stages/endpoint-health.ts'
import type { Group } from './stages/group.ts'
import type { Work } from './stages/work.ts'

/** The parts of a processor that its status is computed from. */
export interface StatusParts {
  readonly table: HookTable
  readonly health: EndpointHealth
  readonly lanes: Lanes<Work>
  readonly gate: CallGate
  readonly calls: Calls
  readonly live: Group
  readonly retry: Group
}

export function statusOf(
  ports: ProcessorPorts,
  { table, health, lanes, gate, calls, live, retry }: StatusParts,
): Omit<ProcessorStatus, 'isTableLoaded'> {
  return {
    isJoined: live.isJoined && retry.isJoined,
    isProven: gate.isProven,
    hooks: table.size,
    suspendedHooks: table.suspendedCount,
    inFlight: calls.inFlight,
    queued: lanes.queued,
    backlog: live.backlogCount + retry.backlogCount,
    pendingRecords: ports.sink.pendingCount(),
    troubles: troublesOf(ports),
    schemaTrouble: ports.schemas.trouble(),
    endpoints: health.counts,
  }
}

/** @param retryPrefix of the tiers' topics */
export function depthsOf(
  { clock }: Pick<ProcessorPorts, 'clock'>,
  { live, retry, lanes }: StatusParts,
  retryPrefix: string,
): ProcessorDepths {
  const releaseOf = ({ topic, timestamp }: InboundRecord) =>
    timestamp + (tierOf(topic, retryPrefix)?.delayMs ?? 0)
  const retries = { flows: retry.flows, queued: lanes.queuedWork() }
  return {
    partitions: sumByTopic([...live.flows, ...retry.flows], () => 1),
    lag: sumByTopic(live.flows, ({ lag }) => lag),
    retryDepth: sumByTopic(retry.flows, ({ lag }) => lag),
    retryOverdueMs: overdueMs(retries, releaseOf, clock.now()),
  }
}

/** Why records are not read or acknowledged, or no call is made; one sentence for each reason. */
function troublesOf(ports: ProcessorPorts): readonly string[] {
  const { hooks, endpoints, live, retry, sink, http } = ports
  const reading = new Set([hooks, endpoints, live, retry].map((source) => source.trouble()))
  return [
    ...[...reading].map((trouble) => trouble && `records are not read: ${trouble}`),
    ...[sink.trouble()].map((trouble) => trouble && `records are not acknowledged: ${trouble}`),
    ...[http.trouble()].map((trouble) => trouble && `no call is made: ${trouble}`),
  ].filter((trouble) => trouble !== undefined)
}
