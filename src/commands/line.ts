/** Lines of output, and how they become text for a terminal. */
import { styleText } from 'node:util'
import { printable } from '../core/text/printable-text.ts'

export type Style = Parameters<typeof styleText>[0]

export type LinePart = string | { readonly text: string; readonly style: Style }

/** One line of output. Its parts follow one another without a gap. */
export type Line = string | readonly LinePart[]

/**
 * The text of a line, with control characters escaped. This is the only place that makes foreign text safe for a terminal.
 * `styleText` applies styles only if standard output is a terminal and NO_COLOR is not set.
 */
export function textOf(line: Line): string {
  if (typeof line === 'string') return printable(line)
  return line
    .map((part) =>
      typeof part === 'string' ? printable(part) : styleText(part.style, printable(part.text)),
    )
    .join('')
}
