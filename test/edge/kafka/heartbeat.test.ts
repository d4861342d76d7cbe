import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Heartbeat } from '../../../src/edge/kafka/heartbeat.ts'
import type { InnerGroup } from '../../../src/edge/kafka/inner.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a heartbeat without a coordinator', () => {
  it('is told at once and every half minute, however long one is looked for', async () => {
    const warnings: string[] = []
    const heartbeat = new Heartbeat({
      intervalMs: 1_000,
      answerMs: 3_000,
      log: (level, message) => void (level === 'warn' && warnings.push(message)),
      fields: {},
      onRefused: () => undefined,
    })
    const lost = () => Promise.reject(new Error('connect ECONNREFUSED'))
    const group = {
      groupId: 'g',
      memberId: 'm',
      generationId: 1,
      coordinator: { heartbeat: lost },
      offsetManager: null,
      cluster: { findGroupCoordinator: () => new Promise(() => undefined) },
    }
    void heartbeat.follow(group as unknown as InnerGroup)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(warnings).toEqual(['the heartbeat failed, trying again'])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(warnings).toHaveLength(3)
    heartbeat.stop()
  })
})
