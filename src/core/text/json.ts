/** JSON text and UTF-8 from anybody: read within bounds, and never with an exception. */

export type JsonObject = Readonly<Record<string, unknown>>

/**
 * Objects and lists within each other. Many readers of JSON take no more: by default 64 in .NET, 100 in Ruby, 512 in PHP.
 * Nesting also costs many times its bytes: reading 400,000 brackets takes a third of a second.
 */
export const maxJsonDepth = 200
export const tooDeep = `is nested more than ${maxJsonDepth} levels deep`

// Without `ignoreBOM` the decoder would remove a byte order mark and report nothing.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const tab = 0x09
const lineFeed = 0x0a
const carriageReturn = 0x0d
const space = 0x20
const quote = 0x22
const colon = 0x3a
const openBracket = 0x5b
const backslash = 0x5c
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

/** The text of bytes that are UTF-8; `undefined` for others. */
export function decodeUtf8(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

/**
 * The value of JSON text. `undefined`, which is no JSON value, when the text is not JSON, is nested deeper than
 * `maxDepth`, or is longer than a string can be.
 */
export function parseJson(text: string | Buffer, maxDepth: number = maxJsonDepth): unknown {
  return isTooDeep(text, maxDepth) ? undefined : parseBounded(text.toString())
}

/** Like {@link parseJson}, for text whose depth is known to be bounded. */
export function parseBounded(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Whether more than `maxDepth` objects and lists are within each other. Means nothing for text that is not JSON. */
export function isTooDeep(text: string | Buffer, maxDepth: number = maxJsonDepth): boolean {
  return outlineOf(typeof text === 'string' ? Buffer.from(text) : text, maxDepth).isTooDeep
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Without white space of JSON (RFC 8259, section 2) around it: a view, not a copy. */
export function trimmedJson(value: Buffer): Buffer {
  let from = 0
  let to = value.length
  while (from < to && isWhiteSpace(value[from])) from += 1
  while (to > from && isWhiteSpace(value[to - 1])) to -= 1
  return value.subarray(from, to)
}

function isWhiteSpace(byte: number | undefined): boolean {
  return byte === space || byte === lineFeed || byte === carriageReturn || byte === tab
}

// --- the outline --------------------------------------------------------------------------------------
// These functions read bytes: in UTF-8 no byte of a longer character equals a character of JSON's syntax.

interface Outline {
  /** Colons at the top level: an object's members, counting a key that is there twice as two. */
  readonly members: number
  readonly isTooDeep: boolean
}

/** Reads no further than to where the text is too deep. For text that is not JSON, `members` means nothing. */
export function outlineOf(text: Buffer, maxDepth: number): Outline {
  let depth = 0
  let members = 0
  for (let index = 0; index < text.length; index += 1) {
    const byte = text[index]
    if (byte === quote) index = endOfString(text, index)
    else if (byte === openBrace || byte === openBracket) {
      depth += 1
      if (depth > maxDepth) return { members, isTooDeep: true }
    } else if (byte === closeBrace || byte === closeBracket) depth -= 1
    else if (byte === colon && depth === 1) members += 1
  }
  return { members, isTooDeep: false }
}

/** The first key that a valid JSON object has twice, with escapes resolved: `"\u0065vent"` is `event`. */
export function duplicateKeyOf(text: Buffer): string {
  const seen = new Set<string>()
  let depth = 0
  let lastString = ''
  for (let index = 0; index < text.length; index += 1) {
    const byte = text[index]
    if (byte === quote) {
      const end = endOfString(text, index)
      if (depth === 1) lastString = text.toString('utf8', index, end + 1)
      index = end
    } else if (byte === openBrace || byte === openBracket) depth += 1
    else if (byte === closeBrace || byte === closeBracket) depth -= 1
    else if (byte === colon && depth === 1) {
      const key = String(JSON.parse(lastString))
      if (seen.has(key)) return key
      seen.add(key)
    }
  }
  return ''
}

/** Index of the closing quote of the string that opens at `start`. */
export function endOfString(text: Buffer, start: number): number {
  let index = start + 1
  while (index < text.length && text[index] !== quote) {
    index += text[index] === backslash ? 2 : 1
  }
  return index
}
