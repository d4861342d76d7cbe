/** Completion scripts for shells, generated from the table of commands. */
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

/** Options behind which a value follows, as a pattern of `case`. Files are what `--file` takes, and nothing else. */
function valuePattern(places: readonly Place[], isFile: boolean): string {
  const names = places.flatMap(({ options }) =>
    options
      .filter(([name, { type }]) => type === 'string' && (name === 'file') === isFile)
      .flatMap(([name, { short }]) => [`--${name}`, ...(short === undefined ? [] : [`-${short}`])]),
  )
  return [...new Set(names)].toSorted().join('|')
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

/** Written for bash 3.2 too, which macOS has. */
function bashScript(places: readonly Place[]): string {
  const cases = places.map(({ typed, words, options }) => {
    const candidates = [...words.map(([word]) => word), ...options.map(([name]) => `--${name}`)]
    return `    ${quoted(typed)}) candidates=${quoted(candidates.join(' '))} ;;`
  })
  return `# Completion of hooktide for bash. Load it with: source <(hooktide completion bash)
_hooktide() {
  local typed="" next="" candidates="" word index
  COMPREPLY=()
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
    ${valuePattern(places, true)}) compopt -o default 2>/dev/null; return ;;
    ${valuePattern(places, false)}) return ;;
  esac
${typedLoop({ first: 1, current: 'COMP_CWORD', words: 'COMP_WORDS' }, places)}
  case "$typed" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$candidates" -- "\${COMP_WORDS[COMP_CWORD]}"))
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
  return `#compdef hooktide
# Completion of hooktide for zsh. Load it with: source <(hooktide completion zsh)
_hooktide() {
  local typed="" next="" word index
  local -a candidates
  case "\${words[CURRENT-1]}" in
    ${valuePattern(places, true)}) _files; return ;;
    ${valuePattern(places, false)}) return ;;
  esac
${typedLoop({ first: 2, current: 'CURRENT', words: 'words' }, places)}
  case "$typed" in
${cases.join('\n')}
  esac
  _describe hooktide candidates
}
if [[ "\${funcstack[1]}" == _hooktide ]]; then _hooktide "$@"; else compdef _hooktide hooktide; fi
`
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
complete -c hooktide -e
complete -c hooktide -f
${lines.join('\n')}
`
}

function fishOption(name: string, { type, short, description }: CommandOption): string {
  const value = type === 'boolean' ? '' : name === 'file' ? ' -r -F' : ' -x'
  const letter = short === undefined ? '' : ` -s ${short}`
  return `-l ${name}${letter}${value} -d ${fishQuoted(description)}`
}

/** One word of bash and zsh. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
