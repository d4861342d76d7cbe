/**
 * What a commit carries as metadata: which offsets at and above the committed one are complete (docs/architecture.md, Offsets). The
 * content that is sealed is base64url of alternating LEB128 run lengths: incomplete, complete, incomplete, … beginning
 * at the committed offset and ending with a complete run.
 */
import { maxContentLength, sealed, unsealed, type CommitPlace } from './sealed-metadata.ts'

/** Offsets `from` (inclusive) to `to` (exclusive). */
export interface OffsetRange {
  readonly from: number
  readonly to: number
}

/** Bytes whose base64url text still fits. */
const maxBytes = Math.floor((maxContentLength * 3) / 4)

/** What a commit's metadata says of completed offsets. */
export type CompletedRuns =
  /** Ascending, apart from each other, above the committed offset; maybe none. */
  | { readonly kind: 'ranges'; readonly ranges: readonly OffsetRange[] }
  /** The text was not written by this program for this commit. */
  | { readonly kind: 'foreign' }

/**
 * Encodes ranges that ascend, do not touch and lie above the committed offset; empty for none. Where the text would be
 * too long the highest are left out: their records are handled again, nothing is lost.
 */
export function encodeCompletedRuns(place: CommitPlace, ranges: readonly OffsetRange[]): string {
  const bytes: number[] = []
  let position = place.offset
  for (const range of ranges) {
    const before = bytes.length
    pushLeb128(bytes, range.from - position)
    pushLeb128(bytes, range.to - range.from)
    if (bytes.length > maxBytes) {
      bytes.length = before
      break
    }
    position = range.to
  }
  if (bytes.length === 0) return ''
  return sealed('completed', place, Buffer.from(bytes).toString('base64url'))
}

/** Reads what {@link encodeCompletedRuns} wrote for this place. */
export function decodeCompletedRuns(place: CommitPlace, text: string): CompletedRuns {
  if (text === '') return { kind: 'ranges', ranges: [] }
  const content = unsealed('completed', place, text)
  const lengths = content === undefined ? undefined : readLeb128(Buffer.from(content, 'base64url'))
  const ranges = lengths === undefined ? undefined : rangesOf(place.offset, lengths)
  return ranges === undefined ? { kind: 'foreign' } : { kind: 'ranges', ranges }
}

/** `undefined` for lengths that no ranges have. */
function rangesOf(base: number, lengths: readonly number[]): readonly OffsetRange[] | undefined {
  if (lengths.length % 2 !== 0) return undefined
  const ranges: OffsetRange[] = []
  let position = base
  for (let index = 0; index < lengths.length; index += 2) {
    const from = position + (lengths[index] ?? 0)
    const to = from + (lengths[index + 1] ?? 0)
    if (to <= from || from < position || !Number.isSafeInteger(to)) return undefined
    ranges.push({ from, to })
    position = to
  }
  return ranges
}

function pushLeb128(bytes: number[], value: number): void {
  let rest = value
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80)
    rest = Math.floor(rest / 0x80)
  }
  bytes.push(rest)
}

function readLeb128(bytes: Buffer): readonly number[] | undefined {
  const values: number[] = []
  let value = 0
  let scale = 1
  let isOpen = false
  for (const byte of bytes) {
    value += (byte % 0x80) * scale
    isOpen = byte >= 0x80
    if (!Number.isSafeInteger(value)) return undefined
    if (isOpen) {
      scale *= 0x80
    } else {
      values.push(value)
      value = 0
      scale = 1
    }
  }
  return isOpen ? undefined : values
}
