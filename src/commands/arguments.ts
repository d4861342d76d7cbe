/** Parses the arguments of a command: its own options, settings given as flags, and ids. */
import { parseArgs } from 'node:util'
import { flagNames, flagOf, secretNames, type SettingName } from '../settings/table.ts'
import { rowsOf } from '../settings/names.ts'
import { UserError } from '../core/model/errors.ts'
import { nearestName } from '../settings/nearest.ts'
import { hiddenMark } from '../core/text/hidden-text.ts'
import { isPlainWords, shownParts } from '../core/text/plain-words.ts'
import type { Command, CommandContext } from './command.ts'
import { idForms } from './id-forms.ts'
import { listValues } from './option-values.ts'

export type ParsedArguments =
  /** `isAll`: with the settings, which `--all` asks for. */
  | { readonly kind: 'help'; readonly isAll: boolean }
  | {
      readonly kind: 'call'
      readonly args: readonly string[]
      /** Values of the command's own options. */
      readonly options: CommandContext['options']
      /** Settings given as flags. */
      readonly flags: Partial<Record<SettingName, string>>
    }

/** @throws UserError that lists every fault */
export function parseArguments(command: Command, words: readonly string[]): ParsedArguments {
  // Not strict: `parseArgs` would stop at the first fault, with a message of Node's.
  const { tokens } = parseArgs({
    args: [...words],
    options: formsOf(command),
    allowPositionals: true,
    strict: false,
    tokens: true,
  })
  const given = tokens.filter((token) => token.kind === 'option')
  if (given.some(({ name }) => name === 'help')) {
    return { kind: 'help', isAll: given.some(({ name }) => name === 'all') }
  }
  const args = tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []))
  const faults = [
    ...firstUnknownOfWord(command, given).flatMap((token) => optionFault(command, token) ?? []),
    ...repeatFaults(command, given),
    // What follows an unknown option may be its value, so it is not reported as well.
    ...(given.every(({ name }) => isKnown(command, name)) ? argumentFaults(command, args) : []),
  ]
  if (faults.length > 0) {
    const [first = '', ...others] = faults
    const lines =
      others.length === 0
        ? [`hooktide ${command.name}: ${first}`]
        : [`hooktide ${command.name}:`, ...faults.map((fault) => `  ${fault}`)]
    throw new UserError([...lines, `See "hooktide ${command.name} --help".`], 2)
  }
  const values = new Map(given.map(({ name, value }) => [name, value ?? true] as const))
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, { isList = false }]) => [
      name,
      isList && values.has(name) ? listGiven(given, name) : values.get(name),
    ]),
  )
  return { kind: 'call', args, options, flags: flagsIn(values) }
}

function listGiven(given: readonly OptionToken[], name: string): readonly string[] {
  return given.flatMap((token) => (token.name === name ? listValues(token.value ?? '') : []))
}

interface OptionForm {
  readonly type: 'string' | 'boolean'
  readonly short?: string
}

interface OptionToken {
  readonly name: string
  /** Index of the argument that holds the option. */
  readonly index: number
  /** As typed, without a value behind `=`. */
  readonly rawName: string
  readonly value: string | undefined
  readonly inlineValue: boolean | undefined
}

function formsOf(command: Command): Readonly<Record<string, OptionForm>> {
  const forms: Record<string, OptionForm> = { help: { type: 'boolean', short: 'h' } }
  for (const name of flagNames) forms[flagOf(name)] = { type: 'string' }
  for (const [name, { type, short }] of Object.entries(command.options)) {
    forms[name] = short === undefined ? { type } : { type, short }
  }
  return forms
}

function isKnown(command: Command, name: string): boolean {
  return Object.hasOwn(formsOf(command), name)
}

function optionFault(command: Command, token: OptionToken): string | undefined {
  const { name, rawName, value, inlineValue } = token
  const form = formsOf(command)[name]
  if (form === undefined) return unknownFault(command, token)
  if (form.type === 'boolean') {
    if (value === undefined) return undefined
    return `${rawName} takes no value, but got "${shownParts(value)}".`
  }
  if (value === undefined || value === '') return `${rawName} needs a value.`
  // A value that looks like an option is probably the next option. A single dash means standard input.
  if (inlineValue !== true && /^--?[a-z]/i.test(value)) {
    const shown = isPlainWords(value.replace(/^--?/, '')) ? value : hiddenMark
    return `${rawName} needs a value. If it is "${shown}", write --${name}=${shown}.`
  }
  return idFault(command, name, value)
}

