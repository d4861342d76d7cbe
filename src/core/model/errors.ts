/** Errors that callers handle by their class. Expected outcomes are values instead (model.ts). */
import type { OutboundRecord } from './model.ts'

/** The exit code after a `UserError`: 2 if the command was used wrongly, 1 if it failed for another reason. */
export type ExitCode = 1 | 2

/** Something that a person has to correct, such as a setting, an argument or a topic. The message says what and how. */
export class UserError extends Error {
  readonly exitCode: ExitCode
  /** The lines of the message. A line feed within a line is part of something that the message quotes. */
  readonly lines: readonly string[]
  /** The items, if the message is a list. */
  readonly problems: readonly string[]
  constructor(
    message: string | readonly string[],
    exitCode: ExitCode = 1,
    options: UserErrorOptions = {},
  ) {
    const lines = typeof message === 'string' ? [message] : message
    super(lines.join('\n'), options)
    this.name = 'UserError'
    this.lines = lines
    this.exitCode = exitCode
    this.problems = options.problems ?? []
  }

  /** @param heading what cannot be done because of the problems, without a colon */
  static listing(heading: string, problems: readonly string[], exitCode?: ExitCode): UserError {
    const lines = [`${heading}:`, ...problems.map((problem) => `  ${problem}`)]
    return new UserError(lines, exitCode, { problems })
  }
}

interface UserErrorOptions {
  readonly cause?: unknown
  readonly problems?: readonly string[]
}

/** The broker refused records because of their size. All other records of the same write were written. */
export class TooLargeError extends Error {
  readonly records: readonly OutboundRecord[]
  constructor(records: readonly OutboundRecord[]) {
    super(`${records.length} record(s) exceed what topic ${records[0]?.topic ?? '?'} accepts`)
    this.name = 'TooLargeError'
    this.records = records
  }
}

/** A command was interrupted before it had read all that it needs. With a part of a topic it would decide wrongly. */
export class InterruptedError extends Error {
  constructor() {
    super('Interrupted.')
    this.name = 'InterruptedError'
  }
}

/** Any thrown value as an Error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
