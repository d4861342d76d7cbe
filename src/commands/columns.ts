/** Tables that fit the width of a terminal. */
import { printable } from '../core/text/printable-text.ts'
import type { Line, LinePart } from './line.ts'

export interface Column {
  readonly heading: string
  /** The minimum width, which must fit the heading. */
  readonly min: number
  /** The maximum width. */
  readonly max: number
  /** If there is not enough room, columns of a lower rank are shown first. Columns of rank 0 are always shown. */
  readonly rank: number
  /** Numbers are aligned to the right. */
  readonly isNumber?: boolean
  /** Cells that are too long take more lines within the column, rather than being cut. For short lists of names. */
  readonly isWrapped?: boolean
}

/** A column as it is shown. */
interface Fitted {
  readonly heading: string
  /** Its index among all columns. */
  readonly index: number
  readonly width: number
  readonly isNumber: boolean
  /** Whether longer cells are cut, so that lines fit the terminal. */
  readonly isCut: boolean
  readonly isWrapped: boolean
}

/** The columns of each line of a row. A row takes one line, or several where the terminal is narrow. */
export type Layout = readonly (readonly Fitted[])[]

const gap = '  '
/** Before the lines of a row that follow its first one. */
const indent = '  '

/**
 * Chooses the columns that fit, by rank. A column is added only after all columns before it have their maximum width. If not
 * even those of rank 0 fit on one line, each row takes several.
 *
 * @param columns of the terminal; `undefined` without a terminal: then all columns are shown and nothing is cut
 */
export function fitted(all: readonly Column[], columns: number | undefined): Layout {
  const placed = all.map((column, index) => ({ column, index }))
  if (columns === undefined) {
    return [placed.map((one) => ({ ...shownWith(one, one.column.max), isCut: false }))]
  }
  return inLines(chosen(placed, columns), columns).map((line, index) =>
    widened(line, widthOfLine(index, columns)),
  )
}

interface Placed {
  readonly column: Column
  readonly index: number
}

function chosen(all: readonly Placed[], columns: number): readonly Placed[] {
  let shown: readonly Placed[] = []
  for (const one of byRank(all)) {
    // Those of rank 0 are always shown. Others need room beside the maximum widths of those before.
    const needed = [...shown.map(({ column }) => column.max), one.column.min]
    if (one.column.rank > 0 && sumOf(needed) > columns) break
    shown = [...shown, one]
  }
  return shown.toSorted((one, other) => one.index - other.index)
}

function byRank(placed: readonly Placed[]): readonly Placed[] {
  return placed.toSorted((one, other) => one.column.rank - other.column.rank)
}

/** Puts as many columns on each line as fit with their minimum widths, and at least one. */
function inLines(shown: readonly Placed[], columns: number): readonly (readonly Placed[])[] {
  const lines: Placed[][] = [[]]
  for (const one of shown) {
    const line = lines.at(-1) ?? []
    const needed = sumOf([...line, one].map(({ column }) => column.min))
    if (line.length === 0 || needed <= widthOfLine(lines.length - 1, columns)) line.push(one)
    else lines.push([one])
  }
  return lines
}

function widthOfLine(index: number, columns: number): number {
  return Math.max(1, index === 0 ? columns : columns - indent.length)
}

/** Gives what is left of a line to its columns, by their rank. */
function widened(line: readonly Placed[], width: number): readonly Fitted[] {
  const widths = new Map(line.map(({ column, index }) => [index, Math.min(column.min, width)]))
  let left = width - sumOf([...widths.values()])
  for (const { column, index } of byRank(line)) {
    const more = Math.max(0, Math.min(left, column.max - column.min))
    widths.set(index, (widths.get(index) ?? 0) + more)
    left -= more
  }
  return line.map((one) => shownWith(one, widths.get(one.index) ?? one.column.min))
}

function shownWith({ column, index }: Placed, width: number): Fitted {
  const { heading, isNumber = false, isWrapped = false } = column
  return { heading, index, width, isNumber, isWrapped, isCut: true }
}

/** The width of cells side by side. */
function sumOf(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, gap.length * (widths.length - 1))
}

/** The lines of the heading of a table. */
export function headingsOf(layout: Layout): readonly string[] {
  return layout.map((line, index) =>
    joined(
      line.map((column) => filled(column, column.heading)),
      index,
    )
      .map(textIn)
      .join(''),
  )
}

/**
 * The lines of a row.
 *
 * @param cells one for each column, shown or not
 */
export function rowOf(layout: Layout, cells: readonly LinePart[]): readonly Line[] {
  return layout.flatMap((line, index) => {
    const lists = line.map((column) => linesOf(column, cells[column.index] ?? ''))
    const height = Math.max(...lists.map((list) => list.length))
    return Array.from({ length: height }, (_, at) =>
      joined(
        line.map((column, place) => filled(column, lists[place]?.[at] ?? '')),
        index,
      ),
    )
  })
}

