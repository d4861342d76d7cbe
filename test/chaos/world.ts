/** All parts of a chaos run, started in order, and the books as they fill. */
import { hooktide } from '../support/hooktide-process.ts'
import { settingsOf, silentLog } from '../support/kafka-tools.ts'
import { uniqueNames } from '../support/names.ts'
import { startRegistryProxy, type RegistryProxy } from '../support/registry-proxy.ts'
import { tailTopic, type Tail } from '../support/topic-tail.ts'
import { createKafka } from '../../src/edge/kafka/client.ts'
import { createSink } from '../../src/edge/kafka/sink.ts'
import { createResultReader } from '../../src/edge/registry/result-codec.ts'
import { startEmbeddedRegistry } from '../../examples/sandbox/sandbox.ts'
import { decodeHealth } from '../../src/core/health/record.ts'
import { createDice, type Dice } from '../sim/dice.ts'
import type { RecordedResult } from './books.ts'
import { processorLogin, startBrokers, type ChaosBrokers } from './brokers.ts'
import { openCommitReader, type CommitReader } from './coverage.ts'
import { Disturbances } from './disturbances.ts'
import { startEndpoints, type Endpoints } from './endpoints.ts'
import { Fleet, type Death } from './fleet.ts'
import { HookWriter, signingKey, slowHook } from './hooks.ts'
import type { LoadEvent } from './load.ts'
import { sessionMs } from './plan.ts'
import { Recovery } from './recovery.ts'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'
import { Watch } from './watch.ts'

export interface WorldOptions {
  readonly seed: number
  readonly brokers: 1 | 3
  readonly processors: number
  /** Without a registry, results are plain JSON. */
  readonly hasRegistry: boolean
}

export interface Excuse {
  readonly why: string
  readonly from: number
  until: number
}

export interface World extends AsyncDisposable {
  readonly options: WorldOptions
  readonly dice: Dice
  readonly prefix: string
  readonly group: string
  readonly brokers: ChaosBrokers
  readonly registry: RegistryProxy | undefined
  readonly endpoints: Endpoints
  /** The proxy in front of the endpoints of half of the hooks. */
  readonly endpointProxy: TcpProxy
  readonly hooks: HookWriter
  readonly fleet: Fleet
  readonly watch: Watch
  readonly recovery: Recovery
  readonly commits: CommitReader
  readonly disturbances: Disturbances
  readonly events: LoadEvent[]
  readonly results: Tail<RecordedResult>
  /** Enables endpoints, as an operator does. Deliveries that wait for their breakers return. */
  enable(hookIds: readonly string[]): Promise<void>
  /** Processes that ended by themselves, with the excuse, if there is one. */
  readonly deaths: { readonly death: Death; readonly excuse: string | undefined }[]
  /** When a process might end by itself at its start, and why. */
  readonly excuses: Excuse[]
}

export const partitions = 6
/** The time-out of calls. It is short, so that hanging endpoints are noticed within the run. */
const timeoutMs = 3_000
const tiers = ['1s', '5s', '30s'] as const

/**
 * Deliveries end within minutes, so that a chaos run of ten minutes sees their end. None expires before a breaker that
 * opened twice has made its next probe.
 */
const pace = {
  HOOKTIDE_RETRY_SCHEDULE: '1s,2s,5s,10s,20s,30s',
  HOOKTIDE_RETRY_TIERS: tiers.join(','),
  HOOKTIDE_MAX_AGE_MS: '900000',
  HOOKTIDE_TIMEOUT_MS: String(timeoutMs),
  HOOKTIDE_SESSION_TIMEOUT_MS: String(sessionMs),
  HOOKTIDE_SHUTDOWN_MS: '10000',
}

