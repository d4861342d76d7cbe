/** `hooktide completion`: what a shell needs to complete the words of a command line. */
import type { Command } from '../command.ts'
import type { Shell } from './scripts.ts'

export const shells: readonly Shell[] = ['bash', 'zsh', 'fish']

/** @param all loads the table of commands, which this one is in */
export function completionCommand(shell: Shell, all: () => Promise<readonly Command[]>): Command {
  return {
    name: `completion ${shell}`,
    summary: `Print the completion of hooktide for ${shell}.`,
    usage: '',
    examples: [`completion ${shell}`, `completion ${shell} > hooktide.${shell}`],
    options: {},
    uses: [],
    async run({ print }) {
      const { completionScript } = await import('./scripts.ts')
      for (const line of completionScript(shell, await all())
        .trimEnd()
        .split('\n'))
        print(line)
      return 0
    },
  }
}
