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
import type { InboundRecord } from '../core/model.ts'
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
import type { Epoch, Origin } from './work.ts'

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

/** What all groups of a process have admitted and not completed. */
export interface Load {
  deliveries: number
  bytes: number
}

export interface GroupFlowParts {
  readonly name: string
  readonly source: GroupSource
  readonly open: (record: InboundRecord) => Opened
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
        this.#flows.set(
          key,
          new PartitionFlow(this.#newEpoch(assigned), assigned, this.#parts.limits),
        )
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

  #newEpoch({ topic, partition }: TopicPartition): Epoch {
    return { group: this.#parts.name, topic, partition, isLive: true }
  }

  #endEpoch(flow: PartitionFlow): void {
    flow.epoch.isLive = false
    flow.cancelTimer?.()
    this.#waiting.delete(flow)
    this.#unread.delete(flow)
    this.#parts.load.bytes -= flow.bytes
    this.#parts.load.deliveries -= flow.deliveries
  }

  #advance(flow: PartitionFlow): void {
    flow.cancelTimer?.()
    flow.cancelTimer = undefined
    this.#waiting.delete(flow)
    this.#unread.delete(flow)
    if (this.#isStopping || !flow.epoch.isLive) return
    const handOn = (record: InboundRecord, opened: Caused) => this.#handOn(flow, record, opened)
    const hasRoom = (opened: Caused) => this.#hasRoom(opened)
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

  #hasRoom(opened: Caused): boolean {
    const { load, limits, dispatch } = this.#parts
    if (load.deliveries > 0 && load.deliveries >= limits.maxDeliveries) return false
    if (load.bytes > 0 && load.bytes >= limits.maxTotalBytes) return false
    return opened.kind !== 'runs' || opened.calls.every(({ run }) => dispatch.hasRoom(run.hookId))
  }

  #handOn(flow: PartitionFlow, record: InboundRecord, opened: Caused): void {
    const { load, recorder, dispatch, emit } = this.#parts
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
    load.deliveries += caused
    load.bytes += origin.bytes
    const queuedAt = this.#parts.clock.monotonic()
    switch (opened.kind) {
      case 'runs':
        for (const end of opened.ends) recorder.end({ run: end.run, origin, queuedAt }, end)
        for (const { run, concurrency } of opened.calls) {
          dispatch.add({ run, origin, queuedAt }, concurrency)
        }
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

  #complete(flow: PartitionFlow, origin: Origin): void {
    if (!flow.epoch.isLive) return
    flow.complete(origin)
    this.#parts.load.bytes -= origin.bytes
    this.#parts.load.deliveries -= origin.caused
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

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
