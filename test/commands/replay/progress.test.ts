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
} from '../../../src/commands/replay/progress.ts'

const order: ReplayOrder = {
  from: 'dead-letters',
  hooks: ['a', 'b'],
  reasons: ['gone'],
  again: true,
  undelivered: true,
}
const reaches = [
  { topic: 'auth.events', partition: 0, next: 4, end: 10 },
  { topic: 'auth.events', partition: 1, next: 8, end: 8 },
]

describe('the progress of a replay', () => {
  const group = 'hooktide.replay.1'

  it('is read back from what was committed, in whatever order that comes', () => {
    const commits = commitsOf(group, order, reaches)
    expect(readCommits(group, commits)).toEqual({ order, reaches })
    expect(readCommits(group, commits.toReversed())?.order).toEqual(order)
    expect(remainingOf(reaches)).toBe(6)
  })

  it('cannot be read when a partition is missing, or metadata is not of a replay', () => {
    const [first, second] = commitsOf(group, order, reaches)
    if (first === undefined || second === undefined) throw new Error('two were committed')
    expect(readCommits(group, [first])).toBeUndefined()
    expect(readCommits(group, [second])).toBeUndefined()
    expect(readCommits(group, [first, { ...second, metadata: '' }])).toBeUndefined()
    expect(readCommits(group, [])).toBeUndefined()
  })

  it('cannot be read if a later version wrote a field that this one does not know', () => {
    const later = { ...order, countries: ['fr'] }
    expect(readCommits(group, commitsOf(group, later, reaches))).toBeUndefined()
    const moved = { ...order, from: 'the-moon' as 'events' }
    expect(readCommits(group, commitsOf(group, moved, reaches))).toBeUndefined()
  })

  it.each([
    ['without a seal, as a former version wrote it', (text: string) => text.slice(21)],
    ['of which another program changed the end', (text: string) => text.replace('10', '11')],
  ])('cannot be resumed with metadata %s', (_, change) => {
    const commits = commitsOf(group, order, reaches)
    const changed = commits.map((one) => ({ ...one, metadata: change(one.metadata) }))
    expect(changed.map(({ metadata }) => metadata)).not.toEqual(
      commits.map(({ metadata }) => metadata),
    )
    expect(readCommits(group, changed)).toBeUndefined()
  })

  it('cannot be read after offsets were set by others, nor in another group', () => {
    const commits = commitsOf(group, order, reaches)
    const moved = commits.map((one) => ({ ...one, offset: one.offset + 1 }))
    expect(readCommits(group, moved)).toBeUndefined()
    expect(readCommits('hooktide.replay.2', commits)).toBeUndefined()
  })

  it('fits into the metadata that brokers accept', () => {
    const hooks = ['h'.repeat(maxOrderLength - orderLength({ from: 'events', hooks: [''] }))]
    const end = Number.MAX_SAFE_INTEGER
    const many = Array.from({ length: 20_000 }, (_, partition) => ({ partition, next: 0, end }))
    const [commit] = commitsOf(
      group,
      { from: 'events', hooks },
      many.map((one) => ({ topic: 't', ...one })),
    )
    expect(commit?.metadata.length).toBeLessThanOrEqual(4_096)
  })
})

describe('the progress line', () => {
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
  ])('of %o does not estimate the rest', (state, percent) => {
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
