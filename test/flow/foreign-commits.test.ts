import { describe, expect, it } from 'vitest'
import { createMetrics } from '../../src/edge/telemetry/metrics.ts'
import { createRig, topics } from '../support/flow-rig.ts'
import { byLabel, parseMetrics } from '../support/metric-lines.ts'

const events = { topic: 'auth.events', partition: 0 }

describe('metadata that another program left in a commit', () => {
  // Versions before took these digits for a run of 52 completed offsets, which begins 9,943 behind the committed one.
  it.each(['11000', '{"offset":9995}', 'hooktide1:AAAAAAAAAAA11000'])(
    '%j loses no event, and the log names the consequence',
    async (metadata) => {
      const rig = createRig()
      rig.putHook({ id: 'a' })
      rig.script('https://a.example/', 200)
      for (let n = 0; n < 9_943; n += 1) rig.sendEvent({ event: 'User.Created' })
      for (let n = 0; n < 60; n += 1) rig.sendEvent()
      rig.broker.setCommitted('hooktide', events, 0, metadata)
      const one = await rig.start()
      await rig.clock.advance(60_000)
      expect(new Set(rig.results().map(({ sourceOffset }) => sourceOffset)).size).toBe(60)
      expect(one.signals.filter(({ kind }) => kind === 'commit.foreign')).toEqual([
        {
          kind: 'commit.foreign',
          group: 'hooktide',
          count: 1,
          partitions: ['auth.events/0'],
          message: expect.stringContaining('every record from the committed offset on is handled'),
        },
      ])
      expect(rig.broker.committed('hooktide', events)).toMatchObject({ offset: 10_003 })
    },
  )

  it('in the group of the retries loses no retry', async () => {
    const rig = createRig()
    const tier = { topic: `${topics.retryPrefix}5s`, partition: 0 }
    rig.putHook({ id: 'a' })
    rig.script('https://a.example/', 500, 200)
    rig.broker.setCommitted('hooktide.retry', tier, 0, '1AAE')
    const one = await rig.start()
    rig.sendEvent()
    await rig.clock.advance(60_000)
    expect(rig.story()).toEqual(['a retrying 1', 'a delivered 2'])
    expect(one.signals).toContainEqual(
      expect.objectContaining({ kind: 'commit.foreign', group: 'hooktide.retry' }),
    )
  })

  it('is logged in one line that names at most 20 partitions', async () => {
    const rig = createRig({ partitions: 50 })
    for (let partition = 0; partition < 50; partition += 1) {
      rig.broker.setCommitted('hooktide', { topic: 'auth.events', partition }, 0, 'of another')
    }
    const one = await rig.start()
    const emitted = one.signals.filter((signal) => signal.kind === 'commit.foreign')
    expect(emitted.map(({ count, partitions }) => [count, partitions.length])).toEqual([[50, 20]])
  })

  it('is counted by group, each commit of it', async () => {
    const rig = createRig({ partitions: 50 })
    for (let partition = 0; partition < 50; partition += 1) {
      rig.broker.setCommitted('hooktide', { topic: 'auth.events', partition }, 0, 'of another')
    }
    const one = await rig.start()
    const metrics = createMetrics({
      version: '1.2.3',
      groups: ['hooktide', 'hooktide.retry'],
      readings: () => undefined,
    })
    const name = 'hooktide_commits_foreign_total'
    const before = parseMetrics(await metrics.render())
    expect(byLabel(before, name)).toEqual({ hooktide: 0, 'hooktide.retry': 0 })
    for (const signal of one.signals) metrics.count(signal)
    const after = parseMetrics(await metrics.render())
    expect(byLabel(after, name)).toEqual({ hooktide: 50, 'hooktide.retry': 0 })
  })
})

describe('a commit of hooktide', () => {
  it('does not cover offsets that the log lost with a broker: new records at these offsets are delivered', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a' })
    rig.script('https://a.example/', 200)
    const lost = createRig()
    lost.putHook({ id: 'a' })
    const before = await lost.start()
    for (let n = 0; n < 4; n += 1) lost.sendEvent()
    await lost.clock.advance(10)
    for (const call of before.http.calls.slice(1)) call.answer(200)
    await lost.clock.advance(100)
    const { offset, metadata } = lost.broker.committed('hooktide', events) ?? {}
    expect([offset, metadata]).toEqual([0, expect.stringMatching(/^hooktide1:/)])
    rig.broker.setCommitted('hooktide', events, 0, metadata)
    rig.sendEvent()
    const one = await rig.start()
    await rig.clock.advance(1_000)
    for (let n = 0; n < 3; n += 1) rig.sendEvent()
    await rig.clock.advance(1_000)
    expect(rig.results().map(({ sourceOffset }) => sourceOffset)).toEqual([0, 1, 2, 3])
    expect(one.signals.some(({ kind }) => kind === 'commit.foreign')).toBe(false)
  })
})
