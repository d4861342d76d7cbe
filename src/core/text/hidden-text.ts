/**
 * Hides the parts of a text that must not be kept, such as secrets that an endpoint echoes. An echo is seldom exact. JSON
 * within JSON, percent-encoding, HTML, wrapped lines and other quotes change some characters; base64 or a list of bytes
 * changes all of them. So the text is read in each of these ways. Texts are compared in two forms: a *folded* form without
 * small differences, and a *bare* form of ASCII letters and digits alone, because separators change most often.
 *
 * The time is linear in the lengths of the texts, whatever they hold, because their author may want it to be slow.
 */
import { apart, decodings } from './encoded-text.ts'
import { withoutLayout } from './text-layout.ts'
import { hasNoEscape, ReadingWriter, readingOf, unescaped, type Reading } from './text-reading.ts'

/** Takes the place of each part that is hidden. */
export const hiddenMark = '(hidden)'

/** What to hide. Secrets and wholes are folded, and have at least 4 characters. */
export interface Hidden {
  /** Hidden wherever {@link pieceLength} characters of one stand in a row, or all of a shorter one. */
  readonly secrets: readonly string[]
  /** Hidden where all of one stands. At most {@link maxWholes} of them may stand in a text. */
  readonly wholes: readonly string[]
  /** Not folded. Hidden wherever {@link runLength} characters of one stand in a row. */
  readonly sources: readonly string[]
}

/** So many characters of a secret do not stand in a text by chance. Fewer are of no use to anybody. */
const pieceLength = 12
/** The end of a text that was cut is hidden if it is the beginning of a secret and has at least this length. */
const shortestTail = 4
/** Longer than names of fields and events, because messages about an event have to name those. */
const runLength = 32
const windowLength = runLength / 2
const maxWholes = 1_000
/** Levels of encoding that are searched: an encoded text, and an encoded text in it. */
const maxDepth = 2
/** The most that is read in all, as a multiple of the text's length. Ordinary texts need less than three. */
const maxReadings = 6
/** In characters. Shorter bare texts stand in many texts by chance. */
const shortestBare = { digits: 10, letters: 8, both: 6 }

/**
 * The text with its parts hidden; `undefined` if there is too much to search, or too much to search for.
 *
 * @param isCut whether the end of the text is missing
 */
export function hide(text: string, hidden: Hidden, isCut: boolean): string | undefined {
  const finder = new Finder(hidden, text.length)
  const bareFinder = new Finder(bareOf(hidden), text.length)
  const isHidden = new Uint8Array(text.length)
  let left = maxReadings * text.length
  const search = (where: Reading, by: Finder): boolean => {
    const found = by.find(where.text, isCut)
    if (found !== undefined) mark(where, found, isHidden)
    return found !== undefined
  }
  const look = (meant: Reading, depth: number): boolean => {
    left -= meant.text.length
    if (left < 0) return false
    const folded = foldedReading(meant)
    if (!search(folded, finder) || !search(bareReading(folded), bareFinder)) return false
    if (depth === maxDepth) return true
    for (const decoded of decodings(meant)) if (!look(unescaped(decoded), depth + 1)) return false
    return true
  }
  const whole = unescaped(readingOf(text))
  if (!look(whole, 0)) return undefined
  for (const plain of withoutLayout(whole)) if (!look(plain, 0)) return undefined
  return withMarks(text, isHidden)
}

/** The folded form of a text. */
export function foldedText(text: string): string {
  if (!hasNoEscape(text)) return foldedReading(unescaped(readingOf(text))).text
  let folded = ''
  for (let at = 0; at < text.length; at += 1) folded += foldedUnit(text.charAt(at))
  return folded
}

function foldedReading({ text, starts, ends }: Reading): Reading {
  const writer = new ReadingWriter()
  for (let at = 0; at < text.length; at += 1) {
    const folded = foldedUnit(text.charAt(at))
    if (folded !== '') writer.add(folded, starts[at] ?? 0, ends[at] ?? 0)
  }
  return writer.written()
}

/**
 * The folded form of each ASCII character. Empty for those that are dropped: white space, `+` (a space in forms), control
 * characters, quotes and backslashes, and the characters that differ between the two alphabets of base64 or pad it.
 */
