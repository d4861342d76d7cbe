import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { connectAdmin } from '../../src/edge/kafka/admin.ts'
import { createSink } from '../../src/edge/kafka/sink.ts'
import { hooktide } from '../support/hooktide-process.ts'
import { uniqueNames } from '../support/names.ts'
import { surroundings } from '../support/sandbox.ts'

const quiet = () => undefined
const { prefix } = uniqueNames()
const topic = `${prefix}.hooks`
const url = 'https://192.0.2.1/hook'

function settings() {
  return { brokers: surroundings().brokers, clientId: 'test' }
}

function environment() {
  return {
    KAFKA_BROKERS: surroundings().brokers.join(','),
    HOOKTIDE_TOPIC_PREFIX: prefix,
    HOOKTIDE_ALLOW_CIDRS: '192.0.2.0/24',
  }
}

function command(args: readonly string[], input = '') {
  return hooktide(args, environment(), input)
}

const put = (input: unknown, ...flags: readonly string[]) =>
  putText(JSON.stringify(input), ...flags)

const putText = (text: string, ...flags: readonly string[]) =>
  command(['hooks', 'put', '-f', '-', ...flags], text)

async function stored(id: string): Promise<Record<string, unknown>> {
  const { stdout } = await command(['hooks', 'get', id, '--show-secrets'])
  return JSON.parse(stdout)
}

beforeAll(async () => {
  const admin = await connectAdmin(settings(), quiet)
  await admin.createTopic({ topic, partitions: 1, configs: { 'cleanup.policy': 'compact' } })
  await admin.stop()
})

