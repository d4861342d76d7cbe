/**
 * Which rights a principal lacks. Kafka tells that only to those who may see its ACLs, so each right is tried out with a
 * request that cannot do anything: a partition that no topic has, a member and a group that nobody knows. The authorizer
 * is asked before any of these is looked for.
 */
import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import type { Right } from '../core/rights.ts'
import { errorType, type KafkaLog, type KafkaSettings } from './kafka-client.ts'
import { clusterOf } from './kafka-cluster.ts'
import type { InnerCluster } from './kafka-patches.ts'
import { opening } from './kafka-refusals.ts'

/** The highest there can be, which nobody creates. */
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
  let cluster: AskedCluster | undefined
  try {
    const broker = await opening(settings, async (onFault) => {
      cluster = clusterOf(settings, log, onFault) as AskedCluster
      await cluster.connect()
      await cluster.refreshMetadata()
      return await cluster.findControllerBroker()
    })
    const tried = await Promise.all(
      wanted.map(async (right) => ({ right, isGranted: await isGranted(broker, right) })),
    )
    return tried.filter((one) => !one.isGranted).map(({ right }) => right)
  } finally {
    await cluster?.disconnect()
  }
}

async function isGranted(broker: AskedBroker, right: Right): Promise<boolean> {
  try {
    await tryOut(broker, right)
    return true
  } catch (error) {
    const type = errorType(error)
    // Everything but a refusal and a lost connection is what such a request is expected to meet.
    if (type === undefined) throw error
    return type !== 'TOPIC_AUTHORIZATION_FAILED' && type !== 'GROUP_AUTHORIZATION_FAILED'
  }
}

async function tryOut(broker: AskedBroker, right: Right): Promise<unknown> {
  const { operation, resource } = right
  const name = right.isPrefix ? `${right.name}${randomUUID()}` : right.name
  if (resource === 'group') {
    if (operation === 'Delete') {
      const { results } = await broker.deleteGroups([`${right.name}${randomUUID()}`])
      for (const { errorCode } of results) if (errorCode !== 0) throw protocolError(errorCode)
    }
    return await broker.heartbeat({ groupId: name, memberId: 'nobody', groupGenerationId: 0 })
  }
  switch (operation) {
    case 'Read': {
      const partitions = [{ partition: noPartition, fetchOffset: '0', maxBytes: 1 }]
      return await broker.fetch({ maxWaitTime: 0, topics: [{ topic: name, partitions }] })
    }
    case 'Write': {
      const partitions = [{ partition: noPartition, messages: [{ key: null, value: null }] }]
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

// --- what is used of KafkaJS's inner objects ---------------------------------------------------------

const topicResource = 2

const { createErrorFromCode: protocolError } = createRequire(import.meta.url)(
  'kafkajs/src/protocol/error',
) as { readonly createErrorFromCode: (code: number) => Error }

/** Each but `deleteGroups` rejects with the first error that the answer has. */
interface AskedBroker {
  metadata(topics: readonly string[]): Promise<unknown>
  fetch(request: {
    readonly maxWaitTime: number
    readonly topics: readonly {
      readonly topic: string
      readonly partitions: readonly {
        readonly partition: number
        readonly fetchOffset: string
        readonly maxBytes: number
      }[]
    }[]
  }): Promise<unknown>
  produce(request: {
    readonly acks: number
    readonly timeout: number
    readonly topicData: readonly {
      readonly topic: string
      readonly partitions: readonly {
        readonly partition: number
        readonly messages: readonly { readonly key: null; readonly value: null }[]
      }[]
    }[]
  }): Promise<unknown>
  describeConfigs(request: {
    readonly resources: readonly {
      readonly type: number
      readonly name: string
      readonly configNames: readonly string[]
    }[]
  }): Promise<unknown>
  heartbeat(request: {
    readonly groupId: string
    readonly memberId: string
    readonly groupGenerationId: number
  }): Promise<unknown>
  deleteGroups(
    groupIds: readonly string[],
  ): Promise<{ readonly results: readonly { readonly errorCode: number }[] }>
}

interface AskedCluster extends InnerCluster {
  refreshMetadata(): Promise<void>
  findControllerBroker(): Promise<AskedBroker>
}
