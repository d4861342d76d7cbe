/**
 * One consumer group's way in: records → ledger → what they cause, under pressure, over rebalances, with commits. What it is
 * doing is in {@link ./group-state.ts}.
 */
import type { LineName } from '../core/lane/lane.ts'
import type { HookId, InboundRecord, MonotonicMs, Run } from '../core/model/model.ts'
import type { PutOffBudget } from '../core/lane/put-off-budget.ts'
import type { Emit } from '../core/signal/signal.ts'
import type {
  AssignedPartition,
  Clock,
  Fetched,
  GroupListener,
  GroupSource,
  TopicPartition,
} from '../ports.ts'
import { Committer } from './committer.ts'
import { isFresh, type Judgement, type PutOff } from './deferring.ts'
import type { Dispatch } from './dispatch.ts'
import { countOf, tenantOf, type Caused, type Opened, type PlannedCall } from './expand.ts'
import { foreignCommits } from './foreign-commits.ts'
import {
  advanceGroup,
  apart,
  isJoined,
  type GroupHappening,
  type GroupState,
} from './group-state.ts'
import type { Load } from './load.ts'
import { bytesOf, PartitionFlow, type FlowLimits } from './partition-flow.ts'
import type { Recorder } from './recorder.ts'
import type { Origin, Work } from './work.ts'

/** How often partitions that wait for room ask again, whether or not something was completed. */
const recheckMs = 100
/** The same for one that waits for the budget of what is put off. */
const budgetMs = 5
/** How long the last commit before leaving may take: without it, what is complete would be repeated. */
const leaveCommitMs = 5_000

export interface GroupLimits extends FlowLimits {
  /** How long calls in flight may hold up a rejoin. */
  readonly drainBudgetMs: number
}

export interface GroupFlowParts {
  readonly name: string
  readonly source: GroupSource
  readonly open: (record: InboundRecord) => Opened
  /** Whether records of the topic cause first tries. */
  readonly isFirst: (topic: string) => boolean
  /** All that its records may come to. */
  readonly lines: readonly LineName[]
  readonly dispatch: Dispatch
  readonly recorder: Recorder
  readonly clock: Clock
  readonly limits: GroupLimits
  readonly commitIntervalMs: number
  readonly load: Load
  /** Over all groups of the process. */
  readonly putOffs: PutOffBudget
  readonly emit: Emit
  /** Room was made that any group of the process may be waiting for. */
  readonly onRoom: () => void
  readonly onFailed: (error: Error) => void
}

export class GroupFlow implements GroupListener {
  readonly #parts: GroupFlowParts
  readonly #flows = new Map<string, PartitionFlow>()
  readonly #committer: Committer
  /** Partitions whose head waits for room, longest waiting first. */
  readonly #waiting = new Set<PartitionFlow>()
  /** Partitions whose head waits for its schema. */
  readonly #unread = new Set<PartitionFlow>()
  #isWakePlanned = false
  #isRecheckPlanned = false
  /** Whether a partition waits for the budget of what is put off. */
  #isOverBudget = false
  #state: GroupState = apart

  constructor(parts: GroupFlowParts) {
    this.#parts = parts
    this.#committer = new Committer({ ...parts, flows: () => this.#flows.values() })
  }

