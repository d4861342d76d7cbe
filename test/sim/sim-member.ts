/**
 * The member of one process in one group: the `GroupSource` port over a {@link Coordinator}. It behaves like KafkaJS under
 * the project's own adapter: heartbeats continue while a rebalance is prepared, kept partitions are read again from the
 * committed offset, and an expelled member joins again with another id by itself.
 */
import type {
  AssignedPartition,
  CommitEntry,
  CommitOutcome,
  GroupListener,
  GroupSource,
  TopicPartition,
} from '../../src/ports.ts'
import { nameOf, type Coordinator, type Joined } from './coordinator.ts'
import type { Dice } from './dice.ts'
import type { Network } from './network.ts'
import type { ProcessLoop } from './process-loop.ts'
import type { SimLog } from './sim-log.ts'

export interface MemberParts {
  readonly coordinator: Coordinator
  readonly log: SimLog
  readonly loop: ProcessLoop
  readonly network: Network
  readonly dice: Dice
  readonly topics: readonly string[]
  readonly heartbeatMs: number
  /** The cost of a fetched record, in milliseconds. */
  readonly recordMs: number
  /** Most records of one partition in one fetch. */
  readonly maxBatch: number
  readonly faults: CommitFaults
  readonly watch: MemberWatch
}

/** The shares of commits, and of their answers, that are lost. They may change. */
export interface CommitFaults {
  lostThere: number
  lostBack: number
}

export interface MemberWatch {
  /**
   * A rebalance has begun. The drain lasts from now to the join.
   *
   * @param mayLose whether the process was told that it may lose partitions
   */
  draining(mayLose: boolean): void
  /** @param isContinued whether the member is the same and the generation is the next one */
  assigned(partitions: readonly AssignedPartition[], isContinued: boolean): void
  fetched(partition: TopicPartition, offsets: readonly number[]): void
  committing(entries: readonly CommitEntry[]): void
  commitEnded(outcome: CommitOutcome): void
  left(): void
}

interface Position {
  readonly partition: TopicPartition
  next: number
  /** The end that was reported last. */
  end: number
  isPaused: boolean
  readonly unwatch: () => void
}

const commitPatienceMs = 5_000
const leavePatienceMs = 2_000
const fetchWaitMs = 1
const describePatienceMs = 500

export class SimMember implements GroupSource {
  readonly #parts: MemberParts
  #listener: GroupListener | undefined
  #memberId: string | undefined
  #generation = -1
  #positions = new Map<string, Position>()
  #provenAt: number | undefined
  /** Counts joins and losses. Answers to earlier requests are ignored. */
  #life = 0
  /** `preparing`: a rebalance has begun, and the member goes on for a while. */
  #state: 'idle' | 'joining' | 'joined' | 'preparing' | 'draining' | 'left' = 'idle'
  /** The members of the generation that was joined last. */
  #known: ReadonlySet<string> = new Set()
  #isFetchPlanned = false
  #hasHeartbeatOut = false
  #onFirstJoined: (() => void) | undefined

  constructor(parts: MemberParts) {
    this.#parts = parts
  }

  get memberId(): string | undefined {
    return this.#memberId
  }

  start(listener: GroupListener): Promise<void> {
    this.#listener = listener
    this.#beat()
    return new Promise((resolve) => {
      this.#onFirstJoined = resolve
      this.#join()
    })
  }

  pause(partition: TopicPartition): void {
    const position = this.#positions.get(nameOf(partition))
    if (position !== undefined) position.isPaused = true
  }

  resume(partition: TopicPartition): void {
    const position = this.#positions.get(nameOf(partition))
    if (position === undefined) return
    position.isPaused = false
    this.#fetchSoon()
  }

  commit(entries: readonly CommitEntry[]): Promise<CommitOutcome> {
    const { coordinator, loop, network, dice, faults, watch } = this.#parts
    watch.committing(entries)
    const memberId = this.#memberId ?? ''
    const generation = this.#generation
    const isLostThere = dice.chance(faults.lostThere)
    const isLostBack = dice.chance(faults.lostBack)
    return new Promise((resolve) => {
      let isEnded = false
      const end = (outcome: CommitOutcome) => {
        if (isEnded) return
        isEnded = true
        cancel()
        watch.commitEnded(outcome)
        resolve(outcome)
      }
      const cancel = loop.clock.after(commitPatienceMs, () => end('unavailable'))
      if (isLostThere) return
      network.toBroker(loop, () => {
        if (isEnded) return
        const outcome = coordinator.commit(memberId, generation, entries)
        if (!isLostBack) network.toProcess(loop, () => end(outcome))
      })
    })
  }

  provenAt(): number | undefined {
    return this.#provenAt
  }

  trouble(): string | undefined {
    return undefined
  }

  stop(): Promise<void> {
    const { coordinator, loop, network, watch } = this.#parts
    this.#state = 'left'
    this.#life += 1
    this.#forgetPositions()
    watch.left()
    const memberId = this.#memberId
    return new Promise((resolve) => {
      loop.clock.after(leavePatienceMs, resolve)
      network.toBroker(loop, () => {
        if (memberId !== undefined) coordinator.leave(memberId)
        network.toProcess(loop, resolve)
      })
    })
  }

  #beat(): void {
    if (this.#state === 'left') return
    this.#parts.loop.clock.after(this.#parts.heartbeatMs, () => this.#beat())
    this.#heartbeat()
  }

