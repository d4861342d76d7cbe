/**
 * `npm run demo`: the whole product at work, on a Kafka and a schema registry of its own. The demo plays an operator: it
 * runs the real command line in child processes and shows each command. It uses none of the settings that it is started
 * with, since those may lead to somebody's production.
 */
import { type Line, textOf } from '../../src/commands/line.ts'
import { UserError } from '../../src/core/model/errors.ts'
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
   npx --no hooktide events validate -f examples/demo/sign-in-without-time.json
   KAFKA_BROKERS=broker.example:9092 npx --no hooktide init   # yours; README.md goes on from there
   npm test`

const help = `\
Shows hooktide at work, on a Kafka and a schema registry that are started for it.

Usage: npm run demo

It takes no options and uses none of the settings.`

const print = (line: Line) => void process.stdout.write(`${textOf(line)}\n`)
const note = (line: string) => void process.stderr.write(`${textOf(line)}\n`)

/** @returns the exit code */
async function main(args: readonly string[]): Promise<number> {
  if (asksForHelp(args)) {
    help.split('\n').forEach(print)
    return 0
  }
  const ending = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (ending.signal.aborted) process.exit(codeOf(name))
      ending.abort(name)
    })
  }
  // Whoever read the output, such as `head`, has gone: there is nobody left to show anything to.
  process.stdout.on('error', () => ending.abort('SIGINT'))
  return await playDemo(ending.signal)
}

/** @throws UserError when there is any argument but `--help` */
function asksForHelp(args: readonly string[]): boolean {
  const [first, ...others] = args
  if (first === undefined) return false
  if (others.length === 0 && (first === '--help' || first === '-h')) return true
  throw new UserError('The demo takes no arguments. Start it with "npm run demo".', 2)
}

/** As shells number a program that a signal ended. */
function codeOf(reason: unknown): 130 | 143 {
  return reason === 'SIGTERM' ? 143 : 130
}

/** Plays all acts. @throws UserError when something that it needs cannot be had */
async function playDemo(signal: AbortSignal): Promise<0 | 1 | 130 | 143> {
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
    return codeOf(signal.reason)
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

const exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  if (!(error instanceof UserError)) throw error
  error.lines.forEach(note)
  return error.exitCode
})
// Kafka's client may keep sockets and timers: all is done, and only the output is waited for.
process.stdout.write('', () => process.exit(exitCode))
