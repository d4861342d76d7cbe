import { describe, expect, it } from 'vitest'
import {
  differencesOf,
  durabilityOf,
  durableConfigs,
  largestEventBytes,
  sharedNames,
  tierTopicsIn,
  wantedEventTopics,
  wantedOwnTopics,
  type WantedTopic,
} from '../../../src/edge/kafka/topic-plan.ts'

const topics = {
  events: ['auth.events'],
  hooks: 'auth.hooks',
  results: 'auth.webhook.results',
  requests: 'auth.webhook.requests',
  deadLetters: 'auth.webhook.dead-letters',
  rejected: 'auth.events.rejected',
  endpoints: 'auth.webhook.endpoints',
  retryPrefix: 'auth.webhook.retry.',
}
const tiers = [
  { topic: 'auth.webhook.retry.5s', delayMs: 5_000 },
  { topic: 'auth.webhook.retry.2h', delayMs: 7_200_000 },
]
const eventBytes = 1_048_588
const access = '--bootstrap-server b1:9092,b2:9092'
const day = 86_400_000

function wantedOf(topic: string, existing: readonly string[] = []): WantedTopic {
  const wanted = wantedOwnTopics(topics, tiers, eventBytes, existing).find(
    (one) => one.topic === topic,
  )
  if (wanted === undefined) throw new Error(`no ${topic} in the plan`)
  return wanted
}

function found(
  wanted: WantedTopic,
  changes: Readonly<Record<string, string>> = {},
  partitions = 1,
) {
  return { partitions, configs: { ...wanted.configs, ...changes } }
}

describe('the topics that a processor needs', () => {
  it.each([
    ['auth.hooks', 'compact', undefined, true],
    ['auth.webhook.endpoints', 'compact', undefined, true],
    ['auth.webhook.results', 'delete', 14, false],
    ['auth.webhook.requests', 'delete', 14, false],
    ['auth.webhook.retry.5s', 'delete', 14, false],
    ['auth.webhook.retry.2h', 'delete', 14, false],
    ['auth.webhook.dead-letters', 'delete', 30, false],
    ['auth.events.rejected', 'delete', 30, false],
  ])('%s has cleanup %s, %s days and one partition: %s', (topic, cleanup, days, isSingle) => {
    const { configs, isSinglePartition } = wantedOf(topic)
    expect(configs['cleanup.policy']).toBe(cleanup)
    expect(configs['retention.ms']).toBe(days === undefined ? undefined : String(days * day))
    expect(isSinglePartition).toBe(isSingle)
    const size = cleanup === 'compact' ? undefined : String(eventBytes + 65_536)
    expect(configs['max.message.bytes']).toBe(size)
  })

  it('includes tiers that exist and are no longer configured, only for when they release', () => {
    const former = wantedOf('auth.webhook.retry.30s', ['auth.webhook.retry.30s', 'other'])
    expect(former.configs).toEqual({ 'message.timestamp.type': 'LogAppendTime' })
  })

  it('leaves the event topics to their producers', () => {
    expect(wantedEventTopics(topics).map(({ topic, configs }) => [topic, configs])).toEqual([
      ['auth.events', { 'cleanup.policy': 'delete' }],
    ])
  })

  it('finds tiers by their names alone, shortest delay first', () => {
    const names = ['auth.webhook.retry.2h', 'auth.webhook.retry.500ms', 'auth.webhook.retry.soon']
    expect(tierTopicsIn([...names, 'auth.webhook.retry.'], topics.retryPrefix)).toEqual([
      'auth.webhook.retry.500ms',
      'auth.webhook.retry.2h',
    ])
  })

  it('notices one name that stands for two topics', () => {
    const events = wantedEventTopics({ ...topics, events: ['auth.events', topics.results] })
    expect(sharedNames([...events, ...wantedOwnTopics(topics, tiers, 0, [])])).toEqual([
      topics.results,
    ])
  })

  it('is sized by the largest of the event topics', () => {
    const sizes = ['1000', '5000', '2000'].map((size) => ({
      partitions: 1,
      configs: { 'max.message.bytes': size },
    }))
    expect(largestEventBytes(sizes)).toBe(5_000)
  })
})

