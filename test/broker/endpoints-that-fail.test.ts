import { describe, expect, it } from 'vitest'
import type { DeliveryResult } from '../../src/core/model/records.ts'
import { createBrokerRig } from '../support/broker-rig.ts'
import { surroundings } from '../support/sandbox.ts'

const shortTiers = {
  HOOKTIDE_RETRY_TIERS: '200ms,500ms',
  HOOKTIDE_RETRY_SCHEDULE: '200ms,500ms,1s',
}

describe('a failing endpoint', () => {
  it('is called on the schedule, and the delivery ends in the dead letters', async () => {
    const { brokers, registryUrl } = surroundings()
    await using rig = await createBrokerRig({
      brokers,
      registryUrl,
      environment: shortTiers,
      answer: () => ({ kind: 'respond', status: 500, body: 'out of order' }),
    })
    await rig.putHooks({ id: 'broken' })
    await rig.run()
    await rig.sendEvents({ fields: { n: 1 }, headers: { 'event-id': 'e1' } })
    const [dead] = await rig.deadLetters.waitFor((all) => all.length === 1)
    expect(dead).toMatchObject({
      'hooktide-reason': 'exhausted',
      'hooktide-status': '500',
      'hooktide-attempt': '4',
    })
    const results = await rig.results.waitFor((all) => all.length === 4)
    expect(results.map(({ outcome, attempt }) => `${outcome} ${attempt}`)).toEqual([
      'retrying 1',
      'retrying 2',
      'retrying 3',
      'dead 4',
    ])
    expect(results[0]).toMatchObject({
      statusCode: 500,
      errorClass: 'http',
      blame: 'endpoint',
      responseBody: 'out of order',
    })
    const starts = results.map(({ attemptedAt }) => attemptedAt)
    for (const [index, waitMs] of [200, 500, 1_000].entries()) {
      expect(starts[index + 1]).toBeGreaterThanOrEqual((starts[index] ?? 0) + waitMs)
    }
    expect(new Set(rig.receiver.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
  })

  it('that never answers does not delay the others on the same partition', async () => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({
      brokers,
      answer: ({ path }) => (path === '/hangs' ? { kind: 'hang' } : undefined),
    })
    await rig.putHooks({ id: 'hangs' }, { id: 'answers' })
    await rig.run({ HOOKTIDE_TIMEOUT_MS: '60000' })
    await rig.sendEvents(...Array.from({ length: 500 }, (_, n) => ({ fields: { n } })))
    const answers = ({ hookId }: DeliveryResult) => hookId === 'answers'
    // On a machine that is slow itself some are deferred first.
    const ended = (result: DeliveryResult) => answers(result) && result.final
    const results = await rig.results.waitFor((all) => all.filter(ended).length === 500)
    const others = results.filter((result) => !answers(result))
    expect(others.every(({ outcome }) => outcome === 'deferred')).toBe(true)
  })

  it('that accepts after two failures gets the delivery at the third attempt', async () => {
    const { brokers } = surroundings()
    let calls = 0
    await using rig = await createBrokerRig({
      brokers,
      environment: shortTiers,
      answer: () => {
        calls += 1
        return { kind: 'respond', status: calls <= 2 ? 503 : 204 }
      },
    })
    await rig.putHooks({ id: 'flaky' })
    await rig.run()
    await rig.sendEvents({})
    const results = await rig.results.waitFor((all) => all.some(({ final }) => final))
    expect(results.map(({ outcome }) => outcome)).toEqual(['retrying', 'retrying', 'delivered'])
    expect(rig.receiver.requests.map(({ headers }) => headers['hooktide-attempt'])).toEqual([
      '1',
      '2',
      '3',
    ])
  })
})
