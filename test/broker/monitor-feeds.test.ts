/** What the monitor reads of a real broker: all topics, without a group, once. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { kafkaSettingsOf, quiet } from '../../src/commands/kafka-session.ts'
import { registrySettingsOf } from '../../src/commands/option-values.ts'
import { Feeds } from '../../src/monitor/feed/feeds.ts'
import { listLetters, listResults } from '../../src/monitor/index/delivery-queries.ts'
import { ResultIndex } from '../../src/monitor/index/result-index.ts'
import { connectAdmin } from '../../src/edge/kafka/admin.ts'
import { readSettings } from '../../src/settings/settings.ts'
import { createBrokerRig, type BrokerRig } from '../support/broker-rig.ts'
import { useKafka } from '../support/kafka-tools.ts'
import { letterWith, memoryIndex, resultWith } from '../support/indexed-results.ts'
import { surroundings } from '../support/sandbox.ts'
import { recreateTopic } from '../support/topic-recreation.ts'

const all = { before: undefined, limit: 100 }

function follow(
  rig: Pick<BrokerRig, 'environment'>,
  index: ResultIndex,
  note: (line: string) => void = () => {},
) {
  const settings = readSettings(rig.environment)
  const ending = new AbortController()
  const feeds = new Feeds({
    settings,
    kafka: kafkaSettingsOf(settings),
    registry: registrySettingsOf(settings),
    keys: [],
    index,
    signal: ending.signal,
    log: quiet,
    now: Date.now,
    note,
  })
  const done = feeds.run()
  const stop = async () => {
    ending.abort()
    await done
  }
  onTestFinished(stop)
  /** Resolves when what the monitor knows is as it should be. */
  const until = (fits: () => boolean) => vi.waitUntil(fits, { timeout: 60_000, interval: 50 })
  return { feeds, stop, until }
}

function eventOf(id: string) {
  return { headers: { 'event-id': id } }
}

function lettersIn({ store }: ResultIndex) {
  return listLetters(store, {}, { offset: 0, limit: 9 })
}

