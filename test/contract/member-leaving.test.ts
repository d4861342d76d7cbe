import { expect, it, onTestFinished, vi } from 'vitest'
import { Member } from '../../src/edge/kafka/member.ts'
import { settingsOf, silentLog, useKafka } from '../support/kafka-tools.ts'
import { uniqueNames } from '../support/names.ts'
import { surroundings } from '../support/sandbox.ts'

it('a member leaves its group at once when it is stopped, although a fetch waits for records', async () => {
  const { brokers } = surroundings()
  const tools = await useKafka(brokers)
  const { prefix, group: groupId } = uniqueNames()
  const topic = `${prefix}.topic`
  await tools.createTopic(topic, 1)
  const fetched = Promise.withResolvers<void>()
  const member = new Member(
    {
      settings: settingsOf(brokers),
      groupId,
      topics: [topic],
      sessionTimeoutMs: 6_000,
      fetchLimits: { maxBytes: 1_000_000, maxBytesPerPartition: 1_000_000 },
      maxWaitMs: 60_000,
      metadataMaxAgeMs: 60_000,
      log: silentLog,
    },
    {
      failed: (error) => fetched.reject(error),
      onRebalance: () => Promise.resolve(),
      beforeRejoin: () => Promise.resolve(),
      joined: () => Promise.resolve(() => undefined),
      batch: () => fetched.resolve(),
      outOfRange: () => undefined,
    },
  )
  onTestFinished(() => member.stop())
  await member.start()
  await tools.produce(topic, [{ value: 'first' }])
  await fetched.promise
  const { admin } = tools
  const state = async () => (await admin.describeGroups([groupId])).groups[0]?.state
  expect(await state()).toBe('Stable')

  const stopped = member.stop()
  await vi.waitFor(async () => expect(await state()).toBe('Empty'), 4_000)
  // Ends the fetch, for which the end of the connection waits.
  await tools.produce(topic, [{ value: 'second' }])
  await stopped
})
