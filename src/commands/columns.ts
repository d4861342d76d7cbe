/** Tables that fit the width of a terminal. */
import { printable } from '../core/text/printable-text.ts'

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
}

/** A column as it is shown. */
export interface Fitted {
  readonly heading: string
  /** Its index among all columns. */
  readonly index: number
  readonly width: number
  readonly isNumber: boolean
  /** Whether longer cells are cut, so that lines fit the terminal. */
  readonly isCut: boolean
}

const gap = '  '

/**
 * Chooses the columns that fit, by rank. A column is added only after all columns before it have their maximum width.
 *
 * @param columns of the terminal; `undefined` without a terminal: then all columns are shown and nothing is cut
 */
export function fitted(all: readonly Column[], columns: number | undefined): readonly Fitted[] {
  const isCut = columns !== undefined
  const shown = isCut ? chosen(all, columns) : all.map((column, index) => ({ column, index }))
  const widths = new Map(shown.map(({ column, index }) => [index, isCut ? column.min : column.max]))
  let left = isCut ? columns - sumOf(shown.map(({ column }) => column.min)) : 0
  for (const { column, index } of byRank(shown)) {
    const more = Math.max(0, Math.min(left, column.max - column.min))
    widths.set(index, (widths.get(index) ?? 0) + more)
    left -= more
  }
  return shown.map(({ column, index }) => ({
    heading: column.heading,
    index,
    width: widths.get(index) ?? column.min,
    isNumber: column.isNumber === true,
    isCut,
  }))
}

interface Placed {
  readonly column: Column
  readonly index: number
}

function chosen(all: readonly Column[], columns: number): readonly Placed[] {
  let shown: readonly Placed[] = []
  for (const one of byRank(all.map((column, index) => ({ column, index })))) {
    // Columns of rank 0 always fit. Others need room beside the maximum widths of those before.
    const isBehind = one.column.rank > 0
    const before = shown.map(({ column }) => (isBehind ? column.max : column.min))
    if (isBehind && sumOf([...before, one.column.min]) > columns) break
    shown = [...shown, one]
  }
  return shown.toSorted((one, other) => one.index - other.index)
}

function byRank(placed: readonly Placed[]): readonly Placed[] {
  return placed.toSorted((one, other) => one.column.rank - other.column.rank)
}

/** The width of cells side by side. */
function sumOf(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, gap.length * (widths.length - 1))
}

/** The heading of a table. */
export function headingOf(columns: readonly Fitted[]): string {
  return joined(columns, (column) => column.heading)
}

/** @param cells one for each column, shown or not */
export function rowOf(columns: readonly Fitted[], cells: readonly string[]): string {
  return joined(columns, ({ index }) => cells[index] ?? '')
}

/** The shown cells, padded to the widths of their columns. @param cells one for each column, shown or not */
export function cellsOf(columns: readonly Fitted[], cells: readonly string[]): readonly string[] {
  return columns.map((column) => filled(column, cells[column.index] ?? ''))
}

function joined(columns: readonly Fitted[], textOf: (column: Fitted) => string): string {
  return columns
    .map((column) => filled(column, textOf(column)))
    .join(gap)
    .trimEnd()
}

function filled({ width, isNumber, isCut }: Fitted, cell: string): string {
  // Measured as printed: escaping makes text longer.
  const text = isCut ? cut(cell, width) : printable(cell)
  const space = ' '.repeat(Math.max(0, width - displayWidth(text)))
  return isNumber ? space + text : text + space
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

/** Breaks a text into lines of a width, between words. Longer words are broken. */
export function paragraph(text: string, width: number): readonly string[] {
  const lines = ['']
  for (const word of printable(text)
    .split(' ')
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
