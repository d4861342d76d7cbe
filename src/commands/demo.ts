/**
 * `hooktide demo`: the whole of it, live, on a Kafka and a registry of its own. An operator's part is played by this very
 * command line in child processes, and each command is shown. None of the settings it is called with are used: those
 * may lead to someone's production.
 */
import { createEndings } from '../demo/endings.ts'
import { playAct } from '../demo/play.ts'
import { readAll } from '../demo/results-watch.ts'
import { acts } from '../demo/script.ts'
import { setUp, type SetUpStage } from '../demo/setup.ts'
import { createStory } from '../demo/story.ts'
import { parseResults, rejectionOf, tellVerdict } from '../demo/verdict.ts'
import type { Command, CommandContext, InterruptedCode } from './command.ts'
import { noArguments } from './option-values.ts'

export const demoCommand: Command = {
  name: 'demo',
  summary: 'Show it all, live, on a Kafka that is started for it.',
  usage: '',
  options: {},
  run,
}

const opening = `\
Auth events of two tenants go through a real Kafka and a real schema registry to four webhooks,
whose receiver verifies both signatures of every call. One endpoint fails twice, one hook is edited,
one is deleted and one event is not valid; in the end, what the receiver got, what the results topic
says and what was expected have to agree.`

const closing = `
Try next:
   npx --no -- hooktide --help
   npx --no hooktide events validate -f src/demo/samples/sign-in-without-time.json
   KAFKA_BROKERS=<your broker> npx --no hooktide init     (then the commands above; see README.md)
   npm test`

async function run(context: CommandContext): Promise<0 | 1 | InterruptedCode> {
  noArguments(context)
  const { signal, print, note } = context
  const story = createStory(print)
  const endings = createEndings(note)
  try {
    story.title('hooktide demo', opening)
    const stage = await setUp({ story, endings, signal })
    for (const act of acts) await playAct(act, stage)
    const isAgreed = await conclude(stage, signal)
    if (isAgreed) print(closing)
    return isAgreed ? 0 : 1
  } catch (error) {
    // Whatever fails once the signal was given does so because of it.
    if (!signal.aborted) throw error
    print('\nInterrupted: ending what was started. (Once more ends this at once.)')
    return signal.reason === 'SIGTERM' ? 143 : 130
  } finally {
    await endings.run()
  }
}

/** Ends the processor, and compares what is there. @returns whether all came as expected */
async function conclude(stage: SetUpStage, signal: AbortSignal): Promise<boolean> {
  const { story, processor, hooktide, receiver, settings } = stage
  story.heading('What the results topic says, and whether everyone agrees')
  story.aside('SIGTERM to "hooktide run": it finishes its calls, commits and leaves the group.')
  const code = await processor.stop()
  const { lines } = await hooktide(['results', '--until-end', '--json'])
  const rejected = await readAll(settings, settings.topics.rejected, signal)
  signal.throwIfAborted()
  const isAgreed = tellVerdict(
    {
      received: receiver.requests,
      results: parseResults(lines),
      rejected: rejected.map(rejectionOf),
    },
    story,
  )
  if (code !== 0) story.difference(`"hooktide run" ended with exit code ${code}, not 0`)
  return isAgreed && code === 0
}
