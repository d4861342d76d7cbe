/** What `status` says of an installation, computed from what the broker and the topics have. */
import type { CommitEntry, TopicPartition } from '../../ports.ts'
import { decodeCompletedRuns } from '../../core/offsets/completed-runs.ts'
import { endpointStates, type EndpointState } from '../../core/model/record-values.ts'
import type { PartitionRange } from '../../edge/kafka/admin.ts'
import type { GroupDescription } from '../../edge/kafka/group-description.ts'
import { roughWait } from '../../core/model/durations.ts'
import type { EpochMs } from '../../core/model/model.ts'
import { grouped } from '../replay/progress.ts'
import { compareTexts, listLines, type ListColumn } from '../table.ts'

/** What is known of one of the two groups of a processor. */
export interface GroupFacts {
  readonly groupId: string
  readonly description: GroupDescription
  readonly ranges: readonly PartitionRange[]
  readonly commits: readonly CommitEntry[]
}

export interface ProcessorStatus {
  /** `null`: a version of hooktide that does not say, or another program. */
  readonly instance: string | null
  readonly version: string | null
  readonly host: string
  /** Of all topics, retry topics included, as `<topic>/<partition>`. */
  readonly partitions: readonly string[]
}

export interface DueTimes {
  readonly first: EpochMs
  readonly last: EpochMs
}

export interface TopicStatus {
  readonly topic: string
  readonly group: string
  readonly partitions: number
  /** Partitions that no member reads. */
  readonly unassigned: number
  /** Records that are not complete: those that wait, on a retry topic. */
  readonly lag: number
  /** Of what waits there, when the first and the last next attempt may start; `null` if nothing does, or it is not known. */
  readonly due: DueTimes | null
}

export interface HookCounts {
  readonly enabled: number
  readonly disabled: number
  readonly suspended: number
}

export interface StatusReport {
  /** Of the live group, and of the one that reads the retry topics. */
  readonly groups: readonly { readonly group: string; readonly state: string }[]
  readonly processors: readonly ProcessorStatus[]
  readonly topics: readonly TopicStatus[]
  readonly hooks: HookCounts
  readonly endpoints: Readonly<Record<EndpointState, number>>
}

export interface EndpointFacts {
  readonly hooks: HookCounts
  readonly states: readonly EndpointState[]
}

/**
 * @param groups the live one, then that of retries
 * @param due by topic
 */
export function reportOf(
  groups: readonly GroupFacts[],
  { hooks, states }: EndpointFacts,
  due: ReadonlyMap<string, DueTimes>,
): StatusReport {
  const count = (state: EndpointState) => states.filter((one) => one === state).length
  return {
    groups: groups.map(({ groupId, description: { state } }) => ({ group: groupId, state })),
    processors: processorsOf(groups),
    topics: groups.flatMap((facts) => topicsOf(facts, due)),
    hooks,
    endpoints: {
      healthy: count('healthy'),
      failing: count('failing'),
      open: count('open'),
      paused: count('paused'),
      disabled: count('disabled'),
    },
  }
}

/** A process is a member of both groups: they are told apart by the instance, or each is its own where none is said. */
function processorsOf(groups: readonly GroupFacts[]): readonly ProcessorStatus[] {
  const members = groups.flatMap(({ description }) => description.members)
  const byProcess = Map.groupBy(
    members,
    ({ identity, memberId }) => identity?.instance ?? `member ${memberId}`,
  )
  return [...byProcess.values()]
    .flatMap((list) => {
      const [first] = list
      if (first === undefined) return []
      const { identity, host } = first
      const partitions = list.flatMap((member) => member.partitions.map(placeOf))
      const { instance = null, version = null } = identity ?? {}
      return [{ instance, version, host, partitions: partitions.toSorted(compareTexts) }]
    })
    .toSorted((one, other) => compareTexts(one.instance ?? '', other.instance ?? ''))
}

