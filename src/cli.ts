/** From arguments to a command and its exit code: 0 done, 1 failed, 2 used wrongly. */
import { parseArgs } from 'node:util'
import type { Command, CommandContext } from './commands/command.ts'
import { commandHelp, overview } from './commands/help.ts'
import { commands } from './commands/command-list.ts'
import { flagNames, flagOf, readSettings, type OptionName } from './config.ts'
import { asError, UserError } from './core/errors.ts'
import { version } from './version.ts'

const signalExitCodes = { SIGINT: 130, SIGTERM: 143 } as const

async function main(argv: readonly string[]): Promise<number> {
  const [first] = argv
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    process.stdout.write(`${overview(commands)}\n`)
    return first === undefined ? 2 : 0
  }
  if (first === '--version') {
    process.stdout.write(`${version}\n`)
    return 0
  }
  const command = commands.find(({ name }) => isPrefix(name.split(' '), argv))
  if (command === undefined) {
    const family = familyOf(first)
    const [, second] = argv
    if (family.length === 0 || (second !== '--help' && second !== '-h')) throw unknownCommand(argv)
    process.stdout.write(`${overview(family)}\n`)
    return 0
  }
  return await runCommand(command, argv.slice(command.name.split(' ').length))
}

async function runCommand(command: Command, rest: readonly string[]): Promise<number> {
  const { values, positionals } = parse(command, rest)
  if (values['help'] === true) {
    process.stdout.write(`${commandHelp(command)}\n`)
    return 0
  }
  const context: CommandContext = {
    settings: readSettings(process.env, settingFlags(values)),
    args: positionals,
    options: values,
    print: (line) => process.stdout.write(`${line}\n`),
    note: (line) => process.stderr.write(`${line}\n`),
    signal: firstSignal(),
  }
  return await command.run(context)
}

function parse(command: Command, rest: readonly string[]) {
  const settingOptions = Object.fromEntries(
    flagNames.map((name) => [flagOf(name), { type: 'string' as const }]),
  )
  const own = Object.fromEntries(
    Object.entries(command.options).map(([name, { type, short }]) => [
      name,
      short === undefined ? { type } : { type, short },
    ]),
  )
  const help = { help: { type: 'boolean' as const, short: 'h' } }
  try {
    return parseArgs({
      args: [...rest],
      options: { ...settingOptions, ...own, ...help },
      allowPositionals: true,
    })
  } catch (error) {
    const advice = `See "hooktide ${command.name} --help".`
    throw new UserError(`hooktide ${command.name}: ${asError(error).message}\n${advice}`, 2)
  }
}

function settingFlags(
  values: Readonly<Record<string, unknown>>,
): Partial<Record<OptionName, string>> {
  const flags: Partial<Record<OptionName, string>> = {}
  for (const name of flagNames) {
    const value = values[flagOf(name)]
    if (typeof value === 'string') flags[name] = value
  }
  return flags
}

function isPrefix(words: readonly string[], argv: readonly string[]): boolean {
  return words.every((word, index) => argv[index] === word)
}

/** Commands that begin with the same word, such as those of `hooks`. */
function familyOf(first: string): readonly Command[] {
  return commands.filter(({ name }) => name.startsWith(`${first} `))
}

function unknownCommand(argv: readonly string[]): UserError {
  const [first = '', second] = argv
  const family = familyOf(first).map(({ name }) => name)
  if (family.length > 0) {
    const given = second === undefined ? 'needs a word more' : `does not know "${second}"`
    return new UserError(`hooktide ${first} ${given}: ${family.join(', ')}`, 2)
  }
  return new UserError(`hooktide has no command "${first}". See "hooktide --help".`, 2)
}

/** The first signal asks to end in an orderly way, the second ends at once. */
function firstSignal(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(signalExitCodes[name])
      controller.abort(name)
    })
  }
  return controller.signal
}

// A reader that went away (`hooktide results | head`) is not a failure.
process.stdout.on('error', () => process.exit(0))
const exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  const isExpected = error instanceof UserError
  process.stderr.write(`${isExpected ? error.message : (asError(error).stack ?? String(error))}\n`)
  return isExpected ? error.exitCode : 1
})
// Clients may keep sockets and timers of their own: what had to be finished is, and only output is waited for.
process.stdout.write('', () => process.exit(exitCode))
