/** Says of a request to the cluster that failed why, and what to do. */
import { asError, UserError } from '../../core/model/errors.ts'
import { errorType, isPassing, type KafkaLog, type KafkaSettings, messageOf } from './client.ts'
import { leaderTypes } from './leaders.ts'
import type { Right } from './needed-rights.ts'
import { passingFailure, rightRefusal, rightRefusals, RightsError } from './refusals.ts'
import { missingRights } from './rights.ts'

/** What to do about an error, by its name in Kafka or KafkaJS. */
const fixes: Readonly<Record<string, string>> = {
  KafkaJSConnectionError: 'Check KAFKA_BROKERS and that the broker is running and reachable.',
  KafkaJSNumberOfRetriesExceeded:
    'Check KAFKA_BROKERS and that the broker is running and reachable.',
  UNKNOWN_TOPIC_OR_PARTITION: 'Create it with: hooktide init',
  UNKNOWN_MEMBER_ID: 'The group has running members: stop them first.',
  REBALANCE_IN_PROGRESS: 'The group has running members: stop them first.',
  GROUP_ID_NOT_FOUND:
    'It is a group of another kind, such as a share group: set HOOKTIDE_GROUP_ID to another name.',
  NON_EMPTY_GROUP: 'The group has running members: stop them first.',
  INVALID_REPLICATION_FACTOR:
    'Choose a replication factor that is not above the number of brokers.',
  INVALID_CONFIG: 'Correct the setting that the message names.',
  POLICY_VIOLATION: "The cluster's policy forbids it: ask its administrator.",
}

/** Runs work that needs some rights, and explains its failure. */
export type Explaining = <Result>(
  what: string,
  needed: readonly Right[],
  work: () => Promise<Result>,
) => Promise<Result>

export function explainingFor(settings: KafkaSettings, log: KafkaLog): Explaining {
  return async (what, needed, work) => {
    try {
      return await work()
    } catch (error) {
      const refusal =
        rightRefusal(settings, error, ...needed) ??
        (await refusalBehind({ settings, log }, error, needed))
      if (refusal !== undefined) throw new RightsError(refusal.split('\n'))
      const type = errorType(error) ?? ''
      const fix = leaderTypes.has(type) ? undefined : (fixes[type] ?? fixes[asError(error).name])
      if (fix === undefined && isPassing(error)) throw passingFailure(settings, error, what)
      if (fix === undefined) throw error
      throw new UserError(`${what}: ${messageOf(error)}. ${fix}`, 1, { cause: error })
    }
  }
}

/**
 * KafkaJS does not say why it finds no coordinator of a group: the broker may be starting, or the right to describe the group
 * may be missing.
 */
async function refusalBehind(
  { settings, log }: { readonly settings: KafkaSettings; readonly log: KafkaLog },
  error: unknown,
  needed: readonly Right[],
): Promise<string | undefined> {
  if (asError(error).name !== 'KafkaJSGroupCoordinatorNotFound') return undefined
  const groups = needed.filter(({ resource }) => resource === 'group')
  const missing = await missingRights(settings, log, groups).catch(() => [])
  return missing.length === 0 ? undefined : rightRefusals(settings, missing).join('\n')
}
