import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { processorRights, topicRight } from '../../src/edge/kafka/needed-rights.ts'
import { readSettings } from '../../src/settings/settings.ts'
import { grant } from '../support/acls.ts'
import { createBrokerRig } from '../support/broker-rig.ts'
import { hooktide, type RunningProcess } from '../support/hooktide-process.ts'
import { type IdentityProvider, json, startIdentityProvider } from '../support/identity-provider.ts'
import { useKafka } from '../support/kafka-tools.ts'
import { uniqueNames } from '../support/names.ts'
import { startTokenBroker, type TokenBroker } from '../support/token-broker.ts'
import { createTopics } from '../support/create-topics.ts'

let provider: IdentityProvider
let broker: TokenBroker
let folder: string
let secretFile: string

beforeAll(async () => {
  provider = await startIdentityProvider()
  broker = await startTokenBroker(provider)
  folder = await mkdtemp(join(tmpdir(), 'hooktide-login-'))
  secretFile = join(folder, 'secret')
})
afterEach(() => {
  provider.lifeSeconds = 3600
  provider.claims = {}
  provider.reply = undefined
  provider.secret = 'provider-secret'
})
afterAll(async () => {
  await broker.stop()
  await provider.stop()
  await rm(folder, { recursive: true, force: true })
})

function loginOf(clientId: string, address = broker.token): Record<string, string> {
  return {
    KAFKA_BROKERS: address,
    KAFKA_SASL_MECHANISM: 'oauthbearer',
    KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT: provider.tokenUrl,
    KAFKA_SASL_OAUTHBEARER_CLIENT_ID: clientId,
    KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: 'provider-secret',
    KAFKA_SASL_OAUTHBEARER_SCOPE: 'kafka',
    KAFKA_SASL_OAUTHBEARER_PARAMETERS: 'resource=https://kafka.example',
  }
}

const event = JSON.stringify({ event: 'Mfa.Bound', createdAt: '2026-09-14T09:02:11.019Z' })
const hook = JSON.stringify({ events: ['PostSignIn'], config: { url: 'https://a.example' } })

describe('a login by token', () => {
  it('is that of the subject, for commands that administer, write and read', async () => {
    const { admin } = await useKafka([broker.open])
    const { prefix } = uniqueNames()
    provider.claims = { sub: 'service-account-7' }
    const use = (args: readonly string[], input = '') =>
      hooktide(args, { ...loginOf('owner'), HOOKTIDE_TOPIC_PREFIX: prefix }, input)
    const [events, hooks] = [`${prefix}.events`, `${prefix}.hooks`]
    await createTopics(
      admin,
      [events, hooks].map((topic) => ({ topic })),
    )

    const refused = await use(['events', 'send', '-f', '-'], event)
    expect(refused.stderr).toContain('User:service-account-7 has no right to Write on topic')
    await grant(admin, 'User:service-account-7', [
      topicRight('Write', events),
      topicRight('Read', hooks),
      topicRight('Write', hooks),
    ])
    expect(await use(['events', 'send', '-f', '-'], event)).toMatchObject({ code: 0 })
    expect(await use(['hooks', 'put', '-f', '-'], hook)).toMatchObject({ code: 0 })
    expect(await use(['hooks', 'list'])).toMatchObject({ code: 0 })
    const { authorization, form } = provider.questions.at(-1) ?? {}
    expect(authorization).toBe(`Basic ${Buffer.from('owner:provider-secret').toString('base64')}`)
    expect(form).toEqual({
      grant_type: 'client_credentials',
      scope: 'kafka',
      resource: 'https://kafka.example',
    })
  })

  const refusals: readonly (readonly [string, () => void, RegExp])[] = [
    [
      'a wrong secret',
      () => (provider.secret = 'another'),
      /^The token endpoint at http:\S+\/token refused client "who" \(invalid_client\): check KAFKA_SASL_OAUTHBEARER_CLIENT_ID and its secret/,
    ],
    [
      'a scope that the client may not have',
      () => (provider.reply = json(400, { error: 'invalid_scope' })),
      /refused client "who" \(invalid_scope\): check KAFKA_SASL_OAUTHBEARER_SCOPE and KAFKA_SASL_OAUTHBEARER_PARAMETERS\.$/m,
    ],
    [
      'a token for another audience',
      () => (provider.claims = { aud: 'another' }),
      /^Kafka at 127\.0\.0\.1:\d+ refused the token of client "who" \(invalid_token\): check KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT.* and the issuer, audience and keys/,
    ],
    [
      'an endpoint that is another',
      () => (provider.reply = json(404, {})),
      /^The token endpoint at \S+ answers with status 404: check KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT, and its logs\.$/m,
    ],
    [
      'an endpoint that ends the connection',
      () => (provider.reply = (response) => void response.destroy()),
      /^The token endpoint at \S+ cannot be reached \(UND_ERR_SOCKET\): check KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT/,
    ],
  ]
  it.each(refusals)('with %s ends with one sentence that says so', async (_, arrange, says) => {
    arrange()
    const { code, stderr } = await hooktide(['hooks', 'list'], loginOf('who'))
    expect(code).toBe(1)
    expect(stderr).toMatch(says)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(stderr).not.toMatch(/provider-secret|ey[\w-]{20}/)
  })

  it('with a secret file that is not there ends before anything is asked', async () => {
    const { KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: _, ...login } = loginOf('who')
    const environment = { ...login, KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET_FILE: '/absent' }
    const asked = provider.questions.length
    const { code, stderr } = await hooktide(['hooks', 'list'], environment)
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr:
        'Settings are not usable:\n  KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET_FILE: /absent cannot be read (ENOENT).\n',
    })
    expect(provider.questions).toHaveLength(asked)
  })
})

