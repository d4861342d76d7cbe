import { describe, expect, it, onTestFinished } from 'vitest'
import { connectAdmin } from '../../src/edge/kafka/admin.ts'
import type { KafkaLog } from '../../src/edge/kafka/client.ts'
import { createGroupSource, type GroupSourceOptions } from '../../src/edge/kafka/group-source.ts'
import { settingsOf, silentLog, useKafka } from '../support/kafka-tools.ts'
import { uniqueNames } from '../support/names.ts'
import {
  joinClassic,
  joinConsumerProtocol,
  joinShareGroup,
  otherClient,
} from '../support/other-members.ts'
import { surroundings } from '../support/sandbox.ts'
import { createListener, started, valuesOf } from './group-listener.ts'

async function makeWorld(partitions = 2) {
  const { brokers } = surroundings()
  const { prefix, group } = uniqueNames()
  const topic = `${prefix}.topic`
  const tools = await useKafka(brokers)
  await tools.createTopic(topic, partitions)
  const lines: string[] = []
  const log: KafkaLog = (level, message, fields) => {
    if (level === 'error') lines.push(`${message}: ${String(fields['error'])}`)
  }
  const source = (options: Partial<GroupSourceOptions> = {}) => {
    const made = createGroupSource({
      settings: settingsOf(brokers, 'hooktide'),
      groupId: group,
      topics: [topic],
      sessionTimeoutMs: 3000,
      log,
      ...options,
    })
    onTestFinished(() => made.stop())
    return made
  }
  const conflict = async () => {
    const admin = await connectAdmin(settingsOf(brokers), silentLog)
    const found = await admin.conflictIn(group)
    await admin.stop()
    return found
  }
  return { brokers, group, topic, tools, lines, source, conflict }
}

const remedy = 'Stop that program, or set HOOKTIDE_GROUP_ID to a group that nobody else uses.'

describe('a group with members of another program', () => {
  it('is not joined if its members use another assignor: the error names the group, its members, and what to do', async () => {
    const { brokers, group, topic, source, conflict } = await makeWorld()
    const other = await joinClassic(brokers, group, topic)
    const listener = createListener()
    const expected = `Group ${group} is used by another program: it has members with the assignor "RoundRobinAssigner" (${otherClient} at 127.0.0.1). Each takes away records that the other needs. ${remedy}`
    await expect(source().start(listener)).rejects.toThrow(expected)
    expect(listener.failures.map(({ message }) => message)).toEqual([expected])
    expect(await conflict()).toBe(expected)
    await other.leave()
    expect(await conflict()).toBeUndefined()
    await started(source())
  })

  it('is not joined if it is a share group', async () => {
    const { brokers, group, topic, source, conflict } = await makeWorld()
    await joinShareGroup(brokers, group, topic)
    const expected = `Group ${group} is used by another program: it is a share group. Each takes away records that the other needs. ${remedy}`
    await expect(source().start(createListener())).rejects.toThrow(expected)
    expect(await conflict()).toBe(expected)
  })

  it('shares its partitions with a member of the consumer protocol, and is in trouble until that member leaves', async () => {
    const { brokers, group, topic, tools, lines, source, conflict } = await makeWorld(2)
    const ours = source()
    const listener = await started(ours)
    expect(await conflict()).toBeUndefined()
    const other = await joinConsumerProtocol(brokers, group, topic)
    await listener.until(() => listener.owned().length === 1)
    const expected = `Group ${group} is used by another program: it has members of the consumer protocol (KIP-848) (${otherClient} at 127.0.0.1). Each takes away records that the other needs. ${remedy}`
    expect(ours.trouble()).toBe(expected)
    expect(await conflict()).toBe(expected)
    expect(lines).toEqual([`another program takes records of the group: ${expected}`])
    const partition = Number(listener.owned()[0]?.replace('+', ''))
    await tools.produce(topic, [{ partition, value: 'still read' }])
    await listener.until(() => valuesOf(listener, partition).length === 1)
    await other.leave()
    await listener.until(() => listener.owned().length === 2)
    expect(ours.trouble()).toBeUndefined()
    expect(listener.failures).toEqual([])
  })

  it('gives no partition to a member that has only the name of our assignor', async () => {
    const { brokers, group, topic, source } = await makeWorld(3)
    const listener = await started(source())
    const impostor = {
      name: 'hooktide-sticky',
      version: 0,
      assign: () => Promise.resolve([]),
      protocol: () => ({ name: 'hooktide-sticky', metadata: Buffer.of(0xff) }),
    }
    await joinClassic(brokers, group, topic, () => impostor)
    await listener.until(() => listener.assignments.length > 1)
    expect(listener.owned()).toEqual(['0+', '1+', '2+'])
  })
})

describe('a group that cannot be joined', () => {
  it.each<[string, Partial<GroupSourceOptions>, string]>([
    [
      'its session time-out',
      { sessionTimeoutMs: 3_600_000 },
      'HOOKTIDE_SESSION_TIMEOUT_MS must lie',
    ],
  ])('for %s says which group and what to do', async (_, options, words) => {
    const { group, source } = await makeWorld()
    const start = source(options).start(createListener())
    await expect(start).rejects.toThrow(`Group ${group} cannot be joined: `)
    await expect(start).rejects.toThrow(words)
  })
})

describe('a commit', () => {
  it('whose metadata is longer than the broker accepts is made without it, and the log says so once', async () => {
    const { topic, group, tools, source } = await makeWorld()
    const lines: string[] = []
    const log: KafkaLog = (level, message) => {
      if (level === 'warn') lines.push(message)
    }
    const ours = source({ log })
    await started(ours)
    const metadata = 'x'.repeat(4_097)
    for (const offset of [0, 1]) {
      const entry = { topic, offset, metadata }
      expect(await ours.commit([0, 1].map((partition) => ({ ...entry, partition })))).toBe(
        'committed',
      )
    }
    const [found] = await tools.admin.fetchOffsets({ groupId: group, topics: [topic] })
    expect(found?.partitions.map(({ offset, metadata: kept }) => [offset, kept ?? ''])).toEqual([
      ['1', ''],
      ['1', ''],
    ])
    expect(lines).toEqual([
      'the broker takes no metadata as long as that of commits, which are made without it: raise its offset.metadata.max.bytes to 4096',
    ])
  })
})
