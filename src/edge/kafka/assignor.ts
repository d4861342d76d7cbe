/**
 * Assigns partitions to members. It is sticky: a partition moves only to restore the balance, because a move interrupts the
 * calls of its records. Each topic is shared evenly among the members that subscribe to it. During a rolling change of
 * topics the subscriptions differ, and an assignor that uses only the leader's subscription would leave partitions unread.
 */
export interface OwnedPartition {
  readonly topic: string
  readonly partition: number
}

/** The claim of a member when it joins. */
export interface MemberClaim {
  readonly memberId: string
  readonly topics: readonly string[]
  /** Its last assignment, which it got in `generation`. */
  readonly owned: readonly OwnedPartition[]
  readonly generation: number
}

/** How the partitions of one topic are shared out: `floor` each, and one more for the members in `favoured`. */
interface TopicShare {
  readonly topic: string
  readonly partitions: number
  readonly subscribers: readonly string[]
  readonly floor: number
  readonly favoured: Set<string>
  /** The owner of each partition that has a valid claim. */
  readonly owners: ReadonlyMap<number, string>
  readonly ownedCounts: ReadonlyMap<string, number>
}

/**
 * Every partition of a subscribed topic goes to exactly one of its subscribers. The numbers of partitions per topic differ
 * by at most one between its subscribers. If all subscribe to the same topics, so do the totals.
 *
 * @param partitionCounts number of partitions by topic; topics not in it are left out
 */
export function assign(
  members: readonly MemberClaim[],
  partitionCounts: ReadonlyMap<string, number>,
): ReadonlyMap<string, readonly OwnedPartition[]> {
  const result = new Map<string, OwnedPartition[]>()
  for (const id of members.map((member) => member.memberId).toSorted()) result.set(id, [])

  const totals = new Map([...result.keys()].map((id) => [id, 0]))
  const shares = [...partitionCounts.entries()]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([topic, partitions]) => shareOf(topic, partitions, members, totals))
    .filter((share) => share.subscribers.length > 0)
  evenOut(shares, totals)

  for (const share of shares) {
    for (const [partition, memberId] of place(share)) {
      result.get(memberId)?.push({ topic: share.topic, partition })
    }
  }
  return result
}

/**
 * Decides who is favoured in one topic, without regard to others. Members whose partitions would move otherwise come first.
 */
function shareOf(
  topic: string,
  partitions: number,
  members: readonly MemberClaim[],
  totals: Map<string, number>,
): TopicShare {
  const subscribers = members
    .filter((member) => member.topics.includes(topic))
    .map((member) => member.memberId)
    .toSorted()
  const owners = ownersOf(topic, partitions, members)
  const ownedCounts = new Map<string, number>()
  for (const owner of owners.values()) ownedCounts.set(owner, (ownedCounts.get(owner) ?? 0) + 1)

  const floor = subscribers.length === 0 ? 0 : Math.floor(partitions / subscribers.length)
  const wishes = (id: string): number => ((ownedCounts.get(id) ?? 0) > floor ? 0 : 1)
  const favoured = new Set(
    subscribers
      .toSorted(
        (one, other) =>
          wishes(one) - wishes(other) || (totals.get(one) ?? 0) - (totals.get(other) ?? 0),
      )
      .slice(0, partitions - floor * subscribers.length),
  )
  for (const id of subscribers) {
    totals.set(id, (totals.get(id) ?? 0) + floor + (favoured.has(id) ? 1 : 0))
  }
  return { topic, partitions, subscribers, floor, favoured, owners, ownedCounts }
}

/** The member with the valid claim on each partition. It is the claim of the newest generation; older ones were lost. */
function ownersOf(
  topic: string,
  partitions: number,
  members: readonly MemberClaim[],
): ReadonlyMap<number, string> {
  const claims = new Map<number, MemberClaim>()
  for (const member of members) {
    if (!member.topics.includes(topic)) continue
    for (const owned of member.owned) {
      if (owned.topic !== topic || owned.partition >= partitions) continue
      const rival = claims.get(owned.partition)
      if (rival === undefined || isStronger(member, rival)) claims.set(owned.partition, member)
    }
  }
  return new Map([...claims].map(([partition, member]) => [partition, member.memberId]))
}

function isStronger(one: MemberClaim, other: MemberClaim): boolean {
  if (one.generation !== other.generation) return one.generation > other.generation
  return one.memberId < other.memberId
}

/**
 * Passes favours from members with more partitions to members with fewer, until no topic allows it. Each pass makes the
 * totals more even, so it ends.
 */
function evenOut(shares: readonly TopicShare[], totals: Map<string, number>): void {
  for (let pass = cheapestPass(shares, totals); pass !== undefined;) {
    pass.share.favoured.delete(pass.from)
    pass.share.favoured.add(pass.to)
    totals.set(pass.from, (totals.get(pass.from) ?? 0) - 1)
    totals.set(pass.to, (totals.get(pass.to) ?? 0) + 1)
    pass = cheapestPass(shares, totals)
  }
}

interface Pass {
  readonly share: TopicShare
  readonly from: string
  readonly to: string
}

/** The pass that moves the fewest partitions; among equals, the one between the most uneven members. */
function cheapestPass(
  shares: readonly TopicShare[],
  totals: ReadonlyMap<string, number>,
): Pass | undefined {
  let best: Pass | undefined
  let bestCost = Infinity
  let bestGap = 0
  for (const share of shares) {
    for (const from of share.favoured) {
      for (const to of share.subscribers) {
        const gap = (totals.get(from) ?? 0) - (totals.get(to) ?? 0)
        if (gap < 2 || share.favoured.has(to)) continue
        const cost = wants(share, from) - wants(share, to)
        if (cost < bestCost || (cost === bestCost && gap > bestGap)) {
          best = { share, from, to }
          bestCost = cost
          bestGap = gap
        }
      }
    }
  }
  return best
}

/** 1 when the member keeps one partition more if it is favoured. */
function wants(share: TopicShare, id: string): number {
  return (share.ownedCounts.get(id) ?? 0) > share.floor ? 1 : 0
}

/** Assigns partitions to members. Owners keep as many as they may have, and the others go to members with too few. */
function place(share: TopicShare): ReadonlyMap<number, string> {
  const room = new Map(
    share.subscribers.map((id) => [id, share.floor + (share.favoured.has(id) ? 1 : 0)]),
  )
  const placed = new Map<number, string>()
  const free: number[] = []
  for (let partition = 0; partition < share.partitions; partition += 1) {
    const owner = share.owners.get(partition)
    const left = owner === undefined ? 0 : (room.get(owner) ?? 0)
    if (owner === undefined || left === 0) free.push(partition)
    else {
      room.set(owner, left - 1)
      placed.set(partition, owner)
    }
  }
  for (const [id, left] of room) {
    for (const partition of free.splice(0, left)) placed.set(partition, id)
  }
  return new Map([...placed].toSorted(([one], [other]) => one - other))
}
