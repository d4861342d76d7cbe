/**
 * Members of other programs in a group of ours. Each member of a group gets some of its partitions, and the others never get
 * the records of these. A broker refuses a classic member whose assignor differs from that of the present members. But it
 * accepts members of the consumer protocol (KIP-848, Kafka 4) next to classic ones. Then the broker assigns the partitions
 * itself.
 */
import { UserError } from '../../core/model/errors.ts'
import { protocolName } from './assigner.ts'
import { errorType, type KafkaLog, type KafkaSettings, messageOf } from './client.ts'
import { clusterOf } from './cluster.ts'
import { askFlexibly, lengthOf, noTags, type Decoder, type Encoder } from './flexible-request.ts'
import type { Coordinator, DescribedGroup, InnerCluster } from './inner.ts'

/** Another program in a group. */
export interface ForeignMembers {
  /** How the group is used; begins with "it". */
  readonly use: string
  /** Client id and host of each member, as far as they are known. */
  readonly clients: readonly string[]
}

/** How many clients a message names, and characters of each. The other program chooses both. */
const maxClients = 5
const maxClientLength = 100

/**
 * Uses a connection of its own.
 *
 * @returns a message for people; `undefined` if no other program is a member
 */
export async function conflictIn(
  settings: KafkaSettings,
  log: KafkaLog,
  groupId: string,
): Promise<string | undefined> {
  const cluster = clusterOf(settings, log)
  try {
    await cluster.connect()
    return await conflictBy(cluster, groupId)
  } finally {
    await cluster.disconnect()
  }
}

/** The same on a given connection. */
export async function conflictBy(
  cluster: Pick<InnerCluster, 'findGroupCoordinator'>,
  groupId: string,
): Promise<string | undefined> {
  const found = await foreignMembers(await cluster.findGroupCoordinator({ groupId }), groupId)
  return found === undefined ? undefined : conflictMessage(groupId, found)
}

function conflictMessage(groupId: string, { use, clients }: ForeignMembers): string {
  const named = clients.slice(0, maxClients).map((client) => client.slice(0, maxClientLength))
  const more = clients.length > named.length ? [`${clients.length - named.length} more`] : []
  const who = named.length === 0 ? '' : ` (${[...named, ...more].join(', ')})`
  return `Group ${groupId} is used by another program: ${use}${who}. Each takes away records that the other needs. Stop that program, or set HOOKTIDE_GROUP_ID to a group that nobody else uses.`
}

async function foreignMembers(
  coordinator: Coordinator,
  groupId: string,
): Promise<ForeignMembers | undefined> {
  const [group] = (await coordinator.describeGroups({ groupIds: [groupId] })).groups
  if (group !== undefined && group.state !== 'Dead') return classicMembers(group)
  // KafkaJS's request knows only classic groups. It reports others as dead.
  const type = (await groupTypeOf(coordinator, groupId))?.toLowerCase()
  if (type === 'consumer') return await consumerMembers(coordinator, groupId)
  return type === undefined ? undefined : { use: `it is a ${type} group`, clients: [] }
}

/** A group without members accepts any assignor. While a group rebalances, its assignor is not known. */
function classicMembers(group: DescribedGroup): ForeignMembers | undefined {
  const { protocolType, protocol, members } = group
  if (members.length === 0) return undefined
  const clients = members.map(clientText)
  if (protocolType !== '' && protocolType !== 'consumer') {
    return { use: `it has members of the protocol type "${protocolType}"`, clients }
  }
  if (protocol === '' || protocol === protocolName) return undefined
  return { use: `it has members with the assignor "${protocol}"`, clients }
}

function clientText(member: { readonly clientId: string; readonly clientHost: string }): string {
  return `${member.clientId} at ${member.clientHost.replace(/^\//, '')}`
}

// --- requests that KafkaJS does not know -------------------------------------------------------------

/** ListGroups 5 (KIP-848, Kafka 3.8). A coordinator lists its own groups. */
function groupTypeOf(coordinator: Coordinator, groupId: string): Promise<string | undefined> {
  return askFlexibly(coordinator, {
    apiKey: 16,
    apiName: 'ListGroups',
    version: 5,
    encode(encoder) {
      encoder.writeUVarInt(lengthOf(0)) // states_filter
      writeTexts(encoder, ['consumer', 'share', 'streams']) // types_filter
      encoder.writeUVarInt(noTags)
    },
    decode(decoder) {
      decoder.readInt32() // throttle_time_ms
      decoder.readInt16() // error_code
      const groups = decoder.readUVarIntArray((group) => {
        const id = group.readUVarIntString()
        group.readUVarIntString() // protocol_type
        group.readUVarIntString() // group_state
        const type = group.readUVarIntString()
        group.readTaggedFields()
        return { id, type }
      })
      return groups.find(({ id }) => id === groupId)?.type ?? undefined
    },
  })
}

