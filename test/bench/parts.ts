/** What the benchmarks share: processes, hooks, and what a processor says of itself. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createSink } from '../../src/edge/kafka/sink.ts'
import { hooktide, type RunningProcess } from '../support/hooktide-process.ts'
import { settingsOf, silentLog } from '../support/kafka-tools.ts'
import { byLabel, parseMetrics } from '../support/metric-lines.ts'

export type Environment = Readonly<Record<string, string>>

export const note = (line: string) => void process.stderr.write(`${line}\n`)

export async function succeed(args: readonly string[], environment: Environment): Promise<void> {
  const { code, stderr } = await hooktide(args, environment)
  if (code !== 0) throw new Error(`hooktide ${args.join(' ')} failed: ${stderr}`)
}

/** Writes hooks that are as they are given, with what is the same for all. */
export async function putHooks(
  environment: Environment,
  hooks: readonly (Readonly<Record<string, unknown>> & { readonly id: string })[],
): Promise<void> {
  const brokers = environment['KAFKA_BROKERS']?.split(',') ?? []
  const sink = createSink({ settings: settingsOf(brokers), log: silentLog })
  const same = { events: ['PostSignIn'], signingKey: 'k'.repeat(32) }
  await sink.write(
    hooks.map((hook) => ({
      topic: `${environment['HOOKTIDE_TOPIC_PREFIX']}.hooks`,
      key: hook.id,
      value: Buffer.from(JSON.stringify({ ...same, ...hook })),
      headers: [],
    })),
  )
  await sink.stop()
}

export interface Sample {
  readonly delivered: number
  readonly deferred: number
  readonly hops: number
  readonly splits: number
  readonly laneIdleSeconds: number
  readonly lag: number
  readonly cpuSeconds: number
  readonly rssBytes: number
}

/** Read from the process's own metrics, after a tenth of a second. */
export async function sample(run: RunningProcess): Promise<Sample> {
  await new Promise((resolve) => setTimeout(resolve, 100))
  const response = await fetch(`http://127.0.0.1:${await run.port}/metrics`)
  const series = parseMetrics(await response.text())
  const lags = Object.values(byLabel(series, 'hooktide_lag'))
  return {
    delivered: byLabel(series, 'hooktide_deliveries_total')['delivered'] ?? 0,
    deferred: series.get('hooktide_deferrals_total') ?? 0,
    hops: series.get('hooktide_retry_hops_total') ?? 0,
    splits: series.get('hooktide_splits_total') ?? 0,
    laneIdleSeconds: series.get('hooktide_lane_idle_seconds_total') ?? 0,
    lag: lags.reduce((sum, lag) => sum + lag, 0),
    cpuSeconds: series.get('process_cpu_seconds_total') ?? 0,
    rssBytes: series.get('process_resident_memory_bytes') ?? 0,
  }
}

export function startScript(name: string, args: readonly string[]): ChildProcess {
  const path = fileURLToPath(new URL(name, import.meta.url))
  return spawn(process.execPath, [path, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
}

export function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    if (child.stdout !== null) createInterface({ input: child.stdout }).once('line', resolve)
    child.once('exit', (code) =>
      reject(new Error(`a helper process of the benchmark ended with ${code}`)),
    )
  })
}

/** Columns of 12 characters behind a name. */
export function rowOf(name: string, cells: readonly (number | string)[]): string {
  const texts = cells.map((cell) =>
    (typeof cell === 'number' ? String(Math.round(cell)) : cell).padStart(12),
  )
  return name.padEnd(34) + texts.join('')
}
