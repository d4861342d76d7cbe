/** Splits a JSON file into its values: one value, the items of a list, or one value per line; each with its bytes. */
import { isJsonObject, maxJsonDepth, parseJson } from '../../core/text/json-text.ts'
import { linesOf, piecesOf, trimmedPiece, type Piece } from './json-pieces.ts'

export interface InputValue {
  /** Its place in the file, such as `line 3` or `[0]`; empty if the file has one value. */
  readonly place: string
  readonly bytes: Buffer
  /** The line on which it begins, from 1. For an item of a list: the line on which the list begins. */
  readonly line: number
}

/** A text in none of the three forms is returned as one value, which is not JSON then. */
export function splitJson(text: Buffer): readonly InputValue[] {
  const lines = linesOf(text)
  const [first] = lines
  if (first === undefined) return []
  const whole = trimmedPiece(text, { start: 0, end: text.length })
  const bytes = cut(text, whole)
  // One level more than a value may have, for the list around it.
  const parsed = parseJson(bytes, maxJsonDepth + 1)
  if (Array.isArray(parsed)) {
    const { line } = first
    return piecesOf(bytes).map((piece, index) => {
      return { place: `[${index}]`, bytes: cut(bytes, piece), line }
    })
  }
  const isByLine =
    parsed === undefined &&
    bytes.toString('utf8', 0, 1) !== '[' &&
    lines.some((line) => isJsonObject(parseJson(cut(text, line))))
  if (!isByLine) return [{ place: '', bytes, line: first.line }]
  return lines.map((piece) => {
    const { line } = piece
    return { place: `line ${line}`, bytes: cut(text, piece), line }
  })
}

function cut(text: Buffer, { start, end }: Piece): Buffer {
  return text.subarray(start, end)
}