const asciiUnits: readonly string[] = Array.from({ length: 128 }, (_, code) => {
  const unit = String.fromCodePoint(code).toLowerCase()
  return code < 0x20 || /[\s\\"'`=+/_-]/.test(unit) ? '' : unit
})

function foldedUnit(unit: string): string {
  const known = asciiUnits[unit.charCodeAt(0)]
  if (known !== undefined) return known
  const lower = unit.toLowerCase()
  return lower.length === 1 ? lower.trim() : unit
}

function isBare(unit: string): boolean {
  return (unit >= '0' && unit <= '9') || (unit >= 'a' && unit <= 'z') || unit === apart
}

/** The bare form of a folded reading. */
function bareReading({ text, starts, ends }: Reading): Reading {
  const writer = new ReadingWriter()
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charAt(at)
    if (isBare(unit)) writer.add(unit, starts[at] ?? 0, ends[at] ?? 0)
  }
  return writer.written()
}

/** Without sources: messages may name several fields of an event in a row, which would be a run in the bare form. */
function bareOf({ secrets, wholes }: Hidden): Hidden {
  return { secrets: bareTexts(secrets), wholes: bareTexts(wholes), sources: [] }
}

function bareTexts(folded: readonly string[]): readonly string[] {
  const texts = folded.map((text) => text.replaceAll(/[^a-z\d]/g, ''))
  return texts.filter((text) => {
    const kind = /^\d*$/.test(text) ? 'digits' : /^[a-z]*$/.test(text) ? 'letters' : 'both'
    return text.length >= shortestBare[kind]
  })
}

const gramLength = 4

/** Table entries for each text: so few of them are taken that most places are ruled out. */
const entriesPerText = 8

/** Tells quickly that none of many texts begins at a place, which is so at most places. */
class Beginnings {
  readonly #known: Uint8Array
  readonly #mask: number

  /**
   * @param count how many texts will be added. The table is no larger than they need: one is made for each failed call, and
   * a thousand calls may fail in the same moment.
   */
  constructor(count: number) {
    const size = 1 << Math.min(16, Math.max(4, Math.ceil(Math.log2(count * entriesPerText + 1))))
    this.#known = new Uint8Array(size)
    this.#mask = size - 1
  }

  /** @param text of at least {@link gramLength} characters */
  add(text: string): void {
    this.#known[gramAt(text, 0) & this.#mask] = 1
  }

  mayBeAt(gram = 0): boolean {
    return this.#known[gram & this.#mask] === 1
  }
}

function gramAt(text: string, at: number): number {
  let gram = 0
  for (let next = at; next < at + gramLength; next += 1) gram = gram * 31 + text.charCodeAt(next)
  return gram & 0xffff
}

/** The gram that begins at each place of a text. */
function gramsOf(text: string): Uint16Array {
  const grams = new Uint16Array(text.length)
  for (let at = 0; at + gramLength <= text.length; at += 1) grams[at] = gramAt(text, at)
  return grams
}

/** A source, and where each of its windows stands in it. */
interface Source {
  readonly text: string
  readonly windows: ReadonlyMap<string, number>
  readonly beginnings: Beginnings
}

/** A text to search, and its grams. */
interface Searched {
  readonly text: string
  readonly grams: Uint16Array
}

/** Finds what to hide in folded texts. */
class Finder {
  readonly #hidden: Hidden
  /** Pieces of secrets, by their length. */
  readonly #pieces = new Map<number, Set<string>>()
  readonly #beginnings: Readonly<Record<'pieces' | 'wholes', Beginnings>>
  /** By their first {@link #beginning} characters. */
  readonly #wholes: ReadonlyMap<string, readonly string[]>
  readonly #beginning: number
  readonly #sources: readonly Source[]

  constructor(hidden: Hidden, textLength: number) {
    this.#hidden = hidden
    const { secrets, wholes, sources } = hidden
    const pieces = secrets.reduce(
      (sum, { length }) => sum + Math.max(1, length - pieceLength + 1),
      0,
    )
    this.#beginnings = { pieces: new Beginnings(pieces), wholes: new Beginnings(wholes.length) }
    for (const secret of secrets) this.#addPieces(secret)
    const beginning = wholes.reduce((least, { length }) => Math.min(least, length), windowLength)
    this.#beginning = beginning
    for (const whole of wholes) this.#beginnings.wholes.add(whole)
    this.#wholes = Map.groupBy(wholes, (whole) => whole.slice(0, beginning))
    this.#sources = textLength < runLength ? [] : sources.map(sourceOf)
  }