describe('a processor', () => {
  const troubleOf = ({ lines }: RunningProcess) =>
    lines.filter(({ level }) => level !== 'info').map(({ msg }) => msg)

  it('asks for one token for all of its connections', async () => {
    await using rig = await createBrokerRig({ brokers: [broker.open] })
    await allow('processor', rig.environment)
    const asked = provider.questions.length
    const process = await rig.run(loginOf('processor'))
    await rig.putHooks({ id: 'a' })
    await rig.sendEvents({})
    await rig.results.waitFor((all) => all.some(({ final }) => final))
    expect(provider.questions).toHaveLength(asked + 1)
    expect(JSON.stringify(process.lines)).not.toMatch(/provider-secret|ey[\w-]{20}/)
  })

  it('logs in again before the broker ends its sessions, with tokens that are renewed in time', async () => {
    await using rig = await createBrokerRig({ brokers: [broker.open] })
    await allow('processor', rig.environment)
    provider.lifeSeconds = 5
    const process = await rig.run(loginOf('processor', broker.brief))
    await rig.putHooks({ id: 'a' })
    const asked = provider.questions.length
    await expect
      .poll(() => provider.questions.length, { timeout: 30_000 })
      .toBeGreaterThanOrEqual(asked + 4)
    await rig.sendEvents({})
    await rig.results.waitFor((all) => all.some(({ final }) => final))
    expect(troubleOf(process)).toEqual([
      'KAFKA_SASL_MECHANISM is oauthbearer and KAFKA_SSL is off: tokens cross the network in plain text. Use TLS.',
    ])
  })

  it('waits while no token can be had, says why, and goes on with the next one', async () => {
    await using rig = await createBrokerRig({ brokers: [broker.open] })
    await allow('processor', rig.environment)
    // Before the events: after a pause of reading, hooks and events come back in any order.
    await rig.putHooks({ id: 'a' })
    await writeFile(secretFile, 'provider-secret\n')
    const { KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: _, ...login } = loginOf('processor', broker.brief)
    const process = rig.start({ ...login, KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET_FILE: secretFile })
    provider.reply = json(503, {})
    const waiting = await process.waitForLine(({ msg }) => msg === 'waiting for Kafka')
    expect(waiting['error']).toMatch(/^The token endpoint at \S+ answers with status 503/)
    provider.lifeSeconds = 5
    provider.reply = undefined
    await process.ready()

    const failed = 'the request for a token to log in to Kafka failed, trying again'
    const back = 'the request for a token to log in to Kafka works again'
    const before = process.lines.length
    const later = (msg: string) =>
      process.waitForLine((line) => line.msg === msg && process.lines.indexOf(line) >= before)
    provider.secret = 'a new one'
    expect((await later(failed))['error']).toContain('refused client "processor" (invalid_client)')
    await process.waitForLine(({ msg }) => msg === 'not ready')
    await writeFile(secretFile, 'a new one')
    await later(back)
    await rig.sendEvents({})
    await rig.results.waitFor((all) => all.some(({ final }) => final))
    expect(process.lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([])
  })
})

async function allow(
  subject: string,
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const { admin } = await useKafka([broker.open])
  const { topics, tiers, groupId } = readSettings(environment)
  const tierTopics = tiers.map(({ topic }) => topic)
  await grant(
    admin,
    `User:${subject}`,
    processorRights(topics, tierTopics, { groupId, notices: false }),
  )
}
