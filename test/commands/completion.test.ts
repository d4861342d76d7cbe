import { describe, expect, it, type TestContext } from 'vitest'
import { commands } from '../../src/commands/command-list.ts'
import { completionScript, type Shell } from '../../src/commands/completion/scripts.ts'
import { runInstalled } from '../support/installed-program.ts'

/** What is run behind the script: prints the candidates for the last of the words, one a line. */
const asking: Readonly<Record<Shell, (words: readonly string[]) => string>> = {
  bash: (words) => `
COMP_WORDS=(${words.map(quoted).join(' ')}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_hooktide; printf '%s\n' "\${COMPREPLY[@]}"`,
  zsh: (given) => `
words=(${given.map(quoted).join(' ')}); CURRENT=\${#words}
_describe() { print -rl -- "\${candidates[@]%%:*}" }
_files() { print -r -- '(files)' }
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

  it('has nothing of its own where a value follows', async (context) => {
    const words = await candidates(context, shell, 'results', '--outcome', '')
    expect(words).toEqual([])
  })
})
