/**
 * Plants a secret of every kind, walks every path on which something is said, with logs at their finest, and searches
 * all that the processes wrote.
 *
 * Dead letters, retries, requests and the rejected topic hold events as they came, by contract: there only secrets of
 * hooks and settings are looked for.
 */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readSettings } from '../../src/settings/settings.ts'
import { groupRight, processorRights, topicRight } from '../../src/edge/kafka/needed-rights.ts'
import { freePort } from '../../examples/sandbox/sandbox.ts'
import { grant } from '../support/acls.ts'
import { createBrokerRig, type BrokerRig } from '../support/broker-rig.ts'
import { canary, Writings } from '../support/canaries.ts'
import { guardedProxy, guardedRegistry } from '../support/guarded-servers.ts'
import { hooktide, type RunningProcess } from '../support/hooktide-process.ts'
import { useKafka } from '../support/kafka-tools.ts'
import { listening } from '../support/listening.ts'
import { surroundings } from '../support/sandbox.ts'
import { passwordOf, startSecuredBroker, type SecuredBroker } from '../support/secured-broker.ts'

const user = `u${canary()}`
/** Of the test's key file. */
const keyPassphrase = 'sesame'

/** Of settings and hooks: nowhere. */
const secrets = {
  saslPassword: passwordOf(user),
  keyPassphrase,
  registryUser: canary(),
  registryPassword: canary(),
  registryKey: canary(),
  proxyUser: canary(),
  proxyPassword: canary(),
  signingKey: canary(),
  previousKey: canary(),
  authorization: canary(),
  cookie: canary(),
  customHeader: canary(),
  headerName: canary(),
  memberName: canary(),
  urlLogin: canary(),
  urlPath: canary(),
  urlQuery: canary(),
  brokenHook: canary(),
  pem: canary(),
  wrongPassword: canary(),
  clientSecret: canary(),
  accessToken: canary(),
  tokenQuery: canary(),
  encryptionKey: randomBytes(32).toString('hex'),
} as const

/** Of events: only where they are kept as they came. */
const personal = {
  email: `${canary()}@people.example`,
  phone: `+49151${Date.now()}`,
  password: canary(),
  eventHeader: canary(),
  memberOfEvent: `${canary()}@people.example`,
} as const

let broker: SecuredBroker
beforeAll(async () => {
  broker = await startSecuredBroker([user])
})
afterAll(() => broker.stop())

interface Walk {
  readonly rig: BrokerRig
  readonly environment: Readonly<Record<string, string>>
  /** What nobody may find any secret in. */
  readonly writings: Writings
}

/** Runs a command, and keeps what it says. */
async function say(
  { writings, environment }: Walk,
  args: readonly string[],
  { input = '', ...other }: Readonly<Record<string, string>> = {},
): Promise<number | null> {
  const { code, stdout, stderr } = await hooktide(args, { ...environment, ...other }, input)
  writings.add(`hooktide ${args[0]} ${args[1] ?? ''} (${code})`, `${stdout}\n${stderr}`)
  return code
}

async function secretSettings(): Promise<{
  readonly environment: Readonly<Record<string, string>>
  readonly passed: () => readonly number[]
}> {
  const login = `${secrets.registryUser}:${secrets.registryPassword}`
  const { registryUrl } = surroundings()
  const registry = guardedRegistry(registryUrl, { login, key: secrets.registryKey })
  const proxy = guardedProxy(`${secrets.proxyUser}:${secrets.proxyPassword}`)
  const registryPort = await listening(registry.server)
  const proxyPort = await listening(proxy.server)
  const url = new URL(registryUrl)
  return {
    environment: {
      KAFKA_BROKERS: broker.sasl,
      KAFKA_SSL_CA: broker.files.authority,
      KAFKA_SSL_CERT: broker.files.clientCertificate,
      KAFKA_SSL_KEY: broker.files.lockedClientKey,
      KAFKA_SSL_KEY_PASSPHRASE: keyPassphrase,
      KAFKA_SASL_MECHANISM: 'plain',
      KAFKA_SASL_USERNAME: user,
      KAFKA_SASL_PASSWORD: secrets.saslPassword,
      SCHEMA_REGISTRY_URL: `http://${login}@127.0.0.1:${registryPort}${url.pathname}?apikey=${secrets.registryKey}`,
      HOOKTIDE_EGRESS_PROXY: `http://${secrets.proxyUser}:${secrets.proxyPassword}@127.0.0.1:${proxyPort}`,
      HOOKTIDE_ENCRYPTION_KEYS: secrets.encryptionKey,
      HOOKTIDE_LOG_LEVEL: 'trace',
      HOOKTIDE_LOG_ATTEMPTS_PER_SECOND: '1000000',
      KAFKAJS_LOG_LEVEL: 'debug',
      KAFKAJS_DEBUG_PROTOCOL_BUFFERS: '1',
      KAFKAJS_DEBUG_EXTENDED_PROTOCOL_BUFFERS: '1',
    },
    passed: () => [registry.passed(), proxy.passed()],
  }
}

