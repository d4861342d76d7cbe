import { describe, expect, it } from 'vitest'
import { createMetrics } from '../../src/edge/telemetry/metrics.ts'
import { createRig, topics, type Instance } from '../support/flow-rig.ts'
import { settled } from '../support/hand-clock.ts'
import { byLabel, counted, parseMetrics, type Series } from '../support/metric-lines.ts'

const url = 'https://a.example/'
const minute = 60_000
const value = '{"event":"PostSignIn","createdAt":"2026-09-14T09:02:11.019Z"}'
const tier = (delay: string) => `${topics.retryPrefix}${delay}`

/** What the instance's metrics page would show now. */
async function read({ processor, signals }: Instance): Promise<Series> {
  const metrics = createMetrics({
    version: '1.2.3',
    groups: ['hooktide', 'hooktide.retry'],
    readings: () => ({ ...processor.status(), ...processor.depths(), isReady: true }),
  })
  for (const signal of signals) metrics.count(signal)
  return parseMetrics(await metrics.render())
}

async function rigWithHook(options: Parameters<typeof createRig>[0] = {}) {
  const rig = createRig(options)
  rig.putHook({ id: 'a' })
  const one = await rig.start()
  return { rig, one }
}

describe('counters', () => {
  it('have every value of a closed label from the start, at 0', async () => {
    const metrics = createMetrics({ version: '1.2.3', groups: ['g'], readings: () => undefined })
    const series = parseMetrics(await metrics.render())
    expect(byLabel(series, 'hooktide_deliveries_total')).toEqual({
      delivered: 0,
      retrying: 0,
      deferred: 0,
      interrupted: 0,
      dead: 0,
      discarded: 0,
      expired: 0,
    })
    expect(byLabel(series, 'hooktide_attempts_total')).toMatchObject({
      ok: 0,
      http: 0,
      timeout: 0,
      'invalid-url': 0,
      aborted: 0,
    })
    expect(byLabel(series, 'hooktide_records_rejected_total')).toMatchObject({ 'invalid-json': 0 })
    expect(byLabel(series, 'hooktide_attempt_duration_seconds_count')).toMatchObject({ ok: 0 })
    expect(byLabel(series, 'hooktide_calls_stopped')).toMatchObject({ rebalance: 0, stopping: 0 })
    expect(byLabel(series, 'hooktide_rebalances_total')).toEqual({ g: 0 })
    expect(series.get('hooktide_event_to_first_attempt_seconds_count')).toBe(0)
    expect(series.get('hooktide_build_info{version="1.2.3"}')).toBe(1)
    expect(series.get('hooktide_ready')).toBe(0)
  })

  it('count filters without a value, by fault', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a', delivery: { filter: 'event.user.id == "u1"' } })
    const one = await rig.start()
    rig.sendEvent()
    rig.sendEvent({ user: 7 })
    rig.sendEvent({ user: { id: 'u2' } })
    await rig.clock.advance(10)
    expect(byLabel(await read(one), 'hooktide_filter_errors_total')).toEqual({
      'missing-key': 1,
      type: 1,
      range: 0,
      budget: 0,
      'not-boolean': 0,
    })
  })

  it('count deliveries by outcome, and attempts by class with their duration', async () => {
    const rig = createRig()
    rig.putHook({ id: 'ok' })
    rig.putHook({ id: 'fails' })
    rig.putHook({ id: 'hangs' })
    rig.putHook({ id: 'bad', config: { url: 'https://user@' } })
    const one = await rig.start()
    one.http.script('https://ok.example/', 200)
    one.http.script('https://fails.example/', 500)
    rig.sendEvent()
    await rig.clock.advance(10_100)
    const series = await read(one)
    expect(counted(series, 'hooktide_attempts_total')).toEqual({
      ok: 1,
      http: 2,
      timeout: 1,
      'invalid-url': 1,
    })
    expect(counted(series, 'hooktide_deliveries_total')).toEqual({
      delivered: 1,
      retrying: 3,
      dead: 1,
    })
    const durations = 'hooktide_attempt_duration_seconds'
    expect(byLabel(series, `${durations}_count`)).toMatchObject({ ok: 1, timeout: 1 })
    expect(byLabel(series, `${durations}_sum`)).toMatchObject({ ok: 0, timeout: 10 })
    expect(byLabel(series, `${durations}_count`)).not.toHaveProperty('invalid-url')
  })

  it('count an aborted call as an attempt, without a duration', async () => {
    const { rig, one } = await rigWithHook()
    rig.sendEvent()
    await rig.clock.advance(10)
    const stopping = one.processor.stop(1_000)
    await rig.clock.advance(2_000)
    await stopping
    const series = await read(one)
    expect(counted(series, 'hooktide_attempts_total')).toEqual({ aborted: 1 })
    expect(counted(series, 'hooktide_deliveries_total')).toEqual({ interrupted: 1 })
    expect(counted(series, 'hooktide_attempt_duration_seconds_count')).toEqual({})
    expect(series.get('hooktide_event_to_first_attempt_seconds_count')).toBe(0)
  })

  it('count events without a matching hook, invalid records, and hook records that name no hook', async () => {
    const { rig, one } = await rigWithHook()
    rig.sendEvent({ event: 'User.Created' })
    rig.broker.produce('auth.events', { value: 'no JSON' })
    rig.broker.produce(topics.hooks, { key: 'x'.repeat(300), value: '{}' })
    rig.putHook({ id: 'broken', config: {} })
    await rig.clock.advance(100)
    const series = await read(one)
    expect(series.get('hooktide_events_unmatched_total')).toBe(1)
    expect(counted(series, 'hooktide_records_rejected_total')).toEqual({ 'invalid-json': 1 })
    expect(series.get('hooktide_hook_records_unusable_total')).toBe(1)
    const unusable = one.signals.filter(({ kind }) => kind === 'hook.unusable')
    // The log has signals as they are, and what such a record holds may be a hook's keys.
    expect(JSON.stringify(unusable)).not.toContain('Buffer')
    expect(series.get('hooktide_hooks')).toBe(2)
    expect(series.get('hooktide_hooks_suspended')).toBe(1)
  })

  it('count kept connections that had ended', async () => {
    const metrics = createMetrics({ version: '1.2.3', groups: ['g'], readings: () => undefined })
    const stale = async () =>
      parseMetrics(await metrics.render()).get('hooktide_stale_connections_total')
    expect(await stale()).toBe(0)
    metrics.count({ kind: 'connection.stale' })
    expect(await stale()).toBe(1)
  })

  it('count hops over tiers, and repeats that were dropped', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 500, 500, 200)
    rig.sendEvent()
    await rig.clock.advance(2 * minute)
    const [, hopped] = rig.broker.read(tier('30s'))
    if (hopped === undefined) throw new Error('no hop was written')
    rig.broker.produce(tier('30s'), { value: hopped.value, headers: hopped.headers })
    await rig.clock.advance(minute)
    const series = await read(one)
    expect(series.get('hooktide_retry_hops_total')).toBe(1)
    expect(series.get('hooktide_repeats_dropped_total')).toBe(1)
  })
})

