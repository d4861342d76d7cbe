/** One world, run from beginning to end. `plan.ts` draws it, and `check-*.ts` has the checks. */
import { deliveryIdOf } from '../../src/core/model/identity.ts'
import type { AttemptResult, InboundRecord, OutboundRecord } from '../../src/core/model/model.ts'
import type { DeliveryResult } from '../../src/core/model/records.ts'
import type { HttpRequest, TopicPartition } from '../../src/ports.ts'
import { topics } from '../support/flow-rig.ts'
import { framed } from '../support/memory-schemas.ts'
import { checkCall } from './check-calls.ts'
import { CommitChecks } from './check-commits.ts'
import { LiveChecks, lookMs } from './check-live.ts'
import { lostOwnershipWritesNothing, healthyEndpointDelivers } from './check-writes.ts'
import { Chronicle, hookIdIn } from './chronicle.ts'
import { Coordinator } from './coordinator.ts'
import { createDice, type Dice } from './dice.ts'
import { EpochBook, noteAcknowledged, noteApplied } from './epochs.ts'
import { placeOf, type CheckName, type Facts, type Violation } from './facts.ts'
import { FaultMaker } from './faults.ts'
import { HookBook } from './hook-book.ts'
import type { BrokerPower } from './network.ts'
import type { InstancePlan, Plan } from './plan.ts'
import { parityOf } from './plan-hooks.ts'
import { worldBegan } from './process-loop.ts'
import type { GroupName } from './process-view.ts'
import { letterKey, describeRecord } from './record-text.ts'
import type { Site } from './sim-http.ts'
import { SimLog } from './sim-log.ts'
import { schemaId } from './sim-schemas.ts'
import { SimProcess, type ProcessWatch } from './sim-process.ts'
import { Timeline } from './timeline.ts'

export interface WorldReport {
  readonly violations: readonly Violation[]
  /** Times from an event's record to the end of its first attempt, in milliseconds, of tenants with healthy endpoints. */
  readonly latencies: readonly number[]
  readonly calls: number
  readonly endedAt: number
}

/** Gets a line for everything that happens, with its true time. */
export type Trace = (line: string) => void

export class World {
  readonly facts: Facts
  readonly power: BrokerPower = { isAway: false }
  readonly sites = new Map<string, Site>()
  readonly sinkFaults = { late: 0, lostThere: 0, lostBack: 0, twice: 0, oldBatch: 0 }
  readonly commitFaults = { lostThere: 0, lostBack: 0 }
  readonly dice: Dice
  /** The current process of each instance of the plan, and then those that joined later. */
  readonly slots: SimProcess[] = []
  readonly allProcesses: SimProcess[] = []
  calls = 0
  /** When the last disturbance ended, apart from current ones. */
  #disturbedAt = 0
  #faultsGoingOn = 0
  readonly #violations = new Map<CheckName, Violation>()
  readonly #trace: Trace | undefined
  readonly #commitChecks: CommitChecks
  readonly #liveChecks: LiveChecks
  readonly #epochs: EpochBook
  readonly #letters = new Set<string>()

