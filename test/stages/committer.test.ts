import { describe, expect, it } from 'vitest'
import { Ledger } from '../../src/core/offsets/ledger.ts'
import type { CommitEntry, CommitOutcome, GroupSource } from '../../src/ports.ts'
import { Committer } from '../../src/stages/committer.ts'
import { createHandClock } from '../support/hand-clock.ts'

function createRig() {
  const clock = createHandClock()
  const ledger = new Ledger(0)
  const commits: { readonly at: number; readonly offset: number }[] = []
  let outcome: CommitOutcome = 'committed'
  let read = 0
  const commit = (entries: readonly CommitEntry[]) => {
    for (const { offset } of entries) commits.push({ at: clock.monotonic(), offset })
    return Promise.resolve(outcome)
  }
  const committer = new Committer({
    name: 'group',
    source: { commit } satisfies Pick<GroupSource, 'commit'>,
    clock,
    commitIntervalMs: 100,
    flows: () => [{ topic: 'auth.events', partition: 0, ledger }],
    emit: () => {},
  })
  return {
    clock,
    committer,
    commits,
    startedAt: clock.monotonic(),
    fail: (how: CommitOutcome) => void (outcome = how),
    /** As one turn completes them. */
    complete(count: number, runs = 1) {
      for (let offset = read; offset < read + count; offset += 1) {
        ledger.admit(offset)
        ledger.complete(offset, runs)
      }
      read += count
      committer.commitSoon()
    },
  }
}

describe('commits', () => {
  it('follow the first record at once, and few records only when the interval is over', async () => {
    const { clock, commits, complete, startedAt } = createRig()
    complete(1)
    await clock.advance(0)
    for (let step = 0; step < 9; step += 1) {
      complete(10)
      await clock.advance(10)
    }
    expect(commits).toEqual([{ at: startedAt, offset: 1 }])
    await clock.advance(10)
    expect(commits.slice(1)).toEqual([{ at: startedAt + 100, offset: 91 }])
  })

  it('follow 200 records at once, so that a crash repeats few of them at any rate', async () => {
    const { clock, commits, complete, startedAt } = createRig()
    complete(1)
    await clock.advance(0)
    complete(199)
    await clock.advance(5)
    expect(commits).toHaveLength(1)
    complete(1)
    await clock.advance(0)
    expect(commits.slice(1)).toEqual([{ at: startedAt + 5, offset: 201 }])
    complete(500)
    // A commit's own bytes keep the next one waiting for a moment.
    await clock.advance(1)
    expect(commits.slice(2)).toMatchObject([{ offset: 701 }])
  })

  it('count each delivery of a record', async () => {
    const { clock, commits, complete, startedAt } = createRig()
    complete(1)
    await clock.advance(0)
    complete(9, 20)
    await clock.advance(5)
    expect(commits).toHaveLength(1)
    complete(1, 20)
    await clock.advance(0)
    expect(commits.slice(1)).toEqual([{ at: startedAt + 5, offset: 11 }])
  })

  it('wait half a second after one that failed, however many records are complete', async () => {
    const { clock, commits, complete, fail, startedAt } = createRig()
    fail('unavailable')
    complete(1)
    await clock.advance(0)
    fail('committed')
    complete(1_000)
    await clock.advance(499)
    expect(commits).toHaveLength(1)
    await clock.advance(1)
    expect(commits.slice(1)).toEqual([{ at: startedAt + 500, offset: 1_001 }])
  })

  it('come no more once they are stopped', async () => {
    const { clock, commits, committer, complete } = createRig()
    complete(1)
    committer.stop()
    complete(300)
    await clock.advance(1_000)
    expect(commits).toEqual([])
  })
})
