/** What `doctor` finds, and what follows from what it measured. */
import { roughWait } from '../../core/model/durations.ts'
import type { ClockReading } from '../../edge/kafka/broker-clock.ts'
import type { Line } from '../line.ts'

/** What is looked at, in this order. */
const checks = [
  'brokers',
  'clock',
  'rights',
  'topics',
  'processors',
  'registry',
  'hooks',
  'names',
  'delivery',
] as const
export type Check = (typeof checks)[number]

export interface Finding {
  readonly check: Check
  /** A fault keeps something from working; a warning may, some day. What was skipped could not be looked at. */
  readonly state: 'ok' | 'warning' | 'fault' | 'skipped'
  /** What was found; of faults and warnings also what to do. */
  readonly message: string
}

export function finding(check: Check, state: Finding['state'], message: string): Finding {
  return { check, state, message }
}

/** Each of the messages, or that all is well. */
export function findingsOf(
  check: Check,
  messages: { readonly faults?: readonly string[]; readonly warnings?: readonly string[] },
  well: string,
): readonly Finding[] {
  const { faults = [], warnings = [] } = messages
  const found = [
    ...faults.map((message) => finding(check, 'fault', message)),
    ...warnings.map((message) => finding(check, 'warning', message)),
  ]
  return found.length === 0 ? [finding(check, 'ok', well)] : found
}

const clockWarnMs = 5_000
/** Receivers refuse signatures of Standard Webhooks that are five minutes off; the network and their clocks take some. */
const clockFaultMs = 60_000

export function clockFinding(reading: ClockReading): Finding {
  if (reading.kind === 'unknown') {
    return finding('clock', 'skipped', `it was not compared with the broker's: ${reading.reason}`)
  }
  const { aheadMs, unsureMs } = reading
  const offMs = Math.max(0, Math.abs(aheadMs) - unsureMs)
  if (offMs < clockWarnMs) return finding('clock', 'ok', "it agrees with the broker's")
  const side = aheadMs > 0 ? 'ahead of' : 'behind'
  return finding(
    'clock',
    offMs < clockFaultMs ? 'warning' : 'fault',
    `The clock of this machine is ${roughWait(offMs)} ${side} the broker's: set one of them right, as with NTP. Receivers refuse signatures that are five minutes off.`,
  )
}

export interface Reached {
  readonly address: string
  /** Why no connection came about; `undefined` where one did. */
  readonly fault: string | undefined
}

/** @param reached one for each broker, at the address that it is advertised at */
export function brokerFindings(reached: readonly Reached[]): readonly Finding[] {
  const faults = reached.flatMap(({ address, fault }) =>
    fault === undefined
      ? []
      : [
          `The cluster says that a broker is at ${address}, and it cannot be reached from here (${fault}): set advertised.listeners of that broker to what clients reach, or start it.`,
        ],
  )
  return findingsOf('brokers', { faults }, `${reached.length} of ${reached.length} can be reached`)
}

export function isFailed(findings: readonly Finding[]): boolean {
  return findings.some(({ state }) => state === 'fault')
}

const styles = { ok: 'green', warning: 'yellow', fault: 'red', skipped: 'gray' } as const
const stateWidth = Math.max(...Object.keys(styles).map((state) => state.length))
const checkWidth = Math.max(...checks.map((check) => check.length))

export function findingLine({ check, state, message }: Finding): Line {
  return [
    { text: state.padEnd(stateWidth), style: styles[state] },
    `  ${check.padEnd(checkWidth)}  ${message}`,
  ]
}