  constructor(plan: Plan, trace?: Trace) {
    this.#trace = trace
    this.dice = createDice(`run ${plan.seed}`)
    const timeline = new Timeline()
    const log = new SimLog()
    const { partitions } = plan
    for (const topic of topics.events) log.create(topic, partitions.events)
    log.create(topics.requests, partitions.requests)
    for (const { topic } of plan.tiers) log.create(topic, partitions.tiers)
    for (const topic of [topics.hooks, topics.endpoints]) log.create(topic, partitions.tables)
    for (const topic of [topics.results, topics.deadLetters, topics.rejected]) log.create(topic, 1)
    for (const [url, temper] of plan.tempers) this.sites.set(url, { temper, working: 0, calls: 0 })
    const coordinator = (name: GroupName) =>
      new Coordinator(name, {
        timeline,
        times: { sessionMs: plan.sessionMs, rebalanceMs: Math.max(10_000, plan.sessionMs) },
        countOf: (topic) => log.partitionCount(topic),
        watch: {
          committed: (entry) => this.#commitChecks.taken(entry),
          moved: () => this.disturbed(),
        },
      })
    this.facts = {
      plan,
      timeline,
      log,
      chronicle: new Chronicle(topics),
      book: new HookBook(),
      coordinators: { live: coordinator('live'), retry: coordinator('retry') },
      processes: this.allProcesses,
      endpoints: new Map(),
      quietSince: () => this.#quietSince(),
      calmSince: () => this.#calmSince(),
      report: (check, message) => this.#report(check, message),
    }
    this.#epochs = new EpochBook()
    this.#commitChecks = new CommitChecks(this.facts)
    const everyPartition = (names: readonly string[]): readonly TopicPartition[] =>
      names.flatMap((topic) =>
        Array.from({ length: log.partitionCount(topic) }, (_, partition) => ({ topic, partition })),
      )
    this.#liveChecks = new LiveChecks(this.facts, {
      live: everyPartition([...topics.events, topics.requests]),
      retry: everyPartition(plan.tiers.map(({ topic }) => topic)),
    })
  }

  async run(): Promise<WorldReport> {
    const { plan, timeline } = this.facts
    for (const hook of plan.hooks) this.putHook(hook.id, {}, true)
    plan.instances.forEach((instance, index) => {
      timeline.at(instance.startAt, () => {
        this.slots[index] = this.startProcess(instance)
      })
    })
    for (const [n, event] of plan.events.entries()) {
      timeline.at(event.at, () => this.#sendEvent(n, event))
    }
    new FaultMaker(this).plan()
    timeline.at(0, () => this.#look())
    await timeline.run(plan.endAt)
    this.#liveChecks.atEnd()
    return {
      violations: [...this.#violations.values()],
      latencies: this.#latencies(),
      calls: this.calls,
      endedAt: timeline.now,
    }
  }

  note(line: () => string): void {
    this.#trace?.(`${this.facts.timeline.now.toFixed(3).padStart(12)} ${line()}`)
  }

  /** A fault begins. It lasts until the returned function is called. */
  beginFault(): () => void {
    this.#faultsGoingOn += 1
    this.disturbed()
    return () => {
      this.#faultsGoingOn -= 1
      this.disturbed()
    }
  }

  disturbed(): void {
    this.#disturbedAt = this.facts.timeline.now
  }

  startProcess(instance: InstancePlan): SimProcess {
    this.disturbed()
    const name = `i${this.allProcesses.length + 1}`
    this.note(() => `${name} starts`)
    const { plan, timeline, log, coordinators } = this.facts
    const process = new SimProcess({
      name,
      plan,
      instance,
      timeline,
      dice: this.dice.fork(name),
      power: this.power,
      log,
      coordinators,
      sinkFaults: this.sinkFaults,
      commitFaults: this.commitFaults,
      siteOf: (url) => this.sites.get(url),
      append: (from, records) => this.#append(from, records),
      watch: this.#watch,
    })
    this.allProcesses.push(process)
    process.start()
    return process
  }

  /** Writes a hook's record with fields that replace those of the plan. */
  putHook(hookId: string, fields: Readonly<Record<string, unknown>>, isFirst = false): void {
    const hook = this.facts.plan.hooks.find(({ id }) => id === hookId)
    if (hook === undefined) return
    const value = {
      id: hookId,
      tenantId: hook.tenantId,
      name: hookId,
      events: hook.events,
      config: { url: hook.url },
      signingKey: 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii',
      enabled: true,
      delivery: hook.delivery,
      ...fields,
    }
    this.writeHook(hookId, Buffer.from(JSON.stringify(value)), isFirst)
  }

  writeHook(hookId: string, value: Buffer | null, isFirst = false): void {
    const { log, book, timeline } = this.facts
    const record = { topic: topics.hooks, key: hookId, value, headers: [] }
    book.written(log.append(record, worldBegan + timeline.now), isFirst)
    if (!isFirst) this.disturbed()
  }

  /** Writes records of other programs. */
  produce(records: readonly OutboundRecord[]): void {
    this.#append(undefined, records)
  }

  kill(process: SimProcess, why: string): void {
    if (process.state === 'ended') return
    this.note(() => `${process.name} is killed ${why}`)
    this.disturbed()
    process.kill()
  }

  #sendEvent(n: number, event: Plan['events'][number]): void {
    const { log, chronicle, book, timeline } = this.facts
    const { tenantId, eventKey, eventId, key } = event
    const trace = (n + 1).toString(16).padStart(32, '0')
    const headers = {
      'event-id': eventId,
      'tenant-id': tenantId,
      traceparent: `00-${trace}-${'1'.repeat(16)}-01`,
    }
    const record = log.append(
      {
        topic: topics.events[0] ?? '',
        key,
        value: eventValue(n, event),
        headers: Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)] as const),
      },
      worldBegan + timeline.now,
    )
    this.note(() => `event ${n} is ${placeOf(record)}`)
    if (event.form === 'unreadable') {
      chronicle.unreadable(record)
      return
    }
    const sent = { n, record, at: timeline.now, tenantId, eventKey }
    chronicle.event(sent)
    for (const hookId of book.matching(sent).certain) {
      chronicle.runOfEvent(sent, deliveryIdOf(tenantId, '', eventId, hookId), hookId)
    }
  }

  #append(
    from: SimProcess | undefined,
    records: readonly OutboundRecord[],
  ): readonly InboundRecord[] {
    const { log, timeline } = this.facts
    const appended = records.map((record) => log.append(record, worldBegan + timeline.now))
    for (const record of appended) {
      this.note(
        () => `${from?.name ?? 'somebody'} writes ${placeOf(record)} ${describeRecord(record)}`,
      )
      this.#observe(record)
    }
    if (from?.diesAfterAppends !== undefined) {
      from.diesAfterAppends -= appended.length
      if (from.diesAfterAppends <= 0) this.kill(from, 'right after it wrote')
    }
    return appended
  }

  #observe(record: InboundRecord): void {
    const { chronicle, timeline, plan } = this.facts
    const { topic } = record
    if (topic === topics.results) this.#observeResult(record)
    else if (topic === topics.deadLetters) this.#letters.add(letterKey(record))
    else if (topic === topics.rejected) chronicle.rejected(record)
    else if (topic === topics.requests || plan.tiers.some((tier) => tier.topic === topic)) {
      chronicle.goesOn(record, timeline.now)
    }
  }

  #observeResult(record: InboundRecord): void {
    const { chronicle, timeline } = this.facts
    const result = JSON.parse(record.value?.toString() ?? 'null') as DeliveryResult
    const run = chronicle.result(result, timeline.now)
    const { outcome, deliveryId, hookId, reason } = result
    if (run === undefined) {
      this.#report('call-asked-for', `a result of ${deliveryId} names a record that never existed`)
      return
    }
    // Both are written in one batch, the dead letter first. So a reader of the result finds the dead letter.
    if (outcome === 'dead' && !this.#letters.has(`${deliveryId} ${hookId} ${reason}`)) {
      this.#report(
        'letter-for-each-death',
        `${deliveryId} for ${hookId} is dead (${reason}), but has no dead letter`,
      )
    }
    healthyEndpointDelivers(this.facts, result)
  }

  readonly #watch: ProcessWatch = {
    memberWatch: (process, group) => ({
      ...this.#epochs.memberWatch(process, group),
      committing: (entries) => {
        this.note(
          () =>
            `${process.name} commits ${entries.map((entry) => `${placeOf(entry)} "${entry.metadata}"`).join(', ')}`,
        )
        this.#commitChecks.sent(process, entries)
      },
      commitEnded: (outcome) => {
        if (outcome !== 'committed') process.disturb(1)
        if (process.diesAtCommit) this.kill(process, 'at a commit')
      },
      assigned: (partitions, isContinued) => {
        this.note(
          () =>
            `${process.name} gets partitions of ${group}: ${partitions.map((p) => `${p.topic}/${p.partition}${p.isKept ? ' (kept)' : ''}`).join(', ')}`,
        )
        this.#epochs.assigned(process, group, { partitions, isContinued })
      },
    }),
    called: (process, request) => this.#called(process, request),
    acknowledged: (process, records) => noteAcknowledged(this.facts, process, records),
    writing: (process, records) => lostOwnershipWritesNothing(this.facts, process, records),
    tableApplied: (process, record) => noteApplied(process, record),
    failed: (process, error) => {
      this.#report('process-lives', `${process.name} gives up: ${error.message}`)
      this.kill(process, 'by itself')
    },
  }

  #called(process: SimProcess, request: HttpRequest): (result: AttemptResult) => void {
    this.calls += 1
    const delivery = `${request.headers['webhook-id']} (${hookIdIn(request.body)}), attempt ${request.headers['hooktide-attempt']}`
    this.note(() => `${process.name} calls ${request.url} for ${delivery}`)
    const ended = checkCall(this.facts, process, request, (run, attempt, source) =>
      this.#liveChecks.retryComesInTime(run, attempt, source, process.loop.time()),
    )
    return (result) => {
      this.note(
        () =>
          `${process.name} gets the end of ${delivery}: ${result.kind === 'response' ? result.status : result.kind === 'error' ? result.errorClass : result.kind}`,
      )
      ended(result)
    }
  }

  #quietSince(): number | undefined {
    const isQuiet = this.#faultsGoingOn === 0 && this.#isWhole('live') && this.#isWhole('retry')
    return isQuiet ? this.#disturbedAt : undefined
  }

  /** Whether there is no rebalance now or soon: every member is a running process that knows of its membership. */
  #isWhole(group: GroupName): boolean {
    const coordinator = this.facts.coordinators[group]
    if (!coordinator.isStable) return false
    const living = this.allProcesses.filter(({ state }) => state !== 'ended')
    const known = new Set(living.map(({ members }) => members[group].memberId))
    return [...coordinator.memberIds].every((id) => known.has(id))
  }

  #calmSince(): number | undefined {
    const isSettled = this.allProcesses.every(({ state, loop, schemas }) => {
      if (state === 'ended') return true
      return state === 'running' && !schemas.isAsking && loop.busyShare() < 0.9
    })
    return isSettled ? this.#quietSince() : undefined
  }

  #look(): void {
    const { timeline, plan } = this.facts
    this.#liveChecks.look()
    if (timeline.now > plan.calmAt && this.#liveChecks.isDone()) timeline.end()
    else timeline.after(lookMs, () => this.#look())
  }

  /** The latencies, except those of events around a rebalance: it stops the calls of all tenants. */
  #latencies(): readonly number[] {
    const { plan, chronicle } = this.facts
    const well = new Set(plan.hooks.filter((hook) => hook.isTenantHealthy).map(({ id }) => id))
    return [...chronicle.runs.values()]
      .filter((run) => well.has(run.hookId) && !run.isRequested && !run.isDisturbed)
      .map(({ firstEndAt, begunAt }) => (firstEndAt ?? Number.POSITIVE_INFINITY) - begunAt)
  }

  #report(check: CheckName, message: string): void {
    if (this.#violations.has(check)) return
    this.note(() => `VIOLATION ${check}: ${message}`)
    this.#violations.set(check, { check, message, at: this.facts.timeline.now })
  }
}

function eventValue(n: number, { eventKey, form }: Plan['events'][number]): Buffer {
  const value = { event: eventKey, createdAt: '2026-01-05T00:00:00.000Z', n, parity: parityOf(n) }
  const text = JSON.stringify(value)
  if (form === 'unreadable') return Buffer.from(text.slice(0, -1))
  return form === 'framed' ? framed(schemaId, text) : Buffer.from(text)
}
