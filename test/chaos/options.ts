/** The command line of chaos. */
import { parseArgs } from 'node:util'
import { UserError } from '../../src/core/errors.ts'
import { faultKinds, type FaultKind } from './plan.ts'

export interface CommandOptions {
  readonly minutes: number
  readonly seed: number
  readonly kinds: readonly FaultKind[]
  readonly brokers: 1 | 3
  readonly processors: number
  readonly eventsPerSecond: number
}

/** @throws {UserError} that names what is wrong */
export function readOptions(args: readonly string[], drawnSeed: number): CommandOptions {
  const { values } = parseOrExplain(args)
  const brokers = numberOf('brokers', values.brokers)
  if (brokers !== 1 && brokers !== 3)
    throw new UserError(`--brokers is ${brokers}: give 1 or 3.`, 2)
  return {
    minutes: numberOf('minutes', values.minutes),
    seed: values.seed === undefined ? drawnSeed : numberOf('seed', values.seed),
    kinds: values.faults === undefined ? faultKinds : values.faults.split(',').map(kindOf),
    brokers,
    processors: Math.max(1, Math.round(numberOf('processors', values.processors))),
    eventsPerSecond: numberOf('rate', values.rate),
  }
}

/** The command that runs the same again. */
export function commandOf(options: CommandOptions): string {
  const { minutes, seed, kinds, brokers, processors, eventsPerSecond } = options
  const faults = kinds.length === faultKinds.length ? '' : ` --faults ${kinds.join(',')}`
  return `npm run chaos -- --seed ${seed} --minutes ${minutes} --brokers ${brokers} --processors ${processors} --rate ${eventsPerSecond}${faults}`
}

function parseOrExplain(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        minutes: { type: 'string', default: '10' },
        seed: { type: 'string' },
        faults: { type: 'string' },
        brokers: { type: 'string', default: '1' },
        processors: { type: 'string', default: '3' },
        rate: { type: 'string', default: '100' },
      },
    })
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : String(error), 2)
  }
}

function numberOf(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value) || value <= 0)
    throw new UserError(`--${name} is "${text}": give a number above 0.`, 2)
  return value
}

function kindOf(text: string): FaultKind {
  const kind = faultKinds.find((one) => one === text.trim())
  if (kind === undefined)
    throw new UserError(`There is no fault "${text}". There are: ${faultKinds.join(', ')}.`, 2)
  return kind
}