function hookWith(origin: string, id: string): Readonly<Record<string, unknown>> {
  return {
    id,
    tenantId: 'default',
    events: ['PostSignIn'],
    config: {
      url: `${origin}/${id}/${secrets.urlPath}?token=${secrets.urlQuery}`,
      headers: {
        Authorization: `Bearer ${secrets.authorization}`,
        Cookie: `session=${secrets.cookie}`,
        'x-team': secrets.customHeader,
      },
    },
    signingKey: secrets.signingKey,
    delivery: {
      previousSigningKeys: [{ key: secrets.previousKey, expiresAt: Date.now() + 3_600_000 }],
    },
  }
}

/** One whose calls carry a token, which the receiver gives for the right secret. */
function hookWithToken(origin: string, id: string): Readonly<Record<string, unknown>> {
  const hook = hookWith(origin, id)
  const oauth = {
    tokenUrl: `${origin}/token?key=${secrets.tokenQuery}`,
    clientId: 'hooktide',
    clientSecret: secrets.clientSecret,
  }
  return { ...hook, delivery: { ...(hook['delivery'] as object), oauth } }
}

const tokenAnswer = JSON.stringify({ access_token: secrets.accessToken, token_type: 'Bearer' })

/** Hooks that are not valid, as anybody may write them to the topic. */
async function sendBrokenHooks(rig: BrokerRig): Promise<void> {
  const base = hookWith(rig.receiver.origin, 'x')
  const config = base['config'] as Readonly<Record<string, object>>
  const name = `Authorization: Bearer ${secrets.headerName}`
  const broken = {
    named: { ...base, id: 'named', config: { ...config, headers: { [name]: 'x' } } },
    token: { ...base, id: 'token', config: { ...config, headers: { [secrets.headerName]: 5 } } },
    keyed: {
      ...base,
      id: 'keyed',
      delivery: { previousSigningKeys: [{ [secrets.previousKey]: 1 }] },
    },
    client: {
      ...base,
      id: 'client',
      delivery: { oauth: { clientSecret: [secrets.clientSecret] } },
    },
    odd: { ...base, id: 'odd', delivery: { [secrets.memberName]: 1 } },
  }
  const value = (text: string) => Buffer.from(text)
  await rig.sendHooks(
    ...Object.entries(broken).map(([key, hook]) => ({ key, value: value(JSON.stringify(hook)) })),
    { key: 'text', value: value(`{"signingKey": "${secrets.brokenHook}`) },
    { key: 'twice', value: value(`{"${secrets.memberName}":1,"${secrets.memberName}":2}`) },
    { key: value(`{"${secrets.brokenHook}":1`), value: value('{}') },
  )
}

async function sendEvents(rig: BrokerRig): Promise<void> {
  const fields = {
    user: {
      primaryEmail: personal.email,
      primaryPhone: personal.phone,
      password: personal.password,
    },
  }
  const headers = { 'event-id': 'e-1', 'x-origin': personal.eventHeader }
  const { memberOfEvent: member } = personal
  await rig.sendEvents(
    { fields, headers },
    { value: `{"event":"PostSignIn","password":"${personal.password}"` },
    {
      value: `{"${member}":1,"${member}":2,"event":"PostSignIn","createdAt":"2026-09-14T09:02:11Z"}`,
    },
    { fields, headers: { 'tenant-id': `a ${personal.eventHeader}` } },
    { fields: { ...fields, hookId: personal.password } },
  )
}

