import { describe, expect, it } from 'vitest'
import { PendingEvents } from '../../../src/core/ingest/pending-events.ts'

const bounds = { records: 3, bytes: 1_000, stalledMs: 100, remembered: 2 }

const pendingEvents = (topics = ['topic']) => new PendingEvents(bounds, topics)
const event = (key: string, bytes: number, topic = 'topic') => ({ key, topic, bytes })

describe('events on their way to Kafka', () => {
  it('are new once, pending until they are settled, and written from then on', () => {
    const events = pendingEvents()
    expect(events.admit(event('a', 10), 0)).toBe('new')
    expect(events.admit(event('a', 10), 1)).toBe('pending')
    events.settle('a', true)
    expect(events.admit(event('a', 10), 2)).toBe('written')
    expect([events.count, events.bytes]).toEqual([0, 0])
  })

  it('are new again if Kafka did not accept them', () => {
    const events = pendingEvents()
    events.admit(event('a', 10), 0)
    events.settle('a', false)
    expect(events.admit(event('a', 10), 1)).toBe('new')
  })

  it.each<[string, number, number]>([
    ['records', 3, 1],
    ['bytes', 2, 500],
  ])('are refused when there are too many %s, until some are settled', (_, count, bytes) => {
    const events = pendingEvents()
    for (let at = 0; at < count; at += 1) expect(events.admit(event(`${at}`, bytes), 0)).toBe('new')
    expect(events.refusal('topic', 0)).toBe('full')
    expect(events.admit(event('more', 1), 0)).toBe('full')
    expect(events.admit(event('0', bytes), 0)).toBe('pending')
    events.settle('1', true)
    expect(events.admit(event('more', 1), 0)).toBe('new')
  })

  it('are refused while the oldest has waited for too long', () => {
    const events = pendingEvents()
    events.admit(event('a', 1), 0)
    events.admit(event('b', 1), 90)
    expect(events.refusal('topic', 99)).toBe(undefined)
    expect(events.admit(event('c', 1), 100)).toBe('stalled')
    events.settle('a', true)
    expect(events.admit(event('c', 1), 100)).toBe('new')
  })

  it('are remembered after they were written, the newest of them', () => {
    const events = pendingEvents()
    for (const key of ['a', 'b', 'c']) {
      events.admit(event(key, 1), 0)
      events.settle(key, true)
    }
    expect(['a', 'b', 'c'].map((key) => events.admit(event(key, 1), 0))).toEqual([
      'new',
      'written',
      'written',
    ])
  })

  it('count once, however often they are settled', () => {
    const events = pendingEvents()
    events.admit(event('a', 10), 0)
    events.settle('a', true)
    events.settle('a', true)
    events.settle('never there', true)
    expect([events.count, events.bytes]).toEqual([0, 0])
    expect(events.admit(event('never there', 1), 0)).toBe('new')
  })

  it('of one topic are not refused because another one stalls', () => {
    const events = pendingEvents(['topic', 'other'])
    events.admit(event('a', 1, 'other'), 0)
    expect(events.refusal('other', 100)).toBe('stalled')
    expect(events.admit(event('b', 1), 100)).toBe('new')
  })

  it.each<[string, number, number]>([
    ['records', 100, 1],
    ['bytes', 10, 100],
  ])('of one topic leave half of the room to others, in %s', (measure, most, each) => {
    const own = { ...bounds, records: 1_000_000, bytes: 1_000_000, [measure]: most * each }
    const events = new PendingEvents(own, ['a', 'b', 'c'])
    const admitted = ['a', 'b', 'c'].map((topic) => {
      let count = 0
      while (events.admit(event(`${topic}${count}`, each, topic), 0) === 'new') count += 1
      return count
    })
    expect(admitted).toEqual([most / 2, Math.ceil(most / 4), expect.any(Number)])
    expect(admitted[2]).toBeGreaterThan(0)
  })
})
