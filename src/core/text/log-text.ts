/** Renders lines of the log for people at a terminal. Elsewhere the log is JSON, for programs. */
import { isJsonObject, parseJson } from './json.ts'
import { printable } from './printable-text.ts'

/** Marks a text by the level of its line, for example with a colour. */
export type Paint = (level: string, text: string) => string

/** A longer object or list has each of its parts on a line of its own. */
const mostInLine = 60

/**
 * The time of day in UTC, the level, the message, then the fields. The instance is left out: it is the process at this
 * terminal. Characters that would move the cursor, hide text or change its order are escaped.
 *
 * @param line a line of the log as JSON; other text is returned with such characters escaped
 */
export function logText(line: string, paint: Paint): string {
  const parsed = parseJson(line)
  if (!isJsonObject(parsed)) return printable(line.trimEnd())
  const { time, level, msg, instance: _, ...fields } = parsed
  const name = plain(level)
  const texts = Object.entries(fields).map(([field, value]) => fieldText(printable(field), value))
  const [short, long] = [false, true].map((isLong) =>
    texts.filter((text) => text.includes('\n') === isLong),
  )
  const head = [plain(time).slice('2026-09-14T'.length), paint(name, name.toUpperCase().padEnd(5))]
  // Fields of several lines come last. A field behind one would look like a part of it.
  return [...head, plain(msg), ...(short ?? []), ...(long ?? [])].join(' ')
}

/** The text of a field that is one; else empty. */
function plain(value: unknown): string {
  return typeof value === 'string' ? printable(value) : ''
}

function fieldText(name: string, value: unknown): string {
  const text = valueText(value)
  if (text.length <= mostInLine || typeof value !== 'object' || value === null) {
    return `${name}=${text}`
  }
  const parts = Array.isArray(value)
    ? value.map((item: unknown) => `- ${valueText(item)}`)
    : Object.entries(value).map(([part, of]) => `${printable(part)}=${valueText(of)}`)
  return [`${name}:`, ...parts].join('\n    ')
}

/** A text of one word is shown as it is, and every other value as JSON. */
function valueText(value: unknown): string {
  const isWord = typeof value === 'string' && /^[^\s"'=]+$/.test(value)
  return printable(isWord ? value : JSON.stringify(value))
}
