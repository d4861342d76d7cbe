import { describe, expect, it } from 'vitest'
import { createBrokerRig } from '../support/broker-rig.ts'
import { surroundings } from '../support/sandbox.ts'

const hanging = Array.from({ length: 100 }, (_, index) => `hangs${index}`)

function isFine({ hookId }: { readonly hookId: string }): boolean {
  return hookId === 'fine'
}

describe('a hundred endpoints that all hang', () => {
  it('do not hold up the one that answers, with twice the traffic that their partition holds', async () => {
    await using rig = await createBrokerRig({
      brokers: surroundings().brokers,
      answer: ({ path }) => (path === '/fine' ? undefined : { kind: 'hang' }),
    })
    await rig.putHooks(
      { id: 'fine', events: ['User.Created'] },
      ...hanging.map((id) => ({ id, tenantId: id })),
    )
    // No call to them ends while this runs: whatever is recorded of them was put off.
    await rig.run({ HOOKTIDE_TIMEOUT_MS: '60000' })
    const dead = hanging.flatMap((tenant) =>
      Array.from({ length: 15 }, (_, n) => ({
        fields: { n },
        headers: { 'tenant-id': tenant },
      })),
    )
    const fine = Array.from({ length: 300 }, (_, n) => ({ fields: { event: 'User.Created', n } }))
    await rig.sendEvents(...dead.slice(0, 750), ...fine, ...dead.slice(750))
    await rig.results.waitFor((all) => all.filter(isFine).length === 300)
    await rig.results.waitFor((all) => all.some(({ outcome }) => outcome === 'deferred'))
    const called = rig.receiver.requests.filter(({ path }) => path !== '/fine')
    expect(called.length).toBeLessThanOrEqual(200)
    const others = rig.results.items.filter((result) => !isFine(result))
    expect(others.every(({ outcome }) => outcome === 'deferred')).toBe(true)
    const all = await rig.results.waitFor((items) => items.length >= 300 + 1_500 - 200)
    const told = all.filter((result) => !isFine(result)).map(({ deliveryId }) => deliveryId)
    expect(new Set(told).size).toBe(told.length)
  })
})

describe('a healthy endpoint with a backlog, alone on its partitions', () => {
  it('has nothing deferred: its partitions wait for it', async () => {
    await using rig = await createBrokerRig({ brokers: surroundings().brokers })
    await rig.putHooks({ id: 'alone', delivery: { concurrency: 2, ratePerSecond: 1_000 } })
    const events = Array.from({ length: 5_000 }, (_, n) => ({ fields: { n } }))
    await rig.sendEvents(...events)
    await rig.run({})
    const results = await rig.results.waitFor((all) => all.length >= 5_000)
    expect(results.every(({ outcome, attempt }) => outcome === 'delivered' && attempt === 1)).toBe(
      true,
    )
  })
})
