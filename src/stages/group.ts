/**
 * The membership of this process in one consumer group: which partitions it owns, through rebalances and until it leaves.
 * Its states are in {@link ./group-state.ts}.
 */
import type { LineName } from '../core/lane/lane.ts'
import type { MonotonicMs } from '../core/model/model.ts'
import type { Emit } from '../core/signal/signal.ts'
import type {
  AssignedPartition,
  Clock,
  Fetched,
  GroupListener,
  GroupSource,
  TopicPartition,
} from '../ports.ts'
import type { CallGate } from './call-gate.ts'
import type { Calls } from './calls.ts'
import { Committer } from './committer.ts'
import { foreignCommits } from './foreign-commits.ts'
import { advanceGroup, apart, isJoined, type GroupInput, type GroupState } from './group-state.ts'
import type { DrainWait, HandOver } from './hand-over.ts'
import type { Load } from './load.ts'
import type { Marks } from './marks.ts'
import { PartitionFlow, type FlowLimits } from './partition-flow.ts'

/** How long the last commit before leaving may take. Without this commit, complete records would be repeated. */
const leaveCommitMs = 5_000
/** How long calls may delay a rejoin at least that began after the rebalance, or that need not be waited for. */
const lastCallsMs = 500

export interface GroupParts {
  readonly name: string
  readonly source: GroupSource
  /** The line that gets the records of a topic. */
  readonly lineOf: (topic: string) => LineName
  /** All lines that may get the group's records. */
  readonly lines: readonly LineName[]
  readonly limits: FlowLimits
  readonly load: Load
  readonly gate: CallGate
  readonly calls: Calls
  readonly handOver: HandOver
  readonly marks: Marks
  readonly clock: Clock
  readonly emit: Emit
  readonly commitIntervalMs: number
  /** How long calls in flight may delay a rejoin, in milliseconds. */
  readonly drainBudgetMs: number
  readonly onFailed: (error: Error) => void
}

export class Group implements GroupListener {
  readonly committer: Committer
  /** Partitions whose head waits for room. The one that has waited longest is first. */
  readonly awaitingRoom = new Set<PartitionFlow>()
  /** Partitions whose head waits for its schema. */
  readonly awaitingSchema = new Set<PartitionFlow>()
  readonly #parts: GroupParts
  readonly #flows = new Map<string, PartitionFlow>()
  #state: GroupState = apart
  /** The rebalance that has begun, if it gave notice. */
  #rebalance: { readonly beganAt: MonotonicMs; readonly mayLose: boolean } | undefined