const consumerMember = 1

/**
 * ConsumerGroupDescribe 1 (KIP-848, Kafka 4.0). Classic members of such a group are ours, because a broker refuses those
 * with another assignor. `undefined` if there are no other members, as after all of them have left.
 */
async function consumerMembers(
  coordinator: Coordinator,
  groupId: string,
): Promise<ForeignMembers | undefined> {
  const members = await askFlexibly(coordinator, {
    apiKey: 69,
    apiName: 'ConsumerGroupDescribe',
    version: 1,
    encode(encoder) {
      writeTexts(encoder, [groupId])
      encoder
        .writeBoolean(false) // include_authorized_operations
        .writeUVarInt(noTags)
    },
    decode(decoder) {
      decoder.readInt32() // throttle_time_ms
      return decoder.readUVarIntArray(readGroup).flat()
    },
  })
  const clients = members?.filter(({ type }) => type === consumerMember).map(clientText)
  if (clients?.length === 0) return undefined
  return { use: 'it has members of the consumer protocol (KIP-848)', clients: clients ?? [] }
}

function readGroup(group: Decoder) {
  group.readInt16() // error_code
  group.readUVarIntString() // error_message
  group.readUVarIntString() // group_id
  group.readUVarIntString() // group_state
  group.readInt32() // group_epoch
  group.readInt32() // assignment_epoch
  group.readUVarIntString() // assignor_name
  const members = group.readUVarIntArray(readMember)
  group.readInt32() // authorized_operations
  group.readTaggedFields()
  return members
}

function readMember(member: Decoder) {
  member.readUVarIntString() // member_id
  member.readUVarIntString() // instance_id
  member.readUVarIntString() // rack_id
  member.readInt32() // member_epoch
  const clientId = member.readUVarIntString() ?? ''
  const clientHost = member.readUVarIntString() ?? ''
  member.readUVarIntArray((topic) => topic.readUVarIntString()) // subscribed_topic_names
  member.readUVarIntString() // subscribed_topic_regex
  skipAssignment(member) // assignment
  skipAssignment(member) // target_assignment
  const type = member.readInt8()
  member.readTaggedFields()
  return { clientId, clientHost, type }
}

function skipAssignment(assignment: Decoder): void {
  assignment.readUVarIntArray((topic) => {
    topic.readBytes(16) // topic_id
    topic.readUVarIntString() // topic_name
    topic.readUVarIntArray((partition) => partition.readInt32())
    topic.readTaggedFields()
  })
  assignment.readTaggedFields()
}

function writeTexts(encoder: Encoder, texts: readonly string[]): void {
  encoder.writeUVarInt(lengthOf(texts.length))
  for (const text of texts) encoder.writeUVarIntString(text)
}

// --- why a member is refused -------------------------------------------------------------------------

/** A group that cannot be joined. `retriable` ends KafkaJS's own retries. */
export class JoinError extends UserError {
  readonly retriable = false
}

/** What to do about it, by Kafka's name for the error. */
const joinFixes: Readonly<Record<string, string>> = {
  GROUP_MAX_SIZE_REACHED:
    "It has as many members as the brokers' group.max.size allows: raise that, or run fewer processes.",
  INVALID_SESSION_TIMEOUT:
    "HOOKTIDE_SESSION_TIMEOUT_MS must lie between the brokers' group.min.session.timeout.ms and group.max.session.timeout.ms.",
  INVALID_GROUP_ID: 'Set HOOKTIDE_GROUP_ID to another name.',
}
const defaultFix =
  'If another program uses this group, stop it, or set HOOKTIDE_GROUP_ID to a group that nobody else uses.'

/**
 * Why a group cannot be joined: another program is a member, or another reason that Kafka gives.
 *
 * @param refused the error with which the join was finally refused
 */
export async function joinError(
  cluster: Pick<InnerCluster, 'findGroupCoordinator'>,
  groupId: string,
  refused: unknown,
): Promise<JoinError> {
  const conflict = await conflictBy(cluster, groupId).catch(() => undefined)
  if (conflict !== undefined) return new JoinError(conflict)
  const fix = joinFixes[errorType(refused) ?? ''] ?? defaultFix
  return new JoinError(`Group ${groupId} cannot be joined: ${messageOf(refused)}. ${fix}`)
}
