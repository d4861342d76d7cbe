/** The texts of `--help`. Settings come from the table in `settings/table.ts`. */
import { allGroups, rowsOf, type SettingGroup } from '../settings/names.ts'
import type { Command, CommandOption } from './command.ts'
import { describedRows } from './table.ts'

/**
 * The commands, and with `isAll` the settings.
 *
 * @param columns width of the terminal, or a readable width if there is none
 */
export function overview(commands: readonly Command[], columns: number, isAll: boolean): string {
  return [
    'hooktide: auth events from Kafka, delivered as signed webhooks.',
    '',
    ...exampleLines(['init', 'run']),
    '',
    'Usage: hooktide <command> [options]',
    '',
    ...commandLines(commands, columns),
    '',
    ...(isAll
      ? [settingsTitle('Settings'), ...settingLines(allGroups, columns), '']
      : ['"hooktide --help --all" lists the settings too.']),
    ...ending,
  ].join('\n')
}

/** Help about commands that begin with the same word; with `isAll`, about the settings that they use. */
export function familyHelp(family: readonly Command[], columns: number, isAll: boolean): string {
  const used = new Set(family.flatMap(({ uses }) => uses))
  const groups = allGroups.filter((group) => used.has(group))
  return [
    ...exampleLines(family.slice(0, 2).map(({ examples }) => examples[0])),
    '',
    ...commandLines(family, columns),
    '',
    ...(isAll
      ? [settingsTitle('Settings that they use'), ...settingLines(groups, columns), '']
      : []),
    ...ending,
  ].join('\n')
}

/** What a command does and takes; with `isAll`, the settings that it uses. */
export function commandHelp(command: Command, columns: number, isAll: boolean): string {
  const options = Object.entries(command.options).map(([name, option]) => [
    optionForm(name, option),
    option.description,
  ])
  return [
    command.summary,
    '',
    ...exampleLines(command.examples),
    '',
    `Usage: hooktide ${command.name} ${command.usage}`.trimEnd(),
    '',
    ...(options.length === 0 ? [] : ['Options:', ...describedRows(options, columns), '']),
    ...settingsOf(command, columns, isAll),
  ].join('\n')
}

const ending = [
  '"hooktide help <command>" shows the options of a command.',
  'Exit codes: 0 done, 1 failed, 2 wrong use, 130 or 143 ended by a signal.',
]

function exampleLines(examples: readonly string[]): readonly string[] {
  return ['Examples:', ...examples.map((example) => `  hooktide ${example}`)]
}

function commandLines(commands: readonly Command[], columns: number): readonly string[] {
  const rows = commands.map(({ name, summary }) => [name, summary])
  return ['Commands:', ...describedRows(rows, columns)]
}

function optionForm(name: string, { short, type }: CommandOption): string {
  return `--${name}${short === undefined ? '' : `, -${short}`}${type === 'string' ? ' <value>' : ''}`
}

function settingsOf({ name, uses }: Command, columns: number, isAll: boolean): readonly string[] {
  if (uses.length === 0) return ['It uses no settings.']
  if (!isAll) return [`"hooktide ${name} --help --all" shows the settings that it uses.`]
  return [settingsTitle('Settings that it uses'), ...settingLines(uses, columns)]
}

function settingsTitle(what: string): string {
  return `${what}: environment variables, or flags, which override them:`
}

function settingLines(uses: readonly SettingGroup[], columns: number): readonly string[] {
  const rows = rowsOf(uses).map(({ variable, flag, default: fallback, description }) => [
    variable,
    [description, fallback === '' ? '' : `[${fallback}]`, flag === undefined ? '' : `(${flag})`]
      .filter((part) => part !== '')
      .join(' '),
  ])
  return describedRows(rows, columns)
}
