/** Endpoint health between its two topics, which are read in parallel and in no order. */
import { describe, expect, it } from 'vitest'
import { endpointOf, type Health } from '../../src/core/health/record.ts'
import type { HookId, TableEntry } from '../../src/core/model/model.ts'
import type { EndpointRecord } from '../../src/core/model/records.ts'
import type { Signal } from '../../src/core/signal/signal.ts'
import { EndpointHealth } from '../../src/stages/endpoint-health.ts'
import { healthOf } from '../support/endpoints.ts'
import { createHandClock } from '../support/hand-clock.ts'
import { createMemoryBroker } from '../support/memory-broker.ts'
import { hookOf } from '../support/model-builders.ts'
import { recordOf } from '../support/record-builders.ts'

const topic = 'auth.webhook.endpoints'
const second = 1_000
const minute = 60 * second
const hook = hookOf({ id: 'a' })
const about = { hookId: 'a', endpoint: endpointOf(hook.url), configVersion: hook.configVersion }

/** @param isUsed whether deliveries of the hook come to this instance */
function createStage(isUsed = true) {
  const clock = createHandClock()
  const broker = createMemoryBroker(clock)
  const hooks = new Map<HookId, TableEntry>()
  const signals: Signal[] = []
  const renewed: HookId[] = []
  const health = new EndpointHealth({
    topic,
    clock,
    sink: broker.sink(),
    instance: 'one',
    disableAfterMs: 5 * 86_400_000,
    table: { get: (id) => hooks.get(id) },
    lanes: {
      has: () => isUsed,
      reset: (id) => void renewed.push(id),
      probeSoon: () => undefined,
    },
    emit: (signal) => signals.push(signal),
    random: () => 0,
    defaultTimeoutMs: 10 * second,
    onFailed: (error) => {
      throw error
    },
  })
  return {
    clock,
    health,
    hooks,
    signals,
    renewed,
    broker,
    hear(fields: Partial<Health>) {
      const value = Buffer.from(JSON.stringify(healthOf({ ...about, ...fields })))
      health.apply(recordOf({ topic, key: Buffer.from('a'), value }))
    },
    words: () =>
      broker
        .read(topic)
        .map(({ value }) => JSON.parse(value?.toString() ?? 'null') as EndpointRecord | null),
  }
}

