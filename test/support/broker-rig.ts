/** Everything that a broker test needs, under names of its own: topics, a receiver, real processes, and their records. */
import '../../src/edge/kafka/patches.ts'
import type { Producer } from 'kafkajs'
import { Kafka, logLevel } from '../../src/edge/kafka/kafkajs.ts'
import { expect, onTestFailed, onTestFinished, vi } from 'vitest'
import type { DeliveryResult } from '../../src/core/model/records.ts'
import { createResultReader } from '../../src/edge/registry/result-codec.ts'
import {
  type ReceivedRequest,
  type Receiver,
  type ReceiverAnswer,
  startReceiver,
} from '../../examples/sandbox/sandbox.ts'
import { hooktide, startRun, type RunningProcess } from './hooktide-process.ts'
import { uniqueNames } from './names.ts'
import { tailTopic, type Tail, type TailRecord } from './topic-tail.ts'

const signingKey = 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii'

export interface BrokerRigOptions {
  readonly brokers: readonly string[]
  readonly registryUrl?: string
  readonly partitions?: number
  readonly answer?: (request: ReceivedRequest) => ReceiverAnswer | undefined
  readonly environment?: Readonly<Record<string, string>>
}

export interface EventInput {
  readonly fields?: Readonly<Record<string, unknown>>
  readonly value?: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
  readonly partition?: number
  readonly key?: string
}

export interface BrokerRig extends AsyncDisposable {
  readonly prefix: string
  readonly environment: Readonly<Record<string, string>>
  readonly receiver: Receiver
  readonly results: Tail<DeliveryResult>
  readonly deadLetters: Tail<Readonly<Record<string, string>>>
  readonly rejected: Tail<TailRecord>
  /** Writes hook records. `config.url` is the receiver's path `/<id>` by default. */
  putHooks(
    ...hooks: readonly (Readonly<Record<string, unknown>> & { readonly id: string })[]
  ): Promise<void>
  deleteHook(id: string): Promise<void>
  /** Writes records to the hook topic unchanged. */
  sendHooks(
    ...records: readonly { readonly key: Buffer | string; readonly value: Buffer }[]
  ): Promise<void>
  sendEvents(...events: readonly EventInput[]): Promise<void>
  /** Starts `hooktide run`. */
  start(environment?: Readonly<Record<string, string>>): RunningProcess
  /** Starts `hooktide run` and waits until it is ready. */
  run(environment?: Readonly<Record<string, string>>): Promise<RunningProcess>
  urlOf(id: string): string
}

