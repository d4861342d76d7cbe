/** The example of `docs/security.md` of rights for parties that do not trust each other, granted as it stands there, and tried. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Right } from '../../src/edge/kafka/needed-rights.ts'
import { startReceiver } from '../../examples/sandbox/sandbox.ts'
import { grant } from '../support/acls.ts'
import { hooktide, startRun } from '../support/hooktide-process.ts'
import { useKafka } from '../support/kafka-tools.ts'
import { uniqueNames } from '../support/names.ts'
import {
  loginVariables,
  startSecuredBroker,
  type SecuredBroker,
} from '../support/secured-broker.ts'
import { documentText } from '../support/docs.ts'

const parties = ['acme-events', 'acme-hooks', 'acme-processor']
let broker: SecuredBroker

beforeAll(async () => {
  broker = await startSecuredBroker(parties)
})
afterAll(() => broker.stop())

/** The rights that the example gives, with another name for `acme` in those of topics and groups. */
function exampleRights(prefix: string): ReadonlyMap<string, readonly Right[]> {
  const security = documentText('docs/security.md')
  const lines = security.matchAll(/^\$allow (User:\S+) (.*)$/gm)
  const given = [...lines].map(([, principal = '', options = '']) => {
    const operations = [...options.matchAll(/--operation (\w+)/g)].map(([, name]) => name)
    const [, resource = '', name = ''] = /--(topic|group) (\S+)/.exec(options) ?? []
    const isPrefix = options.endsWith(' $prefixed')
    const named = { resource, name: name.replace(/^acme(?=\.)/, prefix), isPrefix }
    return { principal, rights: operations.map((operation) => ({ operation, ...named }) as Right) }
  })
  const byPrincipal = Map.groupBy(given, ({ principal }) => principal)
  return new Map([...byPrincipal].map(([who, list]) => [who, list.flatMap(({ rights }) => rights)]))
}

describe('two parties on one cluster', () => {
  it('are separated by the documented rights: each can use its own topics, and not those of the other', async () => {
    const { admin } = await useKafka([broker.open])
    const [acme, globex] = [uniqueNames().prefix, uniqueNames().prefix]
    const namesOf = (prefix: string) => ({
      HOOKTIDE_TOPIC_PREFIX: prefix,
      HOOKTIDE_GROUP_ID: `${prefix}.hooktide`,
    })
    for (const prefix of [acme, globex]) {
      const environment = { KAFKA_BROKERS: broker.open, ...namesOf(prefix) }
      expect(await hooktide(['init', '--partitions', '1'], environment)).toMatchObject({ code: 0 })
    }
    const rights = exampleRights(acme)
    expect([...rights.keys()]).toEqual(parties.map((name) => `User:${name}`))
    for (const [principal, list] of rights) await grant(admin, principal, list)
    const receiver = await startReceiver()
    onTestFinished(() => receiver.stop())
    const event = JSON.stringify({ event: 'Mfa.Bound', createdAt: '2026-09-14T09:02:11.019Z' })
    const hook = JSON.stringify({ events: ['Mfa.Bound'], config: { url: receiver.origin } })
    const open = { HOOKTIDE_ALLOW_HTTP: 'true', HOOKTIDE_ALLOW_CIDRS: '127.0.0.0/8' }
    const use = (name: string, prefix: string, args: readonly string[], input = '') =>
      hooktide(args, { ...loginVariables(broker, name), ...namesOf(prefix), ...open }, input)
    const put = ['hooks', 'put', '-f', '-']
    const send = ['events', 'send', '-f', '-']

    expect(await use('acme-hooks', acme, put, hook)).toMatchObject({ code: 0 })
    await using process = startRun({
      ...loginVariables(broker, 'acme-processor'),
      ...namesOf(acme),
      ...open,
    })
    await process.ready()
    expect(await use('acme-events', acme, send, event)).toMatchObject({ code: 0 })
    await receiver.waitFor(1)

    const refused = await Promise.all([
      use('acme-hooks', globex, put, hook),
      use('acme-hooks', globex, ['hooks', 'list']),
      use('acme-events', globex, send, event),
      use('acme-events', acme, put, hook),
      use('acme-processor', globex, ['results', '--from', 'earliest']),
      use('acme-processor', globex, ['run'], ''),
    ])
    for (const { code, stderr } of refused) {
      expect(code).toBe(1)
      expect(stderr).toMatch(/has no right to|does not exist/)
    }
  })
})
