/** The type of a command, and the context that it runs in. */
import type { ExitCode } from '../core/model/errors.ts'
import type { Settings } from '../settings/settings.ts'
import type { SettingGroup } from '../settings/names.ts'
import type { IdOf } from './id-forms.ts'
import type { Ask } from './input/terminal.ts'
import type { Line } from './line.ts'

/** Exit codes of a command that SIGINT (130) or SIGTERM (143) ended before it was done, as shells use them. */
export type InterruptedCode = 130 | 143

/** One option of a command. Settings are not options: any command takes those as flags. */
export interface CommandOption {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  readonly description: string
  /** The kind of id that it takes; absent if its value is not an id. */
  readonly idOf?: IdOf
  /** Whether it takes several values: separated by commas, or each with the option again. */
  readonly isList?: boolean
  /** What shells offer as its value: all that it takes, or what is known beforehand of it. */
  readonly values?: readonly string[]
}

/** The ids that a command takes as arguments. */
export interface CommandOperand {
  /** Completes "needs …": `the id of a hook`. */
  readonly meaning: string
  /** The kind of id. */
  readonly of: IdOf
  readonly isRepeatable: boolean
}

/** By name; of an option that takes several values, all of them. */
export type OptionValues = Readonly<
  Record<string, string | boolean | readonly string[] | undefined>
>

export interface CommandContext {
  readonly settings: Settings
  /** Warnings about the settings, to be logged by commands that log. For other commands they are printed already. */
  readonly settingWarnings: readonly string[]
  /** Arguments that are not options, as many as the operand allows. */
  readonly args: readonly string[]
  /** Values of the command's own options. */
  readonly options: OptionValues
  /** Prints one line of the answer to standard output. */
  readonly print: (line: Line) => void
  /** Columns of the terminal that shows the answer; `undefined` if it goes elsewhere. */
  readonly columns: number | undefined
  /** Prints one line that is not the answer, such as a warning, to standard error. */
  readonly note: (line: string) => void
  /**
   * Shows one line of progress, which the next line of any kind replaces. `undefined` if standard error is not a
   * terminal.
   */
  readonly showProgress: ((text: string) => void) | undefined
  /** Asks a person; `undefined` where standard input or standard error is no terminal. */
  readonly ask: Ask | undefined
  /** Aborted at the first SIGINT or SIGTERM, or when the reader of the output has closed the pipe. */
  readonly signal: AbortSignal
  /** What stands for standard input where no person gives it. */
  readonly input?: Buffer
}

export interface Command {
  /** As typed, such as `hooks put`. */
  readonly name: string
  readonly summary: string
  /** What follows the name, such as `-f <file>`. */
  readonly usage: string
  /** What stands first in its help: two calls as people make them, without `hooktide`. */
  readonly examples: readonly [string, string]
  readonly options: Readonly<Record<string, CommandOption>>
  /** Absent if the command takes options only. */
  readonly operand?: CommandOperand
  /** Settings that it uses. A fault in any other setting does not stop it. */
  readonly uses: readonly SettingGroup[]
  /** True if it writes a log. Then it logs warnings about settings itself, and errors that end it are logged too. */
  readonly isLogging?: boolean
  /** @throws UserError with a message for people */
  readonly run: (context: CommandContext) => Promise<ExitCode | InterruptedCode | 0>
}