/** What ends a command or a process before it has begun. */
async function walkRefusals(walk: Walk): Promise<void> {
  const login = `${secrets.registryUser}:${secrets.registryPassword}`
  const closed = `http://${login}@127.0.0.1:${await freePort()}/?apikey=${secrets.registryKey}`
  const pem = `-----BEGIN PRIVATE KEY-----\n${secrets.pem}\n-----END PRIVATE KEY-----`
  const noKeys = { HOOKTIDE_ENCRYPTION_KEYS: '' }
  const refused: readonly (readonly [readonly string[], Readonly<Record<string, string>>?])[] = [
    [['hooks', 'list', '--registry-url', closed]],
    [['run', '--egress-proxy', `http://${secrets.proxyUser}:${secrets.proxyPassword}@proxy:1`]],
    [[`--egress-proxy=http://${secrets.proxyPassword}@proxy:1`, 'run']],
    [['run', `KAFKA_SASL_PASSWORD=${secrets.wrongPassword}`]],
    [['hooks', 'rotate-key', 'fine', secrets.signingKey]],
    [['hooks', 'rotate-key', 'fine', '--key', secrets.signingKey]],
    [['hooks', 'put', `-H`, `Authorization: Bearer ${secrets.authorization}`]],
    [['hooks', 'put', '-f', `{"signingKey":"${secrets.signingKey}"}`]],
    [['hooks', 'list', '--sasl-password', secrets.wrongPassword]],
    [[secrets.wrongPassword]],
    [['hooks', 'list'], { KAFKA_BROKERS: `${user}:${secrets.wrongPassword}@kafka:9092` }],
    [['hooks', 'list'], { KAFKA_SASL_PASSWORD: secrets.wrongPassword }],
    [['hooks', 'list'], { KAFKA_SSL_KEY_PASSPHRASE: secrets.wrongPassword }],
    [['hooks', 'list'], { KAFKA_SSL_KEY: pem }],
    [['results', '--from', 'earliest'], { SCHEMA_REGISTRY_URL: closed }],
    [['init'], { SCHEMA_REGISTRY_URL: closed.replace('apikey', 'key') }],
    [['init'], { SCHEMA_REGISTRY_URL: closed.replace('http:', 'ftp:') }],
    [['init'], { SCHEMA_REGISTRY_URL: `${login}@registry:8081` }],
    [['init'], { SCHEMA_REGISTRY_PASSWORD: secrets.wrongPassword, SCHEMA_REGISTRY_USERNAME: 'x' }],
    [['init'], { SCHEMA_REGISTRY_URL: closed.replace(':', `%zz${secrets.registryPassword}:`) }],
    [['run'], { HOOKTIDE_EGRESS_PROXY: `${secrets.proxyUser}:${secrets.proxyPassword}@proxy:1` }],
    [['run'], { HOOKTIDE_EGRESS_PROXY: `http://%zz${secrets.proxyPassword}@proxy:1` }],
    [['run']],
    [['hooks', 'list'], { HOOKTIDE_ENCRYPTION_KEYS: secrets.wrongPassword }],
    [['hooks', 'list'], { ...noKeys, HOOKTIDE_ENCRYPTION_KEYS_FILE: secrets.encryptionKey }],
    [['hooks', 'list'], { ...noKeys, HOOKTIDE_ENCRYPTION_KEYS_FILE: pem }],
  ]
  // A processor that starts all the same ends at the login.
  const ending = { KAFKA_SASL_PASSWORD: secrets.wrongPassword, HOOKTIDE_HTTP_PORT: '0' }
  const codes = await inTurns(refused, ([args, other]) =>
    say(walk, args, args.includes('run') ? { ...ending, ...other } : other),
  )
  expect(codes.filter((code) => code === 0)).toEqual([])
}

