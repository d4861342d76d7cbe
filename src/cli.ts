/** The command line: finds the command, runs it, and ends with its exit code: 0 done, 1 failed, 2 wrong use. */
import { parseArguments } from './commands/arguments.ts'
import type { Command, InterruptedCode } from './commands/command.ts'
import { chooseCommand } from './commands/command-choice.ts'
import { askOn } from './commands/input/terminal.ts'
import { outputClosed } from './commands/output-closed.ts'
import { type Line, textOf } from './commands/line.ts'
import { commandList, loaded } from './commands/command-list.ts'
import { commandHelp, familyHelp, overview } from './commands/help.ts'
import { logCrash, type LogOptions, logRefusal, logWarning } from './edge/telemetry/signal-log.ts'
import { readSettings, type Settings } from './settings/settings.ts'
import { asError, type ExitCode, InterruptedError, UserError } from './core/model/errors.ts'
import { rowsOf, unknownVariables } from './settings/names.ts'
import { version } from './version.ts'

type Code = ExitCode | InterruptedCode | 0

const signalExitCodes = { SIGINT: 130, SIGTERM: 143 } as const

let isProgressShown = false

/** Cut to the width of the terminal: a line that wraps could not be erased again. */
const showProgress = process.stderr.isTTY
  ? (text: string) => {
      isProgressShown = true
      const width = columnsOf(process.stderr) ?? 80
      process.stderr.write(eraseLine + textOf(text).slice(0, width - 1))
    }
  : undefined

/** Aborted by the first signal, or when the reader of the output has closed the pipe. */
const ending = new AbortController()

async function main(argv: readonly string[]): Promise<Code> {
  const columns = columnsOf(process.stdout) ?? 100
  if (argv.length === 0) {
    overview(await loaded(commandList), columns, false)
      .split('\n')
      .forEach(note)
    return 2
  }
  const choice = chooseCommand(commandList, argv)
  switch (choice.kind) {
    case 'version':
      print(version)
      return 0
    case 'overview':
      printAll(
        choice.family === undefined
          ? overview(await loaded(commandList), columns, choice.isAll)
          : familyHelp(await loaded(choice.family), columns, choice.isAll),
      )
      return 0
    case 'command-help':
      printAll(commandHelp(await choice.command.load(), columns, choice.isAll))
      return 0
    case 'command':
      return await runCommand(await choice.command.load(), choice.rest, columns)
  }
}

async function runCommand(
  command: Command,
  rest: readonly string[],
  columns: number,
): Promise<Code> {
  const parsed = parseArguments(command, rest)
  if (parsed.kind === 'help') {
    printAll(commandHelp(command, columns, parsed.isAll))
    return 0
  }
  const { args, options, flags } = parsed
  const used = new Set(rowsOf(command.uses).map(({ variable }) => variable))
  const isLogging = command.isLogging === true
  const settings = await logging(isLogging, undefined, () =>
    readSettings(process.env, flags, (variable) => used.has(variable)),
  )
  if (isLogging) logNodeWarnings(settings)
  listenForSignals()
  const settingWarnings = used.size === 0 ? [] : unknownVariables(process.env)
  if (!isLogging) for (const warning of settingWarnings) note(`warning: ${warning}`)
  const { signal } = ending
  const isTerminal = process.stdin.isTTY && process.stderr.isTTY
  const ask = isTerminal ? askOn(process.stdin, process.stderr, signal) : undefined
  const output = { print, columns: columnsOf(process.stdout), note, showProgress, ask }
  return await logging(isLogging, settings, () =>
    command.run({ settings, settingWarnings, args, options, ...output, signal }),
  )
}

/** Runs `work`. If the command writes a log, an error goes there too: often only the log is collected. */
async function logging<Result>(
  isLogging: boolean,
  settings: Settings | undefined,
  work: () => Result | Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (isLogging && error instanceof UserError) logRefusal(error, logOptionsOf(settings))
    else if (isLogging && !(error instanceof InterruptedError)) {
      logCrash(error, logOptionsOf(settings))
    }
    throw error
  }
}

/** @param settings `undefined` if they have not been read, or cannot be used */
function logOptionsOf(settings: Settings | undefined): LogOptions {
  if (settings === undefined) return { level: 'info', instance: undefined, format: 'auto' }
  const { logLevel: level, logFormat: format, instance } = settings
  return { level, instance, format }
}

/**
 * Writes Node's own warnings to the log, and uncaught errors, which end the process. Node would write them to standard
 * error as plain text.
 */
function logNodeWarnings(settings: Settings): void {
  const options = logOptionsOf(settings)
  process.removeAllListeners('warning')
  process.on('warning', (warning) => logWarning(warning, options))
  process.on('uncaughtException', (error) => {
    logCrash(error, options)
    note(`hooktide failed unexpectedly: ${asError(error).message}`)
    process.exit(1)
  })
}

function print(line: Line): void {
  clearProgress()
  process.stdout.write(`${textOf(line)}\n`)
}

/** Prints text that may have several lines. */
function printAll(text: string): void {
  text.split('\n').forEach(print)
}

function note(line: string): void {
  clearProgress()
  process.stderr.write(`${textOf(line)}\n`)
}

/** `undefined` without a terminal, and of one that does not know its width: it says 0. */
function columnsOf({ columns = 0 }: { readonly columns?: number }): number | undefined {
  return columns > 0 ? columns : undefined
}

const eraseLine = '\r\u001b[K'

function clearProgress(): void {
  if (isProgressShown) process.stderr.write(eraseLine)
  isProgressShown = false
}

/** The first signal asks to end in an orderly way, the second ends at once. */
function listenForSignals(): void {
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (ending.signal.aborted) process.exit(signalExitCodes[name])
      ending.abort(name)
    })
  }
}

// A reader that closes the pipe (`hooktide results | head`) is not a failure: the command ends in order.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') {
    if (!ending.signal.aborted) ending.abort(outputClosed)
    return
  }
  note(`The output cannot be written: ${error.message}.`)
  process.exit(1)
})
process.stderr.on('error', () => undefined)

const exitCode = await main(process.argv.slice(2)).catch((error: unknown): Code => {
  if (error instanceof InterruptedError) {
    const isUnread = ending.signal.reason === outputClosed
    note(isUnread ? 'Ended early: nobody reads the output any more.' : error.message)
    return signalExitCodes[ending.signal.reason === 'SIGTERM' ? 'SIGTERM' : 'SIGINT']
  }
  if (error instanceof UserError) {
    error.lines.forEach(note)
    return error.exitCode
  }
  const { stack = String(error) } = asError(error)
  const [message, ...calls] = stack.split('\n')
  note(`hooktide failed unexpectedly: ${message}`)
  calls.forEach(note)
  return 1
})
// Clients may keep sockets and timers open. All work is done here, so only the output is waited for.
// To a file it is written at once, but an error of that is told later.
process.stdout.write('', () => setImmediate(() => process.exit(exitCode)))
