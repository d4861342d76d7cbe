import { describe, expect, it } from 'vitest'
import { describeEnsured } from '../../src/commands/ensured-topics.ts'
import type { TopicDescription } from '../../src/edge/kafka/admin.ts'

/** An admin whose brokers know a topic only from a certain question on. */
function lagging(knownFrom: Readonly<Record<string, number>>) {
  const asked = new Map<string, number>()
  return {
    describeTopic(topic: string) {
      const count = (asked.get(topic) ?? 0) + 1
      asked.set(topic, count)
      const known: TopicDescription = { topic, partitions: 1, replicas: 1, configs: {} }
      return Promise.resolve(count < (knownFrom[topic] ?? 1) ? undefined : known)
    },
  }
}

const topics = [{ topic: 'a' }, { topic: 'b' }]
const atOnce = () => Promise.resolve()

describe('topics that were just created', () => {
  it('are described when all brokers know them', async () => {
    const described = await describeEnsured(lagging({ b: 3 }), topics, atOnce)
    expect(described.map(({ topic }) => topic)).toEqual(['a', 'b'])
  })

  it('that stay unknown are named', async () => {
    const never = describeEnsured(lagging({ b: Infinity }), topics, atOnce)
    await expect(never).rejects.toThrow('b was created, and a broker does not know it yet: run')
  })
})
