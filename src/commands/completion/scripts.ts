/** Completion scripts for shells, generated from the table of commands. */
import { flagNames, flagOf, settingTable } from '../../settings/table.ts'
import type { Command, CommandOption } from '../command.ts'

export type Shell = 'bash' | 'zsh' | 'fish'

/** What a shell sources to complete the words of `hooktide`. */
export function completionScript(shell: Shell, commands: readonly Command[]): string {
  return scripts[shell](placesOf(commands))
}

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const

/** What may follow words that were typed. */
interface Place {
  /** Such as `hooks put`, without options; empty at the beginning. */
  readonly typed: string
  readonly words: readonly (readonly [word: string, meaning: string])[]
  readonly options: readonly (readonly [name: string, option: CommandOption])[]
}

const helpOption = { type: 'boolean', description: 'Show two examples and the options.' } as const

/** All places; the beginning is first. */
function placesOf(commands: readonly Command[]): readonly Place[] {
  const families = [...Map.groupBy(commands, ({ name }) => name.split(' ')[0] ?? '')]
  const words = families.map(([word, family]) => [word, meaningOf(word, family)] as const)
  const help = ['help', 'the help of a command'] as const
  return [
    { typed: '', words: [...words, help], options: [] },
    ...families.flatMap(([word, family]) => placesIn(word, family)),
  ]
}

function meaningOf(word: string, family: readonly Command[]): string {
  const [only] = family
  return only?.name === word ? only.summary : family.map((one) => secondWord(one)).join(', ')
}

function placesIn(word: string, family: readonly Command[]): readonly Place[] {
  const places = family.map(({ name, options }) => ({
    typed: name,
    words: [],
    options: [...Object.entries(options), ['help', helpOption] as const],
  }))
  if (family.some(({ name }) => name === word)) return places
  const words = family.map((one) => [secondWord(one), one.summary] as const)
  return [{ typed: word, words, options: [] }, ...places]
}

function secondWord({ name }: Command): string {
  return name.split(' ')[1] ?? ''
}

/** What may stand as the value of some options. */
interface ValueGroup {
  /** The words of the command and the option, such as `hooks put --file`. */
  readonly places: readonly string[]
  /** Settings, which stand behind any command, such as `--log-level`. */
  readonly settings: readonly string[]
  /** `undefined`: anything may. */
  readonly values: readonly string[] | undefined
  readonly isFile: boolean
  readonly isList: boolean
}

/** Options and settings behind which a value follows, those with the same values together. */
function valueGroups(places: readonly Place[]): readonly ValueGroup[] {
  const own = places.flatMap(({ typed, options }) =>
    options.filter(([, { type }]) => type === 'string').map((one) => ownGroup(typed, ...one)),
  )
  const settings = flagNames.map((name) => ({
    ...{ places: [], settings: [`--${flagOf(name)}`], isFile: false, isList: false },
    values: settingTable[name].parse.choices,
  }))
  const same = Map.groupBy([...own, ...settings], (group) =>
    JSON.stringify({ ...group, places: [], settings: [] }),
  )
  return [...same.values()].flatMap(([first, ...others]) => {
    if (first === undefined) return []
    const all = [first, ...others]
    return [
      {
        ...first,
        places: all.flatMap((group) => group.places),
        settings: all.flatMap((group) => group.settings),
      },
    ]
  })
}

function ownGroup(typed: string, name: string, option: CommandOption): ValueGroup {
  const { short, values, isList = false } = option
  const names = [`--${name}`, ...(short === undefined ? [] : [`-${short}`])]
  return {
    places: names.map((one) => `${typed} ${one}`),
    settings: [],
    values,
    isFile: name === 'file',
    isList: isList && values !== undefined,
  }
}

/** Options as a pattern of `case`, which is held against the words of the command and the option. */
function valuePattern({ places, settings }: ValueGroup): string {
  return [
    ...places.map((place) => quoted(place)),
    ...settings.map((flag) => `*${quoted(` ${flag}`)}`),
  ].join('|')
}

/** The words that lead to places, as a pattern of `case`. */
function typedPattern(places: readonly Place[]): string {
  return places.flatMap(({ typed }) => (typed === '' ? [] : [quoted(typed)])).join('|')
}

/** How a shell names the words of the command line. */
interface ShellWords {
  /** The index of the first word behind `hooktide`. */
  readonly first: number
  /** The variable with the index of the word to complete. */
  readonly current: string
  /** The array of words. */
  readonly words: string
}

/** What bash and zsh run to find the place: `typed` gets the words of the command, without options and what follows them. */
function typedLoop({ first, current, words }: ShellWords, places: readonly Place[]): string {
  return `  for ((index = ${first}; index < ${current}; index++)); do
    word="\${${words}[index]}"
    if [[ "$word" == -* || ( -z "$typed" && "$word" == help ) ]]; then continue; fi
    next="\${typed:+$typed }$word"
    case "$next" in
      ${typedPattern(places)}) typed="$next" ;;
      *) break ;;
    esac
  done`
}

