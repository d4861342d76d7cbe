/** Events from a file, each with its own bytes, judged as the processor will judge them. */
import { decodeEvent } from '../core/event.ts'
import { eventKeys, eventKeysOf } from '../core/event-keys.ts'
import { isJsonObject } from '../core/json-text.ts'
import type { KafkaHeaders, Rejection } from '../core/model.ts'
import { linesOf, piecesOf, trimmedPiece, type Piece } from './json-pieces.ts'

export interface InputEvent {
  /** Where it stands, such as `line 3` or `[0]`; `event` when there is only one. */
  readonly place: string
  readonly bytes: Buffer
}

/** Takes one JSON value, an array of them, or one on each line. What is none of these counts as one faulty event. */
export function splitEvents(text: Buffer): readonly InputEvent[] {
  const whole = trimmedPiece(text, { start: 0, end: text.length })
  if (whole.end === whole.start) return []
  const parsed = parse(text, whole)
  if (Array.isArray(parsed)) {
    const list = cut(text, whole)
    return piecesOf(list).map((piece, index) => ({ place: `[${index}]`, bytes: cut(list, piece) }))
  }
  const lines = linesOf(text)
  const isByLine = parsed === undefined && lines.some((line) => parse(text, line) !== undefined)
  if (!isByLine) return [{ place: 'event', bytes: cut(text, whole) }]
  return lines.map((line) => ({
    place: `line ${lineNumber(text, line)}`,
    bytes: cut(text, line),
  }))
}

export interface JudgedEvent extends InputEvent {
  /** The event key, where it could be read. */
  readonly event: string | undefined
  readonly rejection: Rejection | undefined
  /** What is accepted, and looks unlike what Logto sends. */
  readonly warnings: readonly string[]
}

export function judgeEvent(input: InputEvent, headers: KafkaHeaders): JudgedEvent {
  const decoded = decodeEvent({
    ...{ topic: 'input', partition: 0, offset: 0, timestamp: 0 },
    ...{ key: null, value: input.bytes, headers },
  })
  if (decoded.kind === 'rejected') {
    return { ...input, event: undefined, rejection: decoded.rejection, warnings: [] }
  }
  const { event } = decoded.event
  return { ...input, event, rejection: undefined, warnings: deviationsOf(event, input.bytes) }
}

/** Logto's form of a moment: UTC with milliseconds. */
const createdAtForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

function deviationsOf(key: string, bytes: Buffer): readonly string[] {
  const payload: unknown = JSON.parse(bytes.toString('utf8'))
  if (!isJsonObject(payload)) return []
  const warnings: string[] = []
  if (!eventKeys.includes(key)) warnings.push(`${key} is not an event key of Logto's`)
  if (!createdAtForm.test(String(payload['createdAt']))) {
    warnings.push('createdAt is not in UTC with milliseconds, as in 2026-01-31T08:00:00.000Z')
  }
  const interaction: readonly string[] = eventKeysOf.interaction
  const isInteraction = interaction.includes(key)
  if (isInteraction && !Object.hasOwn(payload, 'interactionEvent')) {
    warnings.push(`interactionEvent is missing, which Logto always sends with ${key}`)
  }
  const [right, wrong] = isInteraction ? ['userIp', 'ip'] : ['ip', 'userIp']
  if (eventKeys.includes(key) && Object.hasOwn(payload, wrong)) {
    warnings.push(`${wrong} is called ${right} with ${key}`)
  }
  return warnings
}

function cut(text: Buffer, { start, end }: Piece): Buffer {
  return text.subarray(start, end)
}

/** `undefined` when it is not JSON; JSON itself has no such value. */
function parse(text: Buffer, piece: Piece): unknown {
  try {
    return JSON.parse(cut(text, piece).toString('utf8'))
  } catch {
    return undefined
  }
}

function lineNumber(text: Buffer, { start }: Piece): number {
  let number = 1
  for (let at = text.indexOf('\n'); at >= 0 && at < start; at = text.indexOf('\n', at + 1))
    number += 1
  return number
}
