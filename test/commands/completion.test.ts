import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest'
import { commandList, loaded } from '../../src/commands/command-list.ts'
import { completionScript, type Shell } from '../../src/commands/completion/scripts.ts'
import { resultOutcomes } from '../../src/core/model/record-values.ts'
import { letterReasons } from '../../src/commands/replay/options.ts'
import { runInstalled } from '../support/installed-program.ts'

const commands = await loaded(commandList)

/** What is run behind the script: prints the candidates for the last of the words, one a line. */
const asking: Readonly<Record<Shell, (words: readonly string[]) => string>> = {
  bash: (words) => `
COMP_WORDS=(${words.map(quoted).join(' ')}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_hooktide; printf '%s\n' "\${COMPREPLY[@]}"`,
  zsh: (given) => `
words=(${given.map(quoted).join(' ')}); CURRENT=\${#words}
_describe() { print -rl -- "\${candidates[@]%%:*}" }
_files() { print -r -- '(files)' }
PREFIX="\${words[CURRENT]}" IPREFIX=""
compset() {
  local left="\${PREFIX##\${~argv[-1]}}"
  IPREFIX="$IPREFIX\${PREFIX%"$left"}" PREFIX="$left"
}
compadd() { shift; local one; for one in "$@"; do [[ "$one" == "$PREFIX"* ]] && print -r -- "$IPREFIX$one"; done; return 0 }
_hooktide`,
  fish: (words) => `complete -C ${quoted(words.join(' '))} | string replace -r '\\t.*' ''; true`,
}

const starting: Readonly<Record<Shell, readonly string[]>> = {
  bash: ['--noprofile', '--norc', '-c'],
  zsh: ['-f', '-c'],
  fish: ['--no-config', '-c'],
}

/** Without the system of completion, which needs a terminal. */
const preludes: Readonly<Record<Shell, string>> = {
  bash: '',
  zsh: 'compdef() { : }\n',
  fish: '',
}

