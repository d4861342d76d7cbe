/**
 * Decodes text within a text: base64 and base64url, hex, lists of bytes, and quoted-printable. Nothing marks where such a
 * part begins, so each way to cut the text into bytes is tried, and results that look like text are kept. There are always
 * eleven ways, and each takes time linear in the length of the text.
 */
import { ReadingWriter, utf8Character, type Reading } from './text-reading.ts'

/** Bytes, each with the range of units of the reading that it was made of: `from` inclusive, `to` exclusive. */
class Bytes {
  /** Has {@link gap} between bytes that do not belong together. */
  readonly values: Int16Array
  readonly from: Int32Array
  readonly to: Int32Array
  length = 0

  /** @param most the most bytes and gaps that will be added */
  constructor(most: number) {
    this.values = new Int16Array(most)
    this.from = new Int32Array(most)
    this.to = new Int32Array(most)
  }

  add(value: number, from: number, to: number): void {
    const at = this.length
    this.values[at] = value
    this.from[at] = from
    this.to[at] = to
    this.length = at + 1
  }

  /** Begins a new part: bytes after this do not belong to those before. */
  part(): void {
    if (!this.isParted) this.add(gap, 0, 0)
  }

  get isParted(): boolean {
    return this.length === 0 || this.values[this.length - 1] === gap
  }
}

const gap = -1
/** Stands before each stretch of text, so that nothing is found across two of them. No text to be found has it. */
export const apart = '\uFFFF'
/** In bytes. Decoding something that is not text nearly always gives shorter stretches of text. */
const shortestText = 4

/** For each way to decode the text, the reading of what looks like text in the result, if there is any. */
export function* decodings(reading: Reading): Generator<Reading> {
  const { text } = reading
  for (const bytes of [...base64Ways(text), ...hexWays(text), ...listWays(text)]) {
    yield* textIn(bytes, reading)
  }
  const printable = quotedPrintable(text)
  if (printable !== undefined) yield* textIn(printable, reading)
}

// --- from bytes to text --------------------------------------------------------------------------------

/** One reading of all stretches of text among the bytes; none if there are no stretches. */
function* textIn(bytes: Bytes, reading: Reading): Generator<Reading> {
  const { values } = bytes
  let writer: ReadingWriter | undefined
  let from = 0
  for (let at = 0; at <= bytes.length; at += 1) {
    if (isMaybeText(at < bytes.length ? values[at] : gap)) continue
    if (at - from >= shortestText)
      addText((writer ??= new ReadingWriter()), bytes, { from, to: at, reading })
    from = at + 1
  }
  if (writer !== undefined && writer.length > 0) yield writer.written()
}

/** Whether a byte can be a part of text. Bytes beyond ASCII are checked later, together with their neighbours. */
function isMaybeText(byte = gap): boolean {
  return byte >= 0x80 || isPlainText(byte)
}

/** Zeros count: UTF-16 has them between characters. */
function isPlainText(byte: number): boolean {
  return byte === 0 || (byte >= 0x20 && byte < 0x7f) || (byte >= 0x09 && byte <= 0x0d)
}

interface Stretch {
  readonly from: number
  readonly to: number
  readonly reading: Reading
}

/** Adds a stretch, without bytes that are neither ASCII nor UTF-8, and without short pieces between those. */
function addText(writer: ReadingWriter, bytes: Bytes, { from, to, reading }: Stretch): void {
  let since = writer.length
  const close = (): void => {
    if (writer.length - since <= shortestText) writer.cutTo(since)
    since = writer.length
  }
  for (let at = from; at < to;) {
    const { text, length } = characterAt(bytes, at)
    if (text === undefined) close()
    else {
      if (writer.length === since) writer.add(apart, 0, 0)
      const [start, end] = [bytes.from[at], (bytes.to[at + length - 1] ?? 1) - 1]
      writer.addAll(text, reading.starts[start ?? 0] ?? 0, reading.ends[end] ?? 0)
    }
    at += length
  }
  close()
}

interface Character {
  /** `undefined` for a byte that is not a part of text. */
  readonly text: string | undefined
  /** In bytes. */
  readonly length: number
}

function characterAt({ values }: Bytes, at: number): Character {
  const byte = values[at] ?? gap
  const character = utf8Character(byte, (ahead) => values[at + ahead])
  if (character !== undefined) return character
  if (byte >= 0x80) return { text: undefined, length: 1 }
  return { text: byte === 0 ? '' : String.fromCharCode(byte), length: 1 }
}

// --- digits of base64 (RFC 4648, both alphabets) and of hex ------------------------------------------------

/** By the code of a unit, its value as a digit or one of the two constants below. */
type Alphabet = Int8Array

/** The unit may stand between digits that belong together. */
const passed = -1
const noDigit = -2

