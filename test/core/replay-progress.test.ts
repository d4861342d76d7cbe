import { describe, expect, it } from 'vitest'
import {
  commitsOf,
  grouped,
  maxOrderLength,
  orderLength,
  progressLine,
  readCommits,
  remainingOf,
  type ReplayOrder,
} from '../../src/core/replay-progress.ts'

const order: ReplayOrder = {
  from: 'dead-letters',
  hooks: ['a', 'b'],
  reasons: ['gone'],
  again: true,
}
const reaches = [
  { topic: 'auth.events', partition: 0, next: 4, end: 10 },
  { topic: 'auth.events', partition: 1, next: 8, end: 8 },
]

describe('how far a replay is', () => {
  it('is read back from what was committed, in whatever order that comes', () => {
    const commits = commitsOf(order, reaches)
    expect(readCommits(commits)).toEqual({ order, reaches })
    expect(readCommits(commits.toReversed())?.order).toEqual(order)
    expect(remainingOf(reaches)).toBe(6)
  })

  it('is not known when a partition is missing, or metadata is not of a replay', () => {
    const [first, second] = commitsOf(order, reaches)
    if (first === undefined || second === undefined) throw new Error('two were committed')
    expect(readCommits([first])).toBeUndefined()
    expect(readCommits([second])).toBeUndefined()
    expect(readCommits([first, { ...second, metadata: '' }])).toBeUndefined()
    expect(readCommits([])).toBeUndefined()
  })

  it('is not gone on with where a later version asks for something that this one does not know', () => {
    const later = { ...order, countries: ['fr'] }
    expect(readCommits(commitsOf(later, reaches))).toBeUndefined()
    const moved = JSON.stringify(commitsOf(order, reaches)).replaceAll('dead-letters', 'the-moon')
    expect(readCommits(JSON.parse(moved) as ReturnType<typeof commitsOf>)).toBeUndefined()
  })

  it('fits into what brokers keep of metadata', () => {
    const hooks = ['h'.repeat(maxOrderLength - orderLength({ from: 'events', hooks: [''] }))]
    const [commit] = commitsOf({ from: 'events', hooks }, [
      { topic: 't', partition: 0, next: 0, end: Number.MAX_SAFE_INTEGER },
    ])
    expect(commit?.metadata.length).toBeLessThanOrEqual(4_096)
  })
})

describe('the line that shows it', () => {
  it('has a bar, counts and how long it will take', () => {
    const state = { total: 12_000, read: 3_000, requests: 4_500, elapsedMs: 20_000 }
    expect(progressLine(state)).toBe(
      '[#####...............] 25 %, 3,000 of 12,000 records, 4,500 requests, about 60 s left',
    )
  })

  it.each([
    [{ total: 0, read: 0, requests: 0, elapsedMs: 0 }, 100],
    [{ total: 3, read: 0, requests: 0, elapsedMs: 5_000 }, 0],
    [{ total: 3, read: 3, requests: 3, elapsedMs: 5_000 }, 100],
  ])('of %o says no rest', (state, percent) => {
    expect(progressLine(state)).toContain(`${percent} %`)
    expect(progressLine(state)).not.toContain('left')
  })

  it.each([
    [0, '0'],
    [999, '999'],
    [1_000, '1,000'],
    [12_345_678, '12,345,678'],
  ])('writes %i as %s', (count, text) => {
    expect(grouped(count)).toBe(text)
  })
})