function quoted(text: string): string {
  return `'${text}'`
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent']

async function candidates(
  context: TestContext,
  shell: Shell,
  ...words: readonly string[]
): Promise<readonly string[]> {
  const script = `${preludes[shell]}${completionScript(shell, commands)}`
  const text = `${script}\n${asking[shell](['hooktide', ...words])}\n`
  const program = { program: shell, debianPackage: shell }
  const { code, output } = await runInstalled(context, program, [...starting[shell], text])
  expect({ code, output }).toMatchObject({ code: 0 })
  return output.split('\n').filter((line) => line !== '')
}

describe.each<Shell>(['bash', 'zsh', 'fish'])('completion by %s', (shell) => {
  const optionsOf = (name: string) =>
    Object.keys(commands.find((one) => one.name === name)?.options ?? {}).map((one) => `--${one}`)

  it('has first words at the beginning, and each once', async (context) => {
    const words = await candidates(context, shell, '')
    const first = new Set(commands.map(({ name }) => name.split(' ')[0] ?? ''))
    expect(words.toSorted()).toEqual([...first, 'help'].toSorted())
  })

  it('has the second words of a family, of its help too', async (context) => {
    const second = commands.flatMap(({ name }) => (/^hooks (.+)/.exec(name) ?? []).slice(1))
    expect((await candidates(context, shell, 'hooks', '')).toSorted()).toEqual(second.toSorted())
    const help = await candidates(context, shell, 'help', 'hooks', '')
    expect(help.toSorted()).toEqual(second.toSorted())
  })

  it("has a command's options behind it and behind what it was given", async (context) => {
    const own = [...optionsOf('hooks test'), '--help'].toSorted()
    expect((await candidates(context, shell, 'hooks', 'test', '--')).toSorted()).toEqual(own)
    const more = await candidates(context, shell, 'hooks', 'test', 'my-hook', '--json', '--')
    expect(more.toSorted()).toEqual(own)
  })

  it('has nothing of its own where any value may follow', async (context) => {
    for (const words of [
      ['results', '--hook', ''],
      ['results', '--hook='],
      ['run', '--brokers', ''],
    ]) {
      expect(await candidates(context, shell, ...words)).toEqual([])
    }
  })

  it.for<[string, string[], string[]]>([
    ['an outcome', ['results', '--outcome', ''], [...resultOutcomes]],
    ['a value behind =', ['stats', '--by='], ['hook', 'tenant', 'event', 'class']],
    ['values of this command', ['replay', '--reason', ''], [...letterReasons]],
    ['a log level', ['run', '--log-level', ''], logLevels],
    ['a setting behind =', ['run', '--http-host', 'x', '--log-level='], logLevels],
    ['a switch among settings', ['run', '--allow-http', ''], ['true', 'false']],
    ['a list that has begun', ['results', '--blame', 'owner,n'], ['owner,network']],
  ])('has the values of %s', async ([, words, values], context) => {
    const found = await candidates(context, shell, ...words)
    expect(found.map((value) => value.replace(/^--.*=/, '')).toSorted()).toEqual(values.toSorted())
  })
})

/** How an interactive shell is started and loads the script, which is `$1/_hooktide`. */
const sessions: Readonly<Record<string, readonly [shell: Shell, start: string, load: string]>> = {
  'bash that sources it': ['bash', 'bash --noprofile --norc -i', 'PS1=; source $1/_hooktide'],
  'zsh that sources it': [
    ...(['zsh', 'zsh -f -i'] as const),
    'PS1=; autoload -Uz compinit; compinit -u -d $1/dump; source $1/_hooktide',
  ],
  'zsh that finds it in $fpath': [
    ...(['zsh', 'zsh -f -i'] as const),
    'PS1=; fpath=($1 \\$fpath); autoload -Uz compinit; compinit -u -d $1/dump',
  ],
  'fish that sources it': [
    ...(['fish', 'fish --no-config -i'] as const),
    'function fish_prompt; end; source $1/_hooktide',
  ],
}

/** What a `hooktide` is given that tells its arguments, in the syntax of each shell. */
const echo: Readonly<Record<Shell, string>> = {
  bash: String.raw`hooktide() { echo \"RAN:\$*:\"; }`,
  zsh: String.raw`hooktide() { echo \"RAN:\$*:\"; }`,
  fish: String.raw`function hooktide; echo \"RAN:\$argv:\"; end`,
}

/**
 * For zsh, which has terminals for programs: types lines with Tab into a shell, and prints what each of them runs.
 * It waits for the end of that shell, which writes a history to its home when it ends.
 */
function typing(name: string, lines: readonly string[]): string {
  const [shell, start, load] = sessions[name] ?? []
  if (shell === undefined) throw new Error(`there is no ${name}`)
  return `zmodload zsh/zpty
zpty session env HOME=$1 TERM=dumb ${start}
zpty -w session "${load}; ${echo[shell]}; echo READ''Y"
zpty -r session line '*READY*'
for typed in ${lines.map((line) => `$'hooktide ${line}\\n'`).join(' ')}; do
  zpty -w -n session $typed
  zpty -r session line '*RAN:*:*'
  print -r -- \${\${line##*RAN:}%%:*}
done
zpty -w session exit
while zpty -r session line; do :; done
zpty -d session`
}

describe('completion by Tab', () => {
  it.for(Object.keys(sessions))('works in an interactive %s', async (name, context) => {
    const [shell = 'bash'] = sessions[name] ?? []
    await runInstalled(context, { program: shell, debianPackage: shell }, ['--version'])
    const folder = await mkdtemp(join(tmpdir(), 'hooktide-completion-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    await writeFile(join(folder, '_hooktide'), completionScript(shell, commands))
    const lines = [
      String.raw`resu\t--outcome=unm\t`,
      String.raw`hooks te\tmy-hook --fo\t`,
      String.raw`dead-letters list --blame=x --reason gone,exh\t`,
      String.raw`run --log-level de\t`,
      String.raw`run --http-host h --log-level=de\t`,
      String.raw`hooks put -f ${folder}/_hook\t`,
      String.raw`results -f --blame own\t`,
    ]
    const zsh = { program: 'zsh', debianPackage: 'zsh' }
    const { code, output } = await runInstalled(context, zsh, [
      '-f',
      '-c',
      typing(name, lines),
      'zsh',
      folder,
    ])
    expect({ code, lines: output.trim().split(/\s*\n/) }).toEqual({
      code: 0,
      lines: [
        'results --outcome=unmatched',
        'hooks test my-hook --force',
        'dead-letters list --blame=x --reason gone,exhausted',
        'run --log-level debug',
        'run --http-host h --log-level=debug',
        `hooks put -f ${folder}/_hooktide`,
        'results -f --blame owner',
      ],
    })
  })
})
