import { describe, expect, it } from 'vitest'
import { createRig, defaultTiers, topics } from '../support/flow-rig.ts'
import { chance } from '../support/chance.ts'
import { quantile, recoveryFrom, type Failure } from '../support/recovery.ts'

const second = 1_000
const minute = 60 * second

/** 100 calls a second, in each process. */
const usual: Failure = { callMs: 160, concurrency: 16, waiting: 2_000, freshPerSecond: 2 }

describe('an endpoint that failed for an hour', { timeout: 60_000 }, () => {
  const cases: readonly (readonly [string, Failure])[] = [
    ['of 100 calls a second', usual],
    ['on one partition', { ...usual, partitions: 1 }],
    ['that hung', { ...usual, hangs: true }],
    ['with an unknown rate', { ...usual, isKnown: false }],
    ['with an unknown rate, on one partition', { ...usual, isKnown: false, partitions: 1 }],
    ['of 5 calls a second', { ...usual, callMs: 200, concurrency: 1, freshPerSecond: 1 }],
    ['of 500 calls a second', { ...usual, callMs: 32 }],
    ['of two processes', { ...usual, processes: 2 }],
    ['of three processes, late in turns', { ...usual, processes: 3, failsFor: 81 * minute }],
    ['of processes that were replaced meanwhile', { ...usual, restarts: true, processes: 2 }],
    ['without a tier of half an hour', { ...usual, tiers: ['1s', '5s', '30s', '5m'] }],
  ]
  it.each(cases)(
    '%s is drained within 1.5 times what its calls take, and fresh events are called within a second',
    async (_, failure) => {
      const { drainMs, idealMs, fresh, idleMs, writesWhileFailing, waited } =
        await recoveryFrom(failure)
      expect(drainMs / idealMs).toBeLessThan(1.3)
      expect(idleMs).toBeLessThanOrEqual(3 * second)
      expect(fresh.length).toBeGreaterThan(5)
      expect(quantile(fresh, 0.99)).toBeLessThan(second)
      // Of the last half hour: each that came then takes some hops to the probe, all others one.
      expect(writesWhileFailing / waited).toBeLessThan(8)
    },
  )
})

describe('deliveries that wait for dead endpoints', { timeout: 60_000 }, () => {
  /** Writes to tiers an hour for each that waits, in the third hour of those that came in the first minute. */
  async function writesAnHour(hooks: number, each: number): Promise<number> {
    const rig = createRig({
      partitions: 6,
      tierPartitions: 6,
      tiers: defaultTiers,
      random: chance(1),
    })
    for (let nth = 0; nth < hooks; nth += 1) {
      rig.putHook({ id: `dead${nth}`, events: [`User.Made${nth}`] })
      rig.script(`https://dead${nth}.example/`, 500)
    }
    await rig.start()
    for (let passed = 0; passed < 60; passed += 1) {
      for (let nth = 0; nth < hooks; nth += 1) {
        for (let index = 0; index < each / 60; index += 1) {
          rig.sendEvent({ event: `User.Made${nth}`, passed, index })
        }
      }
      await rig.clock.advance(second)
    }
    const writes = () =>
      defaultTiers.reduce(
        (sum, delay) => sum + rig.broker.read(`${topics.retryPrefix}${delay}`).length,
        0,
      )
    await rig.clock.advance(119 * minute)
    const before = writes()
    await rig.clock.advance(60 * minute)
    return (writes() - before) / (hooks * each)
  }

  it.each([
    [1, 600],
    [1, 4_200],
    [30, 60],
  ])('are written about twice an hour: %i hooks with %i each', async (hooks, each) => {
    expect(await writesAnHour(hooks, each)).toBeLessThan(3)
  })
})

describe('a backlog that returns to its hook faster than it is called', () => {
  it('leaves the hook’s fresh events their share of what the process admits', async () => {
    const tierPartitions = 60
    const rig = createRig({ tierPartitions })
    rig.putHook({ id: 'slow' })
    rig.script('https://slow.example/', { status: 200, afterMs: second })
    const one = await rig.start()
    let sent = 0
    const sendLate = (count: number) => {
      for (let nth = 0; nth < count; nth += 1, sent += 1) {
        rig.broker.produce(`${topics.retryPrefix}1s`, {
          partition: sent % tierPartitions,
          value: '{"event":"PostSignIn","createdAt":"2026-09-14T09:02:11.019Z"}',
          headers: {
            'hooktide-hook-id': 'slow',
            'hooktide-tenant-id': 'default',
            'hooktide-event-id': `late ${sent}`,
            'hooktide-attempt': '0',
            'hooktide-deferrals': '1',
            'hooktide-hop': '1',
          },
        })
      }
    }
    sendLate(12_000)
    await rig.clock.advance(3 * second)
    expect(one.processor.status().queued).toBeGreaterThan(9_000)
    const sentAt = new Map<string, number>()
    for (let tenth = 0; tenth < 200; tenth += 1) {
      sendLate(10)
      if (tenth % 10 === 5) {
        sentAt.set(`fresh ${tenth}`, rig.clock.now())
        rig.sendEvent({ tenth }, { 'event-id': `fresh ${tenth}` })
      }
      await rig.clock.advance(100)
    }
    const fresh = rig.results().filter(({ eventId }) => sentAt.has(eventId))
    expect(fresh.map(({ outcome }) => outcome)).toEqual(fresh.map(() => 'delivered'))
    expect(fresh.length).toBeGreaterThanOrEqual(18)
    for (const { eventId, attemptedAt } of fresh) {
      expect(attemptedAt - (sentAt.get(eventId) ?? 0)).toBeLessThanOrEqual(second)
    }
  }, 30_000)
})
