/**
 * Finds the rights that a principal lacks. Only principals with a right to the ACLs may list them. So each right is tested
 * with a request that has no effect, because it names a partition that no topic has, or an unknown group and member. Brokers
 * check the right before they look for these.
 */
import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { encodeBatch } from './batch-encoding.ts'
import type { Right } from './needed-rights.ts'
import { errorType, type KafkaLog, type KafkaSettings } from './client.ts'
import { clusterOf } from './cluster.ts'
import type { InnerBroker, InnerCluster } from './inner.ts'
import { opening } from './refusals.ts'

/** The highest number of a partition. No topic has so many. */
const noPartition = 2 ** 31 - 1

/**
 * @returns those of `wanted` that the principal does not have
 * @throws {UserError} when no broker can be reached, or it refuses the connection
 */
export async function missingRights(
  settings: KafkaSettings,
  log: KafkaLog,
  wanted: readonly Right[],
): Promise<readonly Right[]> {
  if (wanted.length === 0) return []
  let cluster: InnerCluster | undefined
  try {
    const tried = await opening(settings, async (onFault) => {
      cluster = clusterOf(settings, log, onFault)
      await cluster.connect()
      await cluster.refreshMetadata()
      const broker = await cluster.findControllerBroker()
      return await Promise.all(
        wanted.map(async (right) => ({ right, isGranted: await isGranted(broker, right) })),
      )
    })
    return tried.filter((one) => !one.isGranted).map(({ right }) => right)
  } finally {
    await cluster?.disconnect()
  }
}

async function isGranted(broker: InnerBroker, right: Right): Promise<boolean> {
  try {
    await tryOut(broker, right)
    return true
  } catch (error) {
    const type = errorType(error)
    // Such a request is expected to fail. Only a refusal and a lost connection are of interest.
    if (type === undefined) throw error
    return type !== 'TOPIC_AUTHORIZATION_FAILED' && type !== 'GROUP_AUTHORIZATION_FAILED'
  }
}

async function tryOut(broker: InnerBroker, right: Right): Promise<unknown> {
  const { operation, resource } = right
  const name = right.isPrefix ? `${right.name}${randomUUID()}` : right.name
  if (resource === 'group') return await tryOnGroup(broker, right, name)
  switch (operation) {
    case 'Read': {
      const partitions = [{ partition: noPartition, fetchOffset: '0', maxBytes: 1 }]
      return await broker.fetch({ maxWaitTime: 0, topics: [{ topic: name, partitions }] })
    }
    case 'Write': {
      const partitions = [{ partition: noPartition, encoded: await emptyBatch() }]
      return await broker.produce({
        acks: -1,
        timeout: 0,
        topicData: [{ topic: name, partitions }],
      })
    }
    case 'DescribeConfigs':
      return await broker.describeConfigs({
        resources: [{ type: topicResource, name, configNames: ['cleanup.policy'] }],
      })
    case 'Describe':
    case 'Create':
    case 'Delete':
      return await broker.metadata([name])
  }
}

async function tryOnGroup(broker: InnerBroker, right: Right, groupId: string): Promise<unknown> {
  if (right.operation === 'Describe') return await broker.describeGroups({ groupIds: [groupId] })
  if (right.operation === 'Delete') {
    const { results } = await broker.deleteGroups([`${right.name}${randomUUID()}`])
    for (const { errorCode } of results) if (errorCode !== 0) throw protocolError(errorCode)
  }
  return await broker.heartbeat({ groupId, memberId: 'nobody', groupGenerationId: 0 })
}

const topicResource = 2
/** What a producer without sequence numbers gives (KIP-98). */
const unsequenced = { producerId: -1n, producerEpoch: -1, firstSequence: -1 }

function emptyBatch(): Promise<Buffer> {
  return encodeBatch([{ key: null, value: null, headers: [] }], unsequenced, Date.now(), 'none')
}

const { createErrorFromCode: protocolError } = createRequire(import.meta.url)(
  'kafkajs/src/protocol/error',
) as { readonly createErrorFromCode: (code: number) => Error }
