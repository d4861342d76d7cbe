/** The whole topology on Kafka in memory, a scripted HTTP and a hand-moved clock. */
import { decryptWith, type EncryptionKey } from '../../src/core/hook/encrypted-text.ts'
import type { Tier, Topics } from '../../src/core/model/model.ts'
import type { DeliveryResult } from '../../src/core/model/records.ts'
import { sortedTiers, tierOf } from '../../src/core/run/schedule.ts'
import type { Signal } from '../../src/core/signal/signal.ts'
import { createFilters } from '../../src/edge/filter/cel.ts'
import { jsonResultEncoder } from '../../src/edge/registry/result-codec.ts'
import type { Tracing } from '../../src/ports.ts'
import type { Processor, ProcessorSettings } from '../../src/processor.ts'
import { createProcessor } from '../../src/topology.ts'
import { createHandClock, settled, type HandClock } from './hand-clock.ts'
import { createMemoryBroker, type MemoryBroker } from './memory-broker.ts'
import type { MemoryGroupSource } from './memory-group.ts'
import { createMemoryHttp, type MemoryAnswer, type MemoryHttp } from './memory-http.ts'
import { createMemorySchemas, type MemorySchemas } from './memory-schemas.ts'

export const topics: Topics = {
  events: ['auth.events'],
  hooks: 'auth.hooks',
  results: 'auth.webhook.results',
  requests: 'auth.webhook.requests',
  deadLetters: 'auth.webhook.dead-letters',
  rejected: 'auth.events.rejected',
  endpoints: 'auth.webhook.endpoints',
  retryPrefix: 'auth.webhook.retry.',
}

const minute = 60_000

export const tierTopics = topicsOf(['1s', '5s', '30s', '5m'])
/** The tiers of the default settings. */
export const defaultTiers: readonly string[] = ['1s', '5s', '30s', '5m', '30m', '2h']

export const settings: ProcessorSettings = {
  groupId: 'hooktide',
  instance: 'one',
  userAgent: 'hooktide/test',
  topics,
  tiers: tiersOf(tierTopics),
  retrySchedule: [5_000, minute, 10 * minute],
  maxAgeMs: 5 * 24 * 60 * minute,
  timeoutMs: 10_000,
  concurrency: 16,
  maxInFlight: 4_096,
  resultBodies: 'failures',
  recordUnmatched: false,
  egressProxy: undefined,
  disableAfterMs: 5 * 24 * 60 * minute,
  notices: false,
  maxDeferredPerHook: 1_000_000,
  maxDeferredPerTenant: 10_000_000,
  sessionTimeoutMs: 10_000,
  commitIntervalMs: 10,
}

export interface Instance {
  readonly processor: Processor
  readonly http: MemoryHttp
  readonly signals: readonly Signal[]
  readonly failures: readonly Error[]
  readonly live: MemoryGroupSource
}

export interface Rig {
  readonly clock: HandClock
  readonly broker: MemoryBroker
  readonly schemas: MemorySchemas
  /** How busy the event loop of every process is, from 0 to 1. Tests set it. */
  readonly loop: { share: number }
  /** Scripts the endpoint for every process that starts from now on; see {@link MemoryHttp.script}. */
  script(url: string, ...answers: readonly (number | MemoryAnswer)[]): void
  /** Starts one more process of the group. */
  start(overrides?: Partial<ProcessorSettings>): Promise<Instance>
  putHook(hook: Readonly<Record<string, unknown>> & { readonly id: string }): void
  deleteHook(id: string): void
  sendEvent(
    fields?: Readonly<Record<string, unknown>>,
    headers?: Readonly<Record<string, string>>,
  ): void
  results(): readonly DeliveryResult[]
  /** Results as short text, in log order: `hook outcome attempt`. */
  story(): readonly string[]
}

