/**
 * Commits the first offsets of a new group (docs/operating.md, Start). `init` does so before the first start: without
 * offsets it would be undefined whether past events are delivered. If the group has any offset of a topic, the topic is left
 * as it is, and partitions that were added later are read from their beginning.
 */
import type { Settings } from '../../settings/settings.ts'
import { UserError } from '../../core/model/errors.ts'
import { retryGroupOf } from '../../core/model/group-names.ts'
import { tierTopicsIn } from '../../edge/kafka/topic-plan.ts'
import type { EpochMs } from '../../core/model/model.ts'
import type { CommitEntry } from '../../ports.ts'
import type { KafkaAdmin } from '../../edge/kafka/admin.ts'
import { momentForms, parseMoment } from '../option-values.ts'
import { topicsWithoutOffsets } from './startup-checks.ts'

export type Start = 'latest' | 'earliest' | { readonly time: EpochMs }

export interface OffsetsStep {
  readonly kind: 'offsets'
  readonly group: string
  readonly topic: string
  /** `blocked`: offsets are missing, and cannot be set, because the group has members. */
  readonly state: 'created' | 'exists' | 'blocked'
  readonly message: string
}

/** @throws UserError when the text has none of these forms */
export function readStart(text: string, now: EpochMs): Start {
  if (text === 'latest' || text === 'earliest') return text
  const time = parseMoment(text, now)
  if (time !== undefined) return { time }
  throw new UserError(`--from must be latest, earliest, ${momentForms}, not "${text}".`, 2)
}

/** Commits missing offsets of both groups of a processor. */
export async function firstOffsets(
  admin: KafkaAdmin,
  { groupId, topics }: Pick<Settings, 'groupId' | 'topics'>,
  start: Start,
): Promise<readonly OffsetsStep[]> {
  const tiers = tierTopicsIn(await admin.listTopics(), topics.retryPrefix)
  const events = topics.events.map((topic) => ({ topic, start, isRequired: true }))
  return [
    ...(await ensureOffsets(admin, groupId, [
      ...events,
      { topic: topics.requests, start: 'earliest', isRequired: false },
    ])),
    ...(await ensureOffsets(
      admin,
      retryGroupOf(groupId),
      tiers.map((topic) => ({ topic, start: 'earliest' as const, isRequired: false })),
    )),
  ]
}

interface TopicStart {
  readonly topic: string
  readonly start: Start
  /** True for event topics: `run` refuses to start without offsets. The others are read from their beginning anyway. */
  readonly isRequired: boolean
}

async function ensureOffsets(
  admin: KafkaAdmin,
  group: string,
  wanted: readonly TopicStart[],
): Promise<readonly OffsetsStep[]> {
  const names = wanted.map(({ topic }) => topic)
  const missing = new Set(await topicsWithoutOffsets(admin, group, names))
  const isActive = missing.size > 0 && (await hasMembers(admin, group))
  if (!isActive) {
    const added = wanted.filter(({ topic }) => missing.has(topic))
    const entries = await Promise.all(added.map((one) => startEntries(admin, one)))
    await admin.commitOffsets(group, entries.flat())
  }
  return wanted.map(({ topic, start, isRequired }) => {
    const base = { kind: 'offsets', group, topic } as const
    if (!missing.has(topic)) return { ...base, state: 'exists', message: '' }
    if (!isActive) return { ...base, state: 'created', message: `from ${startText(start)}` }
    return isRequired
      ? {
          ...base,
          state: 'blocked',
          message:
            'missing, and they cannot be set while the group runs: stop its processes, then run "hooktide init" again',
        }
      : { ...base, state: 'exists', message: 'none, so the topic is read from its beginning' }
  })
}

async function hasMembers(admin: KafkaAdmin, group: string): Promise<boolean> {
  const groups = await admin.listGroups(group)
  return groups.some(
    ({ groupId, state }) => groupId === group && state !== 'Empty' && state !== 'Dead',
  )
}

async function startEntries(
  admin: KafkaAdmin,
  { topic, start }: TopicStart,
): Promise<readonly CommitEntry[]> {
  if (typeof start === 'object') {
    const found = await admin.offsetsAt(topic, start.time)
    return found.map((entry) => ({ ...entry, metadata: '' }))
  }
  const ranges = await admin.offsets(topic)
  return ranges.map(({ partition, low, end }) => ({
    topic,
    partition,
    offset: start === 'earliest' ? low : end,
    metadata: '',
  }))
}

function startText(start: Start): string {
  if (typeof start === 'object') return new Date(start.time).toISOString()
  return start === 'latest' ? 'now on' : 'the start'
}
