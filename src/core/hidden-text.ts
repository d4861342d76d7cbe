/**
 * Takes out of a text what must not be kept of it. Texts that echo something seldom repeat it as it was: JSON within JSON,
 * percent-encoding, HTML, wrapped lines and other quotes change it. So both sides are compared in a *folded* form, in which
 * such differences are gone.
 *
 * All of it is linear in the lengths of the texts, whatever they hold: whoever writes them may want it to be slow.
 */

/** Stands in place of what was taken out. */
export const hiddenMark = '(hidden)'

/** What is to be hidden. Texts are folded but for sources, which only longer texts can repeat. */
export interface Hidden {
  /** Hidden wherever at least {@link pieceLength} characters of one stand, or all of a shorter one. */
  readonly secrets: readonly string[]
  /** Hidden where they stand as a whole. At most {@link maxWholes} of those that the text may have. */
  readonly wholes: readonly string[]
  /** Hidden wherever {@link runLength} characters in a row are those of one of these. */
  readonly sources: readonly string[]
}

/** A piece of a secret that is too short to be of use, and too long to stand anywhere by chance. */
const pieceLength = 12
/** At the end of a text that was cut, what may be the beginning of a secret is hidden from this length on. */
const shortestTail = 4
/** Longer than the names of fields and events, which messages about what was sent have to name. */
const runLength = 32
const windowLength = runLength / 2
const maxWholes = 1_000

interface Folded {
  readonly text: string
  /** Where each of its characters begins and ends in the text that was folded. */
  readonly starts: readonly number[]
  readonly ends: readonly number[]
}

/**
 * The text with its parts hidden, or `undefined` when there is more to look for than may be.
 *
 * @param isCut whether the end of the text is missing
 */
export function hide(text: string, hidden: Hidden, isCut: boolean): string | undefined {
  const folded = foldedWithPlaces(text)
  const isHidden = new Uint8Array(folded.text.length)
  markPieces(folded.text, hidden.secrets, isHidden)
  if (!markWholes(folded.text, hidden.wholes, isHidden)) return undefined
  if (folded.text.length >= runLength) {
    for (const source of hidden.sources) markRuns(folded.text, foldedText(source), isHidden)
  }
  if (isCut) markTail(folded.text, [...hidden.secrets, ...hidden.wholes], isHidden)
  return withMarks(text, folded, isHidden)
}

/** A text in the form in which texts are compared. */
export function foldedText(text: string): string {
  return isPlain(text) ? foldedUnits(text) : foldedWithPlaces(text).text
}

/** Whether nothing in it can be an escape. */
function isPlain(text: string): boolean {
  return !/[%&\\]/.test(text)
}

function foldedUnits(text: string): string {
  let folded = ''
  for (let at = 0; at < text.length; at += 1) folded += foldedUnit(text.charAt(at))
  return folded
}

