/** One process: the real topology on simulated ports. */
import type { AttemptResult, InboundRecord, OutboundRecord } from '../../src/core/model/model.ts'
import { decryptWith } from '../../src/core/hook/encrypted-text.ts'
import { createFilters } from '../../src/edge/filter/cel.ts'
import { jsonResultEncoder } from '../../src/edge/registry/result-codec.ts'
import type { CommitEntry, CommitOutcome, HttpRequest } from '../../src/ports.ts'
import type { Processor } from '../../src/processor.ts'
import { createProcessor } from '../../src/topology.ts'
import { topics } from '../support/flow-rig.ts'
import type { Coordinator } from './coordinator.ts'
import type { Dice } from './dice.ts'
import type { InstancePlan, Plan } from './plan.ts'
import { Network, type BrokerPower } from './network.ts'
import { ProcessLoop } from './process-loop.ts'
import type { Epoch, GroupName, ProcessView } from './process-view.ts'
import { SimHttp, type Site } from './sim-http.ts'
import type { SimLog } from './sim-log.ts'
import { SimMember, type CommitFaults, type MemberWatch } from './sim-member.ts'
import { SimSchemas } from './sim-schemas.ts'
import { SimSink, type SinkFaults } from './sim-sink.ts'
import { SimTable } from './sim-table.ts'
import type { Timeline } from './timeline.ts'

export interface ProcessParts {
  readonly name: string
  readonly plan: Plan
  readonly instance: InstancePlan
  readonly timeline: Timeline
  readonly dice: Dice
  readonly power: BrokerPower
  readonly log: SimLog
  readonly coordinators: Readonly<Record<GroupName, Coordinator>>
  readonly sinkFaults: SinkFaults
  readonly commitFaults: CommitFaults
  readonly siteOf: (url: string) => Site | undefined
  readonly append: (
    process: SimProcess,
    records: readonly OutboundRecord[],
  ) => readonly InboundRecord[]
  readonly watch: ProcessWatch
}

/** Observes a process. */
export interface ProcessWatch {
  memberWatch(process: SimProcess, group: GroupName): MemberWatch
  called(process: SimProcess, request: HttpRequest): (result: AttemptResult) => void
  acknowledged(process: SimProcess, records: readonly InboundRecord[]): void
  writing(process: SimProcess, records: readonly OutboundRecord[]): void
  tableApplied(process: SimProcess, record: InboundRecord): void
  failed(process: SimProcess, error: Error): void
}

/** One cache of parsed filters for all worlds, which saves time. Parsing is pure. */
const filters = createFilters()

export class SimProcess implements ProcessView {
  readonly name: string
  readonly loop: ProcessLoop
  readonly network: Network
  readonly members: Readonly<Record<GroupName, SimMember>>
  readonly sink: SimSink
  readonly schemas: SimSchemas
  readonly epochs = new Map<string, Epoch>()
  readonly hooks: ProcessView['hooks'] = new Map()
  readonly endpoints: ProcessView['endpoints'] = new Map()
  readonly finals = new Map<string, number>()
  readonly handled = new Map<string, number>()
  readonly drains: ProcessView['drains'] = { live: undefined, retry: undefined }
  stopDrain: ProcessView['stopDrain']
  /** Partitions that it has owned before. Acknowledgements may be of an earlier epoch. */
  readonly owned = new Set<string>()
  disturbedUntil = 0
  state: ProcessView['state'] = 'starting'
  /** It dies after this many more of its records are in the log. */
  diesAfterAppends: number | undefined
  diesAtCommit = false
  readonly #processor: Processor
  readonly #timeline: Timeline

  constructor(parts: ProcessParts) {
    const { timeline, dice, plan, instance, watch } = parts
    this.name = parts.name
    this.#timeline = timeline
    this.loop = new ProcessLoop(timeline)
    this.loop.skewMs = instance.skewMs
    this.network = new Network(timeline, dice.fork('network'), parts.power)
    this.sink = this.#createSink(parts)
    this.schemas = new SimSchemas(this.loop, dice.fork('schemas'))
    this.members = {
      live: this.#createMember(parts, 'live'),
      retry: this.#createMember(parts, 'retry'),
    }
    const { loop } = this
    const ports = {
      hooks: this.#createTable(parts, topics.hooks),
      endpoints: this.#createTable(parts, topics.endpoints),
      schemas: this.schemas,
      filters,
      decrypt: decryptWith([]),
      live: this.members.live,
      retry: this.members.retry,
      sink: this.sink,
      noticeSink: this.sink,
      http: new SimHttp({
        timeline,
        loop,
        dice: dice.fork('http'),
        siteOf: parts.siteOf,
        callMs: instance.callMs,
        watch: { called: (request) => watch.called(this, request) },
      }),
      encoder: jsonResultEncoder,
      clock: loop.clock,
      loop,
      tracing: undefined,
      random: dice.fork('random').float,
      emit: () => undefined,
      onFailed: (error: Error) => watch.failed(this, error),
    }
    this.#processor = createProcessor(ports, settingsOf(plan, this.name))
  }

