/**
 * One consumer group in memory.
 *
 * In a rebalance, every member's `onRebalance` is awaited, while it goes on, and then its `beforeRejoin`. Commits of the old
 * generation are still accepted meanwhile. Then the generation rises by one, the project's own assignor assigns the partitions, and every member is notified. Changes during a
 * rebalance cause one more rebalance.
 */
import { assign, type MemberClaim } from '../../src/edge/kafka/assignor.ts'
import type {
  AssignedPartition,
  CommitEntry,
  GroupListener,
  GroupSource,
  TopicPartition,
} from '../../src/ports.ts'
import type { MemoryGroupOptions, MemoryLog } from './memory-broker.ts'

export interface MemoryGroupSource extends GroupSource {
  /**
   * The process stops for longer than the session: others get its partitions, it gets no message, and its proof
   * of membership expires.
   */
  freeze(): Promise<void>
  /** It continues and joins again, as another member. */
  thaw(): Promise<void>
}

export interface MemoryGroup {
  createSource(options: MemoryGroupOptions): MemoryGroupSource
  rebalance(): Promise<void>
  committed(
    partition: TopicPartition,
  ): { readonly offset: number; readonly metadata: string } | undefined
  setCommitted(entry: CommitEntry): void
  /** Delivers all records that can be delivered. */
  wake(): void
  /** Stores the newest heartbeat of each member before an outage. */
  markProven(): void
}

interface Member {
  id: string
  readonly options: MemoryGroupOptions
  readonly listener: GroupListener
  /** By partition name: the next offset to deliver, and the end that was reported last. Absent when not assigned. */
  positions: Map<string, { readonly partition: TopicPartition; next: number; end: number }>
  readonly paused: Set<string>
  generation: number
  joinedAt: number
  provenAt: number | undefined
  state: 'joining' | 'joined' | 'frozen' | 'left'
  isDelivering: boolean
  /** It gets no records from the end of `onRebalance` to the next assignment. */
  isRejoining: boolean
}

