import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { connectAdmin } from '../../src/edge/kafka/admin.ts'
import { hooktide, startRun } from '../support/hooktide-process.ts'
import { uniqueNames } from '../support/names.ts'
import { surroundings } from '../support/sandbox.ts'

const away = { KAFKA_BROKERS: '127.0.0.1:1' }
const cliPath = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))

describe('the command line', () => {
  it('writes answers to standard output and errors to standard error', async () => {
    const nothing = await hooktide([], {})
    expect(nothing).toMatchObject({ code: 2, stdout: '' })
    expect(nothing.stderr).toContain('Usage: hooktide <command>')
    const help = await hooktide(['help', 'hooks', 'put'], {})
    expect(help).toMatchObject({ code: 0, stderr: '' })
    expect(help.stdout).toContain('Usage: hooktide hooks put -f <file>')
    const slip = await hooktide(['hooks', 'put', '--fil', 'x'], {})
    expect(slip).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'hooktide hooks put: --fil is not known: did you mean --file?\nSee "hooktide hooks put --help".\n',
    })
  })

  it.runIf(existsSync('/dev/full'))('fails when its output cannot be written', async () => {
    const full = openSync('/dev/full', 'w')
    onTestFinished(() => closeSync(full))
    for (const args of [['--version'], ['help', 'run'], ['completion', 'bash']]) {
      const child = spawn(process.execPath, [cliPath, ...args], { stdio: ['ignore', full, 'pipe'] })
      let errors = ''
      child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()))
      const [code] = await once(child, 'close')
      expect([args, code]).toEqual([args, 1])
      expect(errors).toMatch(/^The output cannot be written: ENOSPC.*\n$/)
    }
  })

  it('completes its work when nobody reads its output', async () => {
    const { brokers } = surroundings()
    const { prefix, group } = uniqueNames()
    const names = { HOOKTIDE_TOPIC_PREFIX: prefix, HOOKTIDE_GROUP_ID: group }
    const child = spawn(process.execPath, [cliPath, 'init', '--partitions', '1'], {
      env: { ...process.env, ...names, KAFKA_BROKERS: brokers.join(',') },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stdout.once('data', () => child.stdout.destroy())
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    expect(await once(child, 'close')).toEqual([0, null])
    expect(stderr).toBe('')
    const admin = await connectAdmin({ brokers, clientId: 'test' }, () => undefined)
    const offsets = await admin.groupOffsets(`${group}.retry`, [`${prefix}.webhook.retry.2h`])
    await admin.stop()
    expect(offsets).toHaveLength(1)
  })
})

describe('text from outside', () => {
  const hostile = 'a\u001b[2J\u009b31m\u007f\u202eb\u2066\u2028\u200f\u061c\ufeff\r\nforged: line'
  /** What a terminal would obey, or what would turn the text around it. */
  const unsafe = /[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]--\n]/v
  const event = { event: 'PostSignIn', createdAt: hostile, [hostile]: 1 }

  it.each<[readonly string[], string?]>([
    [[hostile]],
    [['help', hostile]],
    [[`--${hostile}`]],
    [['hooks', 'get', `--${hostile}`]],
    [['hooks', 'get', 'a', hostile]],
    [['resend', hostile]],
    [['results', '--from', hostile]],
    [['results', `--from=${hostile}`, '--json']],
    [['init', '--event-format', hostile]],
    [['hooks', 'put', '-f', hostile]],
    [['hooks', 'put', '-f', '-'], hostile],
    [['events', 'validate', '-f', '-'], JSON.stringify(event)],
    [['events', 'validate', '-f', '-', '--json'], JSON.stringify({ ...event, event: hostile })],
    [['events', 'validate', '-f', '-'], `{"${hostile.slice(13)}":1,"${hostile.slice(13)}":2}`],
  ])('is escaped in what %j says', async (args, input = '') => {
    const { stdout, stderr, code } = await hooktide(args, away, input)
    expect(code).not.toBe(0)
    expect(`${stdout}${stderr}`).not.toMatch(unsafe)
    expect(`${stdout}${stderr}`).not.toMatch(/^forged/m)
  })

  it('is escaped in the log and in /readyz, whose text means the same', async () => {
    const instance = 'a\u009bb\u202ec'
    const brokers = 'ka\u202efka.invalid:1'
    const run = spawn(process.execPath, [cliPath, 'run'], {
      env: {
        ...process.env,
        ...{ KAFKA_BROKERS: brokers, HOOKTIDE_INSTANCE: instance },
        ...{ HOOKTIDE_HTTP_PORT: '0', HOOKTIDE_HTTP_HOST: '127.0.0.1' },
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    onTestFinished(() => void run.kill('SIGKILL'))
    let log = ''
    run.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()))
    await expect.poll(() => log, { timeout: 20_000 }).toContain('waiting for Kafka')
    expect(log).not.toMatch(unsafe)
    const lines = log
      .trim()
      .split('\n')
      .map((line): Readonly<Record<string, unknown>> => JSON.parse(line))
    expect(lines[0]).toMatchObject({ instance, settings: { brokers: [brokers] } })
    const port = Number(lines.find(({ msg }) => msg === 'listening')?.['port'])
    const page = await (await fetch(`http://127.0.0.1:${port}/readyz`)).text()
    expect(page).toContain('ka\\u202efka.invalid:1')
    expect(page).not.toMatch(unsafe)
  })
})

describe('a variable that is misspelt', () => {
  const environment = { ...away, HOOKTIDE_TOPIC_PREFX: 'acme', HOOKTIDE_HTTP_PORT: '0' }
  const doubt =
    'HOOKTIDE_TOPIC_PREFX is not a setting and has no effect: did you mean HOOKTIDE_TOPIC_PREFIX?'

  it('causes one warning beside the answer', async () => {
    const { stdout, stderr } = await hooktide(['hooks', 'list'], environment)
    expect(stdout).toBe('')
    expect(stderr.split('\n')[0]).toBe(`warning: ${doubt}`)
    expect(stderr.split(doubt)).toHaveLength(2)
  })

  it('is a warning in the log of run', async () => {
    await using run = startRun(environment)
    await run.waitForLine(({ msg, level }) => msg === doubt && level === 'warn')
    expect(run.errorOutput()).toBe('')
  })
})
