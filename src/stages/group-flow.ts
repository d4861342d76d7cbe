/**
 * One consumer group's way in: records → ledger → what they cause, under pressure, over rebalances, with commits.
 *
 * The group is, at any time:
 * - *apart*: not joined; nothing is admitted. Joining leads to flowing.
 * - *flowing*: partitions are owned, records are admitted as there is room.
 * - *draining*: a rebalance was seen. No call starts, those in flight may finish within a budget, then everything done is
 *   committed and the group rejoins, which leads to flowing again.
 * - *stopping*: nothing is admitted any more; what was admitted may finish; commits go on until the end.
 */
import type { LineName } from '../core/lane.ts'
import type { HookId, InboundRecord } from '../core/model.ts'
import type { Emit } from '../core/signal.ts'
import type {
  AssignedPartition,
  Clock,
  Fetched,
  GroupListener,
  GroupSource,
  TopicPartition,
} from '../ports.ts'
import { Committer } from './committer.ts'
import type { Dispatch } from './dispatch.ts'
import type { Caused, Opened } from './expand.ts'
import { bytesOf, PartitionFlow, type FlowLimits } from './partition-flow.ts'
import type { Recorder } from './recorder.ts'
import type { Epoch, Origin, Work } from './work.ts'

/** How long the last commit before leaving may take: without it, what is complete would be repeated. */
const leaveCommitMs = 5_000

export interface GroupLimits extends FlowLimits {
  /** Deliveries admitted and not complete, over all groups of the process. */
  readonly maxDeliveries: number
  /** Bytes admitted and not complete, over all groups of the process. */
  readonly maxTotalBytes: number
  /** How long calls in flight may hold up a rejoin. */
  readonly drainBudgetMs: number
}

/** What a process has admitted and not completed, by what it is: first tries, or what comes later. */
export type Load = Readonly<Record<LineName, { deliveries: number; bytes: number }>>

export function emptyLoad(): Load {
  return { first: { deliveries: 0, bytes: 0 }, late: { deliveries: 0, bytes: 0 } }
}

/** Neither kind takes more of a process than this share: a crowd of one must leave room for the other. */
const shareOfOneKind = 0.75

export interface GroupFlowParts {
  readonly name: string
  readonly source: GroupSource
  readonly open: (record: InboundRecord) => Opened
  /** Whose deliveries a record that was fetched would cause, as far as that can be told. */
  readonly hooksOf: (record: InboundRecord) => readonly HookId[]
  /** Whether records of the topic cause first tries. */
  readonly isFirst: (topic: string) => boolean
  readonly dispatch: Dispatch
  readonly recorder: Recorder
  readonly clock: Clock
  readonly limits: GroupLimits
  readonly commitIntervalMs: number
  readonly load: Load
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
  #isStopping = false
  #isJoined = false

  constructor(parts: GroupFlowParts) {
    this.#parts = parts
    this.#committer = new Committer({ ...parts, flows: () => this.#flows.values() })
  }

