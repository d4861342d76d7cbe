import { describe, expect, it } from 'vitest'
import { PendingEvents } from '../../../src/core/ingest/pending-events.ts'

const bounds = { records: 3, bytes: 1_000, stalledMs: 100, remembered: 2 }

describe('events on their way to Kafka', () => {
  it('are new once, pending until they are settled, and written from then on', () => {
    const events = new PendingEvents(bounds)
    expect(events.admit('a', 10, 0)).toBe('new')
    expect(events.admit('a', 10, 1)).toBe('pending')
    events.settle('a', true)
    expect(events.admit('a', 10, 2)).toBe('written')
    expect([events.count, events.bytes]).toEqual([0, 0])
  })

  it('are new again if Kafka did not accept them', () => {
    const events = new PendingEvents(bounds)
    events.admit('a', 10, 0)
    events.settle('a', false)
    expect(events.admit('a', 10, 1)).toBe('new')
  })

  it.each<[string, number, number]>([
    ['records', 3, 1],
    ['bytes', 2, 500],
  ])('are refused when there are too many %s, until some are settled', (_, count, bytes) => {
    const events = new PendingEvents(bounds)
    for (let at = 0; at < count; at += 1) expect(events.admit(`${at}`, bytes, 0)).toBe('new')
    expect(events.refusal(0)).toBe('full')
    expect(events.admit('more', 1, 0)).toBe('full')
    expect(events.admit('0', bytes, 0)).toBe('pending')
    events.settle('1', true)
    expect(events.admit('more', 1, 0)).toBe('new')
  })

  it('are refused while the oldest has waited for too long', () => {
    const events = new PendingEvents(bounds)
    events.admit('a', 1, 0)
    events.admit('b', 1, 90)
    expect(events.refusal(99)).toBe(undefined)
    expect(events.admit('c', 1, 100)).toBe('stalled')
    events.settle('a', true)
    expect(events.admit('c', 1, 100)).toBe('new')
  })

  it('are remembered after they were written, the newest of them', () => {
    const events = new PendingEvents(bounds)
    for (const key of ['a', 'b', 'c']) {
      events.admit(key, 1, 0)
      events.settle(key, true)
    }
    expect(['a', 'b', 'c'].map((key) => events.admit(key, 1, 0))).toEqual([
      'new',
      'written',
      'written',
    ])
  })

  it('count once, however often they are settled', () => {
    const events = new PendingEvents(bounds)
    events.admit('a', 10, 0)
    events.settle('a', true)
    events.settle('a', true)
    events.settle('never there', true)
    expect([events.count, events.bytes]).toEqual([0, 0])
    expect(events.admit('never there', 1, 0)).toBe('new')
  })
})
