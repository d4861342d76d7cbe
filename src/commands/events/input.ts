/** Checks events from a file as the processor will, and warns of what Logto would not send. */
import { decodeEvent } from '../../core/event/event.ts'
import { eventKeys, eventKeysOf } from '../../core/event/event-keys.ts'
import { isJsonObject } from '../../core/text/json-text.ts'
import type { KafkaHeaders, Rejection } from '../../core/model/model.ts'
import { faultText, jsonFaultOf } from '../input/json-fault.ts'
import type { InputValue } from '../input/json-input.ts'

export interface CheckedEvent extends InputValue {
  /** The event key; `undefined` if the event is rejected. */
  readonly event: string | undefined
  readonly rejection: Rejection | undefined
  /** Differences from what Logto sends. The event is accepted all the same. */
  readonly warnings: readonly string[]
}

export function checkEvent(input: InputValue, headers: KafkaHeaders): CheckedEvent {
  const decoded = decodeEvent({
    ...{ topic: 'input', partition: 0, offset: 0, timestamp: 0 },
    ...{ key: null, value: input.bytes, headers },
  })
  if (decoded.kind === 'rejected') {
    const rejection = withPlace(input, decoded.rejection)
    return { ...input, event: undefined, rejection, warnings: [] }
  }
  const { event } = decoded.event
  return { ...input, event, rejection: undefined, warnings: deviationsOf(event, input.bytes) }
}

/** Adds line and column to the message if the text is not JSON. */
function withPlace({ bytes, line }: InputValue, rejection: Rejection): Rejection {
  if (rejection.reason !== 'invalid-json') return rejection
  const fault = jsonFaultOf(bytes.toString('utf8'))
  if (fault === undefined) return rejection
  return { ...rejection, message: `The value is not JSON: ${faultText(fault, line)}.` }
}

/** Logto's form of a time: UTC with milliseconds. */
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
    warnings.push(`interactionEvent is missing: Logto always sends it with ${key}`)
  }
  const [right, wrong] = isInteraction ? ['userIp', 'ip'] : ['ip', 'userIp']
  if (eventKeys.includes(key) && Object.hasOwn(payload, wrong)) {
    warnings.push(`Logto sends ${right} with ${key}, not ${wrong}`)
  }
  return warnings
}
