/**
 * Ways to read a text that may repeat something in another form. A reading knows where each of its units stands in the text
 * that it was made from, so that what is found in it can be hidden there.
 */

/** A text, and where each of its UTF-16 units begins and ends in the text at the root of all readings. */
export interface Reading {
  readonly text: string
  readonly starts: readonly number[]
  readonly ends: readonly number[]
}

/** Takes the units of a reading, one after the other. */
export class ReadingWriter {
  readonly #kept: string[] = []
  readonly #starts: number[] = []
  readonly #ends: number[] = []

  /** How many there are. */
  get length(): number {
    return this.#kept.length
  }

  /** One unit. */
  add(unit: string, start: number, end: number): void {
    this.#kept.push(unit)
    this.#starts.push(start)
    this.#ends.push(end)
  }

  /** All units of a text that stand together for one place. */
  addAll(text: string, start: number, end: number): void {
    for (let at = 0; at < text.length; at += 1) this.add(text.charAt(at), start, end)
  }

  /** Takes the newest back, so that `length` are left. */
  cutTo(length: number): void {
    this.#kept.length = length
    this.#starts.length = length
    this.#ends.length = length
  }

  written(): Reading {
    return { text: this.#kept.join(''), starts: this.#starts, ends: this.#ends }
  }
}

/** The text as it is. */
export function readingOf(text: string): Reading {
  const starts = Array.from({ length: text.length }, (_, at) => at)
  return { text, starts, ends: starts.map((at) => at + 1) }
}

/** Whether nothing in it can be an escape. */
export function hasNoEscape(text: string): boolean {
  return !/[%&\\]/.test(text)
}

/**
 * Percent-encoding (of itself too), escapes of JSON within JSON, of code in hex and octal, and of HTML. No start lies within
 * a row of backslashes. References of HTML to characters by other names than those below mean nothing: nearly all of these are
 * punctuation, or not shown.
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

/** The reading in which escapes are what they mean. Escapes of white space are dropped. */
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

/** One escape, or those of the bytes of one character. */
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

/** What an escape of a byte means; `undefined` for escapes of anything else. */
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
  // Escapes of white space alone have no group.
  return htmlNames[name?.toLowerCase() ?? ''] ?? ''
}

/** A character of more than one byte in UTF-8 (RFC 3629), and of how many. */
export interface Utf8Character {
  readonly text: string
  readonly length: number
}

/**
 * The character that begins with a byte; `undefined` where that is ASCII, or where these bytes are no UTF-8.
 *
 * @param next gives the byte that follows by so many, or `undefined`
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
