/**
 * One broker or three, each with two ways to it: a plain one for who produces, watches and reckons, and one through a
 * proxy for the processors, which the proxy can spoil.
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
  /** The plain way. */
  readonly addresses: readonly string[]
  /** By way of the proxies. */
  readonly proxiedAddresses: readonly string[]
  readonly proxies: readonly TcpProxy[]
  /** One that was there is to be gone for good. */
  isLost: boolean
}

const shared: BrokerSettings = {
  ...soonForgotten,
  // Compaction comes round within the run.
  'log.cleaner.backoff.ms': '500',
  // Who comes by the plain way may do everything; from the processors rights can be taken away.
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
 * From now on the process can make no file larger, which to a broker is a disk that is full: its appends fail with an
 * error of input and output, it takes its log directory for broken, and ends.
 *
 * @throws {Error} where the machine has no `prlimit` (util-linux)
 */
export async function fillDisk(pid: number): Promise<void> {
  await promisify(execFile)('prlimit', ['--pid', String(pid), '--fsize=1024:unlimited'])
}