/** Written for bash 3.2 too, which macOS has. It makes several words of `--option=value`. */
function bashScript(places: readonly Place[]): string {
  const cases = places.map(({ typed, words, options }) => {
    const candidates = [...words.map(([word]) => word), ...options.map(([name]) => `--${name}`)]
    return `    ${quoted(typed)}) candidates=${quoted(candidates.join(' '))} ;;`
  })
  const values = valueGroups(places).map((group) => {
    const { isFile, isList, values: known = [] } = group
    const list = isList ? ' list=1' : ''
    const action = isFile
      ? 'compopt -o default 2>/dev/null; return'
      : `candidates=${quoted(known.join(' '))}${list}`
    return `    ${valuePattern(group)}) ${action} ;;`
  })
  return `# Completion of hooktide for bash. Load it with: source <(hooktide completion bash)
_hooktide() {
  local typed="" next="" candidates="" list="" before="" word index at=$((COMP_CWORD - 1))
  local current="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  if [[ "$current" == = ]]; then current=""
  elif [[ "\${COMP_WORDS[at]}" == = ]]; then at=$((at - 1)); fi
  local option="\${COMP_WORDS[at]}"
  if [[ "$current" == --*=* ]]; then
    option="\${current%%=*}" before="\${current%%=*}=" current="\${current#*=}"
  fi
${typedLoop({ first: 1, current: 'COMP_CWORD', words: 'COMP_WORDS' }, places)}
  case "$typed $option" in
${values.join('\n')}
    *)
      case "$typed" in
${indented(cases)}
      esac ;;
  esac
  if [[ -n "$list" && "$current" == *,* ]]; then
    before="$before\${current%,*}," current="\${current##*,}"
  fi
  COMPREPLY=($(compgen -P "$before" -W "$candidates" -- "$current"))
}
complete -F _hooktide hooktide
`
}

function zshScript(places: readonly Place[]): string {
  const cases = places.map(({ typed, words, options }) => {
    const candidates = [
      ...words.map(([word, meaning]) => describedWord(word, meaning)),
      ...options.map(([name, { description }]) => describedWord(`--${name}`, description)),
    ]
    return `    ${quoted(typed)}) candidates=(\n${candidates.map((one) => `      ${one}\n`).join('')}    ) ;;`
  })
  const values = valueGroups(places).map((group) => {
    const { isFile, isList, values: known = [] } = group
    const start = isList ? `compset -P '*,'; ` : ''
    const action = isFile ? '_files' : `${start}compadd -- ${known.map(quoted).join(' ')}`
    return `    ${valuePattern(group)}) ${known.length > 0 || isFile ? `${action}; ` : ''}return ;;`
  })
  return `#compdef hooktide
# Completion of hooktide for zsh. Load it with: source <(hooktide completion zsh)
_hooktide() {
  local typed="" next="" word index option="\${words[CURRENT-1]}"
  local -a candidates
  if [[ "\${words[CURRENT]}" == --*=* ]]; then
    option="\${words[CURRENT]%%=*}"
    compset -P 1 '*='
  fi
${typedLoop({ first: 2, current: 'CURRENT', words: 'words' }, places)}
  case "$typed $option" in
${values.join('\n')}
  esac
  case "$typed" in
${cases.join('\n')}
  esac
  _describe hooktide candidates
}
if [[ "\${funcstack[1]}" == _hooktide ]]; then _hooktide "$@"; else compdef _hooktide hooktide; fi
`
}

function indented(lines: readonly string[]): string {
  return lines.map((line) => `    ${line}`).join('\n')
}

/** A colon ends the word in what \`_describe\` of zsh reads. */
function describedWord(word: string, meaning: string): string {
  return quoted(`${word}:${meaning.replaceAll(':', '\\:')}`)
}

function fishScript(places: readonly Place[]): string {
  const typed = places.flatMap((place) => (place.typed === '' ? [] : [fishQuoted(place.typed)]))
  const lines = places.flatMap((place) => {
    const begin = `complete -c hooktide -n ${fishQuoted(`test (__hooktide_typed) = "${place.typed}"`)}`
    return [
      ...place.words.map(([word, meaning]) => `${begin} -a ${word} -d ${fishQuoted(meaning)}`),
      ...place.options.map(([name, option]) => `${begin} ${fishOption(name, option)}`),
    ]
  })
  const settings = valueGroups(places).flatMap(({ settings: flags, values }) =>
    values === undefined || flags.length === 0
      ? []
      : [`    case ${flags.join(' ')}\n      set values ${values.join(' ')}`],
  )
  return `# Completion of hooktide for fish. Load it with: hooktide completion fish | source
function __hooktide_typed
  set -l words (commandline -opc)
  set -e words[1]
  set -l typed ''
  for word in $words
    string match -q -- '-*' $word; and continue
    test -z "$typed" -a "$word" = help; and continue
    set -l next (string trim -- "$typed $word")
    contains -- "$next" ${typed.join(' ')}; or break
    set typed $next
  end
  echo $typed
end
function __hooktide_list
  set -l before (string match -r '^(?:--[^=]*=)?(.*,)' -- (commandline -ct))[2]
  for value in $argv
    echo "$before$value"
  end
end
function __hooktide_setting
  set -l current (commandline -ct)
  set -l option (commandline -opc)[-1]
  set -l before ''
  if string match -q -- '--*=*' $current
    set option (string replace -r '=.*' '' -- $current)
    set before "$option="
  end
  set -l values
  switch $option
${settings.join('\n')}
  end
  for value in $values
    echo "$before$value"
  end
end
complete -c hooktide -e
complete -c hooktide -f
complete -c hooktide -a '(__hooktide_setting)'
${lines.join('\n')}
`
}

function fishOption(name: string, option: CommandOption): string {
  const { type, short, description } = option
  const value = type === 'boolean' ? '' : name === 'file' ? ' -r -F' : ` -x${fishValues(option)}`
  const letter = short === undefined ? '' : ` -s ${short}`
  return `-l ${name}${letter}${value} -d ${fishQuoted(description)}`
}

function fishValues({ values, isList }: CommandOption): string {
  if (values === undefined) return ''
  const known = values.join(' ')
  return ` -a ${fishQuoted(isList === true ? `(__hooktide_list ${known})` : known)}`
}

/** One word of bash and zsh. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
