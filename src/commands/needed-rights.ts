/**
 * What commands that ask need of Kafka (docs/security.md, Kafka security). Kafka refuses one right after the other; whoever
 * has to have them granted wants to know them all at once.
 */
import { retryGroupOf } from '../core/model/group-names.ts'
import { UserError } from '../core/model/errors.ts'
import { groupRight, topicRight, type Right } from '../edge/kafka/needed-rights.ts'
import { rightRefusals, RightsError } from '../edge/kafka/refusals.ts'
import { missingRights } from '../edge/kafka/rights.ts'
import type { Settings } from '../settings/settings.ts'
import type { CommandContext } from './command.ts'
import { kafkaSettingsOf, quiet } from './kafka-session.ts'

/** To tell what waits, and when it is due. */
export function waitingRights({ topics, tiers, groupId }: Settings): readonly Right[] {
  const read = [topics.requests, ...tiers.map(({ topic }) => topic)]
  return [
    ...read.map((topic) => topicRight('Read', topic)),
    ...[groupId, retryGroupOf(groupId)].map((group) => groupRight('Describe', group)),
  ]
}

/** Of `explain`, beside those to tell what waits. */
export function explainRights({ topics }: Settings): readonly Right[] {
  const { events, hooks, results, endpoints, deadLetters } = topics
  const read = [...events, hooks, results, endpoints, deadLetters]
  return read.map((topic) => topicRight('Read', topic))
}

/** Of `status`, beside those to tell when what waits is due. */
export function statusRights({ topics, tiers, groupId }: Settings): readonly Right[] {
  const described = [...topics.events, topics.requests, ...tiers.map(({ topic }) => topic)]
  return [
    ...[topics.hooks, topics.endpoints].map((topic) => topicRight('Read', topic)),
    ...described.map((topic) => topicRight('Describe', topic)),
    ...[groupId, retryGroupOf(groupId)].map((group) => groupRight('Describe', group)),
  ]
}

/**
 * Does what needs these rights.
 *
 * @throws RightsError that names all that are missing, where one is
 */
export async function withRights<Result>(
  settings: Settings,
  wanted: readonly Right[],
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof RightsError)) throw error
    const kafka = kafkaSettingsOf(settings)
    const missing = await missingRights(kafka, quiet, wanted).catch(() => [])
    throw missing.length === 0 ? error : new RightsError(rightRefusals(kafka, missing))
  }
}

/** What waits now, as far as it may be read: `undefined` where it may not be, and a note that says why. */
export async function ifReadable<Result>(
  context: Pick<CommandContext, 'settings' | 'note'>,
  what: string,
  read: () => Promise<Result>,
): Promise<Result | undefined> {
  const { settings } = context
  try {
    return await withRights(settings, waitingRights(settings), read)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    noteUnknown(context, what, error)
    return undefined
  }
}

/** Says what could not be found out, and why, beside an answer that is complete without it. */
export function noteUnknown(
  { note }: Pick<CommandContext, 'note'>,
  what: string,
  { lines }: UserError,
): void {
  const [only, ...others] = lines
  if (others.length === 0) note(`${what}: ${only ?? ''}`)
  else for (const line of [`${what}:`, ...lines.map((one) => `  ${one.trim()}`)]) note(line)
}
