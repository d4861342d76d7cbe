/** Reads one JSON object from bytes, and says exactly why when there is none. */
import type { Rejection, RejectionReason } from '../model/model.ts'

export type JsonObject = Readonly<Record<string, unknown>>

export interface Rejected {
  readonly kind: 'rejected'
  readonly rejection: Rejection
}

export type ReadJsonObject =
  | {
      readonly kind: 'object'
      /** The bytes as they came, outer white space trimmed: a view, not a copy. */
      readonly text: Buffer
      /** Own properties only, `__proto__` among them if the text has it. */
      readonly members: JsonObject
    }
  | Rejected

/**
 * Objects and lists within each other. Many readers of JSON take no more: 64 of .NET's and 100 of Ruby's by default, 512
 * of PHP's. And what is nested costs many times its bytes: reading 400,000 brackets takes a third of a second.
 */
export const maxJsonDepth = 200
export const tooDeep = `is nested more than ${maxJsonDepth} levels deep`

/** Names come from outside: what is kept of them is bounded. */
const maxFieldLength = 128
// Without `ignoreBOM` the decoder would silently take a byte order mark away.
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

export function rejected(reason: RejectionReason, field: string, message: string): Rejected {
  return { kind: 'rejected', rejection: { reason, field: field.slice(0, maxFieldLength), message } }
}

/** Text of bytes that must be UTF-8; `undefined` when they are not. */
export function decodeUtf8(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

/**
 * Reads a JSON object whose top-level keys are all different: of two equal ones some readers take the first and others
 * the last, so the signed bytes would mean different things to different receivers.
 */
export function readJsonObject(bytes: Buffer | null): ReadJsonObject {
  const text = bytes === null ? undefined : trimmed(bytes)
  if (text === undefined || text.length === 0) {
    return rejected('empty-value', '', 'The record has no value.')
  }
  if (text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf) {
    return rejected('byte-order-mark', '', 'The value begins with a byte order mark.')
  }
  const decoded = decodeUtf8(text)
  if (decoded === undefined) return rejected('invalid-utf8', '', 'The value is not UTF-8.')
  const outline = outlineOf(text, maxJsonDepth)
  if (outline.isTooDeep) return rejected('too-deep', '', `The value ${tooDeep}.`)
  const value = parsed(decoded)
  // The platform's message quotes the value, which must not reach logs.
  if (value === undefined) return rejected('invalid-json', '', 'The value is not JSON.')
  if (!isJsonObject(value)) {
    return rejected('not-an-object', '', 'The value is JSON, but not an object.')
  }
  if (outline.members !== Object.keys(value).length) {
    return rejected('duplicate-key', duplicateKeyOf(text), 'The object has a key twice.')
  }
  return { kind: 'object', text, members: value }
}

/**
 * The value of JSON text; `undefined`, which JSON has not, when it is none, is nested deeper or is longer than text can be.
 */
export function parseJson(text: string | Buffer, maxDepth: number = maxJsonDepth): unknown {
  return isTooDeep(text, maxDepth) ? undefined : parsed(text.toString())
}

/** Whether more than so many objects and lists are within each other. Of what is no JSON it says nothing. */
export function isTooDeep(text: string | Buffer, maxDepth: number = maxJsonDepth): boolean {
  return outlineOf(typeof text === 'string' ? Buffer.from(text) : text, maxDepth).isTooDeep
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function trimmed(value: Buffer): Buffer {
  let from = 0
  let to = value.length
  while (from < to && isWhiteSpace(value[from])) from += 1
  while (to > from && isWhiteSpace(value[to - 1])) to -= 1
  return value.subarray(from, to)
}

/** White space of JSON (RFC 8259 section 2), which is less than that of JavaScript. */
function isWhiteSpace(byte: number | undefined): boolean {
  return byte === space || byte === lineFeed || byte === carriageReturn || byte === tab
}

// --- the outline --------------------------------------------------------------------------------------
// Both functions read bytes: in UTF-8 no part of a longer character looks like one of JSON's own.

interface Outline {
  /** Of an object. One colon at the top level is one: enough to notice a key that is there twice, in one pass. */
  readonly members: number
  readonly isTooDeep: boolean
}

/** Of text that may not be JSON: then the members mean nothing. Looks no further than to where it is too deep. */
function outlineOf(text: Buffer, maxDepth: number): Outline {
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

/** The first key of a valid JSON object that was there before, escapes resolved: `"\u0065vent"` is `event`. */
function duplicateKeyOf(text: Buffer): string {
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
