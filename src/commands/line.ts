/** Lines on their way to a terminal. */
import { styleText } from 'node:util'
import { printable } from '../core/text/printable-text.ts'

export type Style = Parameters<typeof styleText>[0]

export type LinePart = string | { readonly text: string; readonly style: Style }

/** One line, whatever stands in it. Parts follow one another without a gap. */
export type Line = string | readonly LinePart[]

/**
 * The text that is written for a line: the one place where what came from outside is made safe for a terminal. Styles
 * show only where standard output is a terminal and NO_COLOR is not set: `styleText` looks at both.
 */
export function textOf(line: Line): string {
  if (typeof line === 'string') return printable(line)
  return line
    .map((part) =>
      typeof part === 'string' ? printable(part) : styleText(part.style, printable(part.text)),
    )
    .join('')
}
