import { describe, expect, it } from 'vitest'
import {
  reportOf,
  statusLines,
  statusNotes,
  type GroupFacts,
} from '../../../src/commands/status/report.ts'
import { encodeCompletedRuns } from '../../../src/core/offsets/completed-runs.ts'
import type { GroupMember } from '../../../src/edge/kafka/group-description.ts'

const range = (topic: string, partition: number, low: number, end: number) => ({
  topic,
  partition,
  low,
  end,
})

function member(instance: string | undefined, ...places: readonly string[]): GroupMember {
  return {
    memberId: `${instance ?? 'other'}-${places.length}`,
    host: '10.0.0.7',
    identity: instance === undefined ? undefined : { instance, version: '0.2.0' },
    partitions: places.map((place) => {
      const [topic = '', partition] = place.split('/')
      return { topic, partition: Number(partition) }
    }),
  }
}

function commit(group: string, topic: string, offset: number, metadata = '') {
  return { topic, partition: 0, offset, metadata, group }
}

function facts(
  fields: Partial<GroupFacts> & { readonly members?: readonly GroupMember[] },
): GroupFacts {
  const { members = [], ...others } = fields
  const description = { state: members.length === 0 ? 'Empty' : 'Stable', members }
  return { groupId: 'hooktide', description, ranges: [], commits: [], ...others }
}

const none = { hooks: { enabled: 0, disabled: 0, suspended: 0 }, states: [] }
const nothingDue = new Map()

describe('the status of an installation', () => {
  it('has a process once, with what it reads in both groups, in order', () => {
    const live = facts({ members: [member('b', 'e/1', 'e/0'), member('a', 'e/2')] })
    const retry = facts({ groupId: 'hooktide.retry', members: [member('b', 'r/0'), member('a')] })
    expect(reportOf([live, retry], none, nothingDue).processors).toEqual([
      { instance: 'a', version: '0.2.0', host: '10.0.0.7', partitions: ['e/2'] },
      { instance: 'b', version: '0.2.0', host: '10.0.0.7', partitions: ['e/0', 'e/1', 'r/0'] },
    ])
  })

  it('has members that do not say who they are one by one', () => {
    const live = facts({ members: [member(undefined, 'e/0'), member(undefined)] })
    expect(reportOf([live], none, nothingDue).processors.map(({ instance }) => instance)).toEqual([
      null,
      null,
    ])
  })

  it('counts what is not complete: behind the commit, and without what is complete above it', () => {
    const place = { group: 'hooktide', topic: 'e', partition: 0, offset: 10 }
    const metadata = encodeCompletedRuns(place, [{ from: 12, to: 15 }])
    const live = facts({
      ranges: [range('e', 0, 5, 20), range('e', 1, 3, 9), range('f', 0, 8, 9)],
      commits: [commit('hooktide', 'e', 10, metadata), commit('hooktide', 'f', 2)],
      members: [member('a', 'e/0', 'f/0')],
    })
    expect(reportOf([live], none, nothingDue).topics).toEqual([
      { topic: 'e', group: 'hooktide', partitions: 2, unassigned: 1, lag: 7 + 6, due: null },
      { topic: 'f', group: 'hooktide', partitions: 1, unassigned: 0, lag: 1, due: null },
    ])
  })

  it('counts all above the commit whose metadata is not ours', () => {
    const live = facts({
      ranges: [range('e', 0, 0, 20)],
      commits: [commit('hooktide', 'e', 10, 'of another program')],
    })
    expect(reportOf([live], none, nothingDue).topics[0]?.lag).toBe(10)
  })

  it('is shown with what is to be looked at', () => {
    const live = facts({ ranges: [range('e', 0, 0, 1_234)], members: [member('a')] })
    const report = reportOf(
      [live],
      { hooks: { enabled: 2, disabled: 0, suspended: 1 }, states: ['open', 'healthy'] },
      new Map([['e', { first: 100, last: 7_300_000 }]]),
    )
    expect(statusLines(report, '0.1.0', { now: 100_000, columns: undefined })).toEqual([
      'group hooktide: Stable',
      '',
      'PROCESSOR  VERSION  HOST      PARTITIONS',
      'a          0.2.0 *  10.0.0.7  0',
      '',
      'TOPIC  PARTITIONS  UNASSIGNED  WAITING  NEXT DUE  LAST DUE',
      'e      1           1           1,234    now       in 2 h',
      '',
      'hooks: 2 enabled, 0 disabled, 1 suspended',
      'endpoints: 1 healthy, 0 failing, 1 open, 0 paused, 0 disabled',
    ])
    expect(statusNotes(report, '0.1.0')).toEqual([
      '1 partitions of e are read by nobody.',
      '* is another version than that of this command, 0.1.0.',
    ])
    expect(statusNotes(reportOf([facts({})], none, nothingDue), '0.1.0')).toEqual([
      'No processor is in group hooktide: start "hooktide run".',
    ])
  })
})
