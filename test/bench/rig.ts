/** What all scenarios share: broker, registry, receiver, and how a stretch of calls is measured. */
import { startSurroundings, type Surroundings } from '../../examples/sandbox/sandbox.ts'
import { createSink } from '../../src/edge/kafka/sink.ts'
import { createKafka } from '../../src/edge/kafka/client.ts'
import { settingsOf, silentLog } from '../support/kafka-tools.ts'
import type { Contender } from './contender.ts'
import { cpuSecondsOf, peakMiBOf } from './cpu.ts'
import { eventBytes } from './events.ts'
import type { Figures } from './figures.ts'
import type { BenchHook, Environment } from './product.ts'
import { startBenchReceiver, type Arrivals, type BenchReceiver } from './receiver.ts'

export interface Rig {
  readonly surroundings: Surroundings
  readonly receiver: BenchReceiver
  /** Tells a person what goes on. */
  readonly note: (line: string) => void
  /** A name that nothing has had before, for topics and groups. */
  newName(): string
  /** Settings of an installation of its own. */
  environment(extra?: Environment): Environment
  /** @param path what the endpoint does; see `receiver-process.ts` */
  hook(id: string, path: string, more?: Partial<BenchHook>): BenchHook
  /** Processor time that the broker has used; not a number where it is no process of this machine. */
  brokerCpuSeconds(): number
  stop(): Promise<void>
}

export async function startRig(): Promise<Rig> {
  const note = (line: string) => void process.stderr.write(`${line}\n`)
  const surroundings = await startSurroundings({ progress: note })
  const receiver = await startBenchReceiver()
  let names = 0
  const newName = () => {
    names += 1
    return `bench${process.pid}-${names}`
  }
  return {
    surroundings,
    receiver,
    note,
    newName,
    environment(extra = {}) {
      const name = newName()
      return {
        KAFKA_BROKERS: surroundings.brokers.join(','),
        SCHEMA_REGISTRY_URL: surroundings.registryUrl,
        HOOKTIDE_TOPIC_PREFIX: name,
        HOOKTIDE_GROUP_ID: name,
        HOOKTIDE_ALLOW_HTTP: 'true',
        HOOKTIDE_ALLOW_CIDRS: '127.0.0.0/8',
        ...extra,
      }
    },
    hook: (id, path, more = {}) => ({
      id,
      ...more,
      config: { url: `${receiver.origin}/${path}/${id}` },
    }),
    brokerCpuSeconds: () =>
      surroundings.kafka === undefined ? Number.NaN : cpuSecondsOf([surroundings.kafka.pid()]),
    async stop() {
      receiver.stop()
      await surroundings.stop()
    },
  }
}

/** A new topic. */
export async function createTopic(rig: Rig, topic: string, partitions: number): Promise<void> {
  const admin = createKafka(settingsOf(rig.surroundings.brokers), silentLog, 'command').admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions }] })
  await admin.disconnect()
}

/** How many records a topic has. */
export async function countRecords(rig: Rig, topic: string): Promise<number> {
  const admin = createKafka(settingsOf(rig.surroundings.brokers), silentLog, 'command').admin()
  await admin.connect()
  const offsets = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  return offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0)
}

/** A new topic with events that wait, evenly on its partitions. */
export async function createBacklog(
  rig: Rig,
  { events, partitions }: { readonly events: number; readonly partitions: number },
): Promise<string> {
  const topic = `${rig.newName()}.events`
  rig.note(`writing ${events} events on ${partitions} partitions`)
  await createTopic(rig, topic, partitions)
  await writeEvents(rig, topic, events)
  return topic
}

/** As fast as it goes. */
export async function writeEvents(rig: Rig, topic: string, events: number): Promise<void> {
  const sink = createSink({ settings: settingsOf(rig.surroundings.brokers), log: silentLog })
  for (let sent = 0; sent < events; sent += 5_000) {
    const batch = Array.from({ length: Math.min(5_000, events - sent) }, (_, index) => ({
      topic,
      key: `user-${sent + index}`,
      value: eventBytes(),
      headers: [],
    }))
    await sink.write(batch)
  }
  await sink.stop()
}

export interface Measured {
  readonly figures: Figures
  readonly arrivals: Arrivals
}

/**
 * From the first call that comes to the last one of so many: its rate, and what it cost processes and broker. The receiver
 * has to have forgotten what came before.
 */
export async function measureCalls(
  rig: Rig,
  contender: Pick<Contender, 'pids' | 'ended'>,
  calls: number,
): Promise<Measured> {
  const { receiver } = rig
  const { pids, ended } = contender
  const begun = await receiver.reached(1, { ended })
  const used = [cpuSecondsOf(pids), rig.brokerCpuSeconds()]
  const arrivals = await receiver.reached(calls, { ended })
  // Some calls came before anybody looked at the processor time.
  const [own, broker] = [cpuSecondsOf(pids), rig.brokerCpuSeconds()].map(
    (now, index) => ((now - (used[index] ?? 0)) / (arrivals.calls - begun.calls)) * 1_000,
  )
  const seconds = (arrivals.lastAt - arrivals.firstAt) / 1_000
  return {
    arrivals,
    figures: {
      'deliveries/s': calls / seconds,
      'CPU s per 1,000': own ?? Number.NaN,
      "broker's CPU s per 1,000": broker ?? Number.NaN,
      'peak MiB': peakMiBOf(pids),
    },
  }
}
