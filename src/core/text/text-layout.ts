/**
 * Removes layout that stands between the parts of a text: tags, colours, numbers before lines, and the columns of dumps.
 */
import { ReadingWriter, type Reading } from './text-reading.ts'

/** At most four readings. In each, layout of one kind that the text has is left out. */
export function* withoutLayout(reading: Reading): Generator<Reading> {
  const { text } = reading
  const tags = [...text.matchAll(tag)].map(({ 0: whole, index }) => spanOf(index, whole.length))
  if (tags.length > 0) yield without(reading, tags)
  const lines = [...text.matchAll(headed)].map(lineOf)
  if (lines.length < 2) return
  yield without(
    reading,
    lines.map(({ start, columns }) => ({ from: start, to: columns })),
  )
  const dumped = lines.filter(({ columns, rest }) => columns < rest)
  if (dumped.length * 2 < lines.length) return
  yield without(
    reading,
    lines.map(({ start, rest }) => ({ from: start, to: rest })),
  )
  yield without(
    reading,
    lines.flatMap(({ start, columns, rest, end }) => [
      { from: start, to: columns },
      { from: rest, to: end },
    ]),
  )
}

/** A tag of HTML or XML up to a bounded length, or a colour of a terminal (ECMA-48, SGR). */
const tag = /<[^<>]{0,256}>|\p{Cc}\[[\d;]{0,16}m/gu
/**
 * A line with its number or address in front, as in listings and dumps. Columns of hex in groups of one size may follow,
 * as hexdump, xxd, tcpdump and Wireshark write them.
 */
const headed =
  /^([\t >*|#]{0,16}(?:0x)?[\da-f]{1,16}[\t ]{0,4}[:|>.)h]?[\t ]+)((?:[\da-f]{2}(?:[\t ]{1,2}|-|$))+|(?:[\da-f]{4}(?: |$))+|(?:[\da-f]{8}(?: |$))+)?(.*)$/gim

/** Where the columns and the rest of a line begin, and where the line begins and ends. */
interface Line {
  readonly start: number
  readonly columns: number
  readonly rest: number
  readonly end: number
}

function lineOf({ 0: whole, 1: head = '', 2: hex = '', index }: RegExpExecArray): Line {
  const columns = index + head.length
  return { start: index, columns, rest: columns + hex.length, end: index + whole.length }
}

interface Span {
  readonly from: number
  readonly to: number
}

function spanOf(from: number, length: number): Span {
  return { from, to: from + length }
}

/** The reading without these spans. A space takes the place of each, so that no numbers are joined. */
function without({ text, starts, ends }: Reading, spans: readonly Span[]): Reading {
  const writer = new ReadingWriter()
  let at = 0
  const copy = (to: number): void => {
    for (; at < to; at += 1) writer.add(text.charAt(at), starts[at] ?? 0, ends[at] ?? 0)
  }
  for (const { from, to } of spans) {
    copy(from)
    if (from < to) writer.add(' ', starts[from] ?? 0, ends[to - 1] ?? 0)
    at = to
  }
  copy(text.length)
  return writer.written()
}
