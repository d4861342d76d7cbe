/**
 * The metadata of a commit: which offsets above the committed one are complete (docs/architecture.md, Offsets). Its content
 * is base64url of LEB128 lengths of runs, which begin at the committed offset and alternate: incomplete, complete,
 * incomplete, and so on. The last run is complete.
 */
import { maxContentLength, sealed, unsealed, type CommitPlace } from './sealed-metadata.ts'

/** Offsets `from` (inclusive) to `to` (exclusive). */
export interface OffsetRange {
  readonly from: number
  readonly to: number
}

/** The most bytes whose base64url text fits. */
const maxBytes = Math.floor((maxContentLength * 3) / 4)

/** Whether an offset lies in one of the ranges, which ascend and do not touch. */
export function isWithin(ranges: readonly OffsetRange[], offset: number): boolean {
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ranges[middle]?.to ?? 0) <= offset) low = middle + 1
    else high = middle
  }
  return (ranges[low]?.from ?? Number.POSITIVE_INFINITY) <= offset
}

/** The completed offsets in the metadata of a commit. */
export type CompletedRuns =
  /** They ascend, do not touch, and lie above the committed offset. There may be none. */
  | { readonly kind: 'ranges'; readonly ranges: readonly OffsetRange[] }
  /** The text was not written by this program for this commit. */
  | { readonly kind: 'foreign' }

/**
 * Encodes ranges that ascend, do not touch, and lie above the committed offset. Without ranges the text is empty. If the
 * text would be too long, the highest ranges are left out: their records will be handled again.
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

/** Reads a text that {@link encodeCompletedRuns} wrote for this place. */
export function decodeCompletedRuns(place: CommitPlace, text: string): CompletedRuns {
  if (text === '') return { kind: 'ranges', ranges: [] }
  const content = unsealed('completed', place, text)
  const lengths = content === undefined ? undefined : readLeb128(Buffer.from(content, 'base64url'))
  const ranges = lengths === undefined ? undefined : rangesOf(place.offset, lengths)
  return ranges === undefined ? { kind: 'foreign' } : { kind: 'ranges', ranges }
}

/** `undefined` if no ranges can have these lengths. */
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