describe('gauges', () => {
  it('show calls in flight and deliveries queued', async () => {
    const { rig, one } = await rigWithHook()
    for (let index = 0; index < 5; index += 1) rig.sendEvent({ index })
    await rig.clock.advance(10)
    const series = await read(one)
    expect(series.get('hooktide_in_flight')).toBe(2)
    expect(series.get('hooktide_queued')).toBe(3)
  })

  it('show endpoints by state, and records of them that cannot be read are counted', async () => {
    const { rig, one } = await rigWithHook()
    rig.broker.produce(topics.endpoints, { key: 'a', value: 'nonsense' })
    one.http.script(url, 410)
    rig.sendEvent()
    await rig.clock.advance(100)
    const series = await read(one)
    expect(byLabel(series, 'hooktide_endpoints')).toEqual({
      failing: 0,
      open: 0,
      paused: 0,
      disabled: 1,
    })
    expect(series.get('hooktide_endpoint_records_unusable_total')).toBe(1)
  })

  it('show results that are not acknowledged', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 200)
    rig.broker.setAckDelay(1_000)
    rig.sendEvent()
    await rig.clock.advance(10)
    expect((await read(one)).get('hooktide_records_pending')).toBe(1)
    await rig.clock.advance(2_000)
    expect((await read(one)).get('hooktide_records_pending')).toBe(0)
  })

  it('show why calls are stopped, for as long as they are', async () => {
    const { rig, one } = await rigWithHook()
    const cause = async () => counted(await read(one), 'hooktide_calls_stopped')
    rig.sendEvent()
    await rig.clock.advance(10)
    rig.broker.outage(true)
    await rig.clock.advance(12_000)
    expect(await cause()).toEqual({ 'membership-unproven': 1 })
    rig.broker.outage(false)
    await rig.clock.advance(1_000)
    expect(await cause()).toEqual({})
  })
})

