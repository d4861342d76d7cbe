import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { connectAdmin } from '../../src/edge/kafka/admin.ts'
import { hooktide, startRun } from '../support/hooktide-process.ts'
import { uniqueNames } from '../support/names.ts'
import { surroundings } from '../support/sandbox.ts'

const away = { KAFKA_BROKERS: '127.0.0.1:1' }

describe('the command line', () => {
  it('keeps what people asked for apart from what they did wrong', async () => {
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

  it('ends what it has begun when nobody reads what it says', async () => {
    const { brokers } = surroundings()
    const { prefix, group } = uniqueNames()
    const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))
    const names = { HOOKTIDE_TOPIC_PREFIX: prefix, HOOKTIDE_GROUP_ID: group }
    const child = spawn(process.execPath, [cli, 'init', '--partitions', '1'], {
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

describe('a variable that is misspelt', () => {
  const environment = { ...away, HOOKTIDE_TOPIC_PREFX: 'acme', HOOKTIDE_HTTP_PORT: '0' }
  const doubt =
    'HOOKTIDE_TOPIC_PREFX is not a setting and has no effect: did you mean HOOKTIDE_TOPIC_PREFIX?'

  it('is told of once beside the answer', async () => {
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

describe('the demo', () => {
  it('looks at none of the settings, and names its own variable for a broker that is away', async () => {
    const environment = { KAFKA_BROKERS: 'nonsense', HOOKTIDE_TEST_BROKERS: '127.0.0.1:1' }
    const { code, stderr } = await hooktide(['demo'], environment)
    expect(code).toBe(1)
    expect(stderr).toMatch(/^No Kafka broker answers at .*: check HOOKTIDE_TEST_BROKERS, .*\n$/)
  })
})