function idFault(command: Command, name: string, value: string): string | undefined {
  const { idOf, isList = false } = command.options[name] ?? {}
  if (idOf === undefined) return undefined
  const { isValid, form } = idForms[idOf]
  const wrong = (isList ? listValues(value) : [value]).find((id) => !isValid(id))
  if (wrong === undefined) return undefined
  const several = isList ? ' (separate several with commas)' : ''
  return `--${name} must be ${form}${several}, not "${shownParts(wrong)}".`
}

function unknownFault(command: Command, { name, rawName }: OptionToken): string {
  const shown = isPlainWords(name) ? rawName : `--${hiddenMark}`
  const secrets = secretNames.map(flagOf)
  const meant = nearestName(name, [...Object.keys(formsOf(command)), ...secrets])
  const isSecret = secrets.some((secret) => secret === name || secret === meant)
  const looksSecret = /passw|passphrase|secret|token|credential/i.test(name)
  if (isSecret || looksSecret || (meant === undefined && /auth|key/i.test(name))) {
    return `${shown} is not known. Pass secrets as environment variables, or in the file that the command reads: arguments are visible in the process list.`
  }
  const guesses = meant === undefined ? endingWith(command, name) : [meant]
  if (guesses.length === 0) return `${shown} is not known.`
  return `${shown} is not known: did you mean ${guesses.map((one) => `--${one}`).join(' or ')}?`
}

/** Settings that the command uses, and of which this is the last word: `--port` for `--monitor-port`. */
function endingWith({ uses }: Command, name: string): readonly string[] {
  return rowsOf(uses).flatMap(({ flag }) =>
    flag !== undefined && flag.endsWith(`-${name}`) ? [flag.slice(2)] : [],
  )
}

/**
 * `parseArgs` reads a word such as `-pSECRET` as one option per letter. Of the unknown ones, only the first of each word is
 * kept: messages about all of them would spell the secret.
 */
function firstUnknownOfWord(
  command: Command,
  given: readonly OptionToken[],
): readonly OptionToken[] {
  const reported = new Set<number>()
  return given.filter(({ name, index }) => {
    if (isKnown(command, name)) return true
    const isFirst = !reported.has(index)
    reported.add(index)
    return isFirst
  })
}

/**
 * A command's own option may be given once, unless it takes several values. A setting may be given twice, so that a script
 * can set a default first.
 */
function repeatFaults(command: Command, given: readonly OptionToken[]): readonly string[] {
  const names = Object.keys(command.options)
  return names
    .filter((name) => command.options[name]?.type === 'string' && !command.options[name].isList)
    .filter((name) => given.filter((token) => token.name === name).length > 1)
    .map((name) => `--${name} is given more than once: give it once.`)
}

function argumentFaults({ operand, options }: Command, args: readonly string[]): readonly string[] {
  if (operand === undefined) {
    const [first] = args
    if (first === undefined) return []
    const advice = Object.hasOwn(options, 'file') ? ` Give a file as -f ${shownParts(first)}.` : ''
    return [`takes no arguments, but got ${quoted(args)}.${advice}`]
  }
  if (args.length === 0) return [`needs ${operand.meaning}.`]
  if (args.length > 1 && !operand.isRepeatable) {
    return [`takes one argument, ${operand.meaning}, but got ${quoted(args)}.`]
  }
  const { isValid, form } = idForms[operand.of]
  const wrong = args.find((arg) => !isValid(arg))
  return wrong === undefined ? [] : [`"${shownParts(wrong)}" is not ${form}.`]
}

function quoted(args: readonly string[]): string {
  return args.map((arg) => `"${shownParts(arg)}"`).join(', ')
}

function flagsIn(values: ReadonlyMap<string, string | true>): Partial<Record<SettingName, string>> {
  const flags: Partial<Record<SettingName, string>> = {}
  for (const name of flagNames) {
    const value = values.get(flagOf(name))
    if (typeof value === 'string') flags[name] = value
  }
  return flags
}