  /** For each unit 1 if it is to be hidden, else 0; `undefined` if there is too much to search for. */
  find(text: string, isCut: boolean): Uint8Array | undefined {
    const isHidden = new Uint8Array(text.length)
    const searched = { text, grams: gramsOf(text) }
    this.#markPieces(searched, isHidden)
    if (!this.#markWholes(searched, isHidden)) return undefined
    if (text.length >= runLength)
      for (const source of this.#sources) markRuns(searched, source, isHidden)
    if (isCut) this.#markTail(text, isHidden)
    return isHidden
  }

  #addPieces(secret: string): void {
    const length = Math.min(secret.length, pieceLength)
    const pieces = this.#pieces.get(length) ?? new Set()
    this.#pieces.set(length, pieces)
    for (let at = 0; at + length <= secret.length; at += 1) {
      const piece = secret.slice(at, at + length)
      pieces.add(piece)
      this.#beginnings.pieces.add(piece)
    }
  }

  #markPieces({ text, grams }: Searched, isHidden: Uint8Array): void {
    for (let at = 0; at < text.length; at += 1) {
      if (!this.#beginnings.pieces.mayBeAt(grams[at])) continue
      for (const [length, pieces] of this.#pieces) {
        if (pieces.has(text.slice(at, at + length))) isHidden.fill(1, at, at + length)
      }
    }
  }

  /** Returns false if there is too much to search for. */
  #markWholes({ text, grams }: Searched, isHidden: Uint8Array): boolean {
    const [wholes, beginning] = [this.#wholes, this.#beginning]
    if (wholes.size === 0) return true
    const possible = new Set<string>()
    for (let at = 0; at + beginning <= text.length; at += 1) {
      if (!this.#beginnings.wholes.mayBeAt(grams[at])) continue
      for (const whole of wholes.get(text.slice(at, at + beginning)) ?? []) possible.add(whole)
      if (possible.size > maxWholes) return false
    }
    for (const whole of possible) {
      let at = text.indexOf(whole)
      for (; at >= 0; at = text.indexOf(whole, at + whole.length)) {
        isHidden.fill(1, at, at + whole.length)
      }
    }
    return true
  }

  #markTail(text: string, isHidden: Uint8Array): void {
    const secrets = [...this.#hidden.secrets, ...this.#hidden.wholes]
    const longest = Math.min(runLength - 1, text.length)
    for (let length = longest; length >= shortestTail; length -= 1) {
      const tail = text.slice(-length)
      if (!secrets.some((secret) => secret.startsWith(tail))) continue
      isHidden.fill(1, text.length - length)
      return
    }
  }
}

function sourceOf(source: string): Source {
  const text = foldedText(source)
  const windows = new Map<string, number>()
  const beginnings = new Beginnings(Math.floor(text.length / windowLength))
  for (let at = 0; at + windowLength <= text.length; at += windowLength) {
    const window = text.slice(at, at + windowLength)
    windows.set(window, at)
    beginnings.add(window)
  }
  return { text, windows, beginnings }
}

/** Every run has a whole window of the source in it, because windows begin at every half of a run's length. */
function markRuns({ text, grams }: Searched, source: Source, isHidden: Uint8Array): void {
  let done = 0
  for (let at = 0; at + windowLength <= text.length; at += 1) {
    if (!source.beginnings.mayBeAt(grams[at])) continue
    const found = source.windows.get(text.slice(at, at + windowLength))
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
    return text.charCodeAt(inText) === source.text.charCodeAt(inSource)
  }
}

/** Marks in the original text what was found in a reading, also what the reading dropped between two such units. */
function mark({ starts, ends }: Reading, found: Uint8Array, isHidden: Uint8Array): void {
  for (let at = 0; at < found.length; at += 1) {
    if (found[at] === 0) continue
    const isNext = found[at - 1] === 1
    const from = (isNext ? ends[at - 1] : starts[at]) ?? 0
    isHidden.fill(1, Math.min(from, starts[at] ?? 0), ends[at] ?? 0)
  }
}

/** Replaces each hidden stretch, with base64 padding behind it, by one mark. */
function withMarks(text: string, isHidden: Uint8Array): string {
  let shown = ''
  let from = 0
  for (let at = 0; at < isHidden.length; at += 1) {
    if (isHidden[at] === 0) continue
    let end = at
    while (isHidden[end] === 1) end += 1
    shown += text.slice(from, at) + hiddenMark
    while (text[end] === '=') end += 1
    from = end
    at = end - 1
  }
  return shown + text.slice(from)
}
