/** Topics that `init` has created or found. */
import { UserError } from '../core/model/errors.ts'
import type { KafkaAdmin, TopicDescription } from '../edge/kafka/admin.ts'
import type { WantedTopic } from '../edge/kafka/topic-plan.ts'
import { sleep } from '../edge/waiting.ts'
import { describeAll } from './run/startup-checks.ts'

const tries = 100
const pauseMs = 100

/**
 * Descriptions of all of the topics. A node of a cluster may not know a topic yet that another one has just created. Whoever
 * took such a topic for absent would compute the size limits of the other topics without it.
 *
 * @param pause resolves when the next try may begin. Default: after a tenth of a second
 * @throws {UserError} if a topic is still unknown after 100 tries
 */
export async function describeEnsured(
  admin: Pick<KafkaAdmin, 'describeTopic'>,
  wanted: readonly Pick<WantedTopic, 'topic'>[],
  pause: () => Promise<void> = () => sleep(pauseMs),
): Promise<readonly TopicDescription[]> {
  for (let left = tries; ; left -= 1) {
    const described = await describeAll(admin, wanted)
    const unknown = wanted.find(({ topic }) => !described.has(topic))
    if (unknown === undefined) return [...described.values()]
    if (left === 1) {
      throw new UserError(
        `${unknown.topic} was created, and a broker does not know it yet: run "hooktide init" again when all brokers are in sync.`,
      )
    }
    await pause()
  }
}