export function createRig(
  options: {
    readonly partitions?: number
    readonly hookPartitions?: number
    /** Delays of the tiers, such as `5s`. Default `1s`, `5s`, `30s`, `5m`. */
    readonly tiers?: readonly string[]
    /** Partitions of each tier. Default 1. */
    readonly tierPartitions?: number
    /** Random numbers, uniform in [0, 1). Default: always 0. */
    readonly random?: () => number
    /** The initial {@link Rig.loop}. Default 0. */
    readonly busyShare?: number
    /** Keys for the encrypted secrets of hooks. Default none. */
    readonly encryptionKeys?: readonly EncryptionKey[]
    /** The tracing of every process. Default none. */
    readonly tracing?: Tracing
    /** Which signals are kept. Default all. */
    readonly isKept?: (signal: Signal) => boolean
  } = {},
): Rig {
  const clock = createHandClock()
  const broker = createMemoryBroker(clock)
  const schemas = createMemorySchemas()
  const loop = { share: options.busyShare ?? 0 }
  const { isKept = () => true } = options
  const scripts = new Map<string, readonly (number | MemoryAnswer)[]>()
  broker.createTopic('auth.events', { partitions: options.partitions ?? 1 })
  broker.createTopic(topics.hooks, { partitions: options.hookPartitions ?? 1 })
  for (const topic of [topics.results, topics.requests, topics.endpoints]) broker.createTopic(topic)
  const tierNames = options.tiers === undefined ? tierTopics : topicsOf(options.tiers)
  for (const tier of tierNames) {
    broker.createTopic(tier, { partitions: options.tierPartitions ?? 1 })
  }
  const results = () =>
    broker
      .read(topics.results)
      .map(({ value }) => JSON.parse(value?.toString() ?? 'null') as DeliveryResult)
  return {
    clock,
    broker,
    schemas,
    loop,
    script(url, ...answers) {
      scripts.set(url, answers)
    },
    async start(overrides = {}) {
      const own = { ...settings, tiers: tiersOf(tierNames), ...overrides }
      const http = createMemoryHttp(clock)
      for (const [url, answers] of scripts) http.script(url, ...answers)
      const signals: Signal[] = []
      const failures: Error[] = []
      const liveTopics = [...topics.events, topics.requests]
      const live = broker.groupSource({ groupId: own.groupId, topics: liveTopics })
      const processor = createProcessor(
        {
          hooks: broker.tableSource(topics.hooks),
          endpoints: broker.tableSource(topics.endpoints),
          schemas: schemas.source,
          filters: createFilters(),
          decrypt: decryptWith(options.encryptionKeys ?? []),
          live,
          retry: broker.groupSource({ groupId: `${own.groupId}.retry`, topics: tierNames }),
          sink: broker.sink(),
          noticeSink: broker.sink(),
          http,
          encoder: jsonResultEncoder,
          clock,
          tracing: options.tracing,
          loop: { busyShare: () => loop.share },
          random: options.random ?? (() => 0),
          emit: (signal) => {
            if (isKept(signal)) signals.push(signal)
          },
          onFailed: (error) => failures.push(error),
        },
        own,
      )
      await processor.start()
      await settled()
      return { processor, http, signals, failures, live }
    },
    putHook(hook) {
      const value = {
        tenantId: 'default',
        name: hook.id,
        events: ['PostSignIn'],
        config: { url: `https://${hook.id}.example/` },
        signingKey: 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii',
        enabled: true,
        ...hook,
      }
      broker.produce(topics.hooks, { key: hook.id, value: JSON.stringify(value) })
    },
    deleteHook(id) {
      broker.produce(topics.hooks, { key: id, value: null })
    },
    sendEvent(fields = {}, headers = {}) {
      const event = { event: 'PostSignIn', createdAt: '2026-09-14T09:02:11.019Z', ...fields }
      broker.produce('auth.events', { value: JSON.stringify(event), headers })
    },
    results,
    story: () => results().map(({ hookId, outcome, attempt }) => `${hookId} ${outcome} ${attempt}`),
  }
}

function topicsOf(delays: readonly string[]): readonly string[] {
  return delays.map((delay) => `${topics.retryPrefix}${delay}`)
}

function tiersOf(names: readonly string[]): readonly Tier[] {
  return sortedTiers(names.flatMap((name) => tierOf(name, topics.retryPrefix) ?? []))
}