describe('hooks put', () => {
  it('ends with the first Ctrl-C while it waits for standard input', async () => {
    const script = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))
    // What it warns of is said right after it began to listen for signals.
    const env = { PATH: process.env['PATH'], ...environment(), HOOKTIDE_UNHEARD_OF: '1' }
    const child = spawn(process.execPath, [script, 'hooks', 'put', '-f', '-'], { env })
    onTestFinished(() => void child.kill('SIGKILL'))
    await once(child.stderr, 'data')
    child.kill('SIGINT')
    expect(await once(child, 'exit')).toEqual([130, null])
  })

  it('refuses a delivery option outside delivery, which would leave the hook unfiltered', async () => {
    const hook = { events: ['PostSignIn'], config: { url }, filter: 'false', ratePerSecond: 1 }
    const { code, stderr, stdout } = await put(hook)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/filter:? belongs in delivery: write it as delivery\.filter/)
    expect(stderr).toMatch(/ratePerSecond:? belongs in delivery/)
  })

  it('refuses an invalid filter and says where it is wrong, and keeps a valid one', async () => {
    const hook = { id: 'filtered', events: ['PostSignIn'], config: { url } }
    const refused = await put({ ...hook, delivery: { filter: 'event.user.id == user.id' } })
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toContain(
      'delivery.filter cannot be used: there is no variable user (character 18)',
    )
    const delivery = { filter: 'event.user.id == "u1"' }
    expect(await put({ ...hook, delivery })).toMatchObject({ code: 0, stderr: '' })
    expect(await stored('filtered')).toMatchObject({ delivery })
  })

  it('completes a hook as Logto does, shows its new key, and later replaces the whole hook', async () => {
    const first = await put({ name: 'one', events: ['PostSignIn'], config: { url } }, '--json')
    expect(first).toMatchObject({ code: 0, stderr: '' })
    const shown: Record<string, unknown> = JSON.parse(first.stdout)
    expect(shown).toMatchObject({ tenantId: 'default', url, enabled: true })
    const id = String(shown['id'])
    expect(id).toMatch(/^[0-9a-z]{21}$/)
    expect(shown['signingKey']).toMatch(/^[0-9A-Za-z]{32}$/)
    const { signingKey, createdAt } = await stored(id)
    expect(signingKey).toBe(shown['signingKey'])
    expect(createdAt).toEqual(expect.any(Number))

    const second = await put({ id, events: ['User.Created'], config: { url: `${url}?secret=1` } })
    expect(second).toMatchObject({ code: 0, stderr: '' })
    expect(second.stdout).toBe(`put hook ${id}: tenant default, ${url}, User.Created\n`)
    const idle = await put({ id: 'idle', events: [], config: { url } })
    expect(idle.stdout.split('\n')[0]).toBe(`put hook idle: tenant default, ${url}, no events`)
    expect(await stored(id)).toEqual({
      ...{ id, tenantId: 'default', events: ['User.Created'], signingKey, createdAt },
      ...{ config: { url: `${url}?secret=1` }, enabled: true },
    })
  })

  it('names every invalid field of every hook, and writes none of them', async () => {
    const hooks = [
      { id: 'fine', events: ['PostSignIn'], config: { url } },
      { id: 'faulty', events: ['nonsense'], config: { url: 'ftp://x' }, enabled: 'yes' },
      { id: 'fine', events: ['PostSignIn'], config: { url }, signingKey: '(hidden)' },
    ]
    const { code, stderr } = await put(hooks)
    expect(code).toBe(1)
    const problems = stderr.trim().split('\n')
    expect(problems.shift()).toBe('Nothing was written:')
    const fields = problems.map((line) => line.trim().split(' ').slice(0, 3).join(' '))
    expect(fields.toSorted()).toEqual([
      '[1] "faulty": config.url',
      '[1] "faulty": enabled',
      '[1] "faulty": events[0]',
      '[2] "fine": id',
      '[2] "fine": signingKey',
    ])
    expect((await command(['hooks', 'get', 'fine'])).code).toBe(1)
  })

  it('refuses URLs and keys that cannot work, and names the headers that calls leave out', async () => {
    const events = ['PostSignIn']
    const faulty = [
      { id: 'f1', events, config: { url: 'https://192.0.2.1:0/' } },
      { id: 'f2', events, config: { url }, signingKey: 'whsec_!!!!' },
      {
        id: 'f3',
        events,
        config: { url },
        delivery: { previousSigningKeys: [{ key: 'whsec_', expiresAt: 9e15 }] },
      },
      { id: 'f4', events: Array(300).fill('PostSignIn'), config: { url } },
    ]
    const refused = await put(faulty)
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr.trim().split('\n').slice(1)).toEqual([
      expect.stringContaining('"f1": config.url must not be a URL with port 0'),
      expect.stringContaining('"f2": signingKey begins as a secret of Standard Webhooks'),
      expect.stringContaining('"f3": delivery.previousSigningKeys[0].key begins as a secret'),
      expect.stringContaining('"f4": events has more than 256 event keys'),
    ])
    expect(refused.stderr).not.toContain('!!!!')
    const headers = { Host: 'x', 'X-Team': 'a', 'webhook-signature': 'v1,x' }
    const { code, stdout, stderr } = await put(
      { id: 'h', events, config: { url, headers } },
      '--json',
    )
    expect({ code, hook: JSON.parse(stdout) }).toMatchObject({ code: 0, hook: { id: 'h' } })
    expect(stderr.trim().split('\n')).toEqual([
      expect.stringContaining('warning: config.headers.Host is left out of calls'),
      expect.stringContaining('warning: config.headers.webhook-signature is left out of calls'),
    ])
  })

  it('accepts one hook a line, and says of each what it wrote', async () => {
    const lines = ['l1', 'l2'].map((id) =>
      JSON.stringify({ id, events: ['PostSignIn'], config: { url } }),
    )
    const { code, stdout } = await putText(`\uFEFF${lines.join('\n')}\n`, '--json')
    expect(code).toBe(0)
    const ids = stdout
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line).id)
    expect(ids).toEqual(['l1', 'l2'])
    const twice = await putText('{"id":"l3","events":[],"events":[],"config":{}}')
    expect(twice.stderr).toContain('events appears twice')
  })

  it('refuses to move a hook to another tenant', async () => {
    const hook = { id: 'stays', tenantId: 'acme', events: ['PostSignIn'], config: { url } }
    expect((await put(hook)).code).toBe(0)
    for (const tenant of [{ tenantId: 'other' }, { tenantId: undefined }]) {
      const { code, stderr } = await put({ ...hook, ...tenant })
      expect(code).toBe(1)
      expect(stderr).toContain('tenantId cannot be changed: the hook belongs to "acme"')
    }
    expect(await stored('stays')).toMatchObject({ tenantId: 'acme' })
  })

  it('warns about a hook that will never be called, and still writes it', async () => {
    const { code, stderr } = await put([
      { id: 'w1', events: [], config: { url: 'https://[::1]/' } },
      { id: 'w2', events: ['Cat.Fed'], config: { url: 'http://192.0.2.1/' }, eventz: 1 },
      { id: 'w3', events: ['PostSignIn'], config: { url: 'https://169.254.169.254/' } },
      { id: 'w4', events: ['PostSignIn'], config: { url: 'https://nowhere.invalid/' } },
    ])
    expect(code).toBe(0)
    expect(stderr.trim().split('\n')).toEqual([
      'warning: [0] "w1": events is empty, and so is event: this hook will never be called',
      expect.stringMatching(/^warning: \[0\] "w1": config.url leads to .* HOOKTIDE_ALLOW_CIDRS/),
      'warning: [1] "w2": events has Cat.Fed, which Logto does not send',
      'warning: [1] "w2": eventz is not known and has no effect',
      expect.stringMatching(/^warning: \[1\] "w2": config.url is plain http/),
      'warning: [2] "w3": config.url leads to an address that cannot be allowed: it will not be called',
      expect.stringMatching(/^warning: \[3\] "w4": config.url: nowhere.invalid .*resolve/),
    ])
    expect(await stored('w4')).toMatchObject({ id: 'w4' })
  })

  it.each([
    ['{', /^standard input is not JSON: line 1, column 2: the text ends too early\.\n$/],
    ['{"id":"a"}\n{"id":b}', /^standard input is not JSON: line 2, column 7: a value is missing/],
    ['[]', /^standard input has no hook\.\n$/],
  ])('says what is wrong with %j before it asks Kafka', async (input, message) => {
    const environment = { KAFKA_BROKERS: '127.0.0.1:1' }
    const { code, stderr } = await hooktide(['hooks', 'put', '-f', '-'], environment, input)
    expect(code).toBe(1)
    expect(stderr).toMatch(message)
  })
})

