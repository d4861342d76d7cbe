/** Lines for people. */
import { printable } from '../core/text/printable-text.ts'

/** Rows as columns. The last cell of a row is not padded. */
export function alignedRows(rows: readonly (readonly string[])[]): readonly string[] {
  // As they are printed: what is escaped is longer than it was.
  const shown = rows.map((row) => row.map(printable))
  const widths: number[] = []
  for (const row of shown) {
    for (const [index, cell] of row.entries()) {
      widths[index] = Math.max(widths[index] ?? 0, cell.length)
    }
  }
  return shown.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

/** Orders by code units, alike wherever it runs. */
export function compareTexts(one: string, other: string): number {
  return one < other ? -1 : Number(one > other)
}

/** @param max characters, of at least one code unit each */
export function shortened(text: string, max: number): string {
  // Of a longer text no more is split than can be shown.
  const characters = Array.from(text.slice(0, 2 * max + 1))
  if (characters.length <= max) return text
  return `${characters.slice(0, max - 1).join('')}…`
}

/** One word of a command line that is told to be typed: ids may hold what a shell would run. */
export function shellWord(text: string): string {
  return /^[\w.,:@/=+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/** Names and what they mean, indented; meanings that are too long for the line go on under themselves. */
export function describedRows(
  rows: readonly (readonly string[])[],
  columns: number,
): readonly string[] {
  const nameWidth = Math.max(0, ...rows.map(([name = '']) => name.length))
  // Where so little is left, the terminal wraps better than columns of single words would.
  const width = Math.max(30, columns - nameWidth - 4)
  return rows.flatMap(([name = '', meaning = '']) =>
    wrapped(meaning, width).map(
      (line, index) => `  ${(index === 0 ? name : '').padEnd(nameWidth)}  ${line}`,
    ),
  )
}

function wrapped(text: string, width: number): readonly string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line === '') lines[lines.length - 1] = word
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`
    else lines.push(word)
  }
  return lines
}
