/** The demo from its first line to its last; see `commands/demo.ts`. */
import type { CommandContext, InterruptedCode } from '../commands/command.ts'
import { createEndings } from './endings.ts'
import { playAct } from './play.ts'
import { readAll } from './results-watch.ts'
import { acts } from './script.ts'
import { setUp, type SetUpStage } from './setup.ts'
import { createStory } from './story.ts'
import { parseResults, rejectionOf, tellVerdict } from './verdict.ts'

const opening = `\
Auth events of two tenants go through a real Kafka and a real schema registry to four webhooks,
whose receiver verifies both signatures of every call. One endpoint fails twice, one hook is edited,
one is deleted and one event is not valid; in the end, what the receiver got, what the results topic
says and what was expected have to agree.`

const closing = `
Try next:
   npx --no -- hooktide --help
   npx --no hooktide events validate -f src/demo/samples/sign-in-without-time.json
   KAFKA_BROKERS=broker.example:9092 npx --no hooktide init   # yours; README.md goes on from there
   npm test`

/** All acts, and whether everyone agrees in the end. @throws UserError when something that it needs cannot be had */
export async function playDemo({
  signal,
  print,
  note,
}: Pick<CommandContext, 'signal' | 'print' | 'note'>): Promise<0 | 1 | InterruptedCode> {
  const story = createStory(print)
  const endings = createEndings(note)
  try {
    story.title('hooktide demo', opening)
    const stage = await setUp({ story, endings, signal })
    for (const act of acts) await playAct(act, stage)
    const isAgreed = await conclude(stage, signal)
    if (isAgreed) closing.split('\n').forEach(print)
    return isAgreed ? 0 : 1
  } catch (error) {
    // Whatever fails once the signal was given does so because of it.
    if (!signal.aborted) throw error
    print('')
    print('Interrupted: ending what was started. (Once more ends this at once.)')
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
