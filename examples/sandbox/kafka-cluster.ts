/** Three Kafka nodes as child processes, each broker and controller: what can lose one of its nodes and go on. */
import type { BrokerSettings } from './broker-settings.ts'
import { freePort } from './free-port.ts'
import {
  type EmbeddedKafka,
  type EmbeddedKafkaOptions,
  findTools,
  type NodeOptions,
  soonForgotten,
  startNode,
} from './kafka.ts'
import type { Broker } from './parts.ts'

export interface EmbeddedCluster extends Broker {
  /** Each can be killed and restarted by itself. */
  readonly nodes: readonly EmbeddedNode[]
}

export interface EmbeddedNode extends EmbeddedKafka {
  readonly id: number
}

const nodeIds = [1, 2, 3]

/** Where a node listens. */
export interface NodeAddress {
  /** For clients and for the other nodes. */
  readonly port: number
  readonly controllerPort: number
}

export interface EmbeddedClusterOptions extends Omit<EmbeddedKafkaOptions, 'port'> {
  /** Settings that differ from node to node, on top of `overrides`. */
  readonly ownOverrides?: (node: NodeAddress) => Promise<BrokerSettings>
}

/**
 * Topics are on all nodes, and a write needs two of them. Leaders move three seconds after their node is gone.
 *
 * @throws {UserError} when Java or Maven is missing, or a node does not start.
 */
export async function startEmbeddedCluster(
  options: EmbeddedClusterOptions = {},
): Promise<EmbeddedCluster> {
  const tools = await findTools(options)
  const plans = await planNodes(options)
  // None is ready before most of them run.
  const started = await Promise.allSettled(plans.map((plan) => startNode(tools, plan)))
  const nodes = started.flatMap((one, index) =>
    one.status === 'fulfilled' ? [{ ...one.value, id: nodeIds[index] ?? 0 }] : [],
  )
  const stop = async () => {
    // An orderly end would first look for others to lead; the data goes anyway.
    await Promise.all(nodes.map((node) => node.kill()))
    await Promise.all(nodes.map((node) => node.stop()))
  }
  const failed = started.find((one) => one.status === 'rejected')
  if (failed !== undefined) {
    await stop()
    throw failed.reason
  }
  return { brokers: nodes.flatMap(({ brokers }) => brokers), nodes, stop }
}

async function planNodes({
  overrides,
  ownOverrides = () => Promise.resolve({}),
}: EmbeddedClusterOptions): Promise<readonly NodeOptions[]> {
  const ports = await freePorts(nodeIds.length * 2)
  const portsOf = (index: number) => ({
    port: ports[index * 2] ?? 0,
    controllerPort: ports[index * 2 + 1] ?? 0,
  })
  const voters = nodeIds.map((id, index) => `${id}@127.0.0.1:${portsOf(index).controllerPort}`)
  const own = await Promise.all(nodeIds.map((_, index) => ownOverrides(portsOf(index))))
  return nodeIds.map((id, index) => ({
    ...portsOf(index),
    javaFlags: ['-Xmx256m'],
    overrides: {
      'node.id': String(id),
      'controller.quorum.voters': voters.join(','),
      'default.replication.factor': '3',
      'min.insync.replicas': '2',
      'offsets.topic.replication.factor': '3',
      'transaction.state.log.replication.factor': '3',
      'transaction.state.log.min.isr': '2',
      ...soonForgotten,
      ...overrides,
      ...own[index],
    },
  }))
}

async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>()
  while (ports.size < count) ports.add(await freePort())
  return [...ports]
}