  get isJoined(): boolean {
    return isJoined(this.#state)
  }

  /** The partitions owned now. */
  get flows(): Iterable<PartitionFlow> {
    return this.#flows.values()
  }

  /** Records fetched and not admitted. */
  get backlogCount(): number {
    let count = 0
    for (const flow of this.#flows.values()) count += flow.backlogCount
    return count
  }

  start(): Promise<void> {
    return this.#parts.source.start(this)
  }

  onAssigned(partitions: readonly AssignedPartition[]): void {
    const before = new Map(this.#flows)
    this.#flows.clear()
    const gained: PartitionFlow[] = []
    for (const assigned of partitions) {
      const key = keyOf(assigned)
      const known = before.get(key)
      if (known !== undefined && assigned.isKept) {
        this.#flows.set(key, known)
        before.delete(key)
      } else {
        const flow = this.#newFlow(assigned)
        this.#flows.set(key, flow)
        gained.push(flow)
      }
    }
    for (const flow of before.values()) this.#endEpoch(flow)
    this.#parts.dispatch.dropEnded()
    this.#happens('assigned')
    const { name: group, emit, dispatch } = this.#parts
    const kept = partitions.length - gained.length
    emit({ kind: 'group.assigned', group, kept, gained: gained.length, lost: before.size })
    foreignCommits(group, gained).forEach(emit)
    dispatch.release(group)
    this.#parts.onRoom()
  }

  onFetched(partition: TopicPartition, fetched: Fetched): void {
    const flow = this.#flows.get(keyOf(partition))
    if (flow === undefined) return
    if (this.#isStopping) {
      // A partition gained while stopping: whoever owns it next reads it.
      this.#pause(flow)
      return
    }
    if (flow.receive(fetched)) this.#advance(flow)
  }

  onEnd(partition: TopicPartition, end: number): void {
    this.#flows.get(keyOf(partition))?.noteEnd(end)
  }

  async beforeRejoin(): Promise<void> {
    const { name, dispatch, limits, emit } = this.#parts
    this.#happens('rejoining')
    emit({ kind: 'group.draining', group: name, inFlight: dispatch.inFlightOf(name) })
    await this.drain(limits.drainBudgetMs)
    await this.#committer.commitNow()
  }

  onFailed(error: Error): void {
    this.#happens('left')
    this.#parts.onFailed(error)
  }

  /** Stops intake. What was admitted goes on. */
  stopIntake(): void {
    this.#happens('stopping')
    for (const flow of this.#flows.values()) {
      flow.cancelTimer?.()
      this.#pause(flow)
    }
  }

  /**
   * Starts no call more, lets those that are out end within the budget, and has begun events go on from records of their
   * own, whoever owns their partitions next.
   */
  async drain(budgetMs: number): Promise<void> {
    const { name, lines, dispatch, recorder, limits } = this.#parts
    dispatch.hold(name, lines)
    await dispatch.idle(name, budgetMs)
    // Whether a delivery has ended is known when its record is acknowledged, and an event begun only then.
    await recorder.idle(limits.drainBudgetMs)
    await dispatch.moveOn(name, limits.drainBudgetMs)
    await recorder.idle(limits.drainBudgetMs)
  }

  /** Commits what is complete and leaves the group. Everything else is the next owner's. */
  async leave(): Promise<void> {
    this.stopIntake()
    await this.#committer.commitLast(leaveCommitMs)
    await this.#parts.source.stop()
    for (const flow of this.#flows.values()) this.#endEpoch(flow)
    this.#flows.clear()
    this.#committer.stop()
    this.#happens('left')
  }

  get #isStopping(): boolean {
    return this.#state.kind === 'stopping'
  }

  #happens(happening: GroupHappening): void {
    this.#state = advanceGroup(this.#state, happening)
  }

  #newFlow(assigned: AssignedPartition): PartitionFlow {
    const { name, limits } = this.#parts
    const { topic, partition } = assigned
    return new PartitionFlow({ group: name, topic, partition, isLive: true }, assigned, limits)
  }

  #kindOf({ epoch }: PartitionFlow): LineName {
    return this.#parts.isFirst(epoch.topic) ? 'first' : 'late'
  }