  constructor(parts: GroupParts) {
    this.#parts = parts
    this.committer = new Committer({ ...parts, flows: () => this.#flows.values() })
  }

  get name(): string {
    return this.#parts.name
  }

  get isJoined(): boolean {
    return isJoined(this.#state)
  }

  /** Whether records that are fetched may be admitted. What follows from them while the group drains might not be committed. */
  get isAdmitting(): boolean {
    return this.#state.kind === 'flowing'
  }

  /** The partitions owned now. */
  get flows(): Iterable<PartitionFlow> {
    return this.#flows.values()
  }

  /** Whether the partition is this process's, as far as is known. */
  owns(partition: TopicPartition): boolean {
    return this.#flows.has(keyOf(partition))
  }

  /** The number of records that were fetched and not admitted. */
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
    const { name: group, emit, handOver, gate, marks } = this.#parts
    handOver.dropEnded()
    this.#rebalance = undefined
    this.#advance('assigned')
    const kept = partitions.length - gained.length
    emit({ kind: 'group.assigned', group, kept, gained: gained.length, lost: before.size })
    foreignCommits(group, gained).forEach(emit)
    // While it stops, calls stay stopped: what they would do could not be committed.
    if (this.#state.kind !== 'stopping') gate.release(group)
    marks.room()
    // Nothing was admitted of the partitions that are kept since the rebalance began.
    marks.partitions(...this.#flows.values())
  }

  onFetched(partition: TopicPartition, fetched: Fetched): void {
    const flow = this.#flows.get(keyOf(partition))
    if (flow === undefined) return
    if (this.#state.kind === 'stopping') {
      // The partition was gained while stopping. Its next owner reads it.
      this.#pause(flow)
      return
    }
    if (flow.receive(fetched)) this.#parts.marks.partitions(flow)
  }

  onEnd(partition: TopicPartition, end: number): void {
    this.#flows.get(keyOf(partition))?.noteEnd(end)
  }

  async onRebalance(mayLose: boolean): Promise<void> {
    const { name, lines, handOver, drainBudgetMs, clock } = this.#parts
    this.#rebalance = { mayLose, beganAt: clock.monotonic() }
    if (mayLose) await handOver.prepare(name, lines, drainBudgetMs)
  }

  async beforeRejoin(): Promise<void> {
    const { name, calls, drainBudgetMs, emit } = this.#parts
    this.#advance('rejoining')
    emit({ kind: 'group.draining', group: name, inFlight: calls.inFlightOf(name) })
    await this.#drain(this.#waitBefore(drainBudgetMs))
    await this.committer.commitNow()
  }

  onFailed(error: Error): void {
    this.#advance('left')
    this.#parts.onFailed(error)
  }

  /** Stops intake. Admitted records go on. */
  stopIntake(): void {
    this.#advance('stopping')
    for (const flow of this.#flows.values()) {
      flow.stopTimer()
      this.#pause(flow)
    }
  }

  /** @param callsMs how long calls in flight may take to end of hooks whose call length is not known. No other one starts */
  awaitUnknown(callsMs: number): Promise<void> {
    return this.#parts.handOver.awaitUnknown(this.name, callsMs)
  }

  /** @param callsMs how long calls in flight may take to end */
  drain(callsMs: number): Promise<void> {
    return this.#drain({ for: {}, callsMs })
  }

  /** Commits what is complete and leaves the group. The next owners handle everything else. */
  async leave(): Promise<void> {
    this.stopIntake()
    await this.committer.commitLast(leaveCommitMs)
    await this.#parts.source.stop()
    for (const flow of this.#flows.values()) this.#endEpoch(flow)
    this.#flows.clear()
    this.committer.stop()
    this.#advance('left')
  }

  /** Pauses fetching of the partition while its backlog is large, and resumes it when the backlog is small. */
  relieve(flow: PartitionFlow): void {
    const { source } = this.#parts
    const needed = flow.relieve()
    if (needed === 'pause') source.pause(flow)
    if (needed === 'resume') source.resume(flow)
  }

  #drain(wait: DrainWait): Promise<void> {
    const { name, lines, handOver } = this.#parts
    return handOver.drain(name, lines, wait)
  }

  /**
   * Which calls to wait for before a rejoin. Those that were in flight when the rebalance began have had their time. If no
   * partition can be lost, all calls go on, and it is only for safety that short ones end before: a member may have joined since.
   */
  #waitBefore(budgetMs: number): DrainWait {
    if (this.#rebalance === undefined) return { for: {}, callsMs: budgetMs }
    const { mayLose, beganAt } = this.#rebalance
    if (!mayLose) return { for: { areShort: true }, callsMs: lastCallsMs }
    const leftMs = beganAt + budgetMs - this.#parts.clock.monotonic()
    return { for: { begunFrom: beganAt }, callsMs: Math.max(lastCallsMs, leftMs) }
  }

  #advance(input: GroupInput): void {
    this.#state = advanceGroup(this.#state, input)
  }

  #newFlow(assigned: AssignedPartition): PartitionFlow {
    const { name, lineOf, limits } = this.#parts
    return new PartitionFlow({ group: name, line: lineOf(assigned.topic) }, assigned, limits)
  }

  #endEpoch(flow: PartitionFlow): void {
    const { load } = this.#parts
    flow.end()
    this.awaitingRoom.delete(flow)
    this.awaitingSchema.delete(flow)
    for (const [hookId, { count, bytes }] of flow.held.byHook()) {
      load.admitted.releaseFor(hookId, count, bytes)
    }
    for (const origin of flow.origins) {
      const { remaining, bytes } = origin
      load.remove(flow.line, origin, { count: remaining, bytes })
    }
  }

  #pause(flow: PartitionFlow): void {
    if (flow.pause()) this.#parts.source.pause(flow)
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