describe('hooks get', () => {
  it('hides keys and credentials unless asked to show them', async () => {
    const config = { url, headers: { Authorization: 'Bearer abc', 'X-Team': 'blue' } }
    const delivery = { previousSigningKeys: [{ key: 'old-one', expiresAt: 1 }] }
    const hook = { id: 'secret', events: ['PostSignIn'], config, delivery, signingKey: 'new-one' }
    expect((await put(hook)).stdout).not.toContain('new-one')
    const { stdout, code } = await command(['hooks', 'get', 'secret'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      signingKey: '(hidden)',
      config: { headers: { Authorization: '(hidden)', 'X-Team': 'blue' } },
      delivery: { previousSigningKeys: [{ key: '(hidden)', expiresAt: 1 }] },
    })
    expect(await stored('secret')).toMatchObject(hook)
  })

  it('hides the keys of a URL, and hooks put refuses the hidden form', async () => {
    const secretUrl = `${new URL(url).origin}/services/T024BE7LD/a1b2C3d4?token=s3cret`
    const hook = { id: 'chat', events: ['PostSignIn'], config: { url: secretUrl } }
    const shownUrl = `${new URL(url).origin}/services/(hidden)/(hidden)`
    expect((await put(hook)).stdout).toContain(`tenant default, ${shownUrl}, PostSignIn`)
    const { stdout } = await command(['hooks', 'get', 'chat'])
    expect(JSON.parse(stdout)).toMatchObject({ config: { url: `${shownUrl}?(hidden)` } })
    expect(stdout.split('\n').length).toBeGreaterThan(5)
    expect(await stored('chat')).toMatchObject({ config: { url: secretUrl } })
    const lists = await Promise.all([
      command(['hooks', 'list']),
      command(['hooks', 'list', '--json']),
      command(['endpoints', 'list', '--all']),
    ])
    for (const list of lists) expect(list.stdout).not.toMatch(/a1b2C3d4|s3cret/)
    const back = await putText(stdout)
    expect(back).toMatchObject({ code: 1, stdout: '' })
    expect(back.stderr).toContain('config.url has a hidden value')
    expect(back.stderr).toContain('signingKey has a hidden value')
  })
})

