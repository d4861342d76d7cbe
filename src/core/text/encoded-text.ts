/**
 * What stands in a text in an encoding that changes every character: base64 and base64url, hex, lists of bytes, and
 * quoted-printable. Nobody says where such a thing begins, so each way to cut the text into bytes is tried, and what comes out
 * as text is kept. There are eleven ways, whatever the text holds, and each is linear in its length.
 */
import { ReadingWriter, utf8Character, type Reading } from './text-reading.ts'

/** Bytes, and the units of the reading that each was made of: from the first one to the one behind the last. */
class Bytes {
  /** {@link gap} between bytes that do not belong together. */
  readonly values: Int16Array
  readonly from: Int32Array
  readonly to: Int32Array
  length = 0

  /** @param most how many there can be, gaps included */
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

  /** What follows does not belong to what was added before. */
  part(): void {
    if (!this.isParted) this.add(gap, 0, 0)
  }

  get isParted(): boolean {
    return this.length === 0 || this.values[this.length - 1] === gap
  }
}

const gap = -1
/** Stands before each stretch of text, since none belongs to the one before. No text that is looked for holds it. */
export const apart = '\uFFFF'
/** Text that comes out where none was put in is shorter than this, nearly always. In bytes. */
const shortestText = 4

/** What each way to decode the text brings to light, where that is text. */
export function* decodings(reading: Reading): Generator<Reading> {
  const { text } = reading
  for (const bytes of [...base64Ways(text), ...hexWays(text), ...listWays(text)]) {
    yield* textIn(bytes, reading)
  }
  const printable = quotedPrintable(text)
  if (printable !== undefined) yield* textIn(printable, reading)
}

// --- from bytes to text --------------------------------------------------------------------------------

/** The stretches of text among the bytes, as one reading; none when there are none. */
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

/** Whether a byte can be a part of text; what is not ASCII is judged with its neighbours. */
function isMaybeText(byte = gap): boolean {
  return byte >= 0x80 || isPlainText(byte)
}

/** Of zeros too, which UTF-16 has between characters. */
function isPlainText(byte: number): boolean {
  return byte === 0 || (byte >= 0x20 && byte < 0x7f) || (byte >= 0x09 && byte <= 0x0d)
}

interface Stretch {
  readonly from: number
  readonly to: number
  readonly reading: Reading
}

/** Leaves out what is neither ASCII nor UTF-8, and what is short between. */
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
  /** `undefined` for a byte that stands in no text. */
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

/** What units are as digits, by their code: a value, or one of the two below. */
type Alphabet = Int8Array

/** Stands between digits that belong together. */
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
/** Lines of a text, and items of a list, are apart by these. */
const lines = ' \t\r\n"\','
const base64 = alphabetOf([`${base64Row}+/`, `${base64Row}-_`], lines)
/** And these stand between the bytes of dumps. */
const hex = alphabetOf(['0123456789abcdef', '0123456789ABCDEF'], `${lines}:;.-_|/`)

function base64Ways(text: string): readonly Bytes[] {
  const digits = digitsOf(text, base64)
  return [0, 1, 2, 3].map((skipped) => bytesOf(digits, { skipped, bits: 6 }))
}

function hexWays(text: string): readonly Bytes[] {
  const digits = digitsOf(text.replaceAll(/0x/gi, '  '), hex)
  return [0, 1].map((skipped) => bytesOf(digits, { skipped, bits: 4 }))
}

/** As bytes of a few bits: those that follow each other are not parted by a gap. */
function digitsOf(text: string, alphabet: Alphabet): Bytes {
  const digits = new Bytes(text.length)
  for (let at = 0; at < text.length; at += 1) {
    const value = alphabet[text.charCodeAt(at)] ?? noDigit
    if (value >= 0) digits.add(value, at, at + 1)
    else if (value === noDigit) digits.part()
  }
  return digits
}

/** @param way how many digits are left out at the beginning of each run, and how many bits a digit has */
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

/** With a sign. */
const longestByte = 4

/**
 * As JSON, and most languages, print an array of bytes: all numbers, or each second one where they stand with their index or
 * with the size of a type; and all in octal. What stands between them is not looked at.
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

/** `undefined` for what is no byte. */
function numberOf(digits: string, radix: 8 | 10): number | undefined {
  if (digits.length > longestByte || (radix === 8 && /[89-]/.test(digits))) return undefined
  const number = Number.parseInt(digits, radix)
  return number >= -128 && number <= 255 ? number & 0xff : undefined
}

// --- quoted-printable (RFC 2045, 6.7) ------------------------------------------------------------------

/** `undefined` where nothing is quoted. */
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