/** A hostile name could fill the terminal. */
const mostLines = 4

/** The lines of a cell. */
function linesOf({ width, isCut, isWrapped }: Fitted, cell: LinePart): readonly LinePart[] {
  const text = textIn(cell)
  if (!isCut || !isWrapped || displayWidth(printable(text.slice(0, width + 1))) <= width) {
    return [cell]
  }
  const lines = wrapped(printable(text.slice(0, 8 * width)), width)
  const first = lines.slice(0, mostLines - 1)
  // What is too long even so is cut on the last line.
  const rest = lines.slice(mostLines - 1).join('')
  const shown = rest === '' ? first : [...first, rest]
  return shown.map((line) => (typeof cell === 'string' ? line : { ...cell, text: line }))
}

/** Breaks a text where words of names begin: behind a space, a hyphen or a dot, else before a capital, else anywhere. */
function wrapped(text: string, width: number): readonly string[] {
  const words = text
    .split(/(?<=[ .-])/)
    .flatMap((word) =>
      displayWidth(word.trimEnd()) > width ? word.split(/(?=[A-Z][a-z])/) : [word],
    )
    .flatMap((word) => (displayWidth(word.trimEnd()) > width ? piecesOf(word, width) : [word]))
  const lines: string[] = []
  for (const word of words) {
    const line = lines.at(-1)
    if (line === undefined || displayWidth((line + word).trimEnd()) > width) lines.push(word)
    else lines[lines.length - 1] = line + word
  }
  return lines.map((line) => line.trimEnd())
}

function joined(cells: readonly LinePart[], lineIndex: number): readonly LinePart[] {
  const parts = cells.flatMap((cell, index) => (index === 0 ? [cell] : [gap, cell]))
  const last = parts.findLastIndex((part) => textIn(part).trim() !== '')
  const shown = parts.slice(0, last + 1).map((part, index) => (index < last ? part : trimmed(part)))
  return lineIndex === 0 ? shown : [indent, ...shown]
}

function textIn(part: LinePart): string {
  return typeof part === 'string' ? part : part.text
}

function trimmed(part: LinePart): LinePart {
  return typeof part === 'string' ? part.trimEnd() : { ...part, text: part.text.trimEnd() }
}

function filled({ width, isNumber, isCut }: Fitted, cell: LinePart): LinePart {
  // Measured as printed: escaping makes text longer.
  const text = isCut ? cut(textIn(cell), width) : printable(textIn(cell))
  const space = ' '.repeat(Math.max(0, width - displayWidth(text)))
  const whole = isNumber ? space + text : text + space
  return typeof cell === 'string' ? whole : { ...cell, text: whole }
}

/** Cuts a text to a width, measured as printed, and marks the cut. */
export function cut(text: string, width: number): string {
  // The cost must not depend on the length of the text.
  const isLong = text.length > 8 * width
  const near = printable(isLong ? text.slice(0, 8 * width) : text)
  if (!isLong && displayWidth(near) <= width) return near
  let shown = ''
  let taken = 0
  for (const character of near) {
    taken += widthOfCharacter(character)
    if (taken > width - 1) break
    shown += character
  }
  return `${shown}…`
}

/** A number and its unit of time stay on one line, and what is in brackets with them: `(in 19 s)`. */
const betweenWords = /(?<!\(in)(?:(?<!\d) | (?!(?:ms|s|min|h|d)\b))/

/** Breaks a text into lines of a width, between words. Longer words are broken. */
export function paragraph(text: string, width: number): readonly string[] {
  const lines = ['']
  for (const word of printable(text)
    .split(betweenWords)
    .flatMap((one) => piecesOf(one, width))) {
    const line = lines.at(-1) ?? ''
    if (line === '') lines[lines.length - 1] = word
    else if (displayWidth(line) + 1 + displayWidth(word) > width) lines.push(word)
    else lines[lines.length - 1] = `${line} ${word}`
  }
  return lines
}

function piecesOf(word: string, width: number): readonly string[] {
  if (displayWidth(word) <= width) return [word]
  const pieces: string[] = []
  let piece = ''
  let taken = 0
  for (const character of word) {
    const more = widthOfCharacter(character)
    if (taken + more > width) {
      pieces.push(piece)
      piece = ''
      taken = 0
    }
    piece += character
    taken += more
  }
  return [...pieces, piece]
}

/** The width of a text without control characters in a terminal. */
export function displayWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  let width = 0
  for (const character of text) width += widthOfCharacter(character)
  return width
}

/** The wide and full-width blocks of UAX #11, and emoji. */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]|[\u{1f000}-\u{1faff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u
const combining = /\p{M}/u

function widthOfCharacter(character: string): number {
  if (character <= '\u007e') return 1
  if (combining.test(character)) return 0
  return wide.test(character) ? 2 : 1
}
