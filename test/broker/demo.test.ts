import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { surroundings } from '../support/sandbox.ts'

const script = fileURLToPath(new URL('../../examples/demo/demo.ts', import.meta.url))

/** The demo as a process group of its own, with an empty folder for temporary files. */
async function startDemo(own: Readonly<Record<string, string>> = {}, args: readonly string[] = []) {
  const temporary = await mkdtemp(join(tmpdir(), 'hooktide-demo-test-'))
  const { brokers, registryUrl } = surroundings()
  const child = spawn(process.execPath, [script, ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      TMPDIR: temporary,
      HOOKTIDE_TEST_BROKERS: brokers.join(','),
      HOOKTIDE_TEST_REGISTRY: registryUrl,
      // Nothing listens there: the demo fails if it, or a command of it, looks at them.
      KAFKA_BROKERS: '127.0.0.1:1',
      SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1',
      HOOKTIDE_EVENT_TOPICS: 'production.events',
      ...own,
    },
  })
  const pid = child.pid ?? 0
  onTestFinished(async () => {
    if (isGroupAlive(pid)) process.kill(-pid, 'SIGKILL')
    await rm(temporary, { recursive: true, force: true })
  })
  let output = ''
  const seen = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      for (const check of seen) check()
    })
  }
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve))
  return {
    pid,
    exited,
    output: () => output,
    says: (pattern: RegExp) =>
      new Promise<void>((resolve, reject) => {
        const check = () => {
          if (pattern.test(output)) resolve()
        }
        seen.add(check)
        check()
        void exited.then(() => reject(new Error(`it ended without ${String(pattern)}:\n${output}`)))
      }),
    temporaryFiles: () => readdir(temporary),
  }
}

/** Whether any process is left of what the demo started. */
function isGroupAlive(pid: number): boolean {
  try {
    process.kill(-pid, 0)
    return true
  } catch {
    return false
  }
}

describe('the demo', () => {
  it('runs to its end, prints the results topic as a table, and finds that all counts agree', async () => {
    const demo = await startDemo()
    expect(await demo.exited, demo.output()).toBe(0)
    const lines = demo.output().split('\n')
    const cells = lines.map((line) => line.trim().replaceAll(/ {2,}/g, ' '))
    const table = cells.findIndex((line) => line.startsWith('HOOK '))
    expect(cells.slice(table, table + 7)).toEqual([
      'HOOK DELIVERED RETRYING DEAD RECEIVED EXPECTED',
      'acme-sign-ins 2 0 0 2 2 delivered',
      'acme-users 2 0 0 2 2 delivered',
      'globex-audit 2 2 0 4 2 delivered, 2 retrying',
      'globex-crm 1 0 0 1 1 delivered',
      'Topic of rejected events: 1, expected 1.',
      '✓ Receiver, results topic and expectation agree: 9 calls, 9 results, 1 rejected event.',
    ])
    const happened = cells.flatMap((line) => /^\d+\.\ds (. \w+)/u.exec(line)?.[1] ?? [])
    // Whether the second attempt comes before the next event is up to the machine.
    expect([...happened.slice(0, 6), ...happened.slice(6, 10).toSorted()]).toEqual([
      ...['→ event', '✓ delivered', '→ event', '✓ delivered'],
      ...['→ event', '↻ retrying', ...['→ event', '↻ retrying', '✓ delivered', '✓ delivered']],
    ])
    expect(happened.slice(10)).toEqual([
      ...['✎ edited', '→ event', '✓ delivered'],
      ...['✗ deleted', '→ event', '✓ delivered'],
      ...['✗ rejected', '→ event', '✓ delivered'],
    ])
    expect(lines.filter((line) => line.length > 100)).toEqual([])
    expect(demo.output()).not.toContain('\u001B')
    expect(isGroupAlive(demo.pid)).toBe(false)
    expect(await demo.temporaryFiles()).toEqual([])
  })

  it('says by which variable it was given a broker that does not answer', async () => {
    const demo = await startDemo({ HOOKTIDE_TEST_BROKERS: '127.0.0.1:1' })
    expect(await demo.exited).toBe(1)
    expect(demo.output()).toMatch(
      /^No Kafka broker answers at .*: check HOOKTIDE_TEST_BROKERS, .*$/m,
    )
  })

  it.each([
    [['--help'], 0, /^Usage: npm run demo$/m],
    [['--brokers', 'x'], 2, /^The demo takes no arguments\. Start it with "npm run demo"\.$/m],
  ])('starts nothing when it is given %j', async (args, code, said) => {
    const demo = await startDemo({}, args)
    expect(await demo.exited).toBe(code)
    expect(demo.output()).toMatch(said)
    expect(demo.output()).not.toContain('$ hooktide')
  })

  it.each([
    ['while a command runs, alone', /\$ hooktide init/, (pid: number) => pid],
    ['while a retry waits, as a terminal does', /↻ retrying/, (pid: number) => -pid],
  ])('leaves no process and no file behind if it is interrupted %s', async (_, moment, target) => {
    const demo = await startDemo()
    await demo.says(moment)
    process.kill(target(demo.pid), 'SIGINT')
    expect(await demo.exited, demo.output()).toBe(130)
    expect(demo.output()).toContain('Interrupted: ending what was started.')
    expect(demo.output()).not.toMatch(/^ {4}at /m)
    expect(isGroupAlive(demo.pid)).toBe(false)
    expect(await demo.temporaryFiles()).toEqual([])
  })
})
