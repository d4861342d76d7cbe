/** Events from a file, each with its own bytes, judged as the processor will judge them. */
import { decodeEvent } from '../../core/event/event.ts'
import { eventKeys, eventKeysOf } from '../../core/event/event-keys.ts'
import { isJsonObject } from '../../core/text/json-text.ts'
import type { KafkaHeaders, Rejection } from '../../core/model/model.ts'
import { faultWords, jsonFaultOf } from '../input/json-fault.ts'
import type { InputValue } from '../input/json-input.ts'

export interface JudgedEvent extends InputValue {
  /** The event key, where it could be read. */
  readonly event: string | undefined
  readonly rejection: Rejection | undefined
  /** What is accepted, and looks unlike what Logto sends. */
  readonly warnings: readonly string[]
}

export function judgeEvent(input: InputValue, headers: KafkaHeaders): JudgedEvent {
  const decoded = decodeEvent({
    ...{ topic: 'input', partition: 0, offset: 0, timestamp: 0 },
    ...{ key: null, value: input.bytes, headers },
  })
  if (decoded.kind === 'rejected') {
    const rejection = located(input, decoded.rejection)
    return { ...input, event: undefined, rejection, warnings: [] }
  }
  const { event } = decoded.event
  return { ...input, event, rejection: undefined, warnings: deviationsOf(event, input.bytes) }
}

/** With the place, where it is the text that is wrong. */
function located({ bytes, line }: InputValue, rejection: Rejection): Rejection {
  if (rejection.reason !== 'invalid-json') return rejection
  const fault = jsonFaultOf(bytes.toString('utf8'))
  if (fault === undefined) return rejection
  return { ...rejection, message: `The value is not JSON: ${faultWords(fault, line)}.` }
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
