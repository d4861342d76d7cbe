import { Kafka, logLevel } from '../../src/edge/kafka/kafkajs.ts'
import { describe, expect, it } from 'vitest'
import { createBrokerRig } from '../support/broker-rig.ts'
import { surroundings } from '../support/sandbox.ts'
import { createTopics } from '../support/create-topics.ts'

describe('a process that was suspended for longer than its session', () => {
  it('makes no calls for partitions that another process took over meanwhile', async () => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({ brokers, partitions: 2 })
    await rig.putHooks({ id: 'a' })
    const one = await rig.run({ HOOKTIDE_INSTANCE: 'one' })
    await rig.sendEvents({ fields: { n: 0 }, partition: 0 }, { fields: { n: 1 }, partition: 1 })
    await rig.receiver.waitFor(2)
    await rig.results.waitFor((all) => all.length === 2)
    one.signal('SIGSTOP')
    const two = await rig.run({ HOOKTIDE_INSTANCE: 'two' })
    const events = Array.from({ length: 200 }, (_, n) => ({
      fields: { n: n + 2 },
      partition: n % 2,
    }))
    await rig.sendEvents(...events)
    const numbers = () =>
      rig.receiver.requests.map(({ body }) => Number(JSON.parse(body.toString()).n))
    await rig.receiver.waitFor(() => numbers().length >= 202)
    one.signal('SIGCONT')
    await one.waitForLine(
      ({ msg, lost, group }) =>
        msg === 'group.assigned' && lost !== 0 && !String(group).endsWith('.retry'),
    )
    await rig.sendEvents({ fields: { n: 202 }, partition: 0 }, { fields: { n: 203 }, partition: 1 })
    await rig.receiver.waitFor(() => [202, 203].every((n) => numbers().includes(n)))
    // The first two may have been called again, if their commit was not acknowledged yet when time stopped.
    const later = numbers().filter((n) => n >= 2)
    expect(later.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 202 }, (_, n) => n + 2))
    two.signal('SIGTERM')
    expect(await two.exited).toBe(0)
  })
})

describe('a process that cannot continue', () => {
  it('exits with code 1 and the reason when the hook topic was recreated', async () => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({ brokers })
    await rig.putHooks({ id: 'a' }, { id: 'b' })
    const process = await rig.run()
    const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    const topic = `${rig.prefix}.hooks`
    await admin.deleteTopics({ topics: [topic] })
    const configEntries = [{ name: 'cleanup.policy', value: 'compact' }]
    await createTopics(admin, [{ topic, numPartitions: 1, configEntries }])
    const line = await process.waitForLine(({ level }) => level === 'fatal')
    await admin.disconnect()
    expect(String(line['error'])).toContain(topic)
    expect(await process.exited).toBe(1)
  })

  it('does not start if a topic is missing, and names the command that creates it', async () => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({ brokers })
    await expect(rig.run({ HOOKTIDE_TOPIC_HOOKS: `${rig.prefix}.nowhere` })).rejects.toThrow(
      /nowhere .*does not exist: run "hooktide init"/,
    )
  })
})