describe('lag', () => {
  const lagOf = async (one: Instance) => byLabel(await read(one), 'hooktide_lag')

  it('counts what is not complete, however far apart, and falls to 0', async () => {
    const { rig, one } = await rigWithHook()
    expect(await lagOf(one)).toEqual({ 'auth.events': 0, [topics.requests]: 0 })
    for (let index = 0; index < 4; index += 1) rig.sendEvent({ index })
    await rig.clock.advance(10)
    expect(await lagOf(one)).toMatchObject({ 'auth.events': 4 })
    one.http.calls[1]?.answer(200)
    await rig.clock.advance(10)
    expect(await lagOf(one)).toMatchObject({ 'auth.events': 3 })
    one.http.script(url, 200)
    for (const call of one.http.openCalls) call.answer(200)
    await rig.clock.advance(10)
    expect(await lagOf(one)).toEqual({ 'auth.events': 0, [topics.requests]: 0 })
  })

  it('grows with records on a paused partition, which is not fetched', async () => {
    const { rig, one } = await rigWithHook()
    const padding = 'x'.repeat(10_000)
    const send = (count: number) => {
      for (let index = 0; index < count; index += 1) rig.sendEvent({ padding })
    }
    send(2_000)
    await rig.clock.advance(10)
    const fetched = (await read(one)).get('hooktide_backlog') ?? 0
    send(2_000)
    await rig.clock.advance(10)
    expect((await read(one)).get('hooktide_backlog')).toBe(fetched)
    expect(await lagOf(one)).toMatchObject({ 'auth.events': 4_000 })
  })

  it('excludes what an earlier owner completed, and is counted once when partitions move', async () => {
    const { rig, one } = await rigWithHook({ partitions: 2 })
    for (const partition of [0, 0, 1, 1]) rig.broker.produce('auth.events', { value, partition })
    await rig.clock.advance(10)
    one.http.calls[1]?.answer(200)
    await rig.clock.advance(10)
    expect(await lagOf(one)).toMatchObject({ 'auth.events': 3 })
    const starting = rig.start({ instance: 'two' })
    await rig.clock.advance(5_000)
    const two = await starting
    await rig.clock.advance(10)
    const [ofOne, ofTwo] = [await lagOf(one), await lagOf(two)]
    expect((ofOne['auth.events'] ?? 0) + (ofTwo['auth.events'] ?? 0)).toBe(3)
    const partitions = byLabel(await read(two), 'hooktide_partitions')
    expect(partitions).toMatchObject({ 'auth.events': 1 })
    expect(Object.keys(ofTwo)).toEqual(
      Object.keys(partitions).filter((topic) => !topic.startsWith(topics.retryPrefix)),
    )
    expect(counted(await read(one), 'hooktide_rebalances_total')).toEqual({
      hooktide: 2,
      'hooktide.retry': 2,
    })
  })

  it('removes the series of a topic when no partition of it is owned', async () => {
    const { rig, one } = await rigWithHook()
    expect(Object.keys(await lagOf(one))).toHaveLength(2)
    const stopping = one.processor.stop(0)
    await rig.clock.advance(1_000)
    await stopping
    expect(await lagOf(one)).toEqual({})
  })
})

