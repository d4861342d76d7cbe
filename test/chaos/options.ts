/** The command line of `npm run chaos`. */
import { parseArgs } from 'node:util'
import { asError, UserError } from '../../src/core/model/errors.ts'
import { faultKinds, type FaultKind } from './plan.ts'

/** The largest seed that is drawn. */
export const maxSeed = 1_000_000

export interface CommandOptions {
  readonly minutes: number
  readonly seed: number
  readonly kinds: readonly FaultKind[]
  readonly brokers: 1 | 3
  readonly processors: number
  readonly eventsPerSecond: number
}

/** One day. Plans, books and timers are not made for longer runs. */
const maxMinutes = 1_440
const mostProcessors = 20
/** The most events per second. A larger load would overload the machine. */
const maxPerSecond = 1_000

export const helpText = `Real processors on real brokers under a modest load, while all that can fail does.

Usage: npm run chaos -- [options]

  --minutes <n>      How long events are written, at most ${maxMinutes}. [10]
  --seed <n>         Draws the same plan again. [drawn, and said]
  --faults <kinds>   Only these, separated by commas. [all]
  --brokers <n>      1 or 3. [1]
  --processors <n>   How many share the work, at most ${mostProcessors}. [3]
  --rate <n>         Events a second, at most ${maxPerSecond}. [100]

Faults:
${linesOf(faultKinds).join('\n')}

Ctrl-C ends it in order.
Exit codes: 0 the books agree, 1 they do not, 2 wrong usage, 130 stopped before its end.`

export function asksForHelp(args: readonly string[]): boolean {
  return args.some((word) => word === '--help' || word === '-h')
}

/** @throws {UserError} that names what is wrong */
export function readOptions(args: readonly string[], drawnSeed: number): CommandOptions {
  const { values } = parseOrExplain(args)
  const brokers = brokersOf(values.brokers)
  return {
    minutes: minutesOf(values.minutes),
    seed: values.seed === undefined ? drawnSeed : wholeOf('seed', values.seed, maxSeed),
    kinds: values.faults === undefined ? faultKinds : kindsOf(values.faults, brokers),
    brokers,
    processors: wholeOf('processors', values.processors, mostProcessors),
    eventsPerSecond: wholeOf('rate', values.rate, maxPerSecond),
  }
}

/** The command that repeats the run. */
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
    const { message } = asError(error)
    throw new UserError([message, 'See: npm run chaos -- --help'], 2)
  }
}

function brokersOf(text: string): 1 | 3 {
  if (text === '1') return 1
  if (text === '3') return 3
  throw new UserError(`--brokers is ${text}: give 1 or 3.`, 2)
}

function minutesOf(text: string): number {
  const value = Number(text)
  if (value > 0 && value <= maxMinutes) return value
  throw new UserError(`--minutes is "${text}": give a number above 0, at most ${maxMinutes}.`, 2)
}

function wholeOf(name: string, text: string, most: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= most) return value
  throw new UserError(`--${name} is "${text}": give a whole number from 1 to ${most}.`, 2)
}

function kindsOf(text: string, brokers: 1 | 3): readonly FaultKind[] {
  const kinds = text.split(',').map(kindOf)
  if (brokers === 1 && kinds.includes('broker-lost')) {
    throw new UserError('broker-lost takes three brokers: give --brokers 3 too.', 2)
  }
  return kinds
}

function kindOf(text: string): FaultKind {
  const kind = faultKinds.find((one) => one === text.trim())
  if (kind === undefined)
    throw new UserError(`There is no fault "${text}". There are: ${faultKinds.join(', ')}.`, 2)
  return kind
}

/** Three names per line. */
function linesOf(names: readonly string[]): readonly string[] {
  const rows = Array.from({ length: Math.ceil(names.length / 3) }, (_, row) =>
    names.slice(3 * row, 3 * row + 3),
  )
  return rows.map((row) => `  ${row.map((name) => name.padEnd(20)).join('')}`.trimEnd())
}
