/** What a file of JSON holds: one value, a list of them, or one on each line; each with its own bytes. */
import { isJsonObject, maxJsonDepth, parseJson } from '../../core/text/json-text.ts'
import { linesOf, piecesOf, trimmedPiece, type Piece } from '../../core/text/json-pieces.ts'

export interface InputValue {
  /** Where it stands, such as `line 3` or `[0]`; empty when there is only one. */
  readonly place: string
  readonly bytes: Buffer
  /** The line on which it begins, from 1; of an element of a list, the line on which the list begins. */
  readonly line: number
}

/** What is neither a list nor one value a line counts as one value, which is then not JSON. */
export function splitJson(text: Buffer): readonly InputValue[] {
  const lines = linesOf(text)
  const [first] = lines
  if (first === undefined) return []
  const whole = trimmedPiece(text, { start: 0, end: text.length })
  const bytes = cut(text, whole)
  // A list of values that are as deep as may be.
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