/** At most as many at once as a small machine bears. */
async function inTurns<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = []
  const waiting = items.entries()
  const worker = async () => {
    for (const [index, item] of waiting) results[index] = await work(item)
  }
  await Promise.all([worker(), worker(), worker()])
  return results
}

const hookInput = (rig: BrokerRig, id: string) => JSON.stringify(hookWith(rig.receiver.origin, id))

/** Commands that are given secrets in the right way, or read what holds them. */
async function walkCommands(walk: Walk): Promise<void> {
  const { rig } = walk
  const put = ['hooks', 'put', '-f', '-']
  const faulty = hookInput(rig, 'faulty').replace('"x-team"', `"Bearer ${secrets.headerName}"`)
  const event = JSON.stringify({
    ...{ event: 'PostSignIn', createdAt: '2026-09-14T09:02:11.019Z' },
    ...{ user: { primaryEmail: personal.email, password: personal.password } },
  })
  const commands: readonly (readonly [readonly string[], string?])[] = [
    [['init']],
    [put, hookInput(rig, 'more')],
    [[...put, '--json'], hookInput(rig, 'more')],
    [put, faulty],
    [put, `[${faulty}, {"signingKey":"${secrets.brokenHook}`],
    [['hooks', 'get', 'fine']],
    [['hooks', 'get', 'named', '--json']],
    [['hooks', 'list']],
    [['hooks', 'list', '--json']],
    [['hooks', 'test', 'named']],
    [['hooks', 'test', 'fine', '--wait', '20s']],
    [['hooks', 'rotate-key', 'keyed']],
    [['hooks', 'rotate-key', 'more']],
    [['hooks', 'encrypt']],
    [['endpoints', 'list', '--all']],
    [['endpoints', 'disable', 'more', '--json']],
    [['events', 'validate', '-f', '-'], `${event}\n{"event":"${personal.email}"}`],
    [['events', 'send', '-f', '-'], event],
    [['results', '--from', 'earliest']],
    [['results', '--from', 'earliest', '--json']],
    [['replay', '--failed-only', '--dry-run']],
    [['replay', '--failed-only', '--hook', 'failing']],
  ]
  await inTurns(commands, ([args, input = '']) => say(walk, args, { input }))
}

async function pages(process: RunningProcess): Promise<string> {
  const port = await process.port
  const answers = ['metrics', 'readyz', 'healthz', secrets.urlPath].map(async (page) =>
    (await fetch(`http://127.0.0.1:${port}/${page}`)).text(),
  )
  return (await Promise.all(answers)).join('\n')
}

async function allRecords(topics: readonly string[]): Promise<string> {
  const { readAll } = await useKafka([broker.open])
  const records = await Promise.all(topics.map((topic) => readAll(topic)))
  return records
    .flat()
    .flatMap(({ key, value, headers }) => [
      key,
      value,
      ...Array.from(headers, ([name, text]) => `${name}=${text?.toString()}`),
    ])
    .map(String)
    .join('\n')
}

async function grantAll(rig: BrokerRig): Promise<void> {
  const { admin } = await useKafka([broker.open])
  const { topics, tiers, groupId } = readSettings(rig.environment)
  const { hooks, events, results, deadLetters } = topics
  const read = [results, deadLetters, ...events].map((topic) => topicRight('Read', topic))
  const written = [hooks, ...events].map((topic) => topicRight('Write', topic))
  const replays = groupRight('Read', `${groupId}.replay.`)
  const processor = processorRights(
    topics,
    tiers.map(({ topic }) => topic),
    { groupId, notices: false },
  )
  await grant(admin, `User:${user}`, [
    ...processor,
    ...read,
    ...written,
    { ...replays, isPrefix: true },
    { ...replays, operation: 'Delete', isPrefix: true },
  ])
}

