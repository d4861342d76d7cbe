/** Hook topics as operators have them, under the real processor. */
import { describe, expect, it } from 'vitest'
import { createBrokerRig, type BrokerRig } from '../support/broker-rig.ts'
import { useKafka } from '../support/kafka-tools.ts'
import { surroundings } from '../support/sandbox.ts'
import { recreateTopic } from '../support/topic-recreation.ts'

const id = 'w2f8p6u0c9ydj3ms7ealr'

function hookText(rig: BrokerRig, path: string, fields: Readonly<Record<string, unknown>> = {}) {
  const config = { url: rig.urlOf(path) }
  return JSON.stringify({ id, events: ['PostSignIn'], config, signingKey: 'k', ...fields })
}

async function pathsCalled(rig: BrokerRig, count: number): Promise<readonly string[]> {
  await rig.receiver.waitFor(count)
  return rig.receiver.requests.map(({ path }) => path)
}

describe('a hook topic', () => {
  it('of twenty thousand hooks is read before the first event, and followed while it is read', async () => {
    await using rig = await createBrokerRig({ brokers: surroundings().brokers })
    await rig.putHooks({ id: 'watched', config: { url: rig.urlOf('first') } })
    await rig.putHooks(
      ...Array.from({ length: 20_000 }, (_, index) => ({
        id: `other-${index}`,
        tenantId: `tenant-${index}`,
      })),
    )
    await rig.putHooks({ id: 'watched', config: { url: rig.urlOf('second') } })
    await rig.sendEvents({})
    const starting = rig.run()
    for (let round = 0; round < 20; round += 1) {
      await rig.putHooks({ id: 'live', tenantId: 'acme', config: { url: rig.urlOf(`${round}`) } })
    }
    const one = await starting
    const loaded = await one.waitForLine(({ msg }) => msg === 'table.loaded')
    expect(loaded['hooks']).toBeGreaterThanOrEqual(20_001)
    expect(await pathsCalled(rig, 1)).toEqual(['/second'])

    await rig.putHooks({ id: 'live', tenantId: 'acme', config: { url: rig.urlOf('last') } })
    await one.waitForLine(({ configVersion }) => configVersion === `0-${20_000 + 2 + 20}`)
    await rig.sendEvents({ headers: { 'tenant-id': 'acme' } })
    expect(await pathsCalled(rig, 2)).toEqual(['/second', '/last'])
    const changes = one.lines.filter(({ msg }) => msg === 'hook.changed')
    const offsets = changes.map(({ configVersion }) => Number(String(configVersion).slice(2)))
    expect(offsets).toEqual(offsets.toSorted((a, b) => a - b))
  })

  it('of several partitions causes a warning, and the newest record of a hook counts', async () => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({ brokers })
    const topic = `${rig.prefix}.hooks`
    const { addPartitions, produce } = await useKafka(brokers)
    await addPartitions(topic, 3)
    await produce(topic, [
      { key: id, value: hookText(rig, 'new'), partition: 0, timestamp: '1789376532000' },
      { key: id, value: hookText(rig, 'old'), partition: 2, timestamp: '1789376531000' },
      { key: 'gone', value: null, partition: 2, timestamp: '1789376532000' },
      {
        key: 'gone',
        value: hookText(rig, 'gone', { id: 'gone' }),
        partition: 1,
        timestamp: '1789376531000',
      },
    ])
    const one = await rig.run()
    const warning = one.lines.find(({ msg }) => msg?.includes('3 partitions') === true)
    expect(warning?.msg).toContain('could leave an old record of a key beside the new one')
    expect(warning?.msg).toContain(`recreate ${topic} with one partition`)
    await rig.sendEvents({})
    expect(await pathsCalled(rig, 1)).toEqual(['/new'])
    await produce(topic, [{ key: id, value: hookText(rig, 'moved'), partition: 2 }])
    await one.waitForLine(({ msg }) => msg === 'hook.changed')
    await rig.sendEvents({})
    expect(await pathsCalled(rig, 2)).toEqual(['/new', '/moved'])
  })

  it('that is recreated ends the process with a message, even if it has as many records as before', async () => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({ brokers })
    const topic = `${rig.prefix}.hooks`
    await rig.putHooks({ id: 'former' })
    const one = await rig.run()
    one.signal('SIGSTOP')
    recreateTopic({
      brokers,
      topic,
      partitions: 1,
      configs: { 'cleanup.policy': 'compact' },
      records: [[id, hookText(rig, 'new')]],
    })
    one.signal('SIGCONT')
    expect(await one.exited).toBe(1)
    expect(one.lines.at(-1)).toMatchObject({
      msg: 'failed: this process ends so that its supervisor starts another',
      error: `topic ${topic} was recreated: the records read so far are those of the former topic. Restart to read the new one.`,
    })
  })
})
