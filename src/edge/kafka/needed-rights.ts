/** The rights that each part of hooktide needs if Kafka has an authorizer, and the commands that grant them. */
import { retryGroupOf } from '../../core/model/group-names.ts'
import type { Topics } from '../../core/model/model.ts'

export type Operation = 'Read' | 'Write' | 'Create' | 'Delete' | 'Describe' | 'DescribeConfigs'

/** One operation on one resource. Read, Write and Delete include Describe. */
export interface Right {
  readonly operation: Operation
  readonly resource: 'topic' | 'group'
  readonly name: string
  /** True: every resource whose name begins with `name`. */
  readonly isPrefix: boolean
}

function rights(
  resource: Right['resource'],
  name: string,
  ...operations: readonly Operation[]
): readonly Right[] {
  return operations.map((operation) => ({ operation, resource, name, isPrefix: false }))
}

export function topicRight(operation: Operation, name: string): Right {
  return { operation, resource: 'topic', name, isPrefix: false }
}

export function groupRight(operation: Operation, name: string): Right {
  return { operation, resource: 'group', name, isPrefix: false }
}

/**
 * Exactly the rights that a processor needs. It writes as an idempotent producer, which the right to write to any
 * topic includes since Kafka 2.8.
 *
 * @param tierTopics all tiers that are read, including those that are written
 * @param settings `notices`: whether it writes events
 */
export function processorRights(
  topics: Topics,
  tierTopics: readonly string[],
  { groupId, notices }: { readonly groupId: string; readonly notices: boolean },
): readonly Right[] {
  // Settings of topics are read before the start, and never changed.
  const read = (topic: string) => rights('topic', topic, 'Read', 'DescribeConfigs')
  const written = (topic: string) => rights('topic', topic, 'Write', 'DescribeConfigs')
  return [
    ...[...topics.events, topics.hooks].flatMap(read),
    ...(notices ? topics.events.slice(0, 1) : []).flatMap((topic) =>
      rights('topic', topic, 'Write'),
    ),
    ...[topics.requests, ...tierTopics, topics.endpoints].flatMap((topic) =>
      rights('topic', topic, 'Read', 'Write', 'DescribeConfigs'),
    ),
    ...[topics.results, topics.deadLetters, topics.rejected].flatMap(written),
    ...[groupId, retryGroupOf(groupId)].flatMap((group) => rights('group', group, 'Read')),
  ]
}

/**
 * Describes missing rights, with the command that grants them: a line for each resource.
 *
 * @param principal Kafka's name for the user, such as `User:hooktide`
 * @param access the arguments with which Kafka's own tools reach the cluster
 */
export function grantLines(
  principal: string,
  access: string,
  missing: readonly Right[],
): readonly string[] {
  const byResource = Map.groupBy(missing, ({ resource, name }) => `${resource} ${name}`)
  return [...byResource.values()].flatMap((list) => {
    const [first] = list
    if (first === undefined) return []
    const { resource, name, isPrefix } = first
    const operations = list.map(({ operation }) => operation)
    const what = isPrefix ? `${resource}s that begin with ${name}` : `${resource} ${name}`
    const options = operations.map((operation) => ` --operation ${operation}`).join('')
    const pattern = isPrefix ? ' --resource-pattern-type prefixed' : ''
    return [
      `${principal} has no right to ${operations.join(' and ')} on ${what}: grant it with: ` +
        `kafka-acls.sh ${access} --add --allow-principal "${principal}"${options} --${resource} "${name}"${pattern}`,
    ]
  })
}
