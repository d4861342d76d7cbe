/** Chooses the command, or the help, from the first words of the command line. */
import { UserError } from '../core/model/errors.ts'
import { nearestName } from '../settings/nearest.ts'
import { shownParts } from '../core/text/plain-words.ts'

/** What a command is chosen by. */
interface Named {
  /** As typed, such as `hooks put`. */
  readonly name: string
}

export type CommandChoice<Entry extends Named> =
  | { readonly kind: 'command'; readonly command: Entry; readonly rest: readonly string[] }
  /** Help about all commands, or about a family: the commands that begin with the same word, such as `hooks`. */
  | {
      readonly kind: 'overview'
      readonly family: readonly Entry[] | undefined
      readonly isAll: boolean
    }
  | { readonly kind: 'command-help'; readonly command: Entry; readonly isAll: boolean }
  | { readonly kind: 'version' }

const helpWords = ['help', '--help', '-h']
const versionWords = ['--version', '-V', '-v', 'version']

/** @param argv at least one word. @throws UserError when they name no command */
export function chooseCommand<Entry extends Named>(
  commands: readonly Entry[],
  argv: readonly string[],
): CommandChoice<Entry> {
  const [first = '', second = ''] = argv
  if (versionWords.includes(first)) return { kind: 'version' }
  if (helpWords.includes(first)) return chooseHelp(commands, argv.slice(1))
  const command = commandOf(commands, argv)
  if (command !== undefined) {
    return { kind: 'command', command, rest: argv.slice(wordsOf(command).length) }
  }
  const family = familyOf(commands, first)
  if (family.length > 0 && helpWords.includes(second)) {
    return { kind: 'overview', family, isAll: asksForAll(argv) }
  }
  throw unknownCommand(commands, argv)
}

function chooseHelp<Entry extends Named>(
  commands: readonly Entry[],
  topic: readonly string[],
): CommandChoice<Entry> {
  const isAll = asksForAll(topic)
  const [first] = topic
  if (first === undefined || first.startsWith('-')) {
    return { kind: 'overview', family: undefined, isAll }
  }
  const command = commandOf(commands, topic)
  if (command !== undefined) return { kind: 'command-help', command, isAll }
  const family = familyOf(commands, first)
  const words = topic.filter((word) => !word.startsWith('-'))
  if (family.length > 0 && words.length === 1) return { kind: 'overview', family, isAll }
  throw unknownCommand(commands, topic)
}

/** Whether the settings are to be shown too. */
function asksForAll(words: readonly string[]): boolean {
  return words.includes('--all')
}

function commandOf<Entry extends Named>(
  commands: readonly Entry[],
  words: readonly string[],
): Entry | undefined {
  return commands.find((command) => wordsOf(command).every((word, index) => words[index] === word))
}

function familyOf<Entry extends Named>(
  commands: readonly Entry[],
  first: string,
): readonly Entry[] {
  return commands.filter(({ name }) => name.startsWith(`${first} `))
}

function wordsOf({ name }: Named): readonly string[] {
  return name.split(' ')
}

function unknownCommand(commands: readonly Named[], argv: readonly string[]): UserError {
  const [first = ''] = argv
  if (first.startsWith('-')) {
    // The text behind "=" may be a secret.
    const [name = ''] = first.split('=')
    return new UserError(
      `hooktide ${name}: put the command before its options: hooktide <command> ${name} ... See "hooktide --help".`,
      2,
    )
  }
  const family = familyOf(commands, first).map(({ name }) => name)
  const second = argv[1]?.startsWith('-') === false ? [argv[1]] : []
  const both = [first, ...second].join(' ')
  if (family.length > 0) {
    if (second.length === 0) return notFound(both, 'is only the first word of a command', family)
    const near = nearestName(both, family)
    return notFound(both, 'is not a command', near === undefined ? family : [near])
  }
  const near = nearestName(both, namesOf(commands))
  if (near !== undefined) return notFound(both, 'is not a command', [near])
  return notFound(first, 'is not a command', guesses(commands, first))
}

function notFound(words: string, fault: string, meant: readonly string[]): UserError {
  const advice = meant.length > 0 ? `: did you mean ${meant.join(', ')}?` : '.'
  const shown = words.split(' ').map(shownParts).join(' ')
  return new UserError(`"${shown}" ${fault}${advice} See "hooktide --help".`, 2)
}

/** Commands that were probably meant by a misspelt first word (`hoks`), or by a second word alone (`list`). */
function guesses(commands: readonly Named[], first: string): readonly string[] {
  const names = namesOf(commands)
  const ending = names.filter((name) => name.endsWith(` ${first}`))
  if (ending.length > 0) return ending
  const near = nearestName(first, [...new Set(names.flatMap((name) => name.split(' ')[0] ?? []))])
  return near === undefined ? [] : names.filter((name) => name.split(' ')[0] === near)
}

function namesOf(commands: readonly Named[]): readonly string[] {
  return commands.map(({ name }) => name)
}