/** Percent-encoding (of itself too), escapes of JSON within JSON, of code, and of HTML. No start lies within a row of backslashes. */
const escapes =
  /%(?:25)*([\da-f]{2})|(?<!\\)\\+(?:u([\da-f]{4})|u\{0{0,10}([\da-f]{1,6})\}|x([\da-f]{2})|[bfnrt])|&(?:amp;)*(?:#0{0,10}(\d{1,7})|#x0{0,10}([\da-f]{1,6})|(quot|apos|amp|lt|gt));/gi

const htmlNames: Readonly<Record<string, string>> = {
  quot: '"',
  apos: "'",
  amp: '&',
  lt: '<',
  gt: '>',
}

function foldedWithPlaces(text: string): Folded {
  const kept: string[] = []
  const starts: number[] = []
  const ends: number[] = []
  let from = 0
  const add = (unit: string, start: number, end: number): void => {
    const folded = foldedUnit(unit)
    if (folded === '') return
    kept.push(folded)
    starts.push(start)
    ends.push(end)
  }
  for (const { start, end, meant } of escapesIn(text)) {
    for (; from < start; from += 1) add(text.charAt(from), from, from + 1)
    for (let at = 0; at < meant.length; at += 1) add(meant.charAt(at), start, end)
    from = end
  }
  for (; from < text.length; from += 1) add(text.charAt(from), from, from + 1)
  return { text: kept.join(''), starts, ends }
}

/** One escape, or those of the bytes of one character. */
interface Escape {
  readonly start: number
  readonly end: number
  readonly meant: string
}

function* escapesIn(text: string): Generator<Escape> {
  const matches = [...text.matchAll(escapes)]
  let until = 0
  for (const [at, first] of matches.entries()) {
    if (at < until) continue
    const length = utf8Length(byteOf(first))
    const code = length === 1 ? undefined : codePointOf(matches, at, length)
    until = at + (code === undefined ? 1 : length)
    const end = endOf(matches[until - 1] ?? first)
    const meant = code === undefined ? unescaped(first) : String.fromCodePoint(code)
    yield { start: first.index, end, meant }
  }
}

/** Of the `length` bytes of a character in UTF-8; `undefined` where they are none, or something stands between them. */
function codePointOf(
  matches: readonly RegExpExecArray[],
  from: number,
  length: number,
): number | undefined {
  let code = 0
  let end: number | undefined
  for (let at = from; at < from + length; at += 1) {
    const match = matches[at]
    const byte = byteOf(match)
    if (match === undefined || byte === undefined) return undefined
    if (end === undefined) code = byte & (0x7f >> length)
    else if (match.index !== end || byte >> 6 !== 0b10) return undefined
    else code = (code << 6) | (byte & 0x3f)
    end = endOf(match)
  }
  return code > 0x10_ffff ? undefined : code
}

function endOf(match: RegExpExecArray): number {
  return match.index + match[0].length
}

/** What an escape of a byte means; `undefined` for escapes of anything else. */
function byteOf(match: RegExpExecArray | undefined): number | undefined {
  const digits = match?.[1] ?? match?.[4]
  return digits === undefined ? undefined : Number.parseInt(digits, 16)
}

/** How many bytes a character has that begins with this one. */
function utf8Length(byte = 0): number {
  if (byte < 0xc2 || byte > 0xf4) return 1
  if (byte < 0xe0) return 2
  return byte < 0xf0 ? 3 : 4
}

function unescaped([, percent, unicode, point, byte, decimal, hex, name]: RegExpExecArray): string {
  const digits = percent ?? unicode ?? point ?? byte ?? hex
  const code = digits === undefined ? Number(decimal) : Number.parseInt(digits, 16)
  if (!Number.isNaN(code)) return code > 0x10_ffff ? '' : String.fromCodePoint(code)
  // Escapes of white space alone have no group: white space is dropped.
  return htmlNames[name?.toLowerCase() ?? ''] ?? ''
}

/**
 * Dropped are white space, and what stands for it in forms, quotes and what escapes them, and what differs between the two
 * alphabets of base64 or pads it.
 */
const asciiUnits: readonly string[] = Array.from({ length: 128 }, (_, code) => {
  const unit = String.fromCodePoint(code).toLowerCase()
  return /[\s\\"'`=+/_-]/.test(unit) ? '' : unit
})

function foldedUnit(unit: string): string {
  const known = asciiUnits[unit.charCodeAt(0)]
  if (known !== undefined) return known
  const lower = unit.toLowerCase()
  return lower.length === 1 ? lower.trim() : unit
}

function markPieces(text: string, secrets: readonly string[], isHidden: Uint8Array): void {
  const byLength = new Map<number, Set<string>>()
  for (const secret of secrets) {
    const length = Math.min(secret.length, pieceLength)
    const pieces = byLength.get(length) ?? new Set()
    byLength.set(length, pieces)
    for (let at = 0; at + length <= secret.length; at += 1)
      pieces.add(secret.slice(at, at + length))
  }
  for (const [length, pieces] of byLength) {
    for (let at = 0; at + length <= text.length; at += 1) {
      if (pieces.has(text.slice(at, at + length))) isHidden.fill(1, at, at + length)
    }
  }
}

/** `false` when there are too many to look for. */
function markWholes(text: string, wholes: readonly string[], isHidden: Uint8Array): boolean {
  if (wholes.length === 0) return true
  const beginning = wholes.reduce((least, { length }) => Math.min(least, length), windowLength)
  const begun = new Set<string>()
  for (let at = 0; at + beginning <= text.length; at += 1) begun.add(text.slice(at, at + beginning))
  const possible = wholes.filter((whole) => begun.has(whole.slice(0, beginning)))
  if (possible.length > maxWholes) return false
  for (const whole of possible) {
    let at = text.indexOf(whole)
    for (; at >= 0; at = text.indexOf(whole, at + whole.length)) {
      isHidden.fill(1, at, at + whole.length)
    }
  }
  return true
}

/** A run holds a whole window of the source, since these begin at every half of its length. */
function markRuns(text: string, source: string, isHidden: Uint8Array): void {
  const windows = new Map<string, number>()
  for (let at = 0; at + windowLength <= source.length; at += windowLength) {
    windows.set(source.slice(at, at + windowLength), at)
  }
  let done = 0
  for (let at = 0; at + windowLength <= text.length; at += 1) {
    const found = windows.get(text.slice(at, at + windowLength))
    if (found === undefined) continue
    let before = 0
    while (before < at - done && before < found && same(at - before - 1, found - before - 1)) {
      before += 1
    }
    let length = windowLength
    while (at + length < text.length && same(at + length, found + length)) length += 1
    if (before + length < runLength) continue
    isHidden.fill(1, at - before, at + length)
    done = at + length
    at = done - 1
  }

  function same(inText: number, inSource: number): boolean {
    return text.charCodeAt(inText) === source.charCodeAt(inSource)
  }
}

function markTail(text: string, secrets: readonly string[], isHidden: Uint8Array): void {
  const longest = Math.min(runLength - 1, text.length)
  for (let length = longest; length >= shortestTail; length -= 1) {
    const tail = text.slice(-length)
    if (!secrets.some((secret) => secret.startsWith(tail))) continue
    isHidden.fill(1, text.length - length)
    return
  }
}

function withMarks(text: string, { starts, ends }: Folded, isHidden: Uint8Array): string {
  let shown = ''
  let from = 0
  for (let at = 0; at < isHidden.length; at += 1) {
    if (isHidden[at] === 0) continue
    let last = at
    while (isHidden[last + 1] === 1) last += 1
    shown += text.slice(from, starts[at]) + hiddenMark
    from = ends[last] ?? text.length
    while (text[from] === '=') from += 1
    at = last
  }
  return shown + text.slice(from)
}