describe('an existing topic', () => {
  it('does not differ when it is as planned', () => {
    for (const wanted of wantedOwnTopics(topics, tiers, eventBytes, [])) {
      expect(differencesOf(wanted, found(wanted), access)).toEqual([])
    }
  })

  it.each([
    ['auth.hooks', 'cleanup.policy', 'delete'],
    ['auth.webhook.endpoints', 'cleanup.policy', 'delete'],
    ['auth.webhook.retry.5s', 'message.timestamp.type', 'CreateTime'],
    ['auth.webhook.retry.5s', 'max.message.bytes', String(eventBytes + 65_535)],
    ['auth.webhook.results', 'max.message.bytes', '1000'],
    ['auth.webhook.requests', 'max.message.bytes', '1000'],
    ['auth.webhook.dead-letters', 'max.message.bytes', '1000'],
    ['auth.events.rejected', 'max.message.bytes', '1000'],
  ])('%s with %s=%s keeps the processor from starting', (topic, setting, value) => {
    const wanted = wantedOf(topic)
    const differences = differencesOf(wanted, found(wanted, { [setting]: value }), access)
    expect(differences).toMatchObject([{ setting, found: value, severity: 'refused' }])
    expect(differences[0]?.fix).toBe(
      `kafka-configs.sh ${access} --alter --entity-type topics --entity-name ${topic} --add-config ${setting}=${wanted.configs[setting]}`,
    )
  })

  it.each([
    ['auth.hooks', 'cleanup.policy', 'compact,delete'],
    ['auth.webhook.retry.5s', 'retention.ms', String(13 * day)],
    ['auth.webhook.retry.5s', 'retention.bytes', '1000000'],
    ['auth.webhook.endpoints', 'min.compaction.lag.ms', '0'],
    ['auth.webhook.endpoints', 'cleanup.policy', 'compact,delete'],
  ])('%s with %s=%s is only advised against', (topic, setting, value) => {
    const wanted = wantedOf(topic)
    expect(differencesOf(wanted, found(wanted, { [setting]: value }), access)).toMatchObject([
      { setting, severity: 'advised' },
    ])
  })

  it.each([
    ['retention.ms', String(60 * day)],
    ['retention.ms', '-1'],
    ['max.message.bytes', '20000000'],
  ])('does not differ by having more: %s=%s', (setting, value) => {
    const wanted = wantedOf('auth.webhook.results')
    expect(differencesOf(wanted, found(wanted, { [setting]: value }), access)).toEqual([])
  })

  it.each([
    ['auth.hooks', 'cleanup.policy', 'delete', 'a hook that nobody changes is removed by its age'],
    ['auth.webhook.results', 'retention.ms', '1000', 'a result may be gone before anyone reads'],
    ['auth.webhook.retry.2h', 'retention.ms', '1000', 'a delivery that waits may be gone before'],
    ['auth.webhook.dead-letters', 'retention.bytes', '1', 'a dead letter may be gone before'],
    ['auth.webhook.results', 'max.message.bytes', '1', 'the largest results would not fit'],
    ['auth.webhook.requests', 'max.message.bytes', '1', 'the largest events would not fit with'],
  ])('%s with %s=%s is told of by what it leads to', (topic, setting, value, consequence) => {
    const wanted = wantedOf(topic)
    const [difference] = differencesOf(wanted, found(wanted, { [setting]: value }), access)
    expect(difference?.message).toContain(consequence)
  })

  it('has its times told in milliseconds, as Kafka has them, and in words', () => {
    const wanted = wantedOf('auth.webhook.results')
    const [difference] = differencesOf(wanted, found(wanted, { 'retention.ms': '1000' }), access)
    expect(difference?.message).toContain(
      'retention.ms is 1000 (1s), not at least 1209600000 (14d): ',
    )
  })

  it('that is compacted is advised to have one partition', () => {
    const wanted = wantedOf('auth.hooks')
    expect(differencesOf(wanted, found(wanted, {}, 3), access)).toMatchObject([
      { setting: 'partitions', wanted: '1', found: '3', severity: 'advised' },
    ])
    const results = wantedOf('auth.webhook.results')
    expect(differencesOf(results, found(results, {}, 3), access)).toEqual([])
  })
})

describe('the replicas of a topic', () => {
  const found = (replicas: number, inSync: string) => ({
    replicas,
    configs: { 'min.insync.replicas': inSync },
  })
  const doubtsOf = (replicas: number, inSync: string, brokers: number) =>
    durabilityOf('auth.events', found(replicas, inSync), brokers, access)

  it.each([
    [1, '1', 1],
    [2, '1', 2],
    [3, '2', 3],
    [3, '3', 5],
  ])('%s, with %s in sync, are as many as %s broker(s) call for', (replicas, inSync, brokers) => {
    expect(doubtsOf(replicas, inSync, brokers)).toEqual([])
  })

  it.each([
    [2, '--replication-factor 2'],
    [5, '--replication-factor 3'],
  ])('are too few when one of %s brokers alone has them', (brokers, option) => {
    const [doubt, ...others] = doubtsOf(1, '1', brokers)
    expect(others).toEqual([])
    expect(doubt).toMatchObject({ setting: 'replicas', found: '1', severity: 'advised' })
    expect(doubt?.fix).toContain(`kafka-reassign-partitions.sh ${access}`)
    expect(doubt?.fix).toContain(option)
  })

  it('must be in sync by two where there are three, so that one may be lost', () => {
    expect(doubtsOf(3, '1', 3)).toMatchObject([
      {
        setting: 'min.insync.replicas',
        severity: 'advised',
        fix: `kafka-configs.sh ${access} --alter --entity-type topics --entity-name auth.events --add-config min.insync.replicas=2`,
      },
    ])
    expect(durableConfigs(3)).toEqual({ 'min.insync.replicas': '2' })
    expect([durableConfigs(2), durableConfigs(undefined)]).toEqual([{}, {}])
  })
})