describe('hooks list', () => {
  it('shows the hooks of a tenant, and the problems of suspended ones', async () => {
    await put({ id: 'b', tenantId: 'listed', events: ['PostSignIn'], config: { url }, name: 'B' })
    const sink = createSink({ settings: settings(), log: quiet })
    const broken = { id: 'a', tenantId: 'listed', events: ['PostSignIn'], signingKey: '' }
    await sink.write([{ topic, key: 'a', value: Buffer.from(JSON.stringify(broken)), headers: [] }])
    await sink.stop()
    const { stdout } = await command(['hooks', 'list', '--tenant', 'listed', '--json'])
    const hooks = stdout
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line))
    expect(hooks).toMatchObject([
      { id: 'a', state: 'suspended', problems: [{ field: 'config', message: 'is missing' }] },
      { id: 'b', state: 'active', name: 'B', url, enabled: true, problems: [] },
    ])
    const table = await command(['hooks', 'list', '--tenant', 'listed'])
    expect(table.stdout.split('\n')[1]).toMatch(/^a .* suspended +- +\(config is missing\)$/)
  })
})

describe('hooks delete', () => {
  it('writes tombstones, and none if one of the ids is unknown', async () => {
    const hook = { events: ['PostSignIn'], config: { url } }
    await put([
      { ...hook, id: 'd1' },
      { ...hook, id: 'd2' },
    ])
    const mistaken = await command(['hooks', 'delete', 'd1', 'nobody', '--yes'])
    expect(mistaken).toMatchObject({ code: 1, stdout: '' })
    expect(mistaken.stderr).toBe('There is no hook nobody. Nothing was deleted.\n')
    const both = await command(['hooks', 'delete', 'no1', 'no2', '--yes'])
    expect(both.stderr).toBe('There are no hooks no1, no2. Nothing was deleted.\n')
    expect((await command(['hooks', 'get', 'd1'])).code).toBe(0)
    const right = await command(['hooks', 'delete', 'd1', 'd2', '--yes'])
    expect(right).toMatchObject({ code: 0, stdout: 'deleted d1\ndeleted d2\n' })
    expect((await command(['hooks', 'get', 'd1'])).code).toBe(1)
  })
})

describe('a family of commands', () => {
  it('has its own help', async () => {
    const { code, stdout } = await command(['hooks', '--help'])
    expect(code).toBe(0)
    expect(stdout).toContain('hooks put')
    expect(stdout).not.toContain('events send')
  })
})

describe('hooks rotate-key', () => {
  const rotate = (...words: readonly string[]) => command(['hooks', 'rotate-key', ...words])

  it('gives a hook a new key, shows it once, and keeps the old one for the overlap', async () => {
    const hook = { id: 'rotated', name: 'n', events: ['PostSignIn'], config: { url } }
    await put({ ...hook, signingKey: 'first', delivery: { concurrency: 3 } })
    const before = await stored('rotated')
    const { code, stdout, stderr } = await rotate('rotated', '--overlap', '2h', '--json')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const shown: Record<string, unknown> = JSON.parse(stdout)
    expect(shown['signingKey']).toMatch(/^[0-9A-Za-z]{32}$/)
    expect(await stored('rotated')).toEqual({
      ...before,
      signingKey: shown['signingKey'],
      delivery: {
        concurrency: 3,
        previousSigningKeys: [{ key: 'first', expiresAt: shown['oldKeyExpiresAt'] }],
      },
    })
  })

  it('continues if the hook is put again without its keys, and ends if an empty list is put', async () => {
    const before = await stored('rotated')
    const hook = { id: 'rotated', name: 'n', events: ['PostSignIn'], config: { url } }
    await put({ ...hook, delivery: { concurrency: 5 } })
    const { signingKey, delivery } = await stored('rotated')
    expect({ signingKey, delivery }).toEqual({
      signingKey: before['signingKey'],
      delivery: { ...Object(before['delivery']), concurrency: 5 },
    })
    await put({ ...hook, delivery: { previousSigningKeys: [] } })
    expect(await stored('rotated')).toMatchObject({ delivery: { previousSigningKeys: [] } })
  })

  it('refuses a hook that does not exist, and an overlap that is not a duration', async () => {
    expect(await rotate('nobody')).toMatchObject({ code: 1, stderr: 'There is no hook nobody.\n' })
    const { code, stderr } = await rotate('rotated', '--overlap', 'tomorrow')
    expect(code).toBe(2)
    expect(stderr).toContain(
      '--overlap must be a duration up to 365d such as 24h, or 0s, not "tomorrow".',
    )
  })
})
