import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Heartbeat } from '../../../src/edge/kafka/heartbeat.ts'
import type { InnerGroup } from '../../../src/edge/kafka/inner.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const silent = {
  intervalMs: 1_000,
  answerMs: 3_000,
  log: () => undefined,
  fields: {},
  onRebalance: () => Promise.resolve(),
  onRefused: () => undefined,
}

/** A group whose coordinator answers heartbeats like this. */
function groupOf(heartbeat: () => Promise<unknown>, generationId = 1): InnerGroup {
  const group = {
    groupId: 'g',
    memberId: 'm',
    generationId,
    coordinator: { heartbeat },
    offsetManager: null,
    cluster: { findGroupCoordinator: () => new Promise(() => undefined) },
  }
  return group as unknown as InnerGroup
}

describe('a heartbeat without a coordinator', () => {
  it('is told at once and every half minute, however long one is looked for', async () => {
    const warnings: string[] = []
    const heartbeat = new Heartbeat({
      ...silent,
      log: (level, message) => void (level === 'warn' && warnings.push(message)),
    })
    const lost = () => Promise.reject(new Error('connect ECONNREFUSED'))
    void heartbeat.follow(groupOf(lost))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(warnings).toEqual(['the heartbeat failed, trying again'])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(warnings).toHaveLength(3)
    heartbeat.stop()
  })
})

describe('a heartbeat that tells of a rebalance', () => {
  const rebalancing = () =>
    Promise.reject(Object.assign(new Error('rebalancing'), { type: 'REBALANCE_IN_PROGRESS' }))

  it('makes the member rejoin only when it is prepared, once in a generation', async () => {
    const prepared = Promise.withResolvers<void>()
    let preparations = 0
    const heartbeat = new Heartbeat({
      ...silent,
      onRebalance: () => {
        preparations += 1
        return prepared.promise
      },
    })
    void heartbeat.follow(groupOf(rebalancing))
    await vi.advanceTimersByTimeAsync(3_000)
    expect(preparations).toBe(1)
    expect(heartbeat.takeRefusal()).toBeUndefined()
    prepared.resolve()
    await vi.advanceTimersByTimeAsync(0)
    expect(heartbeat.takeRefusal()).toMatchObject({ message: 'rebalancing' })
    // Until it has rejoined, each further heartbeat tells it again.
    expect(heartbeat.takeRefusal()).toBeUndefined()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(heartbeat.takeRefusal()).toMatchObject({ message: 'rebalancing' })
    expect(preparations).toBe(1)
    void heartbeat.follow(groupOf(rebalancing, 2))
    await vi.advanceTimersByTimeAsync(1_000)
    expect(preparations).toBe(2)
    heartbeat.stop()
  })

  it('makes it rejoin at once when the coordinator does not know it any more', async () => {
    let answer = rebalancing
    const heartbeat = new Heartbeat({ ...silent, onRebalance: () => new Promise(() => undefined) })
    const evicted = heartbeat.follow(groupOf(() => answer()))
    await vi.advanceTimersByTimeAsync(1_000)
    answer = () => Promise.reject(Object.assign(new Error('gone'), { type: 'UNKNOWN_MEMBER_ID' }))
    await vi.advanceTimersByTimeAsync(1_000)
    expect(heartbeat.takeRefusal()).toMatchObject({ message: 'gone' })
    await evicted
    heartbeat.stop()
  })
})
