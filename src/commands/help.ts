/** The texts of `--help`. Settings come from the table in `settings/table.ts`. */
import { allGroups, rowsOf, type SettingGroup } from '../settings/names.ts'
import type { Command, CommandOption } from './command.ts'
import { describedRows } from './table.ts'

/** All commands and all settings. @param columns width of the terminal, or a readable width if there is none */
export function overview(commands: readonly Command[], columns: number): string {
  return [
    'hooktide: auth events from Kafka, delivered as signed webhooks.',
    '',
    'Usage: hooktide <command> [options]',
    '',
    ...commandLines(commands, columns),
    '',
    'Settings: environment variables, or flags, which override them:',
    ...settingLines(allGroups, columns),
    '',
    ...ending,
  ].join('\n')
}

/** Help about commands that begin with the same word. */
export function familyHelp(family: readonly Command[], columns: number): string {
  return [...commandLines(family, columns), '', ...ending].join('\n')
}

export function commandHelp(command: Command, columns: number): string {
  const options = Object.entries(command.options).map(([name, option]) => [
    optionForm(name, option),
    option.description,
  ])
  return [
    command.summary,
    '',
    `Usage: hooktide ${command.name} ${command.usage}`.trimEnd(),
    '',
    ...(options.length === 0 ? [] : ['Options:', ...describedRows(options, columns), '']),
    ...settingsOf(command, columns),
  ].join('\n')
}

const ending = [
  '"hooktide help <command>" shows the options of a command.',
  'Exit codes: 0 done, 1 failed, 2 wrong use, 130 or 143 ended by a signal.',
]

function commandLines(commands: readonly Command[], columns: number): readonly string[] {
  const rows = commands.map(({ name, summary }) => [name, summary])
  return ['Commands:', ...describedRows(rows, columns)]
}

function optionForm(name: string, { short, type }: CommandOption): string {
  return `--${name}${short === undefined ? '' : `, -${short}`}${type === 'string' ? ' <value>' : ''}`
}

function settingsOf({ uses }: Command, columns: number): readonly string[] {
  if (uses.length === 0) return ['It uses no settings.']
  const isPart = uses.length < allGroups.length
  return [
    'Settings that it uses: environment variables, or flags, which override them:',
    ...settingLines(uses, columns),
    ...(isPart ? ['', '"hooktide --help" lists all settings.'] : []),
  ]
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
