/** Errors with a meaning that callers act on. Everything expected is a value instead; see `model.ts`. */
import type { OutboundRecord } from './model.ts'

/** What a `UserError` leads to: 2 when the command was used wrongly, 1 when it was right and failed. */
export type ExitCode = 1 | 2

/** Something a person has to mend: a setting, an argument, a topic. Its message says what, where and how. */
export class UserError extends Error {
  readonly exitCode: ExitCode
  /** The message. A line feed within one of them is not ours: it came with something that the message quotes. */
  readonly lines: readonly string[]
  /** One by one, where the message lists several. */
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

  /** @param heading what they keep from being done, without a colon */
  static listing(heading: string, problems: readonly string[], exitCode?: ExitCode): UserError {
    const lines = [`${heading}:`, ...problems.map((problem) => `  ${problem}`)]
    return new UserError(lines, exitCode, { problems })
  }
}

interface UserErrorOptions {
  readonly cause?: unknown
  readonly problems?: readonly string[]
}

/** Records the broker refuses for their size. All others of the same write were written. */
export class TooLargeError extends Error {
  readonly records: readonly OutboundRecord[]
  constructor(records: readonly OutboundRecord[]) {
    super(`${records.length} record(s) exceed what topic ${records[0]?.topic ?? '?'} accepts`)
    this.name = 'TooLargeError'
    this.records = records
  }
}

/** A command was asked to end before it had read what it needs: half of a topic would mislead it. */
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
