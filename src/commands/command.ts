/** What a command is, and what it is given. */
import type { ExitCode } from '../core/model/errors.ts'
import type { Settings } from '../settings/settings.ts'
import type { SettingGroup } from '../settings/names.ts'
import type { IdOf } from './id-forms.ts'
import type { Line } from './line.ts'

/** 130 and 143, as shells have them: ended by SIGINT or SIGTERM before the work was done. */
export type InterruptedCode = 130 | 143

/** One option of a command's own, beside the settings that every command takes. */
export interface CommandOption {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  readonly description: string
  /** Whose id it takes; none: it takes something else. */
  readonly idOf?: IdOf
  /** Whether it takes several, apart by commas. */
  readonly isList?: boolean
}

/** What a command takes beside options. */
export interface CommandOperand {
  /** Completes "needs …": `the id of a hook`. */
  readonly meaning: string
  /** Whose id it is. */
  readonly of: IdOf
  readonly isRepeatable: boolean
}

export interface CommandContext {
  readonly settings: Settings
  /** Warnings about the settings, for commands that log. Other commands have printed them already. */
  readonly doubts: readonly string[]
  /** Arguments that are not options, after the command's name: as many as its operand allows. */
  readonly args: readonly string[]
  /** Values of the command's own options, as given. */
  readonly options: Readonly<Record<string, string | boolean | undefined>>
  /** One line for the person or program that asked. */
  readonly print: (line: Line) => void
  /** Columns of the terminal that shows what is printed; `undefined` where it goes elsewhere. */
  readonly columns: number | undefined
  /** One line beside the answer: progress, warnings. Goes to standard error. */
  readonly note: (line: string) => void
  /**
   * Shows how far the work is, in place of what it showed before, until the next line of any kind. `undefined` where
   * nobody looks: standard error is no terminal.
   */
  readonly showProgress: ((text: string) => void) | undefined
  /** Aborted at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal
}

export interface Command {
  /** As typed, such as `hooks put`. */
  readonly name: string
  readonly summary: string
  /** What follows the name, such as `-f <file>`. */
  readonly usage: string
  readonly options: Readonly<Record<string, CommandOption>>
  /** None: the command takes options only. */
  readonly operand?: CommandOperand
  /** Settings that it uses. Faults in others keep it from nothing. */
  readonly uses: readonly SettingGroup[]
  /** True: what its settings make doubt is logged by itself. */
  readonly isLogging?: boolean
  /** @throws UserError with a message for people */
  readonly run: (context: CommandContext) => Promise<ExitCode | InterruptedCode | 0>
}
