/**
 * The text that a commit carries as metadata: which offsets at and above the committed one are complete (design
 * section 8). A version character, then base64url of alternating LEB128 run lengths: incomplete, complete, incomplete, …
 * beginning at the committed offset and ending with a complete run.
 */

/** Offsets `from` (inclusive) to `to` (exclusive). */
export interface OffsetRange {
  readonly from: number
  readonly to: number
}

/** Kafka refuses metadata over `offset.metadata.max.bytes`, 4,096 by default. */
export const maxMetadataLength = 4_096
const version = '1'
/** Bytes whose base64url text, with the version character before it, still fits. */
const maxBytes = Math.floor(((maxMetadataLength - version.length) * 3) / 4)

/**
 * Encodes ranges that ascend, do not touch and lie above `base`. Where the text would be too long the highest are left
 * out: their records are handled again, nothing is lost.
 */
export function encodeCompletedRuns(base: number, ranges: readonly OffsetRange[]): string {
  const bytes: number[] = []
  let position = base
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
  return bytes.length === 0 ? '' : version + Buffer.from(bytes).toString('base64url')
}

/** Reads what {@link encodeCompletedRuns} wrote. Anything else, another program's metadata included, gives no range. */
export function decodeCompletedRuns(base: number, text: string): readonly OffsetRange[] {
  if (!text.startsWith(version) || !/^[\w-]*$/.test(text)) return []
  const lengths = readLeb128(Buffer.from(text.slice(version.length), 'base64url'))
  if (lengths === undefined || lengths.length % 2 !== 0) return []
  const ranges: OffsetRange[] = []
  let position = base
  for (let index = 0; index < lengths.length; index += 2) {
    const from = position + (lengths[index] ?? 0)
    const to = from + (lengths[index + 1] ?? 0)
    if (to <= from || from < position || !Number.isSafeInteger(to)) return []
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
