/** Commands on a broker with an authorizer, with the rights that docs/security.md names, and without some of them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { groupRight, type Right, topicRight } from '../../src/edge/kafka/needed-rights.ts'
import { readSettings } from '../../src/settings/settings.ts'
import { grant, revoke } from '../support/acls.ts'
import { hooktide } from '../support/hooktide-process.ts'
import { useKafka } from '../support/kafka-tools.ts'
import { uniqueNames } from '../support/names.ts'
import {
  loginVariables,
  startSecuredBroker,
  type SecuredBroker,
} from '../support/secured-broker.ts'

let broker: SecuredBroker

beforeAll(async () => {
  broker = await startSecuredBroker(['again', 'asker'])
})
afterAll(() => broker.stop())

function environmentOf(username: string): Record<string, string> {
  return loginVariables(broker, username)
}

describe('a user of replay and resend', () => {
  it('needs the rights that docs/security.md names, and learns which are missing before anything is requested', async () => {
    const { admin, createTopic } = await useKafka([broker.open])
    const { prefix, group } = uniqueNames()
    const environment = {
      ...environmentOf('again'),
      HOOKTIDE_TOPIC_PREFIX: prefix,
      HOOKTIDE_GROUP_ID: group,
    }
    const { topics } = readSettings(environment)
    const { hooks, endpoints, results, requests, deadLetters } = topics
    const read = [...topics.events, hooks, endpoints, results, deadLetters, requests]
    await Promise.all(read.map((topic) => createTopic(topic, 1)))
    const replay = () => hooktide(['replay', '--failed-only', '--yes'], environment)

    await grant(
      admin,
      'User:again',
      read.map((topic) => topicRight('Read', topic)),
    )
    const refused = await replay()
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(
      /^User:again has no right to Write on topic \S+\.requests: grant/,
    )
    expect(refused.stderr).toContain(
      `has no right to Read on groups that begin with ${group}.replay.`,
    )
    const { groups } = await admin.listGroups()
    expect(groups.filter(({ groupId }) => groupId.startsWith(group))).toEqual([])

    await grant(admin, 'User:again', [
      topicRight('Write', requests),
      { ...groupRight('Read', `${group}.replay.`), isPrefix: true },
      { ...groupRight('Delete', `${group}.replay.`), isPrefix: true },
    ])
    expect(await replay()).toMatchObject({ code: 0 })
    const after = await admin.listGroups()
    expect(after.groups.filter(({ groupId }) => groupId.startsWith(group))).toEqual([])
    const resend = await hooktide(['resend', 'dlv_0000000000000000000000'], environment)
    expect(resend.stderr).toContain('cannot be sent again: neither')
  })
})

describe('a user who asks', () => {
  it('learns which right is missing, and is never told that there is nothing where it may not be seen', async () => {
    const { admin, createTopic } = await useKafka([broker.open])
    const { prefix, group } = uniqueNames()
    const environment = {
      ...environmentOf('asker'),
      HOOKTIDE_TOPIC_PREFIX: prefix,
      HOOKTIDE_GROUP_ID: group,
    }
    const { topics, tiers } = readSettings(environment)
    const { events, hooks, endpoints, results, requests, deadLetters } = topics
    const [tier = ''] = tiers.map(({ topic }) => topic)
    const read = [...events, hooks, endpoints, results, requests, deadLetters]
    const all = [...read, ...tiers.map(({ topic }) => topic)]
    await Promise.all(all.map((topic) => createTopic(topic, 1)))
    const rights = [
      ...all.map((topic) => topicRight('Read', topic)),
      ...[group, `${group}.retry`].map((name) => groupRight('Describe', name)),
    ]
    for (const args of [['explain', '--user', 'u1'], ['status']]) {
      const refused = await hooktide(args, environment)
      expect(refused).toMatchObject({ code: 1, stdout: '' })
      for (const { resource, name } of rights) {
        if (args[0] === 'status' && (name === results || name === deadLetters)) continue
        expect(refused.stderr).toMatch(new RegExp(`no right to [\\w ]+ on ${resource} ${name}:`))
      }
    }
    await grant(
      admin,
      'User:asker',
      [...events, hooks, endpoints, results, deadLetters].map((topic) => topicRight('Read', topic)),
    )
    const stats = await hooktide(['stats'], environment)
    expect(stats.stderr).toMatch(/^What waits now cannot be told:\n {2}User:asker has no right/)
    expect(stats.stderr).toContain(`no right to Describe on group ${group}.retry:`)
    await grant(admin, 'User:asker', rights)
    const without = async (right: Right, ...args: readonly string[]) => {
      await revoke(admin, 'User:asker', [right])
      const finished = await hooktide(args, environment)
      await grant(admin, 'User:asker', [right])
      const says = `User:asker has no right to ${right.operation} on ${right.resource} ${right.name}: grant it`
      return { ...finished, said: finished.stdout + finished.stderr, says }
    }
    const shown = async (...asked: Parameters<typeof without>) => {
      const { said, says } = await without(...asked)
      expect(said).toContain(says)
      expect(said).not.toMatch(/No Kafka broker answers|does not exist/)
      return said
    }
    for (const right of [topicRight('Read', requests), topicRight('Read', tier)]) {
      expect(await shown(right, 'stats', '--json')).toContain('"requested":null')
    }
    await shown(groupRight('Describe', `${group}.retry`), 'stats', '--json')
    const [event = ''] = events
    const absent = await without(topicRight('Read', event), 'status')
    expect(absent).toMatchObject({ code: 1, stdout: '' })
    expect(absent.stderr).toContain(`no right to Describe on topic ${event}`)
    await shown(groupRight('Describe', group), 'status')
    await shown(groupRight('Describe', group), 'doctor')
    await shown(topicRight('Read', event), 'replay', '--from', '1h', '--dry-run')
    const described = [...all, topics.rejected].map((topic) => topicRight('DescribeConfigs', topic))
    await grant(admin, 'User:asker', described)
    const { said } = await without(topicRight('Read', deadLetters), 'doctor')
    expect(said).toMatch(
      new RegExp(`topics +User:asker has no right to Describe on topic ${deadLetters}:`),
    )
    expect(said).not.toContain(`${deadLetters} (dead letters) does not exist`)
  })
})
