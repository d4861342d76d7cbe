/** Processes whose lanes call one endpoint and share reports about it on the topic. */
import { describe, expect, it } from 'vitest'
import { decodeHealth, renewed, type Health } from '../../src/core/health/record.ts'
import { hookOf } from '../support/model-builders.ts'
import { createRig, topics, type Instance, type Rig } from '../support/flow-rig.ts'

const second = 1_000
const minute = 60 * second
const url = 'https://a.example/'

interface Talk {
  readonly rig: Rig
  readonly processes: readonly Instance[]
}

/** A process for each partition, all of them with an endpoint that fails. */
async function talkOf(names: readonly string[]): Promise<Talk> {
  const rig = createRig({ partitions: names.length })
  rig.putHook({ id: 'a' })
  const starting = names.map((instance) => rig.start({ instance }))
  await rig.clock.advance(10 * second)
  const processes = await Promise.all(starting)
  for (const { http } of processes) http.script(url, 500)
  return { rig, processes }
}

/** Fresh events for each process, at intervals. */
async function pass({ rig, processes }: Talk, ms: number, everyMs = second): Promise<void> {
  for (let passed = 0; passed < ms; passed += everyMs) {
    processes.forEach((_, partition) => {
      const event = { event: 'PostSignIn', createdAt: '2026-09-14T09:02:11.019Z', passed }
      rig.broker.produce('auth.events', { value: JSON.stringify(event), partition })
    })
    await rig.clock.advance(everyMs)
  }
}

function callsOf({ processes }: Talk): readonly number[] {
  return processes.map(({ http }) => http.calls.length)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}

function lastWord({ broker }: Rig): Health {
  const last = broker.read(topics.endpoints).at(-1)
  const decoded = last && decodeHealth(last)
  if (decoded?.kind !== 'health') throw new Error('nothing was said of the endpoint')
  return decoded.health
}

describe('processes that share a failing endpoint', { timeout: 30_000 }, () => {
  it.each([1, 2, 3])('together make one probe when its time is over: %d of them', async (count) => {
    const talk = await talkOf(['one', 'two', 'three'].slice(0, count))
    await pass(talk, minute)
    const before = sum(callsOf(talk))
    await pass(talk, 5 * minute)
    expect(sum(callsOf(talk)) - before).toBe(1)
    await pass(talk, 29 * minute, 10 * second)
    expect(sum(callsOf(talk)) - before).toBe(1)
    await pass(talk, 2 * minute)
    expect(sum(callsOf(talk)) - before).toBe(2)
  })

  it('let another one probe, a call and a write late, when the prober has crashed', async () => {
    const talk = await talkOf(['one', 'two'])
    await pass(talk, 15 * minute)
    const { instance, until } = lastWord(talk.rig)
    const [one, two] = talk.processes
    const [dead, other] = instance === 'one' ? [one, two] : [two, one]
    await Promise.all([dead?.processor.stop(0), talk.rig.clock.advance(20 * second)])
    const before = other?.http.calls.length ?? 0
    await pass(talk, (until ?? 0) + 18 * second - talk.rig.clock.now())
    expect(other?.http.calls).toHaveLength(before)
    await pass(talk, 3 * second)
    expect(other?.http.calls).toHaveLength(before + 1)
    await pass(talk, 2 * second)
    expect(lastWord(talk.rig).instance).not.toBe(instance)
  })

  it('let the next delivery through within a second once one of them has found that it recovered', async () => {
    const talk = await talkOf(['one', 'two', 'three'])
    await pass(talk, 7 * minute)
    const { until } = lastWord(talk.rig)
    for (const { http } of talk.processes) http.script(url, 200)
    await pass(talk, (until ?? 0) - 2 * second - talk.rig.clock.now())
    const { instance } = lastWord(talk.rig)
    expect(lastWord(talk.rig)).toMatchObject({ state: 'open', until })
    const before = callsOf(talk)
    await pass(talk, 4 * second)
    callsOf(talk).forEach((calls, index) => expect(calls).toBeGreaterThan(before[index] ?? 0))
    expect(lastWord(talk.rig)).toMatchObject({ state: 'healthy', instance })
    await pass(talk, 10 * second)
    const words = talk.rig.broker.read(topics.endpoints).length
    await pass(talk, minute)
    expect(talk.rig.broker.read(topics.endpoints)).toHaveLength(words)
  })

  it('probe in turn: a waiting process claims the next probe, and makes it at the reported time', async () => {
    const talk = await talkOf(['one', 'two'])
    await pass(talk, 37 * minute, 10 * second)
    const { instance, until } = lastWord(talk.rig)
    expect(until).toBeGreaterThan(talk.rig.clock.now() + 25 * minute)
    const before = callsOf(talk)
    await pass(talk, 15 * minute, 10 * second)
    const claim = lastWord(talk.rig)
    expect(claim).toMatchObject({ state: 'open', until })
    expect(claim.instance).not.toBe(instance)
    expect(callsOf(talk)).toEqual(before)
    for (const { http } of talk.processes) http.script(url, 200)
    await pass(talk, (until ?? 0) + 2 * second - talk.rig.clock.now())
    expect(lastWord(talk.rig)).toMatchObject({ state: 'healthy', instance: claim.instance })
    callsOf(talk).forEach((calls, index) => expect(calls).toBeGreaterThan(before[index] ?? 0))
  })

  it('call it at once when it is enabled, whichever was to probe it', async () => {
    const talk = await talkOf(['one', 'two', 'three'])
    await pass(talk, 7 * minute)
    const before = callsOf(talk)
    const known = lastWord(talk.rig)
    const hook = hookOf({ id: 'a', url, configVersion: '0-0' })
    const renewal = { reason: 'operator', instance: 'cli', at: talk.rig.clock.now() } as const
    const value = JSON.stringify(renewed(hook, known, renewal))
    for (const { http } of talk.processes) http.script(url, 200)
    talk.rig.broker.produce(topics.endpoints, { key: 'a', value })
    await pass(talk, 2 * second)
    callsOf(talk).forEach((calls, index) => expect(calls).toBeGreaterThan(before[index] ?? 0))
  })
})
