import { describe, expect, it } from 'vitest'
import type { DeliveryResult } from '../../src/core/model/records.ts'
import { createBrokerRig } from '../support/broker-rig.ts'
import { byLabel, parseMetrics } from '../support/metric-lines.ts'
import { surroundings } from '../support/sandbox.ts'

const hanging = Array.from({ length: 100 }, (_, index) => `hangs${index}`)

function isFine({ hookId }: { readonly hookId: string }): boolean {
  return hookId === 'fine'
}

function isOther(result: { readonly hookId: string }): boolean {
  return !isFine(result)
}

describe('a hundred endpoints that all hang', () => {
  it('do not delay the one that answers, with twice the traffic that their partition can hold', async () => {
    await using rig = await createBrokerRig({
      brokers: surroundings().brokers,
      answer: ({ path }) => (path === '/fine' ? undefined : { kind: 'hang' }),
    })
    await rig.putHooks(
      { id: 'fine', events: ['User.Created'] },
      ...hanging.map((id) => ({ id, tenantId: id })),
    )
    // No call to them ends while this runs: so all that is recorded of them is deferrals.
    await rig.run({ HOOKTIDE_TIMEOUT_MS: '60000' })
    const dead = hanging.flatMap((tenant) =>
      Array.from({ length: 15 }, (_, n) => ({
        fields: { n },
        headers: { 'tenant-id': tenant },
      })),
    )
    const fine = Array.from({ length: 300 }, (_, n) => ({ fields: { event: 'User.Created', n } }))
    await rig.sendEvents(...dead.slice(0, 750), ...fine, ...dead.slice(750))
    // On a machine that is slow itself some are deferred first.
    await rig.results.waitFor((all) => all.filter((one) => isFine(one) && one.final).length === 300)
    await rig.results.waitFor((all) => all.some(({ outcome }) => outcome === 'deferred'))
    const called = rig.receiver.requests.filter(({ path }) => path !== '/fine')
    expect(called.length).toBeLessThanOrEqual(200)
    const others = rig.results.items.filter(isOther)
    expect(others.every(({ outcome }) => outcome === 'deferred')).toBe(true)
    // Deliveries within a tenant's share wait in their lane. Each deferred one has one result.
    const told = rig.results.items.filter(isOther).map(({ deliveryId }) => deliveryId)
    expect(new Set(told).size).toBe(told.length)
  })
})

describe('an endpoint that never answers', () => {
  it('with a tenth of the traffic does not make the others wait for its time-outs, again and again', async () => {
    await using rig = await createBrokerRig({
      brokers: surroundings().brokers,
      partitions: 2,
      answer: ({ path }) => (path === '/fine' ? undefined : { kind: 'hang' }),
    })
    await rig.putHooks({ id: 'fine', events: ['User.Created'] }, { id: 'hangs' })
    await rig.run({ HOOKTIDE_TIMEOUT_MS: '5000' })
    const waves = 60
    const [perWave, hanging] = [180, 20]
    for (let wave = 1; wave <= waves; wave += 1) {
      const events = Array.from({ length: perWave + hanging }, (_, n) => ({
        // The dead endpoint's come first: whoever waited in line would wait for them.
        fields: { n, ...(n < hanging ? {} : { event: 'User.Created' }) },
        partition: n % 2,
      }))
      await rig.sendEvents(...events)
      await rig.results.waitFor((all) => all.filter(isFine).length === wave * perWave)
    }
    const [fine, others] = [rig.results.items.filter(isFine), rig.results.items.filter(isOther)]
    expect(fine.every(({ outcome, attempt }) => outcome === 'delivered' && attempt === 1)).toBe(
      true,
    )
    // Had a wave waited for a time-out, there would be at least one for each.
    const timedOut = others.filter(({ errorClass }) => errorClass === 'timeout')
    expect(timedOut.length).toBeLessThan(waves / 2)
  })
})

describe('a healthy endpoint with a backlog, alone on its partitions', () => {
  it('has next to nothing deferred of 100,000: its partitions wait for it, and lag shows them', async () => {
    const total = 100_000
    await using rig = await createBrokerRig({ brokers: surroundings().brokers, partitions: 6 })
    await rig.putHooks({ id: 'alone' })
    const events = Array.from({ length: total }, (_, n) => ({ fields: { n }, partition: n % 6 }))
    await rig.sendEvents(...events)
    const process = await rig.run()
    await rig.results.waitFor((all) => all.length > 0)
    const response = await fetch(`http://127.0.0.1:${await process.port}/metrics`)
    const lag = byLabel(parseMetrics(await response.text()), 'hooktide_lag')
    expect(lag[`${rig.prefix}.events`]).toBeGreaterThan(total / 2)
    const isEnd = ({ final }: DeliveryResult) => final
    const results = await rig.results.waitFor(
      (all) => all.length >= total && all.filter(isEnd).length >= total,
    )
    const ends = results.filter(isEnd)
    expect(ends).toHaveLength(total)
    expect(ends.every(({ outcome, attempt }) => outcome === 'delivered' && attempt === 1)).toBe(
      true,
    )
    // Where other programs keep the receiver from answering for half a second, it is a slow endpoint for that time.
    expect(results.length - ends.length).toBeLessThan(total / 200)
  }, 180_000)
})
