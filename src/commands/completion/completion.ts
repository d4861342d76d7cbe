/** `hooktide completion`: what a shell needs to complete the words of a command line. */
import type { Command } from '../command.ts'
import { completionScript, type Shell } from './scripts.ts'

const shells: readonly Shell[] = ['bash', 'zsh', 'fish']

/** One command for each shell. @param all the table of commands, which these are in */
export function completionCommands(all: () => readonly Command[]): readonly Command[] {
  return shells.map((shell) => ({
    name: `completion ${shell}`,
    summary: `Print the completion of hooktide for ${shell}.`,
    usage: '',
    examples: [`completion ${shell}`, `completion ${shell} > hooktide.${shell}`],
    options: {},
    uses: [],
    run({ print }) {
      for (const line of completionScript(shell, all()).trimEnd().split('\n')) print(line)
      return Promise.resolve(0)
    },
  }))
}
