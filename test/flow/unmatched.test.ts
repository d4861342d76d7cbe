import { describe, expect, it } from 'vitest'
import { createRig, topics, type Rig } from '../support/flow-rig.ts'

const mine = { events: ['PostSignIn'] }

async function recorded(
  rig: Rig,
  fields: object = {},
  headers: Readonly<Record<string, string>> = {},
) {
  const one = await rig.start({ recordUnmatched: true })
  rig.sendEvent({ ...fields }, headers)
  await rig.clock.advance(50)
  return { one, results: rig.results() }
}

describe('an event that goes to no hook', () => {
  it('has one record, with why for each hook of its tenant and key', async () => {
    const rig = createRig()
    rig.putHook({ id: 'false', ...mine, delivery: { filter: "event.userId == 'v'" } })
    rig.putHook({ id: 'faulty', ...mine, delivery: { filter: "event.nothing == 'v'" } })
    rig.putHook({ id: 'off', ...mine, enabled: false })
    rig.putHook({ id: 'broken', ...mine, enabled: false, signingKey: 7 })
    rig.putHook({ id: 'other-key', events: ['User.Created'], enabled: false })
    rig.putHook({ id: 'other-tenant', tenantId: 't-2' })
    const { one, results } = await recorded(rig, { userId: 'u' }, { 'event-id': 'e-1' })
    expect(results).toMatchObject([
      {
        ...{ outcome: 'unmatched', reason: 'not-passed', final: true, hookId: '', userId: 'u' },
        ...{ run: 'auth.events/0/0', eventId: 'e-1', trigger: 'event', attempt: null, blame: null },
        ...{ sourceTopic: 'auth.events', sourceOffset: 0, errorMessage: null },
        unmatchedHooks: [
          { hookId: 'false', reason: 'filter-false' },
          { hookId: 'faulty', reason: 'filter-failed' },
          { hookId: 'off', reason: 'hook-disabled' },
          { hookId: 'broken', reason: 'hook-disabled' },
        ],
      },
    ])
    const [record] = rig.broker.read(topics.results)
    expect(record?.key?.toString()).toMatch(/^dlv_[\w-]{22}$/)
    expect(record?.key?.toString()).toBe(results[0]?.deliveryId)
    expect(one.processor.depths().lag.get('auth.events')).toBe(0)
    expect(one.signals.filter(({ kind }) => kind === 'event.unmatched')).toHaveLength(1)
  })

  it.each([
    ['nobody has a hook of its tenant', { tenantId: 't-2' }, 'tenant-unknown'],
    ['no hook of its tenant is for it', { events: ['User.Created'] }, 'event-unknown'],
  ])('says that %s', async (_, fields, reason) => {
    const rig = createRig()
    rig.putHook({ id: 'a', ...fields })
    const { results } = await recorded(rig)
    expect(results).toMatchObject([{ outcome: 'unmatched', reason, unmatchedHooks: [] }])
  })

  it('says so when the last hook of its tenant was deleted or enabled', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a', enabled: false })
    const { one } = await recorded(rig)
    rig.putHook({ id: 'a' })
    one.http.script('https://a.example/', 204)
    await rig.clock.advance(50)
    rig.sendEvent()
    await rig.clock.advance(50)
    rig.deleteHook('a')
    await rig.clock.advance(50)
    rig.sendEvent()
    await rig.clock.advance(50)
    expect(rig.results().map(({ outcome, reason }) => `${outcome} ${reason}`)).toEqual([
      'unmatched not-passed',
      'delivered null',
      'unmatched tenant-unknown',
    ])
  })

  it('names fifty hooks, and says how many it does not', async () => {
    const rig = createRig()
    for (let index = 0; index < 70; index += 1) rig.putHook({ id: `h${index}`, enabled: false })
    const { results } = await recorded(rig)
    expect(results[0]?.unmatchedHooks).toHaveLength(50)
    expect(results[0]?.errorMessage).toBe('20 more hooks are not named')
  })

  it('completes only when its record is acknowledged', async () => {
    const rig = createRig()
    const one = await rig.start({ recordUnmatched: true })
    rig.broker.setAckDelay(1_000)
    rig.sendEvent()
    await rig.clock.advance(50)
    expect(one.processor.depths().lag.get('auth.events')).toBe(1)
    await rig.clock.advance(2_000)
    expect(one.processor.depths().lag.get('auth.events')).toBe(0)
    expect(rig.results()).toHaveLength(1)
  })

  it('has none where another hook gets it, or where nobody asks for them', async () => {
    const rig = createRig()
    rig.putHook({ id: 'off', enabled: false })
    const one = await rig.start()
    rig.sendEvent()
    await rig.clock.advance(50)
    expect(rig.results()).toEqual([])
    await one.processor.stop(0)
    rig.putHook({ id: 'a' })
    rig.script('https://a.example/', 204)
    const { results } = await recorded(rig)
    expect(results.map(({ outcome }) => outcome)).toEqual(['delivered'])
  })
})
