/** Retries live in Kafka: what that is worth when processes, tiers and endpoints change while runs wait. */
import { expect, it } from 'vitest'
import type { ReceiverAnswer } from '../../examples/sandbox/sandbox.ts'
import type { DeliveryResult } from '../../src/core/model/records.ts'
import { createBrokerRig, type BrokerRig } from '../support/broker-rig.ts'
import { useKafka } from '../support/kafka-tools.ts'
import { surroundings } from '../support/sandbox.ts'
import { startShifted } from '../support/shifted-processor.ts'
import { tailTopic } from '../support/topic-tail.ts'

const failing: ReceiverAnswer = { kind: 'respond', status: 500 }

function numbered(count: number, fields = {}) {
  return Array.from({ length: count }, (_, n) => ({
    fields: { ...fields, n },
    headers: { 'event-id': `e${n}` },
    partition: n % 2,
  }))
}

it('waiting runs are called on time by another process after a restart, even from a tier that is no longer configured', async () => {
  const calls = new Map<string, number>()
  await using rig = await createBrokerRig({
    brokers: surroundings().brokers,
    partitions: 2,
    environment: { HOOKTIDE_RETRY_SCHEDULE: '4s,4s', HOOKTIDE_RETRY_TIERS: '1s,4s' },
    answer({ headers }) {
      const id = headers['webhook-id'] ?? ''
      calls.set(id, (calls.get(id) ?? 0) + 1)
      return calls.get(id) === 1 ? failing : undefined
    },
  })
  // Each hook has one failure: no breaker opens.
  const hooks = Array.from({ length: 20 }, (_, index) => ({ id: `hook${index}` }))
  await rig.putHooks(...hooks)
  const one = await rig.run({ HOOKTIDE_INSTANCE: 'one' })
  await rig.sendEvents(...numbered(1))
  await rig.results.waitFor((all) => all.length === 20)
  one.signal('SIGTERM')
  expect(await one.exited).toBe(0)
  await rig.run({ HOOKTIDE_RETRY_TIERS: '1s', HOOKTIDE_INSTANCE: 'two' })
  const all = await rig.results.waitFor((results) => results.length === 40)
  const [first, second] = [all.slice(0, 20), all.slice(20)]
  expect(new Set(second.map(({ outcome, instance }) => `${outcome} ${instance}`))).toEqual(
    new Set(['delivered two']),
  )
  for (const { deliveryId, attemptedAt } of first) {
    const retried = second.find((result) => result.deliveryId === deliveryId)
    expect(retried?.attempt).toBe(2)
    expect(retried?.attemptedAt).toBeGreaterThanOrEqual(attemptedAt + 4_000)
  }
})

/** Records of a tier as a processor writes them, all due when they are released. */
async function writeWaiting(rig: BrokerRig, tier: string, hookId: string, count: number) {
  const kafka = await useKafka(surroundings().brokers)
  const messages = Array.from({ length: count }, (_, n) => ({
    value: JSON.stringify({ event: 'PostSignIn', createdAt: '2026-09-14T09:02:11.019Z', n }),
    headers: {
      'hooktide-hook-id': hookId,
      'hooktide-tenant-id': 'default',
      'hooktide-event-id': `late${n}`,
      'hooktide-attempt': '1',
      'hooktide-hop': '1',
      'hooktide-first-handled-at': String(Date.now()),
      'hooktide-due-at': String(Date.now()),
    },
  }))
  for (let start = 0; start < count; start += 1_000) {
    await kafka.produce(`${rig.prefix}.webhook.retry.${tier}`, messages.slice(start, start + 1_000))
  }
}

it('5,000 retries that are due at once delay no new event, neither of another hook nor of their own', async () => {
  await using rig = await createBrokerRig({
    brokers: surroundings().brokers,
    partitions: 2,
    environment: { HOOKTIDE_RETRY_TIERS: '1s,5s' },
    answer: () => ({
      kind: 'respond',
      status: 200,
      after: new Promise((resolve) => setTimeout(resolve, 20)),
    }),
  })
  // With 16 at once it would make fewer than 500 calls a second on a busy machine: then most of its retries are deferred.
  await rig.putHooks(
    { id: 'stormy', delivery: { concurrency: 64 } },
    { id: 'calm', events: ['User.Created'] },
  )
  await rig.run()
  await writeWaiting(rig, '1s', 'stormy', 5_000)
  await rig.receiver.waitFor(100)
  await rig.sendEvents(...numbered(100), ...numbered(100, { event: 'User.Created' }))
  // On a machine that is slow itself some are deferred first.
  const ended = (results: readonly DeliveryResult[]) => results.filter(({ final }) => final)
  const isFresh = ({ attempt }: DeliveryResult) => attempt === 1
  const all = await rig.results.waitFor((results) => ended(results).filter(isFresh).length === 200)
  const stormy = ended(all).filter((result) => !isFresh(result)).length
  expect(stormy).toBeGreaterThan(0)
  expect(stormy).toBeLessThan(3_500)
  await rig.results.waitFor((results) => ended(results).length >= 5_200)
  expect(ended(rig.results.items)).toHaveLength(5_200)
  expect(new Set(ended(rig.results.items).map(({ outcome }) => outcome))).toEqual(
    new Set(['delivered']),
  )
  expect(rig.receiver.requests).toHaveLength(5_200)
})

it('a delivery that is deferred many times is not mistaken for a repeat, and is delivered once', async () => {
  const { brokers } = surroundings()
  const count = 8
  let calls = 0
  await using rig = await createBrokerRig({
    brokers,
    answer() {
      calls += 1
      // One more in a row would open the breaker.
      return calls > 4
        ? undefined
        : { kind: 'respond', status: 503, headers: { 'retry-after': '3600' } }
    },
  })
  const tiers = ['30m', '2h'].map((delay) =>
    tailTopic(brokers, `${rig.prefix}.webhook.retry.${delay}`, ({ headers }) =>
      Promise.resolve(Number(headers['hooktide-deferrals'] ?? 0)),
    ),
  )
  /** Resolves when that many runs were written that were deferred so often. */
  const written = (deferrals: number, runs: number) =>
    Promise.race(
      tiers.map((tier) => tier.waitFor((all) => all.filter((n) => n === deferrals).length >= runs)),
    )
  // With each pause that is over one call is made, and all others are deferred again.
  await rig.putHooks({ id: 'busy', delivery: { concurrency: 1 } })
  const processor = await startShifted(rig.environment)
  await rig.sendEvents(...numbered(count).map((event) => ({ ...event, partition: 0 })))
  for (const deferrals of [1, 2, 3, 4]) {
    // The first of a round is called for, and no longer deferred once it was.
    await written(deferrals, count - deferrals - 1)
    processor.shift(3 * 3_600_000)
  }
  const delivered = () => rig.results.items.filter(({ outcome }) => outcome === 'delivered')
  await rig.results.waitFor(() => delivered().length === count)
  expect(new Set(delivered().map(({ deliveryId }) => deliveryId)).size).toBe(count)
  expect(rig.receiver.requests).toHaveLength(4 + count)
  const deferred = rig.results.items.filter(({ outcome }) => outcome === 'deferred')
  expect(deferred.length).toBeGreaterThanOrEqual(count - 1)
  expect(new Set(deferred.map(({ deliveryId }) => deliveryId)).size).toBe(deferred.length)
  await Promise.all(tiers.map((tier) => tier.stop()))
})
