/**
 * The broker's side of one consumer group.
 *
 * The group is *stable*, or *preparing* a rebalance. While preparing, it waits until every member has asked to join, for at
 * most the rebalance time-out, and expels the others. Then the generation rises by one, and the project's own assignor
 * assigns the partitions. A member that sends nothing for the session time-out is expelled, unless it waits in a join.
 */
import { assign, type MemberClaim } from '../../src/edge/kafka/assignor.ts'
import type { CommitEntry, TopicPartition } from '../../src/ports.ts'
import type { Timeline } from './timeline.ts'

export interface Joined {
  readonly memberId: string
  readonly generation: number
  /** All members of the generation. */
  readonly members: ReadonlySet<string>
  readonly partitions: readonly TopicPartition[]
}

export type HeartbeatAnswer = 'ok' | 'rebalancing' | 'unknown'

export interface GroupTimes {
  readonly sessionMs: number
  readonly rebalanceMs: number
}

interface Member {
  readonly id: string
  claim: Omit<MemberClaim, 'memberId'>
  /** Called with the answer to a join; `undefined` while the member does not wait for one. */
  join: ((joined: Joined) => void) | undefined
  lastSeenAt: number
}

/** Observes a group. */
export interface GroupWatch {
  committed(entry: CommitEntry): void
  /** Called when the group's state changes. The owners of its partitions are not certain during a rebalance. */
  moved(): void
}

/** How long an empty group waits for further members before it assigns partitions. */
const initialDelayMs = 50

export function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

export class Coordinator {
  readonly name: string
  readonly #timeline: Timeline
  readonly #times: GroupTimes
  readonly #countOf: (topic: string) => number
  readonly #watch: GroupWatch
  readonly #members = new Map<string, Member>()
  readonly #commits = new Map<string, CommitEntry>()
  #owners = new Map<string, string>()
  #generation = 0
  #made = 0
  #cancelPreparing: (() => void) | undefined

  constructor(
    name: string,
    parts: {
      readonly timeline: Timeline
      readonly times: GroupTimes
      readonly countOf: (topic: string) => number
      readonly watch: GroupWatch
    },
  ) {
    this.name = name
    this.#timeline = parts.timeline
    this.#times = parts.times
    this.#countOf = parts.countOf
    this.#watch = parts.watch
  }

  get isStable(): boolean {
    return this.#cancelPreparing === undefined
  }

  get memberIds(): Iterable<string> {
    return this.#members.keys()
  }

  /** The member that owns the partition. */
  ownerOf(partition: TopicPartition): string | undefined {
    const owner = this.#owners.get(nameOf(partition))
    return owner !== undefined && this.#members.has(owner) ? owner : undefined
  }

  committed(partition: TopicPartition): CommitEntry | undefined {
    return this.#commits.get(nameOf(partition))
  }

  join(
    memberId: string | undefined,
    claim: Omit<MemberClaim, 'memberId'>,
    answer: (joined: Joined) => void,
  ): void {
    const known = memberId === undefined ? undefined : this.#members.get(memberId)
    const member = known ?? this.#newMember(claim)
    member.claim = known === undefined ? { ...claim, owned: [], generation: -1 } : claim
    member.join = answer
    if (this.#cancelPreparing === undefined) this.#prepare()
    this.#completeIfReady()
  }

  heartbeat(memberId: string, generation: number): HeartbeatAnswer {
    const member = this.#members.get(memberId)
    if (member === undefined || generation !== member.claim.generation) return 'unknown'
    member.lastSeenAt = this.#timeline.now
    return this.isStable ? 'ok' : 'rebalancing'
  }

  leave(memberId: string): void {
    if (this.#members.has(memberId)) this.#expel(memberId)
  }

  commit(
    memberId: string,
    generation: number,
    entries: readonly CommitEntry[],
  ): 'committed' | 'stale' {
    const member = this.#members.get(memberId)
    if (member === undefined || member.claim.generation !== generation) return 'stale'
    if (generation !== this.#generation) return 'stale'
    member.lastSeenAt = this.#timeline.now
    for (const entry of entries) {
      this.#commits.set(nameOf(entry), entry)
      this.#watch.committed(entry)
    }
    return 'committed'
  }

  #newMember(claim: Member['claim']): Member {
    this.#made += 1
    const id = `${this.name}-${this.#made}`
    const member: Member = { id, claim, join: undefined, lastSeenAt: this.#timeline.now }
    this.#members.set(id, member)
    this.#watchSession(member)
    return member
  }

  #watchSession(member: Member): void {
    this.#timeline.at(member.lastSeenAt + this.#times.sessionMs, () => {
      if (this.#members.get(member.id) !== member) return
      if (member.join !== undefined) member.lastSeenAt = this.#timeline.now
      if (this.#timeline.now < member.lastSeenAt + this.#times.sessionMs) this.#watchSession(member)
      else this.#expel(member.id)
    })
  }

  #expel(memberId: string): void {
    this.#members.delete(memberId)
    this.#watch.moved()
    if (this.#members.size === 0) {
      this.#cancelPreparing?.()
      this.#cancelPreparing = undefined
      this.#owners = new Map()
      return
    }
    if (this.#cancelPreparing === undefined) this.#prepare()
    this.#completeIfReady()
  }

  #prepare(): void {
    this.#watch.moved()
    const isEmpty = this.#owners.size === 0
    const waitMs = isEmpty ? initialDelayMs : this.#times.rebalanceMs
    this.#cancelPreparing = this.#timeline.after(waitMs, () => this.#complete())
    if (isEmpty) this.#isInitial = true
  }

  /** Whether the group was empty. Then it waits for its delay even when all known members have joined. */
  #isInitial = false

  #completeIfReady(): void {
    if (this.#cancelPreparing === undefined || this.#isInitial) return
    for (const { join } of this.#members.values()) if (join === undefined) return
    this.#complete()
  }

  #complete(): void {
    this.#cancelPreparing?.()
    this.#cancelPreparing = undefined
    this.#isInitial = false
    for (const { id, join } of this.#members.values()) {
      if (join === undefined) this.#members.delete(id)
    }
    this.#generation += 1
    const claims = [...this.#members.values()].map(({ id, claim }) => ({ ...claim, memberId: id }))
    const topics = new Set(claims.flatMap((claim) => claim.topics))
    const counts = new Map([...topics].map((topic) => [topic, this.#countOf(topic)]))
    const assignment = assign(claims, counts)
    const members = new Set(this.#members.keys())
    this.#owners = new Map()
    this.#watch.moved()
    for (const [id, member] of this.#members) {
      const partitions = assignment.get(id) ?? []
      for (const partition of partitions) this.#owners.set(nameOf(partition), id)
      const answer = member.join
      member.join = undefined
      member.lastSeenAt = this.#timeline.now
      member.claim = { ...member.claim, owned: partitions, generation: this.#generation }
      answer?.({ memberId: id, generation: this.#generation, members, partitions })
    }
  }
}