/** @param due by topic */
export function topicsOf(
  facts: GroupFacts,
  due: ReadonlyMap<string, DueTimes>,
): readonly TopicStatus[] {
  const { groupId, description, ranges, commits } = facts
  const assigned = new Set(description.members.flatMap(({ partitions }) => partitions.map(placeOf)))
  const committed = new Map(commits.map((commit) => [placeOf(commit), commit]))
  return [...Map.groupBy(ranges, ({ topic }) => topic)].map(([topic, list]) => ({
    topic,
    group: groupId,
    partitions: list.length,
    unassigned: list.filter((range) => !assigned.has(placeOf(range))).length,
    lag: list.reduce((sum, range) => sum + lagOf(range, committed.get(placeOf(range)), groupId), 0),
    due: due.get(topic) ?? null,
  }))
}

/** Offsets from the committed one on that are not complete. Without a commit a partition is read from its beginning. */
function lagOf(range: PartitionRange, commit: CommitEntry | undefined, group: string): number {
  const { low, end } = range
  if (commit === undefined) return end - low
  const { topic, partition, offset, metadata } = commit
  const place = { group, topic, partition, offset }
  const read = decodeCompletedRuns(place, metadata)
  const completed = read.kind === 'foreign' ? [] : read.ranges
  const above = completed.reduce((sum, { from, to }) => sum + (Math.min(to, end) - from), 0)
  return Math.max(0, end - Math.max(offset, low) - above)
}

function placeOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

const processorColumns: readonly ListColumn[] = [
  { heading: 'PROCESSOR', rank: 0, min: 30, max: 300 },
  { heading: 'VERSION', rank: 0, min: 9 },
  { heading: 'HOST', rank: 0, min: 15, max: 300 },
  { heading: 'PARTITIONS', rank: 0 },
]

const topicColumns: readonly ListColumn[] = [
  { heading: 'TOPIC', rank: 0, min: 40, max: 300 },
  { heading: 'PARTITIONS', rank: 0 },
  { heading: 'UNASSIGNED', rank: 0 },
  { heading: 'WAITING', rank: 0, min: 13 },
  { heading: 'NEXT DUE', rank: 0, min: 9 },
  { heading: 'LAST DUE', rank: 0, min: 9 },
]

/**
 * @param version this program's own: processors of another are marked
 * @param columns of the terminal; `undefined`: everything is shown in full
 */
export function statusLines(
  report: StatusReport,
  version: string,
  { now, columns }: { readonly now: EpochMs; readonly columns: number | undefined },
): readonly string[] {
  const { groups, processors, topics, hooks, endpoints } = report
  const processorRows = processors.map((one) => [
    one.instance ?? '?',
    one.version === null ? '?' : one.version + (one.version === version ? '' : ' *'),
    one.host,
    String(one.partitions.length),
  ])
  const topicRows = topics.map((one) => [
    one.topic,
    String(one.partitions),
    String(one.unassigned),
    grouped(one.lag),
    one.due === null ? '-' : dueText(one.due.first, now),
    one.due === null ? '-' : dueText(one.due.last, now),
  ])
  const states = endpointStates.map((state) => `${grouped(endpoints[state])} ${state}`)
  return [
    ...groups.map(({ group, state }) => `group ${group}: ${state}`),
    '',
    ...(processors.length === 0
      ? ['no processors']
      : listLines(processorColumns, processorRows, columns)),
    '',
    ...listLines(topicColumns, topicRows, columns),
    '',
    `hooks: ${grouped(hooks.enabled)} enabled, ${grouped(hooks.disabled)} disabled, ${grouped(hooks.suspended)} suspended`,
    `endpoints: ${states.join(', ')}`,
  ]
}

/** What may start already waits for a process to take it, or for its turn there. */
function dueText(at: EpochMs, now: EpochMs): string {
  return at <= now ? 'now' : `in ${roughWait(at - now)}`
}

/** What a person should look at, a sentence each. */
export function statusNotes(report: StatusReport, version: string): readonly string[] {
  const { groups, processors, topics } = report
  const [live] = groups
  const unassigned = topics.filter((topic) => topic.unassigned > 0)
  const isOther = processors.some((one) => one.version !== null && one.version !== version)
  const notes = [
    ...(processors.length === 0
      ? [`No processor is in group ${live?.group ?? ''}: start "hooktide run".`]
      : unassigned.map(
          ({ topic, unassigned: count }) => `${count} partitions of ${topic} are read by nobody.`,
        )),
    ...(isOther ? [`* is another version than that of this command, ${version}.`] : []),
  ]
  return notes
}