const heartbeatMs = 1000
const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`

export function createMemoryGroup(log: MemoryLog, groupId: string): MemoryGroup {
  const members = new Set<Member>()
  const commits = new Map<string, CommitEntry>()
  let generation = 0
  let nextMemberId = 0
  let rebalancing: Promise<void> | undefined
  let isRebalanceWanted = false

  function rebalance(): Promise<void> {
    isRebalanceWanted = true
    rebalancing ??= runRebalances().finally(() => {
      rebalancing = undefined
      wake()
    })
    return rebalancing
  }

  async function runRebalances(): Promise<void> {
    while (isRebalanceWanted) {
      isRebalanceWanted = false
      const joined = [...members].filter((member) => member.state === 'joined')
      const hasNew = [...members].some((member) => member.state === 'joining')
      await Promise.all(joined.map((member) => prepare(member, hasNew)))
      generation += 1
      const joining = [...members].filter((member) => member.state !== 'frozen')
      const assignment = assign(joining.map(claimOf), partitionCounts(joining))
      for (const member of joining) tell(member, assignment.get(member.id) ?? [])
    }
  }

  async function prepare(member: Member, mayLose: boolean): Promise<void> {
    await member.listener.onRebalance(mayLose)
    member.isRejoining = true
    await member.listener.beforeRejoin()
  }

  function claimOf(member: Member): MemberClaim {
    return {
      memberId: member.id,
      topics: member.options.topics,
      owned: [...member.positions.values()].map(({ partition }) => partition),
      generation: member.generation,
    }
  }

  function partitionCounts(joining: readonly Member[]): ReadonlyMap<string, number> {
    const topics = new Set(joining.flatMap((member) => member.options.topics))
    return new Map([...topics].map((topic) => [topic, log.partitionCount(topic)]))
  }

  function tell(member: Member, partitions: readonly TopicPartition[]): void {
    const isContinued = member.state === 'joined' && member.generation === generation - 1
    const positions: Member['positions'] = new Map()
    const assigned = partitions.map((partition): AssignedPartition => {
      const name = nameOf(partition)
      const commit = commits.get(name)
      const known = isContinued ? member.positions.get(name) : undefined
      if (known === undefined) member.paused.delete(name)
      positions.set(name, { partition, next: known?.next ?? commit?.offset ?? 0, end: -1 })
      return {
        ...partition,
        isKept: known !== undefined,
        committedOffset: commit?.offset,
        committedMetadata: commit?.metadata ?? '',
      }
    })
    member.positions = positions
    member.generation = generation
    member.state = 'joined'
    member.isRejoining = false
    member.joinedAt = log.clock.monotonic()
    member.provenAt = member.joinedAt
    member.listener.onAssigned(assigned)
    deliver(member)
  }

  /**
   * Delivers one batch per partition at a time, each in a microtask of its own, until nothing is left. The end of an idle or
   * paused partition is reported when it changes.
   */
  function deliver(member: Member): void {
    if (member.isDelivering) return
    member.isDelivering = true
    queueMicrotask(() => {
      member.isDelivering = false
      if (member.state !== 'joined' || log.isAway() || member.isRejoining) return
      let hasMore = false
      for (const [name, position] of member.positions) {
        const { partition } = position
        const end = log.endOffset(partition)
        const hasNewEnd = end !== position.end
        position.end = end
        if (member.paused.has(name)) {
          if (hasNewEnd) member.listener.onEnd(partition, end)
          continue
        }
        const records = log.slice(partition, position.next, member.options.maxBatch ?? 500)
        if (records.length === 0 && !hasNewEnd) continue
        if (records.length > 0) hasMore = true
        position.next += records.length
        member.listener.onFetched(partition, { records, next: position.next, end })
      }
      if (hasMore) deliver(member)
    })
  }

  function wake(): void {
    for (const member of members) deliver(member)
  }

  function markProven(): void {
    for (const member of members) provenAt(member)
  }

  /** The newest multiple of the heartbeat interval since the join, while the broker is available. */
  function provenAt(member: Member): number | undefined {
    if (member.state === 'joined' && !log.isAway()) {
      const now = log.clock.monotonic()
      member.provenAt = now - ((now - member.joinedAt) % heartbeatMs)
    }
    return member.provenAt
  }

  function commit(
    member: Member,
    entries: readonly CommitEntry[],
  ): 'committed' | 'stale' | 'unavailable' {
    if (log.isAway()) return 'unavailable'
    if (member.state !== 'joined' || member.generation !== generation) return 'stale'
    if (entries.some((entry) => !member.positions.has(nameOf(entry)))) return 'stale'
    for (const entry of entries) commits.set(nameOf(entry), entry)
    return 'committed'
  }

  function createMember(options: MemoryGroupOptions, listener: GroupListener): Member {
    nextMemberId += 1
    return {
      id: `${groupId}-${nextMemberId}`,
      options,
      listener,
      positions: new Map(),
      paused: new Set(),
      generation: -1,
      joinedAt: 0,
      provenAt: undefined,
      state: 'joining',
      isDelivering: false,
      isRejoining: false,
    }
  }

  function createSource(options: MemoryGroupOptions): MemoryGroupSource {
    let member: Member | undefined
    return {
      async start(listener) {
        member = createMember(options, listener)
        members.add(member)
        await rebalance()
      },
      pause: (partition) => void member?.paused.add(nameOf(partition)),
      resume(partition) {
        member?.paused.delete(nameOf(partition))
        if (member !== undefined) deliver(member)
      },
      trouble: () => undefined,
      async commit(entries) {
        await Promise.resolve()
        return member === undefined ? 'stale' : commit(member, entries)
      },
      provenAt: () => (member === undefined ? undefined : provenAt(member)),
      async stop() {
        if (member === undefined) return
        member.state = 'left'
        members.delete(member)
        await rebalance()
      },
      async freeze() {
        if (member === undefined) return
        provenAt(member)
        member.state = 'frozen'
        await rebalance()
      },
      async thaw() {
        if (member === undefined) return
        nextMemberId += 1
        member.id = `${groupId}-${nextMemberId}`
        member.state = 'joining'
        await rebalance()
      },
    }
  }

  return {
    createSource,
    rebalance,
    committed: (partition) => commits.get(nameOf(partition)),
    setCommitted: (entry) => void commits.set(nameOf(entry), entry),
    wake,
    markProven,
  }
}