export async function createBrokerRig(options: BrokerRigOptions): Promise<BrokerRig> {
  const { prefix, group } = uniqueNames()
  const { brokers } = options
  const registry =
    options.registryUrl === undefined ? {} : { SCHEMA_REGISTRY_URL: options.registryUrl }
  const environment = {
    KAFKA_BROKERS: brokers.join(','),
    HOOKTIDE_TOPIC_PREFIX: prefix,
    HOOKTIDE_GROUP_ID: group,
    HOOKTIDE_ALLOW_HTTP: 'true',
    HOOKTIDE_ALLOW_CIDRS: '127.0.0.0/8',
    HOOKTIDE_LOG_ATTEMPTS_PER_SECOND: '0',
    HOOKTIDE_SESSION_TIMEOUT_MS: '6000',
    ...registry,
    ...options.environment,
  }
  const { code, stderr, stdout } = await hooktide(
    ['init', '--partitions', String(options.partitions ?? 1)],
    environment,
  )
  if (code !== 0) throw new Error(`init failed:\n${stdout}${stderr}`)
  const receiver = await startReceiver({
    keyOf: () => signingKey,
    ...(options.answer === undefined ? {} : { answer: options.answer }),
  })
  const kafka = new Kafka({
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    retry: { retries: 100, maxRetryTime: 1_000 },
  })
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  const read = createResultReader(
    options.registryUrl === undefined
      ? undefined
      : { url: options.registryUrl, username: undefined, password: undefined },
  )
  const results = tailTopic(brokers, `${prefix}.webhook.results`, ({ value }) => read(value))
  const deadLetters = tailTopic(brokers, `${prefix}.webhook.dead-letters`, ({ headers }) =>
    Promise.resolve(headers),
  )
  const rejected = tailTopic(brokers, `${prefix}.events.rejected`, (record) =>
    Promise.resolve(record),
  )
  const processes: RunningProcess[] = []
  // A test that times out gives no reason. The logs of its processes mostly do.
  if (expect.getState().currentTestName !== undefined) {
    // What a test awaits in vain when it times out is never released.
    onTestFinished(() => {
      for (const process of processes) process.signal('SIGKILL')
    })
    onTestFailed(() => {
      const outcomes = Map.groupBy(results.items, ({ outcome }) => outcome)
      const counts = [...outcomes].map(([outcome, { length }]) => `${length} ${outcome}`)
      process.stderr.write(
        `${receiver.requests.length} requests; results: ${counts.join(', ') || 'none'}\n`,
      )
      for (const { pid, lines, errorOutput } of processes) {
        const last = lines.slice(-40).map((line) => JSON.stringify(line))
        process.stderr.write(
          `The last lines of process ${pid}:\n${last.join('\n')}\n${errorOutput()}\n`,
        )
      }
    })
  }
  const start = (extra: Readonly<Record<string, string>> = {}) => {
    const process = startRun({ ...environment, ...extra })
    processes.push(process)
    return process
  }
  const urlOf = (id: string) => `${receiver.origin}/${id}`
  const known = new Set<string>()
  let isNew = false
  return {
    prefix,
    environment,
    receiver,
    results,
    deadLetters,
    rejected,
    urlOf,
    putHooks(...hooks) {
      for (const { id } of hooks) {
        isNew ||= !known.has(id)
        known.add(id)
      }
      return send(
        producer,
        `${prefix}.hooks`,
        hooks.map((hook) => hookRecord(hook, urlOf)),
      )
    },
    deleteHook(id) {
      known.delete(id)
      return send(producer, `${prefix}.hooks`, [{ key: id, value: null }])
    },
    sendHooks: (...records) => send(producer, `${prefix}.hooks`, records),
    async sendEvents(...events) {
      if (isNew) await Promise.all(processes.map((process) => knowsHooks(process, known.size)))
      isNew = false
      await send(producer, `${prefix}.events`, events.map(eventRecord))
    },
    start,
    async run(extra) {
      const process = start(extra)
      await process.ready()
      return process
    },
    async [Symbol.asyncDispose]() {
      for (const process of processes) await process[Symbol.asyncDispose]()
      await Promise.all([results, deadLetters, rejected].map((tail) => tail.stop()))
      await producer.disconnect()
      await receiver.stop()
    },
  }
}

/**
 * Kafka keeps no order between topics: an event that is sent right after its hook may be read before it. So events wait
 * until the processes that are ready have read as many hooks. The wait is short, since a hook may be unusable, or a process
 * stopped.
 */
async function knowsHooks({ lines, port }: RunningProcess, count: number): Promise<void> {
  if (!lines.some(({ msg }) => msg === 'ready')) return
  const metrics = `http://127.0.0.1:${await port}/metrics`
  const attempt = async () => {
    const answer = await fetch(metrics, { signal: AbortSignal.timeout(1_000) })
    const hooks = /^hooktide_hooks (\d+)/m.exec(await answer.text())?.[1]
    expect(Number(hooks)).toBeGreaterThanOrEqual(count)
  }
  await vi.waitFor(attempt, { timeout: 5_000, interval: 10 }).catch(() => undefined)
}

interface Message {
  readonly key?: Buffer | string
  readonly value: string | Buffer | null
  readonly partition?: number
  readonly headers?: Record<string, string>
}

async function send(
  producer: Producer,
  topic: string,
  messages: readonly Message[],
): Promise<void> {
  // KafkaJS puts all records for a partition into one batch. So records are sent in pieces far below the broker's limit.
  for (let start = 0; start < messages.length; start += 1_000) {
    await producer.send({ topic, acks: -1, messages: messages.slice(start, start + 1_000) })
  }
}

function hookRecord(
  hook: Readonly<Record<string, unknown>> & { readonly id: string },
  urlOf: (id: string) => string,
): Message {
  const value = {
    tenantId: 'default',
    name: hook.id,
    events: ['PostSignIn'],
    config: { url: urlOf(hook.id) },
    signingKey,
    enabled: true,
    createdAt: 1_789_376_531_019,
    ...hook,
  }
  return { key: hook.id, value: JSON.stringify(value) }
}

function eventRecord({ fields, value, headers, partition, key }: EventInput): Message {
  const event = { event: 'PostSignIn', createdAt: '2026-09-14T09:02:11.019Z', ...fields }
  return {
    value: value ?? JSON.stringify(event),
    ...(headers === undefined ? {} : { headers: { ...headers } }),
    ...(partition === undefined ? {} : { partition }),
    ...(key === undefined ? {} : { key }),
  }
}
