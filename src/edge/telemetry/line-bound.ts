/**
 * Keeps a log line within what collectors take: Docker cuts lines at 16 KiB and containerd as well, and half a line of
 * JSON is none. What is too long is cut within its fields, so that the line stays JSON, and `cut` says of which fields
 * how many bytes there were.
 */
import { isJsonObject, type JsonObject } from '../../core/text/json.ts'
import { printableJson } from '../../core/text/printable-text.ts'

/** Bytes of a line, its line break included. */
export const maxLineBytes = 16 * 1024
/** Fields that are told of by name. No line of hooktide's own has so many. */
const maxFields = 50
const maxNameBytes = 64
/** What lies deeper is not looked into. Each level costs the size of all below it. */
const maxLevels = 8
/** Room for `cut`: the name of each field and a number. */
const bytesPerCut = 24
const ellipsis = '…'

/** @param line one JSON object and a line break, as the logger writes it */
export function boundedLine(line: string): string {
  // No character takes more than three bytes for each of its UTF-16 units.
  if (line.length * 3 <= maxLineBytes || Buffer.byteLength(line) <= maxLineBytes) return line
  const parsed: unknown = JSON.parse(line)
  return isJsonObject(parsed) ? `${printableJson(JSON.stringify(boundedFields(parsed)))}\n` : line
}

function boundedFields(whole: JsonObject): JsonObject {
  const entries = Object.entries(whole).map(([name, value]) => {
    const short = shortName(name)
    return { name: short, value, bytes: sizeOf(short) + sizeOf(value) + 2 }
  })
  const kept = entries.slice(0, maxFields)
  const names = kept.reduce((sum, { name }) => sum + sizeOf(name) + bytesPerCut, 0)
  let left = maxLineBytes - names - 2 * bytesPerCut
  const cut: Record<string, number> = Object.create(null) as Record<string, number>
  const values = new Map<string, unknown>()
  // Smallest first: what a short field leaves of its share is there for the long ones.
  for (const [index, { name, value, bytes }] of kept.toSorted(bySize).entries()) {
    const share = Math.floor(left / (kept.length - index))
    const isWhole = bytes <= share
    const room = share - sizeOf(name) - 2
    values.set(name, isWhole ? value : shortened(value, room))
    if (!isWhole) cut[name] = sizeOf(value)
    left -= Math.min(bytes, share)
  }
  const fields = kept.map(({ name }) => [name, values.get(name)] as const)
  const others = entries.length - kept.length
  return Object.fromEntries([
    ...fields,
    ['cut', others === 0 ? cut : { ...cut, [ellipsis]: others }],
  ])
}

function bySize(one: { readonly bytes: number }, other: { readonly bytes: number }): number {
  return one.bytes - other.bytes
}

/**
 * The beginning of a value of JSON, in at most so many bytes where there are a few.
 *
 * @param level how deep it lies in its field, from 0
 */
function shortened(value: unknown, room: number, level = 0): unknown {
  if (typeof value === 'string') return shortText(value, room)
  if (level > maxLevels) return ellipsis
  if (Array.isArray(value)) {
    return leading(
      value.map((item: unknown) => ['', item] as const),
      room,
      level,
    ).map(([, item]) => item)
  }
  return isJsonObject(value)
    ? Object.fromEntries(leading(Object.entries(value), room, level))
    : value
}

type Member = readonly [name: string, value: unknown]

/** Whole members while they fit; where the first does not, what fits of that. */
function leading(members: readonly Member[], room: number, level: number): readonly Member[] {
  const kept: Member[] = []
  let left = room - 2
  for (const [fullName, value] of members) {
    const name = shortName(fullName)
    left -= sizeOf(name) + 2
    const bytes = sizeOf(value)
    if (bytes > left && kept.length > 0) break
    kept.push([name, bytes > left ? shortened(value, left, level + 1) : value])
    if (bytes > left) break
    left -= bytes
  }
  return kept
}

function shortName(name: string): string {
  return sizeOf(name) <= maxNameBytes ? name : shortText(name, maxNameBytes)
}

function shortText(text: string, room: number): string {
  let kept = text.slice(0, Math.max(0, room))
  // Escapes and characters of several bytes: a few rounds at most, since each takes off what is too much by its share.
  for (;;) {
    const bytes = sizeOf(kept) + Buffer.byteLength(ellipsis)
    if (bytes <= room || kept === '') return `${kept}${ellipsis}`
    kept = kept.slice(0, Math.min(kept.length - 1, Math.floor((kept.length * room) / bytes)))
  }
}

function sizeOf(value: unknown): number {
  return Buffer.byteLength(printableJson(JSON.stringify(value)))
}
