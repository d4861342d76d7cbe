/** The members of a group, as its coordinator describes it. It leaves out members of the consumer protocol (KIP-848). */
import type { Admin } from 'kafkajs'
import { readDescribedMember, type DescribedMember } from './assigner.ts'

export interface GroupMember extends DescribedMember {
  readonly memberId: string
  /** Address of its connection, as the broker sees it. */
  readonly host: string
}

export interface GroupDescription {
  /** Kafka's name of the state: `Stable`, `PreparingRebalance`, `CompletingRebalance`, `Empty` or `Dead`. */
  readonly state: string
  readonly members: readonly GroupMember[]
}

export async function describeGroup(admin: Admin, groupId: string): Promise<GroupDescription> {
  const { groups } = await admin.describeGroups([groupId])
  const [group] = groups
  return {
    state: group?.state ?? 'Dead',
    members: (group?.members ?? []).map(
      ({ memberId, clientHost, memberMetadata, memberAssignment }) => ({
        memberId,
        host: clientHost.replace(/^\//, ''),
        ...readDescribedMember(memberMetadata, memberAssignment),
      }),
    ),
  }
}
