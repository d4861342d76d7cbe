import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createBrokerRig } from '../support/broker-rig.ts'
import { surroundings } from '../support/sandbox.ts'

const folder = new URL('../samples/', import.meta.url)
const samples = readdirSync(folder).map((name) => {
  const { hookId: _, ...event } = JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Record<
    string,
    unknown
  >
  return event
})

describe('every sample of what Logto sends', () => {
  it('reaches the hooks of its tenant with both signatures, and its results are in the registry’s Avro', async () => {
    const { brokers, registryUrl } = surroundings()
    await using rig = await createBrokerRig({ brokers, registryUrl, partitions: 3 })
    const events = samples.map(({ event }) => event)
    await rig.putHooks({ id: 'ours', events }, { id: 'theirs', tenantId: 'acme', events })
    await rig.run()
    await rig.sendEvents(...samples.map((fields) => ({ fields })))
    await rig.sendEvents({ fields: samples[0] ?? {}, headers: { 'tenant-id': 'acme' } })
    const received = await rig.receiver.waitFor(samples.length + 1)
    for (const { logtoSignature, standardSignature } of received) {
      expect([logtoSignature, standardSignature]).toEqual(['valid', 'valid'])
    }
    const bodies = received
      .filter(({ path }) => path === '/ours')
      .map(({ body }) => JSON.parse(body.toString()) as Record<string, unknown>)
    const byEvent = (a: { event?: unknown }, b: { event?: unknown }) =>
      String(a.event).localeCompare(String(b.event))
    expect(bodies.toSorted(byEvent)).toEqual(
      samples
        .map((sample): Record<string, unknown> => ({ ...sample, hookId: 'ours' }))
        .toSorted(byEvent),
    )
    expect(received.filter(({ path }) => path === '/theirs')).toHaveLength(1)
    const results = await rig.results.waitFor((items) => items.length === samples.length + 1)
    expect(results.every(({ outcome, final }) => outcome === 'delivered' && final)).toBe(true)
    const ids = new Set(received.map(({ headers }) => headers['webhook-id']))
    expect(new Set(results.map(({ deliveryId }) => deliveryId))).toEqual(ids)
  })
})