describe('the feeds of the monitor', () => {
  it('read results, dead letters, hooks, endpoints and lag, and go on where they were', async () => {
    const { brokers, registryUrl } = surroundings()
    await using rig = await createBrokerRig({
      brokers,
      registryUrl,
      partitions: 3,
      answer: ({ path }) => (path === '/gone' ? { kind: 'respond', status: 410 } : undefined),
    })
    await rig.putHooks({ id: 'good' }, { id: 'gone' })
    await rig.run()
    await rig.sendEvents(eventOf('e1'))
    const index = memoryIndex()
    const first = follow(rig, index)
    await first.until(() => index.size === 2 && lettersIn(index).length === 1)
    await first.until(() => first.feeds.endpoints.get('gone')?.state === 'disabled')
    await first.until(() => first.feeds.lag?.live.every(({ records }) => records === 0) === true)
    expect([...(first.feeds.hooks?.keys() ?? [])].toSorted()).toEqual(['gone', 'good'])
    expect(lettersIn(index)[0]).toMatchObject({
      hookId: 'gone',
      eventId: 'e1',
      reason: 'gone',
      statusCode: 410,
    })
    await first.until(() => first.feeds.readings.slice(0, 2).every(({ behind }) => behind === 0))
    await first.stop()

    await rig.sendEvents(eventOf('e2'))
    await rig.results.waitFor(
      (results) => results.filter(({ eventId }) => eventId === 'e2').length === 2,
    )
    const second = follow(rig, index)
    await second.until(() => index.size === 4)
    const events = listResults(index.store, 'all', {}, all).items.map(({ eventId }) => eventId)
    expect(events.toSorted()).toEqual(['e1', 'e1', 'e2', 'e2'])

    const admin = await connectAdmin(kafkaSettingsOf(readSettings(rig.environment)), quiet)
    onTestFinished(() => admin.stop())
    const { groupId } = readSettings(rig.environment)
    const groups = await admin.listGroups(groupId)
    expect(groups.map((group) => group.groupId).toSorted()).toEqual([groupId, `${groupId}.retry`])
  })

  it('say once that results cannot be stored, how many are to be read, and when they can again', async () => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({ brokers, partitions: 3 })
    await rig.putHooks({ id: 'good' })
    await rig.run()
    await rig.sendEvents(eventOf('e1'), eventOf('e2'), eventOf('e3'))
    await rig.results.waitFor((results) => results.length === 3)
    const index = memoryIndex()
    const add = vi.spyOn(index, 'addResults').mockImplementation((results, reached, at) => {
      if (results.length > 0) throw new Error('no room')
      ResultIndex.prototype.addResults.call(index, results, reached, at)
    })
    const notes: string[] = []
    const { feeds, until } = follow(rig, index, (line) => notes.push(line))
    const { topics } = readSettings(rig.environment)
    await until(() => add.mock.calls.filter(([results]) => results.length > 0).length >= 3)
    await until(() => feeds.readings[0]?.behind === 3)
    expect(notes).toEqual([`${topics.results} is not read: no room`])
    add.mockRestore()
    await until(() => index.size === 3)
    await until(() => notes.length === 2)
    expect(notes[1]).toBe(`${topics.results} is read again`)
    await until(() => feeds.readings.every(({ behind }) => behind === 0))
  })

  it('count no result as still to be read that was read since the last look', async () => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({ brokers, partitions: 1 })
    const { topics } = readSettings(rig.environment)
    const tools = await useKafka(brokers)
    const resultOf = (deliveryId: string) => ({
      value: JSON.stringify(resultWith({ deliveryId, attemptedAt: Date.now() })),
    })
    await tools.produce(topics.results, ['d1', 'd2', 'd3'].map(resultOf))
    const index = memoryIndex()
    const add = vi.spyOn(index, 'addResults').mockImplementation((results, reached, at) => {
      if (results.length > 0) throw new Error('no room')
      ResultIndex.prototype.addResults.call(index, results, reached, at)
    })
    const { feeds, until } = follow(rig, index)
    await until(() => feeds.readings[0]?.behind === 3)
    add.mockRestore()
    const behind = new Set<number | undefined>()
    feeds.onChange(() => index.size === 3 && behind.add(feeds.readings[0]?.behind))
    await until(() => behind.size > 0)
    expect([...behind]).toEqual([0])
  })

  it('say how many results were removed before they were read, and go on', async () => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({ brokers, partitions: 1 })
    const { topics } = readSettings(rig.environment)
    const tools = await useKafka(brokers)
    const resultOf = (deliveryId: string) => ({
      value: JSON.stringify(resultWith({ deliveryId, attemptedAt: Date.now() })),
      partition: 0,
    })
    await tools.produce(topics.results, [resultOf('read')])
    const index = memoryIndex()
    const first = follow(rig, index)
    await first.until(() => index.size === 1)
    await first.stop()
    await tools.produce(topics.results, ['lost1', 'lost2', 'kept'].map(resultOf))
    await tools.deleteRecords(topics.results, 0, 3)
    const notes: string[] = []
    const second = follow(rig, index, (line) => notes.push(line))
    await second.until(() => index.size === 2)
    expect(notes).toEqual([
      `${topics.results}: 2 records were removed before they were read: numbers of that time are too small`,
    ])
  })

  it('count a result that cannot be read once, however often the registry is asked in vain', async () => {
    const { brokers } = surroundings()
    let asked = 0
    const registry = createServer((_, response) => {
      asked += 1
      const isAway = asked < 4
      const body = isAway ? {} : { error_code: 40_403, message: 'Schema not found' }
      response.writeHead(isAway ? 503 : 404, { 'content-type': 'application/json' })
      response.end(JSON.stringify(body))
    })
    await once(registry.listen(0, '127.0.0.1'), 'listening')
    onTestFinished(() => void registry.close())
    const address = registry.address()
    const port = typeof address === 'object' ? address?.port : undefined
    await using rig = await createBrokerRig({ brokers })
    const { topics } = readSettings(rig.environment)
    const tools = await useKafka(brokers)
    const unknown = Buffer.from([0, 0, 0, 0x7f, 0xff, 1])
    await tools.produce(topics.results, [{ value: 'no JSON' }, { value: unknown }])
    const environment = { ...rig.environment, SCHEMA_REGISTRY_URL: `http://127.0.0.1:${port}` }
    const { feeds, until } = follow({ environment }, memoryIndex())
    await until(() => feeds.readings[0]?.behind === 0)
    expect(feeds.unreadable).toBe(2)
    expect(asked).toBeGreaterThanOrEqual(4)
  })

  it.each(['hooks', 'deadLetters', 'endpoints'] as const)(
    'say at once that the topic of %s is gone, keep the lag, and go on when it is there again',
    async (kind) => {
      const { brokers } = surroundings()
      await using rig = await createBrokerRig({ brokers })
      await rig.putHooks({ id: 'good' })
      const { topics } = readSettings(rig.environment)
      const { admin, createTopic } = await useKafka(brokers)
      const notes: string[] = []
      const { feeds, until } = follow(rig, memoryIndex(), (line) => notes.push(line))
      const of = () => feeds.readings.find((one) => one.kind === kind)
      await until(() => feeds.lag !== undefined && feeds.readings.every((one) => one.behind === 0))
      await admin.deleteTopics({ topics: [topics[kind]] })
      const absence = `Topic ${topics[kind]} does not exist: run "hooktide init".`
      await until(() => of()?.trouble === absence)
      expect(of()?.behind).toBeUndefined()
      // Two more looks: what does not change is not said again.
      const samples = vi.spyOn(feeds.index, 'addSample')
      await until(() => samples.mock.calls.length >= 2)
      expect(feeds.lag).toBeDefined()
      await createTopic(topics[kind], 1)
      await until(() => of()?.trouble === undefined && of()?.behind === 0)
      const absent = notes.filter((line) => line.includes(absence))
      expect(absent, notes.join('\n')).toHaveLength(1)
      const ofLag = notes.filter((line) => line.startsWith('lag is not read'))
      expect(ofLag.length, notes.join('\n')).toBeLessThan(2)
      expect(notes.join()).not.toContain('Restart')
    },
  )

  it('read a topic anew that was created again meanwhile, and keep what they know of the other', async () => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({ brokers })
    await rig.putHooks({ id: 'good' })
    const processor = await rig.run()
    await rig.sendEvents(eventOf('e1'), eventOf('e2'))
    await rig.results.waitFor((results) => results.length === 2)
    processor.signal('SIGTERM')
    await processor.exited
    const index = memoryIndex()
    index.addLetters([letterWith({ topic: 'others', diedAt: Date.now() })], [], Date.now())
    const notes: string[] = []
    const { until } = follow(rig, index, (line) => notes.push(line))
    await until(() => index.size === 2)
    const { topics } = readSettings(rig.environment)
    const records = [1, 2, 3, 4, 5].map((at) => {
      const times = { attemptedAt: Date.now(), eventAt: Date.now() }
      return ['k', JSON.stringify(resultWith({ deliveryId: `new${at}`, ...times }))] as const
    })
    recreateTopic({ brokers, topic: topics.results, partitions: 3, configs: {}, records })
    const idsIn = () =>
      listResults(index.store, 'all', {}, all).items.map(({ deliveryId }) => deliveryId)
    const fresh = ['new1', 'new2', 'new3', 'new4', 'new5']
    await until(() => idsIn().toSorted().join() === fresh.join())
    expect(notes[0]).toBe(`${topics.results} is not read: it was recreated, and is read anew`)
    expect(lettersIn(index)).toHaveLength(1)
    await until(() => notes.length === 2)
  })

  it('read a window anew into an index that was lost', async () => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({ brokers })
    await rig.putHooks({ id: 'good' })
    await rig.run()
    await rig.sendEvents(eventOf('e1'), eventOf('e2'))
    await rig.results.waitFor((results) => results.length === 2)
    for (const index of [memoryIndex(), memoryIndex()]) {
      const following = follow(rig, index)
      await following.until(() => index.size === 2)
      await following.stop()
      expect(listResults(index.store, 'all', {}, all).items).toHaveLength(2)
    }
  })
})
