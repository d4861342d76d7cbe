/** What the header of a report says of the machine and of the versions. */
import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { cpus, loadavg, release, totalmem, type } from 'node:os'
import { kafkaVersion, type Surroundings } from '../../examples/sandbox/sandbox.ts'
import { version } from '../../src/version.ts'
import { imageProgram } from '../support/image-program.ts'
import type { Header } from './report.ts'

const packages = ['kafkajs', 'undici'] as const

export function headerOf(
  { kind }: Pick<Surroundings, 'kind'>,
  { rounds, events }: Pick<Header, 'rounds' | 'events'>,
): Header {
  const all = cpus()
  return {
    date: new Date().toISOString(),
    commit: commitOfCheckout(),
    machine: {
      cpu: all[0]?.model ?? 'unknown CPU',
      cores: all.length,
      memoryMiB: Math.round(totalmem() / 1024 / 1024),
      kernel: `${type()} ${release()}`,
      load: loadavg()[0] ?? 0,
    },
    versions: {
      hooktide: version,
      node: [process.version, ...(imageProgram().options ?? [])].join(' '),
      ...Object.fromEntries(packages.map((name) => [name, versionOf(name)])),
      Kafka: kind === 'given' ? 'given' : `${kafkaVersion} (${kind})`,
    },
    rounds,
    events,
  }
}

function versionOf(name: string): string {
  const manifest = createRequire(import.meta.url)(`${name}/package.json`) as { version: string }
  return manifest.version
}

/** Short, with a mark where files differ from it; empty without git. */
function commitOfCheckout(): string {
  try {
    const arguments_ = ['describe', '--always', '--dirty', '--exclude=*']
    return execFileSync('git', arguments_, { encoding: 'utf8', stdio: 'pipe' }).trim()
  } catch {
    return ''
  }
}