async function walkAll(walk: Walk): Promise<void> {
  const { rig, environment, writings } = walk
  const { origin } = rig.receiver
  const login = `http://${secrets.urlLogin}:${secrets.urlLogin}@`
  await rig.putHooks(
    ...['fine', 'failing', 'gone'].map((id) => ({ ...hookWith(origin, id), id })),
    { ...hookWithToken(origin, 'echo'), id: 'echo' },
    { ...hookWith('http://10.77.0.1', 'blocked'), id: 'blocked' },
    { ...hookWith(origin.replace('http://', login), 'login'), id: 'login' },
    { ...hookWith('no URL ', 'senseless'), id: 'senseless' },
  )
  await sendBrokenHooks(rig)
  const process = await rig.run(environment)
  await sendEvents(rig)
  // Of the one valid event for each hook that is: seven ends; and five of hooks that are suspended.
  await rig.results.waitFor((all) => all.filter(({ final }) => final).length >= 12)
  writings.add('pages', await pages(process))
  await walkCommands(walk)
  await walkRefusals(walk)
  const resent = rig.results.items.find(({ hookId }) => hookId === 'failing')
  await say(walk, ['resend', resent?.deliveryId ?? ''])
  writings.add('pages', await pages(process))
  writings.add('argument list', await readFile(`/proc/${process.pid}/cmdline`, 'utf8'))
  process.signal('SIGTERM')
  await process.exited
  writings.ofProcess('run', process)
}

describe('secrets that are planted everywhere', () => {
  it('appear nowhere', async () => {
    const { environment, passed } = await secretSettings()
    let echoes = 0
    await using rig = await createBrokerRig({
      brokers: [broker.open],
      registryUrl: surroundings().registryUrl,
      environment: { HOOKTIDE_RETRY_SCHEDULE: '1s', HOOKTIDE_RETRY_TIERS: '1s' },
      answer: ({ path, headers, body }) => {
        if (path.startsWith('/token')) {
          const isAsked = body.toString().includes('client_credentials')
          return { kind: 'respond', status: isAsked ? 200 : 400, body: tokenAnswer }
        }
        if (path.startsWith('/echo')) {
          const echo = Buffer.from(JSON.stringify({ path, headers, body: body.toString() }))
          echoes += 1
          const forms = [echo.toString(), echo.toString('base64'), echo.toString('hex')]
          return { kind: 'respond', status: 500, body: forms[echoes % forms.length] ?? '' }
        }
        if (path.startsWith('/failing')) return { kind: 'respond', status: 500, body: 'no' }
        return path.startsWith('/gone') ? { kind: 'respond', status: 410 } : undefined
      },
    })
    await grantAll(rig)
    const writings = new Writings()
    await walkAll({ rig, environment: { ...rig.environment, ...environment }, writings })

    // They were planted: what should get them did.
    expect(passed().every((count) => count > 0)).toBe(true)
    const [call] = rig.receiver.requests.filter(({ path }) => path.startsWith('/fine'))
    expect(call?.headers).toMatchObject({ authorization: `Bearer ${secrets.authorization}` })
    expect(call?.body.toString()).toContain(personal.email)
    const [echoed] = rig.receiver.requests.filter(({ path }) => path.startsWith('/echo'))
    expect(echoed?.headers).toMatchObject({ authorization: `Bearer ${secrets.accessToken}` })
    const outcomes = rig.results.items.map(({ outcome }) => outcome)
    expect(outcomes).toEqual(expect.arrayContaining(['dead', 'delivered', 'retrying']))
    expect(rig.rejected.items).toHaveLength(4)
    expect(echoes).toBeGreaterThan(1)

    const { topics, tiers } = readSettings(rig.environment)
    const known = { ...secrets, ...personal }
    writings.add('results, endpoints', await allRecords([topics.results, topics.endpoints]))
    expect(writings.sightings(known)).toEqual([])
    const asTheyCame = new Writings()
    const kept = [topics.deadLetters, topics.rejected, topics.requests]
    asTheyCame.add('other topics', await allRecords([...kept, ...tiers.map(({ topic }) => topic)]))
    expect(asTheyCame.sightings(secrets)).toEqual([])
    expect(asTheyCame.sightings(personal).length).toBeGreaterThan(0)
  })
})
