/** A line of the log as people read it at a terminal. Elsewhere lines are JSON, for programs. */
import { isJsonObject, parseJson } from './json.ts'
import { printable } from './printable-text.ts'

/** Marks a text by the level of its line, such as with a colour. */
export type Paint = (level: string, text: string) => string

/** What is longer has its parts on lines of their own. */
const mostInLine = 60

/**
 * Time of day in UTC, level, message, then the fields. The name of the process is left out: it is the one at the terminal.
 * What came from outside has no character that moves the cursor, hides text or turns its order.
 *
 * @param line a line of the log as JSON; anything else is passed on
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
  // Fields of several lines last: what follows them would look like a part of theirs.
  return [...head, plain(msg), ...(short ?? []), ...(long ?? [])].join(' ')
}

/** Text of our own, or a library's. */
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

/** A text of one word stands for itself; everything else is JSON. */
function valueText(value: unknown): string {
  const isWord = typeof value === 'string' && /^[^\s"'=]+$/.test(value)
  return printable(isWord ? value : JSON.stringify(value))
}
