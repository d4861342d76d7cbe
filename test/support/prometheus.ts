/** A Prometheus of Debian's package `prometheus`, which scrapes processes of hooktide on loopback. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'vitest'

const program = 'prometheus'

export interface Prometheus extends AsyncDisposable {
  /** The answer of the instant query. Throws with Prometheus's own message if the query is not valid. */
  query(expression: string): Promise<readonly Sample[]>
}

export interface Sample {
  readonly metric: Readonly<Record<string, string>>
  /** The time in seconds, and the value as text. */
  readonly value: readonly [number, string]
}

/**
 * If it is not installed, the test is skipped and says so. In continuous integration the test fails instead.
 *
 * @param ports of the status pages that are scraped
 */
export async function startPrometheus(
  context: TestContext,
  ports: readonly number[],
): Promise<Prometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'hooktide-prometheus-'))
  const configuration = join(folder, 'prometheus.yml')
  await writeFile(configuration, configurationFor(ports))
  const child = spawn(
    program,
    [
      `--config.file=${configuration}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      '--web.listen-address=127.0.0.1:0',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const ended = once(child, 'close')
  const port = Promise.withResolvers<number>()
  const last: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => {
    last.push(line)
    const address = /msg="Listening on" address=127\.0\.0\.1:(\d+)/.exec(line)
    if (address !== null) port.resolve(Number(address[1]))
  })
  child.once('error', port.reject)
  ended.then(
    () => port.reject(new Error(`${program} has ended: ${last.slice(-3).join('\n')}`)),
    () => undefined,
  )
  const dispose = async () => {
    if (child.exitCode === null && child.pid !== undefined) child.kill('SIGTERM')
    await ended.catch(() => undefined)
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const address = `http://127.0.0.1:${await port.promise}`
    return { query: (expression) => query(address, expression), [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (!isAbsent) throw error
    const reason = `${program} is not installed here: Debian has it in its package prometheus`
    context.skip(process.env['CI'] === undefined, reason)
    throw new Error(reason, { cause: error })
  }
}

function configurationFor(ports: readonly number[]): string {
  const targets = ports.map((port) => `'127.0.0.1:${port}'`).join(', ')
  return `global: { scrape_interval: 250ms, scrape_timeout: 250ms }
scrape_configs:
  - job_name: hooktide
    static_configs: [{ targets: [${targets}] }]
`
}

async function query(address: string, expression: string): Promise<readonly Sample[]> {
  const body = new URLSearchParams({ query: expression })
  const response = await fetch(`${address}/api/v1/query`, { method: 'POST', body })
  const answer = (await response.json()) as Answer
  if (answer.status !== 'success') throw new Error(`${expression}: ${answer.error}`)
  return answer.data.result
}

type Answer =
  | { readonly status: 'success'; readonly data: { readonly result: readonly Sample[] } }
  | { readonly status: 'error'; readonly error: string }
