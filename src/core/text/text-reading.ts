/**
 * Readings: other forms of a text, such as the text without its escapes. A reading keeps where each of its units stands in
 * the original text, so that what is found in the reading can be hidden in the original.
 */

/** A text, and where each of its UTF-16 units begins and ends in the original text. */
export interface Reading {
  readonly text: string
  readonly starts: readonly number[]
  readonly ends: readonly number[]
}

/** Builds a reading, unit by unit. */
export class ReadingWriter {
  readonly #kept: string[] = []
  readonly #starts: number[] = []
  readonly #ends: number[] = []

  /** The number of units. */
  get length(): number {
    return this.#kept.length
  }

  add(unit: string, start: number, end: number): void {
    this.#kept.push(unit)
    this.#starts.push(start)
    this.#ends.push(end)
  }

  /** Adds the units of a text that together stand for one place. */
  addAll(text: string, start: number, end: number): void {
    for (let at = 0; at < text.length; at += 1) this.add(text.charAt(at), start, end)
  }

  /** Removes the newest units, so that `length` are left. */
  cutTo(length: number): void {
    this.#kept.length = length
    this.#starts.length = length
    this.#ends.length = length
  }

  written(): Reading {
    return { text: this.#kept.join(''), starts: this.#starts, ends: this.#ends }
  }
}

/** The reading that is the original text itself. */
export function readingOf(text: string): Reading {
  const starts = Array.from({ length: text.length }, (_, at) => at)
  return { text, starts, ends: starts.map((at) => at + 1) }
}

/** Whether a text has no character that begins an escape. */
export function hasNoEscape(text: string): boolean {
  return !/[%&\\]/.test(text)
}

/**
 * Percent-encoding (also when applied twice), escapes of JSON (also of JSON within JSON), escapes of code in hex and octal,
 * and references of HTML. No match begins inside a row of backslashes. A reference of HTML by a name that is not listed
 * below means nothing here: nearly all of those are punctuation or invisible.
 */
const escapes =
  /%(?:25)*([\da-f]{2})|(?:(?<!\\)\\+|%(?:25)*)(?:u(?:0000)?([\da-f]{4})|u\{0{0,10}([\da-f]{1,6})\}|x([\da-f]{2})|([0-3]?[0-7]{2})|[bfnrt])|&(?:amp;)*(?:#0{0,10}(\d{1,7});?|#x0{0,10}([\da-f]{1,6});?|([a-z]{2,24});)/gi

const htmlNames: Readonly<Record<string, string>> = {
  quot: '"',
  apos: "'",
  amp: '&',
  lt: '<',
  gt: '>',
}

/** The reading in which each escape is replaced by its meaning. Escapes of white space are dropped. */
export function unescaped(reading: Reading): Reading {
  const { text, starts, ends } = reading
  if (hasNoEscape(text)) return reading
  const writer = new ReadingWriter()
  const copy = (from: number, to: number): void => {
    for (let at = from; at < to; at += 1)
      writer.add(text.charAt(at), starts[at] ?? 0, ends[at] ?? 0)
  }
  let from = 0
  for (const { start, end, meant } of escapesIn(text)) {
    copy(from, start)
    writer.addAll(meant, starts[start] ?? 0, ends[end - 1] ?? 0)
    from = end
  }
  copy(from, text.length)
  return writer.written()
}

/** One escape, or the escapes of all bytes of one character. */
interface Escape {
  readonly start: number
  readonly end: number
  readonly meant: string
}

function* escapesIn(text: string): Generator<Escape> {
  const matches = [...text.matchAll(escapes)]
  const byteAt = (at: number): number | undefined => {
    const [before, match] = [matches[at - 1], matches[at]]
    const isNext = before !== undefined && match !== undefined && match.index === endOf(before)
    return isNext ? byteOf(match) : undefined
  }
  let until = 0
  for (const [at, first] of matches.entries()) {
    if (at < until) continue
    const character = utf8Character(byteOf(first), (ahead) => byteAt(at + ahead))
    until = at + (character?.length ?? 1)
    const end = endOf(matches[until - 1] ?? first)
    yield { start: first.index, end, meant: character?.text ?? meaningOf(first) }
  }
}

function endOf(match: RegExpExecArray): number {
  return match.index + match[0].length
}

/** The byte that an escape means; `undefined` if it means something else. */
function byteOf([, percent, , , hex, octal]: RegExpExecArray): number | undefined {
  if (octal !== undefined) return Number.parseInt(octal, 8)
  const digits = percent ?? hex
  return digits === undefined ? undefined : Number.parseInt(digits, 16)
}

function meaningOf(match: RegExpExecArray): string {
  const [, , unicode, point, , , decimal, hex, name] = match
  const digits = unicode ?? point ?? hex
  const code =
    byteOf(match) ?? (digits === undefined ? Number(decimal) : Number.parseInt(digits, 16))
  if (!Number.isNaN(code)) return code > 0x10_ffff ? '' : String.fromCodePoint(code)
  // An escape of white space has no group.
  return htmlNames[name?.toLowerCase() ?? ''] ?? ''
}

/** A character that has more than one byte in UTF-8 (RFC 3629), and the number of its bytes. */
export interface Utf8Character {
  readonly text: string
  readonly length: number
}

/**
 * The character that begins with a byte; `undefined` if the byte is ASCII, or if the bytes are not UTF-8.
 *
 * @param next returns the byte at this distance behind the first, or `undefined`
 */
export function utf8Character(
  first: number | undefined,
  next: (ahead: number) => number | undefined,
): Utf8Character | undefined {
  if (first === undefined || first < 0xc2 || first > 0xf4) return undefined
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  let code = first & (0x7f >> length)
  for (let ahead = 1; ahead < length; ahead += 1) {
    const byte = next(ahead)
    if (byte === undefined || byte >> 6 !== 0b10) return undefined
    code = (code << 6) | (byte & 0x3f)
  }
  return code > 0x10_ffff ? undefined : { text: String.fromCodePoint(code), length }
}
