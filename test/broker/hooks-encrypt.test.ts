/** Secrets of hooks encrypted at rest, on a real topic: from the command line to the call, and through a change of keys. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { createBrokerRig } from '../support/broker-rig.ts'
import { hooktide, type Finished } from '../support/hooktide-process.ts'
import { surroundings } from '../support/sandbox.ts'
import { tailTopic } from '../support/topic-tail.ts'

const signingKey = 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii'
const [k1 = '', k2 = ''] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64'))
const secrets = /Qm3Vx8Zc|Bearer|older key/

type Environment = Readonly<Record<string, string>>
const one: Environment = { HOOKTIDE_ENCRYPTION_KEYS: k1 }
const both: Environment = { HOOKTIDE_ENCRYPTION_KEYS: `${k2},${k1}` }
const two: Environment = { HOOKTIDE_ENCRYPTION_KEYS: k2 }

async function createCase() {
  const rig = await createBrokerRig({ brokers: surroundings().brokers })
  const written = tailTopic(surroundings().brokers, `${rig.prefix}.hooks`, ({ value }) =>
    Promise.resolve(value.toString()),
  )
  onTestFinished(async () => {
    await written.stop()
    await rig[Symbol.asyncDispose]()
  })
  const command = (words: string, environment: Environment, input = ''): Promise<Finished> =>
    hooktide(words.split(' '), { ...rig.environment, ...environment }, input)
  const hook = {
    id: 'a',
    events: ['PostSignIn'],
    config: { url: rig.urlOf('a'), headers: { Authorization: 'Bearer abc' } },
    signingKey,
    delivery: { previousSigningKeys: [{ key: 'older key', expiresAt: 9e15 }] },
  }
  const put = (environment: Environment, fields: object = {}) =>
    command('hooks put -f - --json', environment, JSON.stringify({ ...hook, ...fields }))
  const newest = async (count: number) =>
    (await written.waitFor((all) => all.length >= count))[count - 1] ?? ''
  const shown = async (environment: Environment): Promise<unknown> =>
    JSON.parse((await command('hooks get a --show-secrets', environment)).stdout)
  return { rig, command, hook, put, newest, shown }
}

it('a hook is written encrypted, called with plain secrets, and shows its secrets only with the key', async () => {
  const { rig, hook, put, newest, shown, command } = await createCase()
  expect(await put(one)).toMatchObject({ code: 0, stderr: '' })
  expect(await newest(1)).not.toMatch(secrets)
  expect(await shown(one)).toMatchObject(hook)
  const process = await rig.run(one)
  await rig.sendEvents({})
  const [request] = await rig.receiver.waitFor(1)
  expect(request).toMatchObject({ logtoSignature: 'valid', standardSignature: 'valid' })
  expect(request?.headers['authorization']).toBe('Bearer abc')
  expect(request?.headers['webhook-signature']?.split(' ')).toHaveLength(2)
  // A key that this process does not have suspends the hook alone.
  await rig.putHooks({ id: 'plain' })
  await put(both)
  const line = await process.waitForLine(({ msg }) => msg === 'hook.suspended')
  expect(JSON.stringify(line)).toContain('which HOOKTIDE_ENCRYPTION_KEYS does not have')
  await rig.sendEvents({})
  const requests = await rig.receiver.waitFor(2)
  expect(requests.map(({ path }) => path)).toEqual(['/a', '/plain'])
  expect(JSON.stringify(process.lines)).not.toMatch(secrets)
  expect(JSON.stringify(process.lines)).not.toContain(k1)
  expect((await command('hooks list', one)).stdout).toMatch(
    /^a .* suspended .*is encrypted with key/m,
  )
})

it('an old key can be removed when a command has encrypted all hooks with the newest one, and shows so', async () => {
  const { rig, command, put, newest, shown, hook } = await createCase()
  const folder = await mkdtemp(join(tmpdir(), 'hooktide-keys-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'keys')
  await writeFile(file, `${k2}\n${k1}\n`)
  const fromFile = { HOOKTIDE_ENCRYPTION_KEYS_FILE: file }
  await put(one)
  await rig.putHooks({ id: 'clear' }, { id: 'unsigned', signingKey: '' }, { id: 'broken', name: 5 })
  const states = async (words: string) => {
    const { code, stdout } = await command(`hooks encrypt --json ${words}`.trim(), fromFile)
    expect(code).toBe(0)
    const lines = stdout.trim().split('\n')
    return lines.map((line): unknown => JSON.parse(line))
  }
  const due = await states('--dry-run')
  expect(due).toMatchObject([
    { id: 'a', state: 'due', encryptedWith: [expect.stringMatching(/^[\da-f]{12}$/)] },
    { id: 'broken', state: 'due', encryptedWith: [null] },
    { id: 'clear', state: 'due', encryptedWith: [null] },
  ])
  expect(await states('')).toMatchObject([
    { state: 'rewritten' },
    { state: 'rewritten' },
    { state: 'rewritten' },
  ])
  await newest(7)
  const after = await states('--dry-run')
  expect(after).toMatchObject([{ state: 'current' }, { state: 'current' }, { state: 'current' }])
  expect(JSON.stringify(after)).not.toContain(String(Object(due[0]).encryptedWith))
  // Without the old key all is as before.
  expect(await shown(two)).toMatchObject(hook)
  expect((await command('hooks get clear --show-secrets', two)).stdout).toContain(signingKey)
  // And with the old one alone nothing is done, and each hook is named.
  const left = await command('hooks encrypt', one)
  expect(left).toMatchObject({ code: 1, stdout: '' })
  expect(left.stderr).toMatch(
    /^left {2}a: key [\da-f]{12}; config\.headers\.Authorization is encrypted with key/m,
  )
  expect(left.stderr).toContain('0 of 3 hooks with secrets')
  // The way back.
  await command('hooks encrypt --decrypt', two)
  expect(await newest(10)).toContain(signingKey)
  expect(await shown({})).toMatchObject(hook)
})

it('a hook with several keys in the topic is encrypted, and the command names the older records that remain', async () => {
  const { rig, command, hook, newest } = await createCase()
  const value = Buffer.from(JSON.stringify(hook))
  await rig.sendHooks({ key: '{"id":"a"}', value }, { key: 'a', value })
  const { code, stdout, stderr } = await command('hooks encrypt', one)
  expect({ code, stdout }).toEqual({ code: 1, stdout: 'rewritten  a: in plain text\n' })
  expect(stderr).toMatch(
    /^left {2}a: in plain text; the topic has older records of it under other keys/m,
  )
  expect(stderr).toContain('0 of 1 hooks with secrets')
  expect(await newest(3)).not.toMatch(secrets)
})

it('without a key, a command neither shows nor replaces encrypted secrets, and can write the rest', async () => {
  const { command, put, newest, shown } = await createCase()
  await put(one)
  const first: Readonly<Record<string, unknown>> = JSON.parse(await newest(1))
  const get = await command('hooks get a --show-secrets', {})
  expect(get.stderr).toContain('Secrets are encrypted and HOOKTIDE_ENCRYPTION_KEYS is not set')
  expect(get.stdout).not.toMatch(secrets)
  const refused = await put({}, { name: 'renamed' })
  expect(refused).toMatchObject({ code: 1, stdout: '' })
  expect(refused.stderr).toContain(
    'signingKey would be written in plain text, but the secrets of this hook are encrypted',
  )
  expect(refused.stderr).toContain('config.headers.Authorization would be written in plain text')
  const config = { url: 'https://192.0.2.1/' }
  expect(
    await put({}, { name: 'renamed', signingKey: undefined, delivery: {}, config }),
  ).toMatchObject({ code: 0 })
  expect(JSON.parse(await newest(2))).toMatchObject({
    name: 'renamed',
    signingKey: first['signingKey'],
    delivery: first['delivery'],
  })
  expect(await shown(one)).toMatchObject({ signingKey })
  expect((await command('hooks rotate-key a', {})).stderr).toMatch(
    /^The secrets of hook a are encrypted: set/,
  )
  const other = await put({}, { id: 'b', signingKey: first['signingKey'], delivery: {}, config })
  expect(other.stderr).toContain('signingKey is encrypted: set HOOKTIDE_ENCRYPTION_KEYS')
  const foreign = await put(one, { id: 'b', signingKey: first['signingKey'], delivery: {}, config })
  expect(foreign.stderr).toContain(
    'signingKey cannot be decrypted: it was encrypted for another hook',
  )
  // A rotation leaves the old key and the new one encrypted.
  const { stdout } = await command('hooks rotate-key a --json', one)
  const { signingKey: newKey } = JSON.parse(stdout) as { readonly signingKey: string }
  expect(await newest(3)).not.toMatch(secrets)
  expect(await newest(3)).not.toContain(newKey)
  expect(await shown(one)).toMatchObject({
    signingKey: newKey,
    delivery: { previousSigningKeys: [{ key: signingKey }, { key: 'older key' }] },
  })
})

it.each([
  [{ HOOKTIDE_ENCRYPTION_KEYS_FILE: '/nowhere' }, 'HOOKTIDE_ENCRYPTION_KEYS_FILE cannot be read: '],
  [{ HOOKTIDE_ENCRYPTION_KEYS_FILE: import.meta.filename }, 'has more than 16 keys'],
  [{}, 'Set HOOKTIDE_ENCRYPTION_KEYS: there is no key to encrypt with.'],
])('%j leaves no key to encrypt with, and the message says so', async (environment, message) => {
  const brokers = { KAFKA_BROKERS: '127.0.0.1:1' }
  const { code, stderr } = await hooktide(['hooks', 'encrypt'], { ...brokers, ...environment })
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) })
})