describe('retries', () => {
  it('are counted by the tier in which they wait, and are not overdue while they wait', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 500, 500, 200)
    rig.sendEvent()
    await rig.clock.advance(4_000)
    const waiting = await read(one)
    expect(counted(waiting, 'hooktide_retry_depth')).toEqual({ [tier('5s')]: 1 })
    expect(waiting.get('hooktide_retry_overdue_seconds')).toBe(0)
    await rig.clock.advance(2_000)
    expect(counted(await read(one), 'hooktide_retry_depth')).toEqual({ [tier('30s')]: 1 })
    await rig.clock.advance(2 * minute)
    expect(counted(await read(one), 'hooktide_retry_depth')).toEqual({})
  })

  it('are overdue when their lane has no place for them, by the time since they were due', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 500)
    for (let index = 0; index < 4; index += 1) rig.sendEvent({ index })
    await rig.clock.advance(10)
    one.http.script(url)
    await rig.clock.advance(9_000)
    const series = await read(one)
    expect(series.get('hooktide_in_flight')).toBe(1)
    expect(series.get('hooktide_retry_overdue_seconds')).toBeCloseTo(4, 1)
    one.http.script(url, 200)
    for (const call of one.http.openCalls) call.answer(200)
    await rig.clock.advance(10)
    expect((await read(one)).get('hooktide_retry_overdue_seconds')).toBe(0)
  })

  it('are overdue when there are too many at once and their tier has to keep them', async () => {
    const { rig, one } = await rigWithHook({ busyShare: 1 })
    for (let index = 0; index < 1_200; index += 1) {
      rig.broker.produce(tier('5s'), {
        value,
        headers: {
          'hooktide-hook-id': 'a',
          'hooktide-tenant-id': 'default',
          'hooktide-event-id': `retried ${index}`,
          'hooktide-due-at': `${rig.clock.now() + 5_000}`,
          'hooktide-attempt': '1',
          'hooktide-hop': '1',
        },
      })
    }
    // Its endpoint is not found to be slow before the call that is out has lasted two seconds.
    await rig.clock.advance(6_500)
    const series = await read(one)
    // Two fifths of what the tier's partition may have open, less the one that is out.
    expect(series.get('hooktide_queued')).toBe(299)
    expect(counted(series, 'hooktide_retry_depth')).toEqual({ [tier('5s')]: 1_200 })
    expect(series.get('hooktide_retry_overdue_seconds')).toBeCloseTo(1.5, 1)
  })
})

describe('the time from an event to its first attempt', () => {
  const name = 'hooktide_event_to_first_attempt_seconds'
  const summary = async (one: Instance) => {
    const series = await read(one)
    return { count: series.get(`${name}_count`), sum: series.get(`${name}_sum`) }
  }

  it('runs from the record’s own timestamp to the start of the call, once per hook', async () => {
    const { rig, one } = await rigWithHook()
    rig.putHook({ id: 'b' })
    await settled()
    one.http.script(url, 500)
    one.http.script('https://b.example/', 200)
    rig.broker.produce('auth.events', { value, timestamp: rig.clock.now() - 90_000 })
    await rig.clock.advance(minute)
    expect(one.http.calls.length).toBeGreaterThan(2)
    expect(await summary(one)).toEqual({ count: 2, sum: 180 })
    const series = await read(one)
    expect(series.get(`${name}_bucket{le="60"}`)).toBe(0)
    expect(series.get(`${name}_bucket{le="300"}`)).toBe(2)
  })

  it('is 0 when the producer’s clock is ahead, and unknown without a timestamp', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 200)
    rig.broker.produce('auth.events', { value, timestamp: rig.clock.now() + minute })
    rig.broker.produce('auth.events', { value, timestamp: -1 })
    await rig.clock.advance(10)
    expect(one.http.calls).toHaveLength(2)
    expect(await summary(one)).toEqual({ count: 1, sum: 0 })
  })
})

describe('commits', () => {
  it('are timed when acknowledged and counted when not', async () => {
    const { rig, one } = await rigWithHook()
    const acknowledged = async () =>
      (await read(one)).get('hooktide_commit_duration_seconds_count') ?? 0
    const before = await acknowledged()
    one.http.script(url, 200)
    rig.sendEvent()
    await settled()
    rig.broker.outage(true)
    await rig.clock.advance(100)
    expect(counted(await read(one), 'hooktide_commits_failed_total')).toEqual({ unavailable: 1 })
    expect(await acknowledged()).toBe(before)
    rig.broker.outage(false)
    await rig.clock.advance(1_000)
    expect(await acknowledged()).toBe(before + 1)
  })
})
