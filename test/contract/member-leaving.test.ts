import { createRequire } from 'node:module'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Member } from '../../src/edge/kafka/member.ts'
import { settingsOf, silentLog, useKafka, type KafkaTools } from '../support/kafka-tools.ts'
import { uniqueNames } from '../support/names.ts'
import { surroundings } from '../support/sandbox.ts'

interface JoinRequest {
  readonly groupId: string
  /** Empty for a new member. */
  readonly memberId?: string
}

const Broker = createRequire(import.meta.url)('kafkajs/src/broker') as {
  readonly prototype: { joinGroup(request: JoinRequest): Promise<unknown> }
}

interface World {
  readonly tools: KafkaTools
  readonly groupId: string
  readonly topic: string
  readonly state: () => Promise<string | undefined>
  start(options: {
    readonly maxWaitMs: number
    readonly onBatch?: () => void
    readonly beforeRejoin?: () => Promise<void>
  }): Promise<Member>
}

async function makeWorld(): Promise<World> {
  const { brokers } = surroundings()
  const tools = await useKafka(brokers)
  const { prefix, group: groupId } = uniqueNames()
  const topic = `${prefix}.topic`
  await tools.createTopic(topic, 1)
  return {
    ...{ tools, groupId, topic },
    state: async () => (await tools.admin.describeGroups([groupId])).groups[0]?.state,
    async start({ maxWaitMs, onBatch, beforeRejoin }) {
      const member = new Member(
        {
          ...{ settings: settingsOf(brokers), groupId, topics: [topic], log: silentLog, maxWaitMs },
          ...{ sessionTimeoutMs: 6_000, metadataMaxAgeMs: 60_000 },
          fetchLimits: { maxBytes: 1_000_000, maxBytesPerPartition: 1_000_000 },
        },
        {
          failed: () => undefined,
          onRebalance: () => Promise.resolve(),
          beforeRejoin: beforeRejoin ?? (() => Promise.resolve()),
          joined: () => Promise.resolve(() => undefined),
          batch: () => onBatch?.(),
          outOfRange: () => undefined,
        },
      )
      onTestFinished(() => member.stop())
      await member.start()
      return member
    },
  }
}

describe('a member that is stopped', () => {
  it('leaves its group at once, although a fetch waits for records', async () => {
    const { tools, topic, state, start } = await makeWorld()
    const fetched = Promise.withResolvers<void>()
    const member = await start({ maxWaitMs: 60_000, onBatch: () => fetched.resolve() })
    await tools.produce(topic, [{ value: 'first' }])
    await fetched.promise
    expect(await state()).toBe('Stable')

    const stopped = member.stop()
    await vi.waitFor(async () => expect(await state()).toBe('Empty'), 4_000)
    // Ends the fetch, for which the end of the connection waits.
    await tools.produce(topic, [{ value: 'second' }])
    await stopped
  })

  it('while it waits for others to rejoin, does not join again as a new member', async () => {
    const { groupId, state, start } = await makeWorld()
    const joinGroup = vi.spyOn(Broker.prototype, 'joinGroup')
    onTestFinished(() => joinGroup.mockRestore())
    /** The requests of members that have an id, or of new ones. */
    const joins = (isNew: boolean) =>
      joinGroup.mock.calls.filter(
        ([request]) => request.groupId === groupId && (request.memberId === '') === isNew,
      ).length
    const others = Promise.withResolvers<void>()
    const one = await start({ maxWaitMs: 100 })
    const two = await start({ maxWaitMs: 100, beforeRejoin: () => others.promise })
    const before = joins(false)
    const three = start({ maxWaitMs: 100 })
    // The first member rejoins. Its request waits for the second one, which does not rejoin yet.
    await vi.waitFor(() => expect(joins(false)).toBeGreaterThan(before), 4_000)
    const stopped = one.stop()
    others.resolve()
    await Promise.all([stopped, three])
    await vi.waitFor(async () => expect(await state()).toBe('Stable'), 4_000)
    expect(joins(true)).toBe(3)
    await two.stop()
  })
})
