/** The texts of `--help`. The settings come from the one table in `config.ts`. */
import { optionRows } from '../config.ts'
import type { Command } from './command.ts'

export function overview(commands: readonly Command[]): string {
  return [
    'hooktide: auth events from Kafka, delivered as signed webhooks.',
    '',
    'Usage: hooktide <command> [options]',
    '',
    'Commands:',
    ...aligned(commands.map(({ name, summary }) => [name, summary])),
    '',
    'Settings of every command, as variables (or as flags, which win):',
    ...settingLines(),
    '',
    'Exit codes: 0 done, 1 failed, 2 used wrongly.',
  ].join('\n')
}

export function commandHelp(command: Command): string {
  const options = Object.entries(command.options).map(([name, option]) => [
    `--${name}${option.short === undefined ? '' : `, -${option.short}`}${option.type === 'string' ? ' <value>' : ''}`,
    option.description,
  ])
  const optionLines = options.length === 0 ? [] : ['Options:', ...aligned(options), '']
  return [
    `${command.summary}`,
    '',
    `Usage: hooktide ${command.name} ${command.usage}`.trimEnd(),
    '',
    ...optionLines,
    'Settings, as variables (or as flags, which win):',
    ...settingLines(),
  ].join('\n')
}

function settingLines(): readonly string[] {
  return aligned(
    optionRows().map(({ variable, flag, default: fallback, description }) => [
      variable,
      [description, fallback === '' ? '' : `[${fallback}]`, flag === undefined ? '' : `(${flag})`]
        .filter((part) => part !== '')
        .join(' '),
    ]),
  )
}

function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const width = Math.max(...rows.map(([first = '']) => first.length))
  return rows.map(([first = '', second = '']) => `  ${first.padEnd(width)}  ${second}`)
}