describe('endpoint health', () => {
  it('keeps the report about a hook that an older record of the hook topic deletes', async () => {
    const { health, hooks, hear, words, clock } = createStage()
    hear({ state: 'disabled', reason: 'gone' })
    health.hookDeleted('a')
    hooks.set('a', { kind: 'active', hook })
    health.loaded()
    await clock.advance(20 * second)
    expect(health.isDisabled('a')).toBe(true)
    expect(words()).toEqual([])
  })

  it('answers an outdated report when both topics are read, however late the hooks are', async () => {
    const { health, hooks, hear, words, clock } = createStage()
    hear({ enableEpoch: 3 })
    hear({ enableEpoch: 2, state: 'disabled', reason: 'operator' })
    await clock.advance(20 * second)
    expect(words()).toEqual([])
    hooks.set('a', { kind: 'active', hook })
    health.loaded()
    await clock.advance(second)
    expect(words()).toEqual([healthOf({ ...about, enableEpoch: 3 })])
  })

  it('emits no signal for the state at the start, and one for each later change', () => {
    const { health, hooks, hear, signals } = createStage()
    hooks.set('a', { kind: 'active', hook })
    hear({ state: 'open', until: 5 })
    health.loaded()
    expect(signals).toEqual([])
    expect(health.counts).toEqual({ failing: 0, open: 1, paused: 0, disabled: 0 })
    hear({ state: 'disabled', reason: 'operator', instance: 'hooktide endpoints' })
    hear({ state: 'disabled', reason: 'operator', instance: 'hooktide endpoints' })
    hear({ state: 'healthy', reason: 'operator', enableEpoch: 1 })
    expect(signals).toMatchObject([
      { kind: 'endpoint.disabled', from: 'open', to: 'disabled', reason: 'operator' },
      { kind: 'endpoint.changed', from: 'disabled', to: 'healthy', reason: 'operator' },
    ])
    expect(health.counts).toEqual({ failing: 0, open: 0, paused: 0, disabled: 0 })
  })

  it('resets a lane once, whichever process raised the epoch, and not for its own report', async () => {
    const { health, hooks, hear, renewed, words, clock, broker } = createStage()
    hooks.set('a', { kind: 'active', hook })
    health.loaded()
    hear({ state: 'open', until: 5, enableEpoch: 1 })
    expect(renewed).toEqual(['a'])
    hear({ state: 'open', until: 7, enableEpoch: 1 })
    const moved = { ...hook, url: 'https://elsewhere.example/', configVersion: '0-9' }
    hooks.set('a', { kind: 'active', hook: moved })
    health.hookChanged(moved, false)
    expect(renewed).toEqual(['a', 'a'])
    await clock.advance(second)
    for (const record of broker.read(topic)) health.apply(record)
    await clock.advance(20 * second)
    expect(renewed).toEqual(['a', 'a'])
    expect(words()).toMatchObject([{ state: 'healthy', reason: 'url-changed', enableEpoch: 2 }])
  })

  it.each([
    [true, 1],
    [false, 0],
  ])(
    'claims the next probe of an endpoint that another process probes: deliveries come here %s, claims %i',
    async (isUsed, claims) => {
      const { health, hooks, hear, words, clock } = createStage(isUsed)
      hooks.set('a', { kind: 'active', hook })
      health.loaded()
      for (let period = 1; period <= 2; period += 1) {
        const at = clock.now()
        hear({ state: 'open', at, until: at + 30 * minute, instance: 'other' })
        await clock.advance(29 * minute)
      }
      expect(words()).toHaveLength(claims)
      for (const word of words()) {
        expect(word).toMatchObject({ state: 'open', instance: 'one' })
        expect(word?.until).toBe(clock.now() + minute)
      }
    },
  )

  it('makes no claim when a newer report was read meanwhile', async () => {
    const { health, hooks, hear, words, clock } = createStage()
    hooks.set('a', { kind: 'active', hook })
    health.loaded()
    hear({ state: 'open', at: clock.now(), until: clock.now() + 30 * minute, instance: 'other' })
    await clock.advance(29 * minute)
    hear({ state: 'open', at: clock.now(), until: clock.now() + 30 * minute, instance: 'other' })
    await clock.advance(2 * minute)
    hear({ state: 'healthy', at: clock.now(), instance: 'other' })
    await clock.advance(60 * minute)
    expect(words()).toEqual([])
  })

  it('reports nothing for a hook that was deleted while its calls were in flight', async () => {
    const { health, hooks, words, clock } = createStage()
    hooks.set('a', { kind: 'active', hook })
    health.loaded()
    hooks.delete('a')
    health.hookDeleted('a')
    health.laneChanged('a', { kind: 'open', until: clock.monotonic() + 30 * second })
    health.attempted(hook, 'gone', clock.now())
    await clock.advance(20 * second)
    expect(words()).toEqual([])
    expect(health.isDisabled('a')).toBe(false)
  })

  it('writes the newest state when the previous one is acknowledged, however long that takes', async () => {
    const { health, hooks, words, clock, broker } = createStage()
    hooks.set('a', { kind: 'active', hook })
    health.loaded()
    broker.outage(true)
    for (let count = 0; count < 3; count += 1) health.attempted(hook, 'failure', clock.now())
    await clock.advance(second)
    health.laneChanged('a', { kind: 'open', until: clock.monotonic() + 30 * second })
    await clock.advance(60 * second)
    health.attempted(hook, 'success', clock.now())
    await clock.advance(60 * second)
    expect(words()).toEqual([])
    broker.outage(false)
    await clock.advance(20 * second)
    expect(words().map((word) => word?.state)).toEqual(['failing', 'healthy'])
  })
})
