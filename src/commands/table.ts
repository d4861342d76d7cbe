/** Tables and texts for people. */
import { printable } from '../core/text/printable-text.ts'
import { displayWidth, fitted, headingsOf, rowOf, type Column } from './columns.ts'
import { textOf } from './line.ts'

/** Aligns the cells of rows in columns. */
export function alignedRows(rows: readonly (readonly string[])[]): readonly string[] {
  // Measured as printed: escaping makes text longer.
  const shown = rows.map((row) => row.map(printable))
  const widths: number[] = []
  for (const row of shown) {
    for (const [index, cell] of row.entries()) {
      widths[index] = Math.max(widths[index] ?? 0, displayWidth(cell))
    }
  }
  return shown.map((row) =>
    row
      .map((cell, index) => cell + ' '.repeat((widths[index] ?? 0) - displayWidth(cell)))
      .join('  ')
      .trimEnd(),
  )
}

/** A column of a short table, all rows of which are known. */
export type ListColumn = Pick<Column, 'heading' | 'rank'> &
  Partial<Pick<Column, 'min' | 'max' | 'isWrapped'>>

/** In characters. Enough for an id of Logto or a host; the whole cell is seen where the table is wide. */
const defaultMax = 40

/**
 * A short table with its heading. Columns are as wide as their longest cell.
 *
 * @param columns of the terminal, to which lines are fitted; `undefined`: everything is shown in full
 */
export function listLines(
  list: readonly ListColumn[],
  rows: readonly (readonly string[])[],
  columns: number | undefined,
): readonly string[] {
  if (columns === undefined) return alignedRows([list.map(({ heading }) => heading), ...rows])
  const table = fitted(
    list.map(({ heading, rank, min = heading.length, max = defaultMax }, index) => {
      const widest = rows.reduce(
        (width, row) => Math.max(width, widthOf(row[index] ?? '', max)),
        heading.length,
      )
      return { heading, rank, min: Math.min(min, widest), max: Math.min(max, widest) }
    }),
    columns,
  )
  return [...headingsOf(table), ...rows.flatMap((row) => rowOf(table, row).map(textOf))]
}

/** The cost must not depend on the length of the text. */
function widthOf(cell: string, max: number): number {
  return displayWidth(printable(cell.slice(0, max)))
}

/** Orders by code units, so that the order does not depend on the locale. */
export function compareTexts(one: string, other: string): number {
  return one < other ? -1 : Number(one > other)
}

/** The first `max` characters of a text, with an ellipsis in place of the last if it is longer. */
export function shortened(text: string, max: number): string {
  // A character has at most two code units. The rest of a long text is never split.
  const characters = Array.from(text.slice(0, 2 * max + 1))
  if (characters.length <= max) return text
  return `${characters.slice(0, max - 1).join('')}…`
}

/** Names and their meanings in two columns, indented. Long meanings wrap within their column. */
export function describedRows(
  rows: readonly (readonly string[])[],
  columns: number,
): readonly string[] {
  const nameWidth = Math.max(0, ...rows.map(([name = '']) => name.length))
  // In a very narrow terminal, let the terminal wrap: a column of single words is hard to read.
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