  start(): void {
    this.loop.post(() => {
      void this.#processor.start().then(() => {
        if (this.state === 'starting') this.state = 'running'
      })
    })
  }

  /** Stops in order. Calls `ended` when it has left. */
  stop(deadlineMs: number, ended: () => void): void {
    if (this.state === 'ended') return
    this.state = 'stopping'
    this.loop.post(() => {
      this.stopDrain = { from: this.loop.time(), budgetMs: deadlineMs, isStop: true }
      void this.#processor.stop(deadlineMs).then(() => {
        this.state = 'ended'
        this.loop.kill()
        ended()
      })
    })
  }

  kill(): void {
    if (this.state === 'ended') return
    this.state = 'ended'
    this.loop.kill()
    this.sink.die()
    for (const epoch of this.epochs.values()) epoch.end = 'killed'
    this.epochs.clear()
  }

  disturb(ms: number): void {
    this.disturbedUntil = Math.max(this.disturbedUntil, this.#timeline.now + ms)
  }

  #createSink({ timeline, dice, sinkFaults, append, watch }: ProcessParts): SimSink {
    return new SimSink({
      timeline,
      loop: this.loop,
      network: this.network,
      dice: dice.fork('sink'),
      faults: sinkFaults,
      append: (records) => append(this, records),
      watch: {
        acknowledged: (records) => watch.acknowledged(this, records),
        disturbed: () => this.disturb(10_000),
        writing: (records) => watch.writing(this, records),
      },
    })
  }

  #createMember(parts: ProcessParts, group: GroupName): SimMember {
    const { plan, instance, log, dice, commitFaults, watch, coordinators } = parts
    const memberWatch = watch.memberWatch(this, group)
    const topicsOf = {
      live: [...topics.events, topics.requests],
      retry: plan.tiers.map(({ topic }) => topic),
    }
    return new SimMember({
      coordinator: coordinators[group],
      log,
      loop: this.loop,
      network: this.network,
      dice: dice.fork(`member ${group}`),
      topics: topicsOf[group],
      heartbeatMs: Math.min(1_000, plan.sessionMs / 5),
      recordMs: instance.recordMs,
      maxBatch: plan.maxBatch,
      faults: commitFaults,
      watch: {
        ...memberWatch,
        committing: (entries: readonly CommitEntry[]) => memberWatch.committing(entries),
        commitEnded: (outcome: CommitOutcome) => memberWatch.commitEnded(outcome),
      },
    })
  }

  #createTable({ log, dice, watch }: ProcessParts, topic: string): SimTable {
    const own = dice.fork(`table ${topic}`)
    return new SimTable({
      log,
      loop: this.loop,
      network: this.network,
      topic,
      delayMs: () => (own.chance(0.1) ? own.between(50, 1_500) : own.between(1, 20)),
      onApplied: (record) => watch.tableApplied(this, record),
    })
  }
}

/** A version ignores settings that it does not know. */
function settingsOf(plan: Plan, instance: string) {
  const hour = 3_600_000
  return {
    groupId: 'hooktide',
    instance,
    userAgent: 'hooktide/sim',
    topics,
    tiers: plan.tiers,
    retrySchedule: plan.retrySchedule,
    maxAgeMs: plan.maxAgeMs,
    timeoutMs: plan.timeoutMs,
    concurrency: plan.concurrency,
    maxInFlight: plan.maxInFlight,
    maxSlow: Math.floor(plan.maxInFlight / 2),
    resultBodies: 'failures' as const,
    recordUnmatched: false,
    egressProxy: undefined,
    disableAfterMs: 24 * hour,
    notices: false,
    maxDeferredPerHook: plan.maxDeferredPerHook,
    maxDeferred: 10_000_000,
    maxDeferredPerTenant: plan.maxDeferredPerTenant,
    sessionTimeoutMs: plan.sessionMs,
    commitIntervalMs: plan.commitIntervalMs,
  }
}
