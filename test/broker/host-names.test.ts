import { describe, expect, it } from 'vitest'
import { createBrokerRig } from '../support/broker-rig.ts'
import { byLabel, parseMetrics } from '../support/metric-lines.ts'
import { useNameServer } from '../support/name-server.ts'
import { surroundings } from '../support/sandbox.ts'

const dead = Array.from({ length: 300 }, (_, index) => `dead-${index}`)

describe('three hundred endpoints whose names no name server answers for', () => {
  it('do not delay an endpoint that closes each connection, and fail as dns', async () => {
    const server = await useNameServer(({ name }) =>
      name === 'fine.example'
        ? { kind: 'addresses', addresses: ['127.0.0.1'], ttl: 3_600 }
        : { kind: 'hang' },
    )
    await using rig = await createBrokerRig({
      brokers: surroundings().brokers,
      environment: { HOOKTIDE_NAME_SERVERS: server.address },
      answer: () => ({ kind: 'respond', status: 200, headers: { connection: 'close' } }),
    })
    const { port } = new URL(rig.receiver.origin)
    await rig.putHooks(
      { id: 'fine', config: { url: `http://fine.example:${port}/` } },
      ...dead.map((id) => ({ id, tenantId: 'dead', config: { url: `http://${id}.example/` } })),
    )
    const process = await rig.run({ HOOKTIDE_TIMEOUT_MS: '60000' })
    const fine = Array.from({ length: 248 }, (_, n) => ({ fields: { n } }))
    await rig.sendEvents({ headers: { 'tenant-id': 'dead' } }, ...fine)
    // Their lookups are under way: one question at least for each of many.
    await server.waitFor(100)
    const results = await rig.results.waitFor(
      (all) => all.filter(({ hookId }) => hookId === 'fine').length === 248,
    )
    const delivered = results.filter(({ hookId }) => hookId === 'fine')
    expect(
      delivered.every(({ outcome, attempt }) => outcome === 'delivered' && attempt === 1),
    ).toBe(true)
    expect(server.questionsOf('fine.example')).toHaveLength(2)
    await rig.results.waitFor(
      (all) => all.filter(({ errorClass }) => errorClass === 'dns').length >= dead.length,
    )
    const response = await fetch(`http://127.0.0.1:${await process.port}/metrics`)
    const lookups = byLabel(parseMetrics(await response.text()), 'hooktide_name_lookups_total')
    expect(lookups).toMatchObject({ addresses: 1, 'no-name': 0 })
    expect(lookups['silent']).toBeGreaterThanOrEqual(dead.length)
  })
})
