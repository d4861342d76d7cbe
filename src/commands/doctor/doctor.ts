/** `hooktide doctor`: looks at all that a processor needs, and says of each fault what mends it. Changes nothing. */
import { UserError } from '../../core/model/errors.ts'
import type { KafkaAdmin } from '../../edge/kafka/admin.ts'
import type { Command, CommandContext, InterruptedCode } from '../command.ts'
import { readHooks } from '../hooks/topic.ts'
import { withAdmin } from '../kafka-session.ts'
import { booleanOption } from '../option-values.ts'
import {
  examineBrokers,
  examineClock,
  examineDelivery,
  examineHooks,
  examineNames,
  examineProcessors,
  examineRegistry,
  examineRights,
  examineTopics,
} from './examinations.ts'
import { finding, findingLine, isFailed, type Check, type Finding } from './findings.ts'

export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'Look at all that a processor needs, and say what mends each fault.',
  usage: '[--hook <id>]',
  examples: ['doctor', 'doctor --hook my-hook --json'],
  options: {
    hook: { type: 'string', description: 'Send a test to this hook, too.', idOf: 'hook' },
    json: { type: 'boolean', description: 'One JSON object per finding.' },
  },
  uses: ['kafka', 'registry', 'topics', 'group', 'tiers', 'destinations', 'encryption'],
  run,
}

async function run(context: CommandContext): Promise<0 | 1 | InterruptedCode> {
  const { print, signal } = context
  const isJson = booleanOption(context, 'json')
  const all: Finding[] = []
  const tell: Tell = (found) => {
    all.push(...found)
    for (const one of found) print(isJson ? JSON.stringify(one) : findingLine(one))
  }
  await examine('registry', tell, () => examineRegistry(context))
  const isReached = await examine('brokers', tell, () =>
    withAdmin(context.settings, async (admin) => {
      tell(await examineBrokers(admin))
      await examineInKafka(context, admin, tell)
      return []
    }),
  )
  if (!isReached) {
    tell([finding('topics', 'skipped', 'without a broker, nothing else can be looked at')])
  }
  if (signal.aborted) return signal.reason === 'SIGTERM' ? 143 : 130
  return isFailed(all) ? 1 : 0
}

type Tell = (found: readonly Finding[]) => void

async function examineInKafka(
  context: CommandContext,
  admin: KafkaAdmin,
  tell: Tell,
): Promise<void> {
  await examine('clock', tell, () => examineClock(context))
  await examine('rights', tell, () => examineRights(admin, context))
  await examine('topics', tell, () => examineTopics(admin, context))
  await examine('processors', tell, () => examineProcessors(admin, context))
  await examine('hooks', tell, async () => {
    const hooks = [...(await readHooks(context)).values()]
    tell(await examineHooks(context, hooks))
    return await examineNames(context, hooks)
  })
  await examine('delivery', tell, () => examineDelivery(context))
}

/** What keeps something from being looked at is a fault, and keeps nothing else from it. @returns whether there was none */
async function examine(
  check: Check,
  tell: Tell,
  look: () => Promise<readonly Finding[]>,
): Promise<boolean> {
  try {
    tell(await look())
    return true
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    tell(error.lines.map((line) => finding(check, 'fault', line.trim())))
    return false
  }
}
