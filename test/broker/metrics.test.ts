import { describe, expect, it } from 'vitest'
import { createBrokerRig } from '../support/broker-rig.ts'
import { startRun } from '../support/hooktide-process.ts'
import { useKafka } from '../support/kafka-tools.ts'
import { byLabel, counted, parseMetrics, type Series } from '../support/metric-lines.ts'
import { promtool } from '../support/installed-program.ts'
import { surroundings } from '../support/sandbox.ts'

async function scrape(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`)
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  return await response.text()
}

describe('the metrics of a process', () => {
  it('show lag, depth and overdue retries while an endpoint holds its calls, and 0 when all is done', async () => {
    const { brokers } = surroundings()
    const tools = await useKafka(brokers)
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const
    await using rig = await createBrokerRig({
      brokers,
      environment: { HOOKTIDE_RETRY_TIERS: '500ms', HOOKTIDE_RETRY_SCHEDULE: '500ms' },
      answer: ({ headers }) =>
        headers['hooktide-attempt'] === '1'
          ? { kind: 'respond', status: 500, after: gates[0].promise }
          : { kind: 'respond', status: 200, after: gates[1].promise },
    })
    await rig.putHooks({ id: 'holds' })
    const run = await rig.run()
    const port = await run.port
    const events = `${rig.prefix}.events`
    const tier = `${rig.prefix}.webhook.retry.500ms`
    const until = async (isReached: (series: Series) => boolean): Promise<Series> => {
      let series: Series = new Map()
      await expect
        .poll(async () => isReached((series = parseMetrics(await scrape(port)))), {
          timeout: 20_000,
          interval: 50,
        })
        .toBe(true)
      return series
    }
    const depthOf = (series: Series) => byLabel(series, 'hooktide_retry_depth')[tier]
    const lagOf = (series: Series) => byLabel(series, 'hooktide_lag')[events]

    // Fewer than open the endpoint's lane.
    await rig.sendEvents({}, {})
    const value = '{"event":"PostSignIn","createdAt":"2026-09-14T09:02:11.019Z"}'
    await tools.produceInTransaction(events, [{ value }, { value }])
    // Records of a transaction count as soon as they are written, and can be read when it has ended.
    const held = await until((series) => series.get('hooktide_queued') === 2 && lagOf(series) === 4)
    expect(held.get('hooktide_in_flight')).toBe(2)
    expect(depthOf(held)).toBe(0)

    gates[0].resolve()
    const failed = await until((series) => depthOf(series) === 4 && lagOf(series) === 0)
    expect(counted(failed, 'hooktide_attempts_total')).toEqual({ http: 4 })
    await until((series) => (series.get('hooktide_retry_overdue_seconds') ?? 0) > 0.2)

    gates[1].resolve()
    const done = await until((series) => depthOf(series) === 0)
    expect(counted(done, 'hooktide_deliveries_total')).toEqual({ retrying: 4, delivered: 4 })
    expect(done.get('hooktide_event_to_first_attempt_seconds_count')).toBe(4)
    expect(done.get('hooktide_retry_overdue_seconds')).toBe(0)
    expect(byLabel(done, 'hooktide_partitions')).toMatchObject({ [events]: 1, [tier]: 1 })
    expect(done.get('hooktide_ready')).toBe(1)
    // The group's own lag is 0 as well, though the partition ends in the marker of a transaction.
    const groupId = rig.environment['HOOKTIDE_GROUP_ID'] ?? ''
    await expect
      .poll(async () => {
        const [topic] = await tools.admin.fetchOffsets({ groupId, topics: [events] })
        return topic?.partitions[0]?.offset
      })
      .toBe('5')
  })

  it('have names and help texts that promtool accepts', async (context) => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({ brokers })
    const run = await rig.run()
    const text = await scrape(await run.port)
    expect(text).toContain('hooktide_lag{')
    const { code, output } = await promtool(context, ['check', 'metrics'], text)
    expect({ code, output }).toEqual({ code: 0, output: '' })
  })

  it('are served before a broker answers, without values that are not known yet', async () => {
    await using run = startRun({ KAFKA_BROKERS: '127.0.0.1:1' })
    const text = await scrape(await run.port)
    const series = parseMetrics(text)
    expect(series.get('hooktide_ready')).toBe(0)
    expect(byLabel(series, 'hooktide_deliveries_total')).toHaveProperty('dead', 0)
    expect(text).not.toContain('hooktide_lag')
  })
})
