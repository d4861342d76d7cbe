import { describe, expect, it } from 'vitest'
import { createRig, topics, type Instance, type Rig } from '../support/flow-rig.ts'
import { settled } from '../support/hand-clock.ts'

const url = 'https://a.example/'

async function rigWithFilter(
  filter: string,
): Promise<{ readonly rig: Rig; readonly one: Instance }> {
  const rig = createRig()
  rig.putHook({ id: 'a', delivery: { filter } })
  const one = await rig.start()
  one.http.script(url, 200)
  return { rig, one }
}

function committed(rig: Rig): number | undefined {
  return rig.broker.committed('hooktide', { topic: 'auth.events', partition: 0 })?.offset
}

const faults = ({ signals }: Instance) =>
  signals.flatMap((signal) => (signal.kind === 'filter.failed' ? [signal.fault] : []))

describe('a filter', () => {
  it('lets events through for which it is true, and nothing is written for others', async () => {
    const { rig, one } = await rigWithFilter('event.user.id == "u1" && headers["region"] == "eu"')
    const eu = { region: 'eu' }
    rig.sendEvent({ user: { id: 'u1' } }, { ...eu, 'event-id': 'in' })
    rig.sendEvent({ user: { id: 'u2' } }, eu)
    rig.sendEvent({ user: { id: 'u1' } }, { region: 'us' })
    await rig.clock.advance(100)
    expect(rig.results()).toMatchObject([{ eventId: 'in', outcome: 'delivered' }])
    expect(one.http.calls).toHaveLength(1)
    expect(committed(rig)).toBe(3)
    expect(one.signals.filter(({ kind }) => kind === 'event.unmatched')).toHaveLength(2)
    expect(faults(one)).toEqual([])
  })

  it('applies only to its hook: another hook gets the event anyway', async () => {
    const { rig, one } = await rigWithFilter('false')
    rig.putHook({ id: 'b' })
    await settled()
    one.http.script('https://b.example/', 200)
    rig.sendEvent()
    await rig.clock.advance(100)
    expect(rig.story()).toEqual(['b delivered 1'])
  })

  it.each([
    ['event.user.id == "u1"', 'missing-key'],
    ['event.createdAt > 5', 'type'],
    ['[1][event.at] == 1', 'range'],
    ['event.at', 'not-boolean'],
    ['event.many.all(x, event.many.all(y, true))', 'budget'],
  ])('without a value lets nothing through, and is counted: %s, %s', async (filter, fault) => {
    const { rig, one } = await rigWithFilter(filter)
    rig.sendEvent({ at: 5, many: Array.from({ length: 1_000 }, () => 0) })
    await rig.clock.advance(100)
    expect(rig.results()).toEqual([])
    expect(committed(rig)).toBe(1)
    expect(faults(one)).toEqual([fault])
  })

  it('is evaluated when an event is handled first, and not for its retries', async () => {
    const { rig, one } = await rigWithFilter('event.n == 1')
    one.http.script(url, 500, 200)
    rig.sendEvent({ n: 1 })
    await rig.clock.advance(100)
    rig.putHook({ id: 'a', delivery: { filter: 'event.n == 2' } })
    await rig.clock.advance(60_000)
    expect(rig.story()).toEqual(['a retrying 1', 'a delivered 2'])
    rig.sendEvent({ n: 1 })
    rig.sendEvent({ n: 2 })
    await rig.clock.advance(100)
    expect(rig.story()).toEqual(['a retrying 1', 'a delivered 2', 'a delivered 1'])
  })

  it('is not evaluated for a request, which names its hook', async () => {
    const { rig } = await rigWithFilter('false')
    rig.broker.produce(topics.requests, {
      value: '{"event":"PostSignIn","createdAt":"2026-09-14T09:02:11.019Z"}',
      headers: {
        'hooktide-hook-id': 'a',
        'hooktide-tenant-id': 'default',
        'hooktide-event-id': 'e-1',
      },
    })
    await rig.clock.advance(100)
    expect(rig.story()).toEqual(['a delivered 1'])
  })

  it('of a thousand hooks that use up its budget leaves enough for simple ones', async () => {
    const rig = createRig()
    for (let index = 0; index < 300; index += 1) {
      const filter = `event.many.all(x, event.many.all(y, x + y < ${index}.5 + 9999.0))`
      rig.putHook({ id: `greedy${index}`, delivery: { filter } })
    }
    rig.putHook({ id: 'a', delivery: { filter: 'event.n == 1' } })
    const one = await rig.start()
    one.http.script(url, 200)
    rig.sendEvent({ n: 1, many: Array.from({ length: 1_000 }, () => 0) })
    await rig.clock.advance(100)
    expect(rig.story()).toEqual(['a delivered 1'])
    expect(faults(one)).toHaveLength(300)
    expect(new Set(faults(one))).toEqual(new Set(['budget']))
  })
})