  #endEpoch(flow: PartitionFlow): void {
    flow.epoch.isLive = false
    flow.cancelTimer?.()
    this.#waiting.delete(flow)
    this.#unread.delete(flow)
    const { admitted } = this.#parts.load
    for (const [hookId, { count, bytes }] of flow.held.byHook()) {
      admitted.releaseFor(hookId, count, bytes)
    }
    for (const origin of flow.origins) this.#unload(flow, origin, origin.remaining, origin.bytes)
  }

  #advance(flow: PartitionFlow): void {
    flow.cancelTimer?.()
    flow.cancelTimer = undefined
    this.#waiting.delete(flow)
    this.#unread.delete(flow)
    if (this.#isStopping || !flow.epoch.isLive) return
    const handOn = (record: InboundRecord, plan: Plan) => this.#handOn(flow, record, plan)
    const planFor = (opened: Caused) => this.#planFor(flow, opened)
    let state = flow.admitNext(this.#parts.open, planFor, handOn)
    while (state.kind === 'admitted') state = flow.admitNext(this.#parts.open, planFor, handOn)
    if (state.kind === 'room') {
      this.#waiting.add(flow)
      this.#recheckSoon()
    }
    if (state.kind === 'schema') this.#unread.add(flow)
    if (state.kind === 'later') {
      const delayMs = Math.max(0, state.at - this.#parts.clock.now())
      flow.cancelTimer = this.#parts.clock.after(delayMs, () => this.#advance(flow))
    }
    const pressure = flow.pressure()
    if (pressure === 'pause') this.#pause(flow)
    if (pressure === 'resume') this.#resume(flow)
    this.#committer.commitSoon()
    this.#parts.dispatch.pump()
  }

  /** What is to become of what a record causes; `undefined` while there is no room for it. */
  #planFor(flow: PartitionFlow, opened: Caused): Plan | undefined {
    const { load, dispatch, putOffs, clock } = this.#parts
    if (!load.hasRoom(this.#kindOf(flow))) return undefined
    if (opened.kind !== 'runs') return { opened, judgements: [], putOffs: 0 }
    const { count } = load.admitted.total
    if (opened.calls.length > 1 && !dispatch.mayFanOut(count)) return undefined
    const judgements: Exclude<Judgement, { kind: 'wait' }>[] = []
    let fresh = 0
    for (const call of opened.calls) {
      const judgement = dispatch.judge(call, flow.held)
      if (judgement.kind === 'wait') return undefined
      if (isCharged(judgement, call)) fresh += 1
      judgements.push(judgement)
    }
    if (fresh > 0 && !putOffs.hasLeft(clock.monotonic())) {
      this.#isOverBudget = true
      return undefined
    }
    return { opened, judgements, putOffs: fresh }
  }

  #handOn(flow: PartitionFlow, record: InboundRecord, { opened, judgements, putOffs }: Plan): void {
    const { recorder, emit, load, clock } = this.#parts
    const caused = countOf(opened)
    const origin: Origin = {
      epoch: flow.epoch,
      offset: record.offset,
      timestamp: record.timestamp,
      bytes: bytesOf(record) + (opened.kind === 'runs' ? opened.renderedBytes : 0),
      tenantId: tenantOf(opened),
      caused,
      remaining: caused,
      waiting: caused > 1 ? new Set() : undefined,
      isInherited: flow.isInherited,
      settled: (done, hookId) => this.#settled(flow, done, hookId),
    }
    flow.admitted(origin)
    load.add(this.#kindOf(flow), origin.tenantId, { count: caused, bytes: origin.bytes })
    const queuedAt = clock.monotonic()
    const workFor = (run: Run): Work => {
      flow.held.holdFor(run.hookId, 1, origin.bytes)
      load.admitted.holdFor(run.hookId, 1, origin.bytes)
      return { run, origin, queuedAt, place: undefined, isMovedOn: false }
    }
    switch (opened.kind) {
      case 'runs':
        this.#handOnRuns(opened, judgements, workFor)
        if (putOffs > 0) this.#charge(putOffs, queuedAt)
        if (caused + opened.repeats.length === 0) emit({ kind: 'event.unmatched' })
        break
      case 'hop':
        recorder.hop(workFor(opened.run))
        break
      case 'repeat':
        this.#repeated(opened.run)
        break
      case 'rejected':
        recorder.reject(record, opened.rejection, origin)
        break
    }
    if (caused > 0) return
    this.#unload(flow, origin, 0, origin.bytes)
    this.#complete(flow, origin)
  }

  #handOnRuns(
    { repeats, ends, calls }: Extract<Caused, { readonly kind: 'runs' }>,
    judgements: Plan['judgements'],
    workFor: (run: Run) => Work,
  ): void {
    for (const run of repeats) this.#repeated(run)
    for (const end of ends) this.#parts.recorder.end(workFor(end.run), end)
    for (const [index, call] of calls.entries()) {
      this.#handOnCall(workFor(call.run), call, judgements[index])
    }
  }

  #repeated({ deliveryId }: Run): void {
    this.#parts.emit({ kind: 'run.repeated', deliveryId })
  }

  /** @param since when the loop began to be busy with what was put off */
  #charge(putOffs: number, since: MonotonicMs): void {
    const now = this.#parts.clock.monotonic()
    this.#parts.putOffs.take(putOffs, now - since, now)
  }

  #handOnCall(
    work: Work,
    { hook }: PlannedCall,
    judgement: Plan['judgements'][number] | undefined,
  ) {
    const { dispatch, recorder } = this.#parts
    if (judgement?.kind === 'put-off') dispatch.putOff(work, judgement)
    else if (judgement?.kind === 'hop') recorder.hop(work)
    else dispatch.add(work, hook)
  }

  #settled(flow: PartitionFlow, origin: Origin, hookId: HookId | undefined): void {
    if (!flow.epoch.isLive) return
    if (hookId !== undefined) {
      flow.held.releaseFor(hookId, 1, origin.bytes)
      this.#parts.load.admitted.releaseFor(hookId, 1, origin.bytes)
    }
    const isLast = origin.remaining === 0
    this.#unload(flow, origin, 1, isLast ? origin.bytes : 0)
    if (isLast) this.#complete(flow, origin)
    else this.#parts.dispatch.settledOne(origin)
    this.#parts.onRoom()
  }

  #complete(flow: PartitionFlow, origin: Origin): void {
    flow.complete(origin)
    this.#committer.commitSoon()
  }

  #unload(flow: PartitionFlow, { tenantId }: Origin, count: number, bytes: number): void {
    this.#parts.load.remove(this.#kindOf(flow), tenantId, { count, bytes })
  }

  /** A lane shows only with time that its endpoint is slow, and a process that it is not. */
  #recheckSoon(): void {
    if (this.#isRecheckPlanned) return
    this.#isRecheckPlanned = true
    const delayMs = this.#isOverBudget ? budgetMs : recheckMs
    this.#isOverBudget = false
    this.#parts.clock.after(delayMs, () => {
      this.#isRecheckPlanned = false
      this.wake()
    })
  }

  /** One pass over everything that waits, however many completions asked for it. */
  #planWake(): void {
    if (this.#isWakePlanned) return
    this.#isWakePlanned = true
    this.#parts.clock.after(0, () => {
      this.#isWakePlanned = false
      for (const flow of Array.from(this.#waiting)) this.#advance(flow)
    })
  }

  /** Room was made: a partition of this group may be waiting for it. */
  wake(): void {
    if (this.#waiting.size > 0) this.#planWake()
  }

  /** Schemas arrived, or may have been given up: heads that wait for theirs ask again. */
  reread(): void {
    for (const flow of Array.from(this.#unread)) this.#advance(flow)
  }

  #pause(flow: PartitionFlow): void {
    if (flow.isPaused) return
    flow.isPaused = true
    this.#parts.source.pause(flow.epoch)
  }

  #resume(flow: PartitionFlow): void {
    flow.isPaused = false
    this.#parts.source.resume(flow.epoch)
  }
}

/** What is to become of what a record causes. */
interface Plan {
  readonly opened: Caused
  /** One for each call. */
  readonly judgements: readonly Exclude<Judgement, { readonly kind: 'wait' }>[]
  /** How many of these are put off and count against the budget. */
  readonly putOffs: number
}

/** What an open or paused lane puts off is bounded by its steps. */
function isCharged(judgement: Judgement, { run }: PlannedCall): judgement is PutOff {
  return judgement.kind === 'put-off' && judgement.blocked === undefined && isFresh(run)
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
