/** Cuts pieces out of JSON text without parsing and writing it again, so that each byte stays as it was. */
import { endOfString } from '../../core/text/json-text.ts'

/** Byte positions: `start` is included, `end` is not. White space around a piece is left out. */
export interface Piece {
  readonly start: number
  readonly end: number
}

const quote = 0x22
const comma = 0x2c
const opening = new Set([0x5b, 0x7b])
const closing = new Set([0x5d, 0x7d])
const whiteSpace = new Set([0x09, 0x0a, 0x0d, 0x20])

/** The elements of a JSON array, or the members of an object. The text must be valid JSON. */
export function piecesOf(text: Buffer): readonly Piece[] {
  const pieces: Piece[] = []
  let depth = 0
  let start = 0
  const close = (end: number): void => {
    const piece = trimmedPiece(text, { start, end })
    if (piece.end > piece.start) pieces.push(piece)
    start = end + 1
  }
  for (let index = 0; index < text.length; index += 1) {
    const byte = text[index] ?? 0
    if (byte === quote) index = endOfString(text, index)
    else if (opening.has(byte)) {
      depth += 1
      if (depth === 1) start = index + 1
    } else if (closing.has(byte)) {
      if (depth === 1) close(index)
      depth -= 1
    } else if (byte === comma && depth === 1) close(index)
  }
  return pieces
}

/** The text of an object without one of its members, and without the comma beside it. */
export function withoutMember(text: Buffer, name: string): Buffer {
  const members = piecesOf(text)
  const index = members.findIndex((member) => nameOf(text, member) === name)
  const member = members[index]
  if (member === undefined) return text
  const before = members[index - 1]
  const after = members[index + 1]
  const start = before?.end ?? member.start
  const end = before === undefined ? (after?.start ?? member.end) : member.end
  return Buffer.concat([text.subarray(0, start), text.subarray(end)])
}

/** The piece without white space at its ends. */
export function trimmedPiece(text: Buffer, { start, end }: Piece): Piece {
  let from = start
  let to = end
  while (from < to && whiteSpace.has(text[from] ?? 0)) from += 1
  while (to > from && whiteSpace.has(text[to - 1] ?? 0)) to -= 1
  return { start: from, end: to }
}

export interface LinePiece extends Piece {
  /** The number of the line, from 1. */
  readonly line: number
}

/** The lines of a text that are not empty. */
export function linesOf(text: Buffer): readonly LinePiece[] {
  const lines: LinePiece[] = []
  let line = 0
  for (let start = 0; start < text.length;) {
    const found = text.indexOf('\n', start)
    const end = found < 0 ? text.length : found
    const piece = trimmedPiece(text, { start, end })
    line += 1
    if (piece.end > piece.start) lines.push({ ...piece, line })
    start = end + 1
  }
  return lines
}

function nameOf(text: Buffer, member: Piece): unknown {
  return JSON.parse(text.toString('utf8', member.start, endOfString(text, member.start) + 1))
}
