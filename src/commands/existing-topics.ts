/**
 * Which topics there are. Kafka leaves topics out of its list that a login may not describe, so a topic that is missing from
 * the list is asked for by its name: then Kafka says whether it does not exist or may not be seen.
 */
import { UserError } from '../core/model/errors.ts'
import type { KafkaAdmin } from '../edge/kafka/admin.ts'
import { topicRight, type Right } from '../edge/kafka/needed-rights.ts'
import { rightRefusals, RightsError } from '../edge/kafka/refusals.ts'
import { missingRights } from '../edge/kafka/rights.ts'
import type { Settings } from '../settings/settings.ts'
import { kafkaSettingsOf, quiet } from './kafka-session.ts'

/**
 * The names of all topics that can be seen.
 *
 * @param wanted what is needed of topics, if they exist
 * @throws UserError that names the rights to those of them that may not be seen
 */
export async function existingTopics(
  admin: Pick<KafkaAdmin, 'listTopics'>,
  settings: Settings,
  wanted: readonly Right[],
): Promise<readonly string[]> {
  const existing = await admin.listTopics()
  const absent = wanted.filter(({ name }) => !existing.includes(name))
  const hidden = await hiddenTopics(
    settings,
    absent.map(({ name }) => name),
  )
  if (hidden.size === 0) return existing
  const missing = absent.filter(({ name }) => hidden.has(name))
  throw new RightsError(rightRefusals(kafkaSettingsOf(settings), missing))
}

/**
 * @throws UserError that says of the first topic that does not exist what to do, or that names the rights to those that may
 *   not be read
 */
export async function refuseAbsent(
  admin: Pick<KafkaAdmin, 'listTopics'>,
  settings: Settings,
  topics: readonly string[],
): Promise<void> {
  const rights = topics.map((topic) => topicRight('Read', topic))
  const existing = await existingTopics(admin, settings, rights)
  const absent = topics.find((topic) => !existing.includes(topic))
  if (absent === undefined) return
  throw new UserError(`Topic ${absent} does not exist: run "hooktide init".`)
}

/** @param topics that are missing from the list of topics. @returns those of them that may exist, but may not be seen */
export async function hiddenTopics(
  settings: Settings,
  topics: readonly string[],
): Promise<ReadonlySet<string>> {
  const wanted = topics.map((topic) => topicRight('Describe', topic))
  const missing = await missingRights(kafkaSettingsOf(settings), quiet, wanted)
  return new Set(missing.map(({ name }) => name))
}