export async function createWorld(options: WorldOptions): Promise<World> {
  await using starting = new AsyncDisposableStack()
  const dice = createDice(`world ${options.seed}`)
  const { prefix, group } = uniqueNames()
  const [brokers, registry] = await startServers(options, starting)
  const { proxied, direct } = environmentsOf({ brokers, registry: registry?.proxy, prefix, group })
  await createTopics(brokers.addresses, prefix)
  await succeed(['init', '--partitions', String(partitions)], {
    ...direct,
    ...(registry === undefined ? {} : { SCHEMA_REGISTRY_URL: registry.url }),
  })
  const endpoints = starting.use(
    await startEndpoints({ signingKey, seed: `endpoints ${options.seed}`, timeoutMs, slowHook }),
  )
  const target = { host: '127.0.0.1', port: endpoints.port }
  const endpointProxy = starting.use(await startTcpProxy({ target }))
  const sink = createSink({
    settings: settingsOf(brokers.addresses, 'chaos-hooks'),
    log: silentLog,
  })
  starting.defer(() => sink.stop())
  const hooks = new HookWriter({
    topic: `${prefix}.hooks`,
    sink,
    directOrigin: `http://127.0.0.1:${endpoints.port}`,
    proxiedOrigin: `http://127.0.0.1:${endpointProxy.port}`,
  })
  await hooks.putAll()
  const commits = starting.use(
    await openCommitReader({
      brokers: brokers.addresses,
      group,
      liveTopics: [`${prefix}.events`, `${prefix}.webhook.requests`],
      tierTopics: tiers.map((tier) => `${prefix}.webhook.retry.${tier}`),
    }),
  )
  const watch = new Watch(partitions)
  watchEndpoints(endpoints, watch)
  const results = followResults({
    brokers: brokers.addresses,
    registryUrl: registry?.url,
    prefix,
    watch,
  })
  starting.defer(() => results.stop())
  const recovery = new Recovery()
  const health = followHealth(brokers.addresses, prefix, recovery)
  starting.defer(() => health.stop())
  const disturbances = new Disturbances(() => commits.coverage())
  const [deaths, excuses]: [World['deaths'], Excuse[]] = [[], []]
  const fleet = starting.use(
    await Fleet.open({
      environment: proxied,
      onChange: () => disturbances.handOver(),
      onDeath: (death) => {
        deaths.push({ death, excuse: excuseOf(death, excuses) })
        void disturbances.crash(0).then((crash) => crash.close())
      },
    }),
  )
  const kept = starting.move()
  return {
    ...{ options, dice, prefix, group, brokers, endpoints, endpointProxy, hooks, fleet },
    ...{ watch, commits, disturbances, results, deaths, excuses, events: [] },
    recovery,
    enable: (hookIds) => succeed(['endpoints', 'enable', ...hookIds], direct),
    registry: registry?.proxy,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

async function startServers(
  { brokers, hasRegistry }: WorldOptions,
  starting: AsyncDisposableStack,
) {
  const [started, registry] = await Promise.allSettled([
    startBrokers(brokers),
    hasRegistry ? startEmbeddedRegistry() : Promise.resolve(undefined),
  ])
  if (started.status === 'fulfilled') starting.use(started.value)
  if (registry.status === 'fulfilled') starting.defer(() => registry.value?.stop())
  if (started.status === 'rejected') throw started.reason
  if (registry.status === 'rejected') throw registry.reason
  if (registry.value === undefined) return [started.value, undefined] as const
  const { url } = registry.value
  return [started.value, { url, proxy: starting.use(await startRegistryProxy(url)) }] as const
}

function environmentsOf({
  brokers,
  registry,
  prefix,
  group,
}: {
  readonly brokers: ChaosBrokers
  readonly registry: RegistryProxy | undefined
  readonly prefix: string
  readonly group: string
}) {
  const common = {
    HOOKTIDE_TOPIC_PREFIX: prefix,
    HOOKTIDE_GROUP_ID: group,
    HOOKTIDE_ALLOW_HTTP: 'true',
    HOOKTIDE_ALLOW_CIDRS: '127.0.0.0/8',
    HOOKTIDE_LOG_ATTEMPTS_PER_SECOND: '0',
    ...pace,
  }
  const { addresses, proxiedAddresses } = brokers
  return {
    direct: { ...common, KAFKA_BROKERS: addresses.join(',') },
    proxied: {
      ...common,
      KAFKA_BROKERS: proxiedAddresses.join(','),
      KAFKA_SASL_MECHANISM: 'plain',
      KAFKA_SASL_USERNAME: processorLogin.user,
      KAFKA_SASL_PASSWORD: processorLogin.password,
      ...(registry === undefined ? {} : { SCHEMA_REGISTRY_URL: registry.url }),
    },
  }
}

function excuseOf(
  { wasReady, startedAt, at }: Death,
  excuses: readonly Excuse[],
): string | undefined {
  if (wasReady) return undefined
  return excuses.find(({ from, until }) => from <= at && startedAt <= until)?.why
}

/**
 * The hook topic is compacted all the time. Results have the broker's timestamps, since the clocks of the processes are
 * stepped.
 */
async function createTopics(brokers: readonly string[], prefix: string): Promise<void> {
  const admin = createKafka(settingsOf(brokers), silentLog, 'command').admin()
  await admin.connect()
  const configs = {
    'cleanup.policy': 'compact',
    'segment.ms': '2000',
    'min.cleanable.dirty.ratio': '0.01',
    'delete.retention.ms': '10000',
  }
  const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
  const appended = Object.entries({
    'message.timestamp.type': 'LogAppendTime',
    // As `init` makes it.
    'max.message.bytes': String(1_048_588 + 65_536),
    'retention.ms': String(14 * 86_400_000),
  }).map(([name, value]) => ({ name, value }))
  await admin.createTopics({
    topics: [
      { topic: `${prefix}.hooks`, numPartitions: 1, configEntries },
      { topic: `${prefix}.webhook.results`, numPartitions: partitions, configEntries: appended },
    ],
  })
  await admin.disconnect()
}

async function succeed(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const { code, stdout, stderr } = await hooktide(args, environment)
  if (code !== 0) throw new Error(`hooktide ${args.join(' ')} failed:\n${stdout}${stderr}`)
}

function watchEndpoints(endpoints: Endpoints, watch: Watch): void {
  endpoints.onRequest((hookId, { deliveryId, at, end, status }) => {
    if (end === 'open') watch.called(deliveryId)
    else if (status === 200 && endpoints.isWell(hookId)) watch.answered(hookId, at)
  })
}

function followHealth(brokers: readonly string[], prefix: string, recovery: Recovery): Tail<void> {
  return tailTopic(brokers, `${prefix}.webhook.endpoints`, ({ key, value }) => {
    const read = decodeHealth({ key, value })
    if (read.kind !== 'health') return Promise.resolve()
    const { hookId, state, until } = read.health
    const openUntil = state === 'open' || state === 'paused' ? (until ?? undefined) : undefined
    recovery.said(hookId, Date.now(), openUntil)
    return Promise.resolve()
  })
}

function followResults({
  brokers,
  registryUrl,
  prefix,
  watch,
}: {
  readonly brokers: readonly string[]
  readonly registryUrl: string | undefined
  readonly prefix: string
  readonly watch: Watch
}): Tail<RecordedResult> {
  const read = createResultReader(
    registryUrl === undefined
      ? undefined
      : { url: registryUrl, username: undefined, password: undefined },
  )
  return tailTopic(brokers, `${prefix}.webhook.results`, async ({ value, timestamp: at }) => {
    const {
      deliveryId,
      run,
      attempt,
      outcome,
      instance,
      final: isFinal,
      ...source
    } = await read(value)
    if (isFinal) watch.ended(deliveryId)
    const { sourceTopic, sourcePartition, sourceOffset } = source
    const place = `${sourceTopic}/${sourcePartition}/${sourceOffset}`
    return { deliveryId, run, attempt, outcome, isFinal, source: place, instance, at }
  })
}
