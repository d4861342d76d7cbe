/**
 * `npm run bench [events]`: drains a backlog with the real `hooktide run`, and with a bare loop on the same topic in the
 * same run. Prints rates, CPU and memory of both, and their ratios. Asserts nothing: machines differ, ratios tell.
 */
import { Kafka, logLevel } from 'kafkajs'
import { startSurroundings } from '../../examples/sandbox/sandbox.ts'
import { startRun } from '../support/hooktide-process.ts'
import { readBenchOptions } from './options.ts'
import { firstLine, putHooks, sample, startScript, succeed, type Sample } from './parts.ts'

interface Measured {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly peakBytes: number
}

const options = readBenchOptions(process.argv.slice(2))
const total = options.kind === 'throughput' ? options.events : 0
const bodyBytes = 600
const partitions = 6
const concurrency = 64
const bareInFlight = 256
const prefix = `bench${process.pid}`
const topic = `${prefix}.events`

const note = (line: string) => void process.stderr.write(`${line}\n`)
const surroundings = await startSurroundings({ progress: note })
const receiver = startScript('receiver-process.ts', [])
try {
  const url = `http://127.0.0.1:${await firstLine(receiver)}/`
  const environment = {
    KAFKA_BROKERS: surroundings.brokers.join(','),
    SCHEMA_REGISTRY_URL: surroundings.registryUrl,
    HOOKTIDE_TOPIC_PREFIX: prefix,
    HOOKTIDE_GROUP_ID: prefix,
    HOOKTIDE_ALLOW_HTTP: 'true',
    HOOKTIDE_ALLOW_CIDRS: '127.0.0.0/8',
    HOOKTIDE_LOG_ATTEMPTS_PER_SECOND: '0',
  }
  await succeed(['init', '--from', 'earliest', '--partitions', String(partitions)], environment)
  await putHooks(environment, [{ id: 'bench', config: { url }, delivery: { concurrency } }])
  note(`producing ${total} events of ${bodyBytes} bytes on ${partitions} partitions`)
  await produce(environment.KAFKA_BROKERS)
  note('draining with the bare loop')
  const bare = await measureBare(environment.KAFKA_BROKERS, url)
  note('draining with hooktide run')
  const ours = await measureHooktide(environment)
  print(bare, ours)
} finally {
  receiver.stdin?.end()
  await surroundings.stop()
}

async function produce(brokers: string): Promise<void> {
  const producer = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.ERROR }).producer()
  await producer.connect()
  const head = '{"event":"PostSignIn","createdAt":"2026-09-14T09:02:11.019Z","userAgent":"'
  const value = `${head}${'x'.repeat(bodyBytes - head.length - 2)}"}`
  const batch = 1_000
  for (let sent = 0; sent < total; sent += batch) {
    const messages = Array.from({ length: Math.min(batch, total - sent) }, (_, index) => ({
      partition: (sent + index) % partitions,
      value,
    }))
    await producer.send({ topic, messages })
  }
  await producer.disconnect()
}

async function measureBare(brokers: string, url: string): Promise<Measured> {
  const child = startScript('bare-loop.ts', [
    brokers,
    topic,
    url,
    String(total),
    String(bareInFlight),
  ])
  return JSON.parse(await firstLine(child)) as Measured
}

async function measureHooktide(environment: Readonly<Record<string, string>>): Promise<Measured> {
  await using run = startRun(environment)
  await run.ready()
  const startedAt = performance.now()
  let last: Sample = await sample(run)
  let peakBytes = 0
  while (last.delivered < total) {
    last = await sample(run)
    peakBytes = Math.max(peakBytes, last.rssBytes)
  }
  const seconds = (performance.now() - startedAt) / 1_000
  run.signal('SIGTERM')
  await run.exited
  return { seconds, cpuSeconds: last.cpuSeconds, peakBytes }
}

function print(bare: Measured, ours: Measured): void {
  const row = (name: string, { seconds, cpuSeconds, peakBytes }: Measured) =>
    [
      name.padEnd(22),
      (total / seconds).toFixed(0).padStart(13),
      ((cpuSeconds / total) * 1_000).toFixed(4).padStart(18),
      (peakBytes / 1024 / 1024).toFixed(0).padStart(12),
    ].join('')
  const ratio = (ofOurs: number, ofBare: number) => (ofOurs / ofBare).toFixed(2)
  const lines = [
    `${total} events of ${bodyBytes} bytes, ${partitions} partitions, ${process.version}, ${surroundings.kind} Kafka`,
    `${''.padEnd(22)}${'deliveries/s'.padStart(13)}${'CPU s per 1,000'.padStart(18)}${'peak MiB'.padStart(12)}`,
    row(`bare loop (${bareInFlight})`, bare),
    row(`hooktide (${concurrency})`, ours),
    [
      'ratio'.padEnd(22),
      ratio(bare.seconds, ours.seconds).padStart(13),
      ratio(ours.cpuSeconds, bare.cpuSeconds).padStart(18),
      ratio(ours.peakBytes, bare.peakBytes).padStart(12),
    ].join(''),
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}
