/**
 * One Kafka node as a child process, broker and controller in one.
 *
 * States: running, killed, stopped. `kill` leads from running to killed, `restart` from either back to running, on the
 * same port with the same data; `stop` ends in stopped, for good, and removes the data.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UserError } from '../../src/core/model/errors.ts'
import { fetchKafka, findJava, kafkaVersion } from './artifacts.ts'
import { brokerSettings, type BrokerSettings } from './broker-settings.ts'
import { freePort, isFree } from './free-port.ts'
import { runJava, startJava, type JavaProcess } from './java-process.ts'
import { silent, type Broker, type Progress } from './parts.ts'

export interface EmbeddedKafkaOptions {
  /** A port of 127.0.0.1; without it a free one is taken. */
  readonly port?: number
  /** Broker settings on top of the sandbox's own, such as `{ 'log.cleaner.backoff.ms': '200' }`. */
  readonly overrides?: BrokerSettings
  /** Further arguments of Kafka's `format`, such as `--add-scram` and a user. */
  readonly formatArguments?: readonly string[]
  /** Further flags of Java, such as `-D` and a property. */
  readonly javaFlags?: readonly string[]
  readonly progress?: Progress
  /** Where Java, Maven and the cache are looked up; the process's own by default. */
  readonly environment?: NodeJS.ProcessEnv
  /** Ends a fetch. */
  readonly signal?: AbortSignal
}

/** A node that was killed takes part again only when its cluster has forgotten it: by default after nine seconds. */
export const soonForgotten: BrokerSettings = {
  'broker.session.timeout.ms': '3000',
  'broker.heartbeat.interval.ms': '500',
}

export interface EmbeddedKafka extends Broker {
  readonly port: number
  /** Holds settings and data until `stop`. */
  readonly folder: string
  /** Of the running node, or of the last one that ran. */
  pid(): number
  /** Ends the node in an orderly way and removes its data. */
  stop(): Promise<void>
  /** SIGKILL: what a crash of the broker is to its clients. The data stays. */
  kill(): Promise<void>
  /** Starts the node again on its port and data, after an orderly end if it still runs. */
  restart(): Promise<void>
}

/**
 * Resolves when the node accepts clients.
 * @throws {UserError} when Java or Maven is missing, the port is in use, or the node does not start.
 */
export async function startEmbeddedKafka(
  options: EmbeddedKafkaOptions = {},
): Promise<EmbeddedKafka> {
  const tools = await findTools(options)
  return await startNode(tools, {
    port: await choosePort(options.port),
    controllerPort: await freePort(),
    overrides: options.overrides ?? {},
    formatArguments: options.formatArguments ?? [],
    javaFlags: options.javaFlags ?? [],
  })
}

/** What nodes need of the machine. */
export interface KafkaTools {
  readonly java: string
  readonly classPath: string
  readonly environment: NodeJS.ProcessEnv
}

/** @throws {UserError} when Java or Maven is missing, or Kafka cannot be fetched. */
export async function findTools(
  options: Pick<EmbeddedKafkaOptions, 'progress' | 'environment' | 'signal'>,
): Promise<KafkaTools> {
  const environment = options.environment ?? process.env
  const java = await findJava(environment)
  const classPath = await fetchKafka(environment, options.progress ?? silent, options.signal)
  return { java, classPath, environment }
}

export interface NodeOptions {
  readonly port: number
  readonly controllerPort: number
  readonly overrides: BrokerSettings
  readonly formatArguments?: readonly string[]
  /** On top of those that every Java program here has. */
  readonly javaFlags: readonly string[]
}

/**
 * Gives a node a folder of its own and starts it. Resolves when it accepts clients, which a node of several does when
 * most of them run.
 */
export async function startNode(tools: KafkaTools, options: NodeOptions): Promise<EmbeddedKafka> {
  const { java, classPath, environment } = tools
  const { port, javaFlags, formatArguments = [] } = options
  const folder = await mkdtemp(join(tmpdir(), 'hooktide-kafka-'))
  try {
    const settings = await writeSettings(folder, options)
    const program = { java, folder, environment }
    const run = (...args: readonly string[]) => [...javaFlags, '-cp', classPath, ...args]
    await runJava({
      ...program,
      title: "Kafka's storage tool",
      args: run(
        'kafka.tools.StorageTool',
        'format',
        ...['-t', clusterId, '-c', settings],
        ...formatArguments,
      ),
    })
    const start = () =>
      startJava({
        ...program,
        title: `Apache Kafka ${kafkaVersion}`,
        args: run(`-D${log4jLevel}`, 'kafka.Kafka', settings),
        ready: /Kafka Server started/,
      })
    return embeddedKafka(await start(), { start, port, folder })
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

/** 16 bytes of base64url, as Kafka's own ids are. */
const clusterId = Buffer.from('hooktide-sandbox').toString('base64url')

/** Without a log4j file only errors are logged, and the line that says "ready" is information. */
const log4jLevel = 'org.apache.logging.log4j.level=INFO'

interface Node {
  readonly start: () => Promise<JavaProcess>
  readonly port: number
  readonly folder: string
}

function embeddedKafka(first: JavaProcess, { start, port, folder }: Node): EmbeddedKafka {
  let node = first
  return {
    brokers: [`127.0.0.1:${port}`],
    port,
    folder,
    pid: () => node.pid,
    async stop() {
      if (node.isRunning()) await node.stop()
      await rm(folder, { recursive: true, force: true })
    },
    kill: () => node.kill(),
    async restart() {
      if (node.isRunning()) await node.stop()
      node = await start()
    },
  }
}

async function choosePort(fixed: number | undefined): Promise<number> {
  if (fixed === undefined) return await freePort()
  if (await isFree(fixed)) return fixed
  const advice = 'end what listens there, or name no port and a free one is taken'
  throw new UserError(
    `Port ${fixed} of 127.0.0.1 is in use, so Kafka cannot listen on it: ${advice}.`,
  )
}

async function writeSettings(
  folder: string,
  { port, controllerPort, overrides }: NodeOptions,
): Promise<string> {
  const data = join(folder, 'data')
  await mkdir(data)
  const settings = brokerSettings({
    listen: { host: '127.0.0.1', port, controllerPort },
    advertised: `127.0.0.1:${port}`,
    overrides: { 'log.dirs': data, ...overrides },
  })
  const path = join(folder, 'server.properties')
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
  await writeFile(path, lines.join(''))
  return path
}
