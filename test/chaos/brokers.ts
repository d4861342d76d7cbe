/**
 * One broker or three. Each has two listeners: a direct one for the load and the books, and one behind a proxy for the
 * processors. The proxy can disturb its connections.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import {
  type BrokerSettings,
  type EmbeddedKafka,
  freePort,
  type NodeAddress,
  soonForgotten,
  startEmbeddedCluster,
  startEmbeddedKafka,
} from '../../examples/sandbox/sandbox.ts'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

export interface ChaosBrokers extends AsyncDisposable {
  readonly nodes: readonly EmbeddedKafka[]
  /** The direct addresses. */
  readonly addresses: readonly string[]
  /** The addresses of the proxies. */
  readonly proxiedAddresses: readonly string[]
  readonly proxies: readonly TcpProxy[]
  /** Whether a broker was lost for good. */
  isLost: boolean
}

const shared: BrokerSettings = {
  ...soonForgotten,
  // Compaction must happen within the run.
  'log.cleaner.backoff.ms': '500',
  // Clients of the direct listener may do everything. Rights of the processors can be removed.
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'allow.everyone.if.no.acl.found': 'true',
  'super.users': 'User:ANONYMOUS',
}

/** How processors log in. */
export const processorLogin = { user: 'processor', password: 'processor-secret' } as const

export async function startBrokers(count: 1 | 3): Promise<ChaosBrokers> {
  await using starting = new AsyncDisposableStack()
  const proxies: TcpProxy[] = []
  const ownOverrides = async (address: NodeAddress): Promise<BrokerSettings> => {
    const frontPort = await freePort()
    const proxy = starting.use(
      await startTcpProxy({ target: { host: '127.0.0.1', port: frontPort } }),
    )
    proxies.push(proxy)
    return twoWays(address, { frontPort, proxyPort: proxy.port })
  }
  const nodes = count === 1 ? [await startOne(ownOverrides)] : await startThree(ownOverrides)
  for (const node of nodes) starting.defer(() => node.stop())
  const kept = starting.move()
  return {
    nodes,
    proxies,
    addresses: nodes.flatMap(({ brokers }) => brokers),
    proxiedAddresses: proxies.map(({ port }) => `127.0.0.1:${port}`),
    isLost: false,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

async function startOne(
  ownOverrides: (address: NodeAddress) => Promise<BrokerSettings>,
): Promise<EmbeddedKafka> {
  const address = { port: await freePort(), controllerPort: await freePort() }
  const voters = { 'controller.quorum.voters': `1@127.0.0.1:${address.controllerPort}` }
  const overrides = { ...shared, ...voters, ...(await ownOverrides(address)) }
  return await startEmbeddedKafka({ port: address.port, overrides })
}

async function startThree(
  ownOverrides: (address: NodeAddress) => Promise<BrokerSettings>,
): Promise<readonly EmbeddedKafka[]> {
  const { nodes } = await startEmbeddedCluster({ overrides: shared, ownOverrides })
  return nodes
}

function twoWays(
  { port, controllerPort }: NodeAddress,
  { frontPort, proxyPort }: { readonly frontPort: number; readonly proxyPort: number },
): BrokerSettings {
  const { user, password } = processorLogin
  return {
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort},FRONT://127.0.0.1:${frontPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port},FRONT://127.0.0.1:${proxyPort}`,
    'listener.security.protocol.map':
      'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,FRONT:SASL_PLAINTEXT',
    'listener.name.front.sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.front.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_${user}="${password}";`,
  }
}

/**
 * From now on the process cannot enlarge any file, which is like a full disk: the broker's appends fail with an I/O error,
 * it takes its log directory for broken, and it ends.
 *
 * @throws {Error} when the machine has no `prlimit` (util-linux)
 */
export async function fillDisk(pid: number): Promise<void> {
  await promisify(execFile)('prlimit', ['--pid', String(pid), '--fsize=1024:unlimited'])
}