  #heartbeat(): void {
    const { coordinator, loop, network } = this.#parts
    const isMember = ['joined', 'preparing', 'draining'].includes(this.#state)
    if (!isMember || this.#hasHeartbeatOut || this.#memberId === undefined) return
    this.#hasHeartbeatOut = true
    const sentAt = loop.clock.monotonic()
    const memberId = this.#memberId
    const generation = this.#generation
    const life = this.#life
    network.toBroker(loop, () => {
      const answer = coordinator.heartbeat(memberId, generation)
      network.toProcess(loop, () => {
        this.#hasHeartbeatOut = false
        if (life !== this.#life) return
        if (answer === 'unknown') this.#lost()
        else this.#provenAt = sentAt
        if (answer === 'rebalancing' && this.#state === 'joined') this.#prepare()
      })
    })
  }

  /** Asks who is in the group. The answer may be lost, or late: then others may have joined. */
  #prepare(): void {
    this.#state = 'preparing'
    const { coordinator, dice, loop, network } = this.#parts
    const life = this.#life
    let isAnswered = false
    const goOn = (mayLose: boolean) => {
      if (isAnswered || life !== this.#life) return
      isAnswered = true
      void this.#drain(mayLose)
    }
    loop.clock.after(describePatienceMs, () => goOn(true))
    if (dice.chance(0.1)) return
    network.toBroker(loop, () => {
      const ids = [...coordinator.memberIds]
      network.toProcess(loop, () => goOn(ids.some((id) => !this.#known.has(id))))
    })
  }

  async #drain(mayLose: boolean): Promise<void> {
    const life = this.#life
    const isCurrent = () => life === this.#life && this.#state !== 'left'
    this.#parts.watch.draining(mayLose)
    await this.#listener?.onRebalance(mayLose)
    if (!isCurrent()) return
    this.#state = 'draining'
    await this.#listener?.beforeRejoin()
    if (isCurrent()) this.#join()
  }

  /** The member was expelled. It joins as a new member, and its earlier requests have no effect. */
  #lost(): void {
    this.#memberId = undefined
    if (this.#state !== 'left') this.#join()
  }

  #join(): void {
    const { coordinator, loop, network, topics } = this.#parts
    this.#state = 'joining'
    this.#life += 1
    const life = this.#life
    const sentAt = loop.clock.monotonic()
    const before = { memberId: this.#memberId, generation: this.#generation }
    const owned = [...this.#positions.values()].map(({ partition }) => partition)
    const claim = { topics, owned, generation: this.#generation }
    network.toBroker(loop, () => {
      coordinator.join(before.memberId, claim, (joined) => {
        const offsets = joined.partitions.map((partition) => coordinator.committed(partition))
        network.toProcess(loop, () => {
          if (life !== this.#life) {
            // Otherwise a process that has left meanwhile would keep its partitions until its session ends.
            if (this.#state === 'left') coordinator.leave(joined.memberId)
            return
          }
          this.#provenAt = sentAt
          this.#joined(joined, offsets, before)
        })
      })
    })
  }

  #joined(
    { memberId, generation, members, partitions }: Joined,
    offsets: readonly (CommitEntry | undefined)[],
    before: { readonly memberId: string | undefined; readonly generation: number },
  ): void {
    const isContinued = memberId === before.memberId && generation === before.generation + 1
    const known = this.#positions
    this.#memberId = memberId
    this.#generation = generation
    this.#known = members
    this.#state = 'joined'
    this.#hasHeartbeatOut = false
    this.#forgetPositions()
    const assigned = partitions.map((partition, index): AssignedPartition => {
      const name = nameOf(partition)
      const commit = offsets[index]
      const isKept = isContinued && known.has(name)
      this.#positions.set(name, {
        partition,
        next: commit?.offset ?? 0,
        end: -1,
        isPaused: isKept && known.get(name)?.isPaused === true,
        unwatch: this.#parts.log.watch(partition, () => this.#fetchSoon()),
      })
      return {
        ...partition,
        isKept,
        committedOffset: commit?.offset,
        committedMetadata: commit?.metadata ?? '',
      }
    })
    this.#parts.watch.assigned(assigned, isContinued)
    this.#listener?.onAssigned(assigned)
    this.#onFirstJoined?.()
    this.#onFirstJoined = undefined
    this.#heartbeat()
    this.#fetchSoon()
  }

  #forgetPositions(): void {
    for (const { unwatch } of this.#positions.values()) unwatch()
    this.#positions = new Map()
  }

  #fetchSoon(): void {
    if (this.#isFetchPlanned || this.#positions.size === 0) return
    this.#isFetchPlanned = true
    const { loop, network } = this.#parts
    network.toProcess(
      loop,
      () => {
        this.#isFetchPlanned = false
        this.#fetch()
      },
      fetchWaitMs,
    )
  }

  #fetch(): void {
    const { log, loop, maxBatch, recordMs, watch } = this.#parts
    if (this.#state === 'left') return
    let hasMore = false
    for (const position of this.#positions.values()) {
      const { partition, isPaused } = position
      const end = log.end(partition)
      if (isPaused) {
        if (end !== position.end) this.#listener?.onEnd(partition, end)
        position.end = end
        continue
      }
      if (position.next >= end && position.end === end) continue
      const fetched = log.read(partition, position.next, maxBatch)
      position.next = fetched.next
      position.end = end
      if (fetched.next < end) hasMore = true
      loop.charge(fetched.records.length * recordMs)
      watch.fetched(
        partition,
        fetched.records.map(({ offset }) => offset),
      )
      this.#listener?.onFetched(partition, fetched)
    }
    if (hasMore) this.#fetchSoon()
  }
}
