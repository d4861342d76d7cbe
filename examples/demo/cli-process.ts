/**
 * The command line as an operator uses it: child processes that have the demo's settings and nobody else's. They stay
 * in this process's group, so that Ctrl-C reaches them too, and none outlives this process, however it ends.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { constants } from 'node:os'
import { createInterface } from 'node:readline'
import { text as textOf } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { UserError } from '../../src/core/model/errors.ts'
import { createJournal, type Journal } from './journal.ts'
import { within } from '../../src/edge/waiting.ts'

const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))
/** For an orderly end, after which a process is killed: longer than `run` takes with the demo's settings. */
const endMs = 20_000

/** What shells answer for a program that does not start. */
const cannotRun = 127

/** Values by variable name. */
export type Environment = Readonly<Record<string, string>>

export interface Output {
  readonly lines: readonly string[]
  /** What was said beside the answer: warnings. */
  readonly notes: readonly string[]
}

/** Runs a command to its end. @throws UserError when it fails, with what it said */
export async function runCommand(
  args: readonly string[],
  { environment, signal, input = '' }: RunOptions,
): Promise<Output> {
  signal.throwIfAborted()
  const child = start(args, environment)
  const end = () => void endOf(child)
  signal.addEventListener('abort', end, { once: true })
  try {
    child.stdin.end(input)
    const [stdout, stderr, code] = await Promise.all([
      textOf(child.stdout),
      textOf(child.stderr),
      child.exited,
    ])
    if (code !== 0) throw failure(args, code, stderr.trim())
    return { lines: linesOf(stdout), notes: linesOf(stderr) }
  } finally {
    signal.removeEventListener('abort', end)
  }
}

export interface RunOptions {
  readonly environment: Environment
  /** Ends the command. */
  readonly signal: AbortSignal
  /** For standard input. */
  readonly input?: string
}

/** A line that `run` logs. */
export type LogLine = Readonly<Record<string, unknown>>

export interface RunningProcess {
  /** Closed when the process ends. */
  readonly log: Journal<LogLine>
  /** SIGTERM, and SIGKILL when it does not follow. Resolves with the exit code: 0 after an orderly end. */
  stop(): Promise<number>
}

/** Starts a command that goes on until it is stopped, and logs JSON lines. */
export function startCommand(
  args: readonly string[],
  environment: Environment,
  onLine: (line: LogLine) => void,
): RunningProcess {
  const child = start(args, environment)
  const log = createJournal<LogLine>()
  child.stdin.end()
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = parseLine(text)
    onLine(line)
    log.add(line)
  })
  const stderr = textOf(child.stderr)
  void child.exited.then(async (code) => {
    const last = log.items.at(-1)
    const said = (await stderr).trim() || (last === undefined ? '' : JSON.stringify(last))
    log.close(failure(args, code, said))
  })
  return { log, stop: () => endOf(child) }
}

type Child = ChildProcessWithoutNullStreams & {
  /** 128 + n after signal n, as shells have it. */
  readonly exited: Promise<number>
}

function start(args: readonly string[], environment: Environment): Child {
  const child = spawn(process.execPath, [cli, ...args], { env: environmentWith(environment) })
  // A second signal ends this process at once.
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  const exited = new Promise<number>((resolve) => {
    child.once('error', () => resolve(cannotRun))
    child.once('close', (code, signal) => {
      process.off('exit', kill)
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
    })
  })
  // A command that ends without reading its input has a reason, and tells it.
  child.stdin.on('error', () => undefined)
  return Object.assign(child, { exited })
}

async function endOf(child: Child): Promise<number> {
  child.kill('SIGTERM')
  const code = await within(child.exited, endMs, undefined)
  if (code !== undefined) return code
  child.kill('SIGKILL')
  return await child.exited
}

/** Settings of whoever starts the demo may lead to their production: none of them is passed on. */
function environmentWith(own: Environment): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(KAFKA|SCHEMA_REGISTRY|HOOKTIDE)_/.test(name),
  )
  return { ...Object.fromEntries(inherited), ...own }
}

function failure(args: readonly string[], code: number, said: string): UserError {
  const [first = '', ...others] = said.split('\n')
  const what = `"hooktide ${args.join(' ')}" ended with exit code ${code}`
  return new UserError([`${what}: ${first}`, ...others])
}

function linesOf(output: string): readonly string[] {
  return output.split('\n').filter((line) => line !== '')
}

function parseLine(line: string): LogLine {
  try {
    const parsed: unknown = JSON.parse(line)
    if (typeof parsed === 'object' && parsed !== null) return { ...parsed }
  } catch {
    // Not a log line, and kept as one all the same.
  }
  return { msg: line }
}

/** For `until`: whether a line with this message is there. */
export function hasLine(msg: string): (lines: readonly LogLine[]) => boolean {
  return (lines) => lines.some((line) => line['msg'] === msg)
}
