/** Encodes and decodes the messages of the group protocol for `assignor.ts`. */
import type { Assigner, PartitionAssigner } from 'kafkajs'
import { AssignerProtocol } from './kafkajs.ts'
import { assign, type MemberClaim, type OwnedPartition } from './assignor.ts'
import { isJsonObject, parseJson } from '../../core/text/json.ts'
import { type InnerCluster, innerOf } from './inner.ts'

/** All classic members of a group must name the same assignor. */
export const protocolName = 'hooktide-sticky'
/** First byte of the user data. A member with another version counts as owning nothing. */
const claimVersion = 1

type Claim = Pick<MemberClaim, 'owned' | 'generation'>
const noClaim: Claim = { owned: [], generation: -1 }

/** The process of a member. It is part of the member's metadata, so that the description of the group has it. */
export interface MemberIdentity {
  readonly instance: string
  readonly version: string
}

/**
 * @param currentClaim what the member was assigned last
 * @param created receives the assigner object, which identifies the consumer's groups
 */
export function createAssigner(
  currentClaim: () => Claim,
  created: (assigner: object) => void,
  identity?: MemberIdentity,
): PartitionAssigner {
  return ({ cluster }) => {
    const inner = innerOf(cluster)
    const assigner: Assigner = {
      name: protocolName,
      version: 0,
      protocol: ({ topics }) => ({
        name: protocolName,
        metadata: AssignerProtocol.MemberMetadata.encode({
          version: 0,
          topics,
          userData: encodeClaim(currentClaim(), identity),
        }),
      }),
      async assign({ members }) {
        const claims = members.map(({ memberId, memberMetadata }): MemberClaim => {
          const metadata = readMetadata(memberMetadata)
          const claim = metadata === null ? noClaim : decodeClaim(metadata.userData)
          return { memberId, topics: metadata?.topics ?? [], ...claim }
        })
        const counts = await countPartitions(inner, claims)
        return [...assign(claims, counts)].map(([memberId, partitions]) => ({
          memberId,
          memberAssignment: AssignerProtocol.MemberAssignment.encode({
            version: 0,
            assignment: byTopic(partitions),
            userData: Buffer.alloc(0),
          }),
        }))
      },
    }
    created(assigner)
    return assigner
  }
}

/** A member whose metadata cannot be read is another program with the name of our assignor. It gets no partition. */
function readMetadata(bytes: Buffer): MemberMetadata | null {
  try {
    return AssignerProtocol.MemberMetadata.decode(bytes)
  } catch {
    return null
  }
}

type MemberMetadata = NonNullable<ReturnType<typeof AssignerProtocol.MemberMetadata.decode>>

/**
 * Partition counts of every topic that any member subscribes to. The leader's own client only knows its own topics; the
 * others are added for one request and then removed, because a deleted topic among them would fail every later refresh.
 */
async function countPartitions(
  cluster: InnerCluster,
  claims: readonly MemberClaim[],
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>()
  for (const topic of new Set(claims.flatMap((claim) => claim.topics))) {
    const isForeign = !cluster.targetTopics.has(topic)
    try {
      if (isForeign) await cluster.addMultipleTargetTopics([topic])
      counts.set(topic, cluster.findTopicPartitionMetadata(topic).length)
    } catch (error) {
      if (!isForeign) throw error
      // The member that subscribes to it gets the same error. The topics of other members must not wait for it.
    } finally {
      if (isForeign) cluster.targetTopics.delete(topic)
    }
  }
  return counts
}

function byTopic(partitions: readonly OwnedPartition[]): Record<string, number[]> {
  const topics: Record<string, number[]> = {}
  for (const { topic, partition } of partitions) (topics[topic] ??= []).push(partition)
  return topics
}

/** @param identity other versions may ignore it */
function encodeClaim(claim: Claim, identity: MemberIdentity | undefined): Buffer {
  const parts = [
    claim.generation,
    byTopic(claim.owned),
    ...(identity === undefined ? [] : [identity]),
  ]
  const text = JSON.stringify(parts)
  return Buffer.concat([Buffer.of(claimVersion), Buffer.from(text)])
}

function decodeClaim(userData: Buffer | null): Claim {
  if (userData?.[0] !== claimVersion) return noClaim
  try {
    const parsed: unknown = JSON.parse(userData.toString('utf8', 1))
    const [generation, topics] = itemsOf(parsed)
    if (typeof generation !== 'number' || typeof topics !== 'object' || topics === null) {
      return noClaim
    }
    const owned = Object.entries(topics).flatMap(([topic, partitions]) =>
      partitionNumbers(partitions).map((partition) => ({ topic, partition })),
    )
    return { generation, owned }
  } catch {
    return noClaim
  }
}

function partitionNumbers(value: unknown): readonly number[] {
  return itemsOf(value).filter((item): item is number => Number.isInteger(item))
}

function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** A member in the description of a group. */
export interface DescribedMember {
  /** `undefined` for a member of a version without it, or of another program. */
  readonly identity: MemberIdentity | undefined
  readonly partitions: readonly OwnedPartition[]
}

/** Reads the metadata and the assignment of a member. Unreadable parts are left out, since any program may be a member. */
export function readDescribedMember(metadata: Buffer, assignment: Buffer): DescribedMember {
  return {
    identity: identityIn(readMetadata(metadata)?.userData ?? null),
    partitions: partitionsIn(assignment),
  }
}

function identityIn(userData: Buffer | null): MemberIdentity | undefined {
  if (userData?.[0] !== claimVersion) return undefined
  const [, , said] = itemsOf(parseJson(userData.subarray(1)))
  if (!isJsonObject(said)) return undefined
  const { instance, version } = said
  if (typeof instance !== 'string' || typeof version !== 'string') return undefined
  return { instance: instance.slice(0, maxIdentity), version: version.slice(0, maxIdentity) }
}

/** Characters. */
const maxIdentity = 256

function partitionsIn(assignment: Buffer): readonly OwnedPartition[] {
  // A member that has just joined has none.
  if (assignment.length === 0) return []
  try {
    const topics = AssignerProtocol.MemberAssignment.decode(assignment)?.assignment ?? {}
    return Object.entries(topics).flatMap(([topic, partitions]) =>
      partitions.map((partition) => ({ topic, partition })),
    )
  } catch {
    return []
  }
}