  get isJoined(): boolean {
    return this.#isJoined
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
    let kept = 0
    for (const assigned of partitions) {
      const key = keyOf(assigned)
      const known = before.get(key)
      if (known !== undefined && assigned.isKept) {
        this.#flows.set(key, known)
        before.delete(key)
        kept += 1
      } else {
        this.#flows.set(key, this.#newFlow(assigned))
      }
    }
    for (const flow of before.values()) this.#endEpoch(flow)
    this.#parts.dispatch.dropEnded()
    this.#isJoined = true
    const gained = partitions.length - kept
    this.#parts.emit({
      kind: 'group.assigned',
      group: this.#parts.name,
      kept,
      gained,
      lost: before.size,
    })
    this.#parts.dispatch.release(this.#parts.name)
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
    const { name, dispatch, recorder, limits, emit } = this.#parts
    dispatch.hold(name)
    emit({ kind: 'group.draining', group: name, inFlight: dispatch.inFlightOf(name) })
    await dispatch.idle(name, limits.drainBudgetMs)
    await recorder.idle(limits.drainBudgetMs / 2)
    await this.#committer.commitNow()
  }

  onFailed(error: Error): void {
    this.#isJoined = false
    this.#parts.onFailed(error)
  }

  /** Stops intake. What was admitted goes on. */
  stopIntake(): void {
    this.#isStopping = true
    for (const flow of this.#flows.values()) {
      flow.cancelTimer?.()
      this.#pause(flow)
    }
  }

  /** Commits what is complete and leaves the group. Everything else is the next owner's. */
  async leave(): Promise<void> {
    this.stopIntake()
    await this.#committer.commitLast(leaveCommitMs)
    await this.#parts.source.stop()
    for (const flow of this.#flows.values()) this.#endEpoch(flow)
    this.#flows.clear()
    this.#committer.stop()
    this.#isJoined = false
  }

  #newFlow(assigned: AssignedPartition): PartitionFlow {
    const { name, limits, hooksOf, clock } = this.#parts
    const { topic, partition } = assigned
    const carriesOthers = (hookId: HookId) => flow.carriesOthers(hookId, hooksOf, clock.monotonic())
    const epoch: Epoch = { group: name, topic, partition, carriesOthers, isLive: true }
    const flow = new PartitionFlow(epoch, assigned, limits)
    return flow
  }

  #loadOf({ epoch }: PartitionFlow): Load[LineName] {
    return this.#parts.load[this.#parts.isFirst(epoch.topic) ? 'first' : 'late']
  }

  #endEpoch(flow: PartitionFlow): void {
    flow.epoch.isLive = false
    flow.cancelTimer?.()
    this.#waiting.delete(flow)
    this.#unread.delete(flow)
    const load = this.#loadOf(flow)
    load.bytes -= flow.bytes
    load.deliveries -= flow.deliveries
  }

  #advance(flow: PartitionFlow): void {
    flow.cancelTimer?.()
    flow.cancelTimer = undefined
    this.#waiting.delete(flow)
    this.#unread.delete(flow)
    if (this.#isStopping || !flow.epoch.isLive) return
    const handOn = (record: InboundRecord, opened: Caused) => this.#handOn(flow, record, opened)
    const hasRoom = (opened: Caused) => this.#hasRoom(flow, opened)
    let state = flow.admitNext(this.#parts.open, hasRoom, handOn)
    while (state.kind === 'admitted') state = flow.admitNext(this.#parts.open, hasRoom, handOn)
    if (state.kind === 'room') this.#waiting.add(flow)
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

  #hasRoom(flow: PartitionFlow, opened: Caused): boolean {
    const { load, limits, dispatch } = this.#parts
    const { first, late } = load
    const own = this.#loadOf(flow)
    const { maxDeliveries, maxTotalBytes } = limits
    if (!isBelow(own.deliveries, first.deliveries + late.deliveries, maxDeliveries)) return false
    if (!isBelow(own.bytes, first.bytes + late.bytes, maxTotalBytes)) return false
    if (opened.kind !== 'runs') return true
    return opened.calls.every(
      (call) => dispatch.judge(call, isSharedBy(flow, opened)).kind !== 'wait',
    )
  }

  #handOn(flow: PartitionFlow, record: InboundRecord, opened: Caused): void {
    const { recorder, emit } = this.#parts
    const caused = countOf(opened)
    const origin: Origin = {
      epoch: flow.epoch,
      offset: record.offset,
      timestamp: record.timestamp,
      bytes: bytesOf(record) + (opened.kind === 'runs' ? opened.renderedBytes : 0),
      caused,
      remaining: caused,
      completed: (done) => this.#complete(flow, done),
    }
    flow.bytes += origin.bytes
    flow.deliveries += caused
    const load = this.#loadOf(flow)
    load.deliveries += caused
    load.bytes += origin.bytes
    const queuedAt = this.#parts.clock.monotonic()
    switch (opened.kind) {
      case 'runs':
        for (const end of opened.ends) recorder.end({ run: end.run, origin, queuedAt }, end)
        this.#handOnCalls(flow, opened, { origin, queuedAt })
        if (caused === 0) emit({ kind: 'event.unmatched' })
        break
      case 'hop':
        recorder.hop({ run: opened.run, origin, queuedAt })
        break
      case 'repeat':
        emit({ kind: 'run.repeated', deliveryId: opened.run.deliveryId })
        break
      case 'rejected':
        recorder.reject(record, opened.rejection, origin)
        break
    }
    if (caused === 0) origin.completed(origin)
  }

  #handOnCalls(flow: PartitionFlow, opened: Runs, { origin, queuedAt }: Omit<Work, 'run'>): void {
    const { dispatch } = this.#parts
    const isShared = isSharedBy(flow, opened)
    for (const { run } of opened.calls) flow.noteHook(run.hookId, queuedAt)
    for (const call of opened.calls) {
      const judgement = dispatch.judge(call, isShared)
      const work = { run: call.run, origin, queuedAt }
      if (judgement.kind === 'put-off') dispatch.putOff(work, judgement)
      else dispatch.add(work)
    }
  }

  #complete(flow: PartitionFlow, origin: Origin): void {
    if (!flow.epoch.isLive) return
    flow.complete(origin)
    const load = this.#loadOf(flow)
    load.bytes -= origin.bytes
    load.deliveries -= origin.caused
    this.#committer.commitSoon()
    this.#parts.onRoom()
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

/** Runs and writes that are to be acknowledged. */
function countOf(opened: Caused): number {
  if (opened.kind === 'runs') return opened.calls.length + opened.ends.length
  return opened.kind === 'repeat' ? 0 : 1
}

type Runs = Extract<Caused, { readonly kind: 'runs' }>

/** Whether a hook's delivery shares its partition with those of others: the record itself may bring them along. */
function isSharedBy(flow: PartitionFlow, { calls }: Runs): (hookId: HookId) => boolean {
  return (hookId) => calls.length > 1 || flow.epoch.carriesOthers(hookId)
}

/** Something always passes where nothing is, or a bound below what one record causes would stop it for ever. */
function isBelow(own: number, all: number, most: number): boolean {
  return all === 0 || (all < most && own < most * shareOfOneKind)
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