function alphabetOf(digits: readonly string[], between: string): Alphabet {
  const alphabet = new Int8Array(128).fill(noDigit)
  for (const unit of between) alphabet[unit.charCodeAt(0)] = passed
  for (const row of digits)
    for (let value = 0; value < row.length; value += 1) alphabet[row.charCodeAt(value)] = value
  return alphabet
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const base64Row = `${letters}${letters.toLowerCase()}0123456789`
/** Separators of the lines of a text and of the items of a list. */
const lines = ' \t\r\n"\','
const base64 = alphabetOf([`${base64Row}+/`, `${base64Row}-_`], lines)
/** Dumps also have other separators between bytes. */
const hex = alphabetOf(['0123456789abcdef', '0123456789ABCDEF'], `${lines}:;.-_|/`)

function base64Ways(text: string): readonly Bytes[] {
  const digits = digitsOf(text, base64)
  return [0, 1, 2, 3].map((skipped) => bytesOf(digits, { skipped, bits: 6 }))
}

function hexWays(text: string): readonly Bytes[] {
  const digits = digitsOf(text.replaceAll(/0x/gi, '  '), hex)
  return [0, 1].map((skipped) => bytesOf(digits, { skipped, bits: 4 }))
}

/** The digits of the text. A gap stands where other units part them. */
function digitsOf(text: string, alphabet: Alphabet): Bytes {
  const digits = new Bytes(text.length)
  for (let at = 0; at < text.length; at += 1) {
    const value = alphabet[text.charCodeAt(at)] ?? noDigit
    if (value >= 0) digits.add(value, at, at + 1)
    else if (value === noDigit) digits.part()
  }
  return digits
}

/** Joins digits to bytes. `skipped` digits are left out at the beginning of each run; a digit has `bits` bits. */
function bytesOf(
  digits: Bytes,
  { skipped, bits }: { readonly skipped: number; readonly bits: number },
): Bytes {
  const bytes = new Bytes(digits.length)
  let [held, holds, left, from] = [0, 0, skipped, 0]
  for (let index = 0; index < digits.length; index += 1) {
    const value = digits.values[index] ?? gap
    const at = digits.from[index] ?? 0
    if (value === gap) {
      bytes.part()
      ;[held, holds, left] = [0, 0, skipped]
    } else if (left > 0) left -= 1
    else {
      if (holds === 0) from = at
      held = (held << bits) | value
      holds += bits
      if (holds < 8) continue
      holds -= 8
      bytes.add(held >> holds, from, at + 1)
      held &= (1 << holds) - 1
      from = at
    }
  }
  return bytes
}

// --- lists of bytes ------------------------------------------------------------------------------------

/** Most characters of a byte as a number, with its sign. */
const longestByte = 4

/**
 * Arrays of bytes, as JSON and most languages print them. Four ways: all numbers; each second number, from the first or from
 * the second on, because an index or a size may stand with each byte; and all numbers read as octal. What stands between
 * the numbers does not matter.
 */
function listWays(text: string): readonly Bytes[] {
  const ways = [0, 1, 2].map(() => new Bytes(text.length))
  const octal = new Bytes(text.length)
  let count = 0
  for (const { 0: digits, index } of text.matchAll(/-?\d+/g)) {
    const end = index + digits.length
    const put = (way: Bytes | undefined, byte: number | undefined): void => {
      if (byte === undefined) way?.part()
      else way?.add(byte, index, end)
    }
    const byte = numberOf(digits, 10)
    count += 1
    put(ways[0], byte)
    put(ways[1 + (count % 2)], byte)
    put(octal, numberOf(digits, 8))
  }
  return [...ways, octal]
}

/** `undefined` if the number is not a byte. */
function numberOf(digits: string, radix: 8 | 10): number | undefined {
  if (digits.length > longestByte || (radix === 8 && /[89-]/.test(digits))) return undefined
  const number = Number.parseInt(digits, radix)
  return number >= -128 && number <= 255 ? number & 0xff : undefined
}

// --- quoted-printable (RFC 2045, 6.7) ------------------------------------------------------------------

/** `undefined` if the text has nothing in quoted-printable. */
function quotedPrintable(text: string): Bytes | undefined {
  const quoted = [...text.matchAll(/=(?:([\dA-F]{2})|[\t ]*\r?\n)/gi)]
  if (quoted.length === 0) return undefined
  const bytes = new Bytes(Buffer.byteLength(text))
  let from = 0
  const copy = (to: number): void => {
    for (const character of text.slice(from, to)) {
      const end = from + character.length
      for (const byte of Buffer.from(character)) bytes.add(byte, from, end)
      from = end
    }
  }
  for (const { 0: whole, 1: digits, index } of quoted) {
    copy(index)
    from = index + whole.length
    if (digits !== undefined) bytes.add(Number.parseInt(digits, 16), index, from)
  }
  copy(text.length)
  return bytes
}
