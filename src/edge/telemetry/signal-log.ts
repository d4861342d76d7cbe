/** Signals as log lines. The only file that knows pino. */
import { styleText } from 'node:util'
import { pino, type DestinationStream, type Logger } from 'pino'
import { asError, type UserError } from '../../core/model/errors.ts'
import { logText } from '../../core/text/log-text.ts'
import type { EpochMs } from '../../core/model/model.ts'
import { printableJson } from '../../core/text/printable-text.ts'
import type { Emit, Signal } from '../../core/signal/signal.ts'
import type { Clock } from '../../ports.ts'
import { boundedLine } from './line-bound.ts'
import { type LeftOut, LineRates } from './line-rates.ts'

/** `auto`: as people read it at a terminal, JSON elsewhere. */
export type LogFormat = 'auto' | 'json' | 'pretty'

/** Where lines go. */
export interface LogOutput {
  write(text: string): void
  readonly isTerminal: boolean
}

export interface LogOptions {
  readonly level: string
  /** `undefined` while it is not known. */
  readonly instance: string | undefined
  readonly format: LogFormat
  /** Default standard output. */
  readonly output?: LogOutput
}

export interface SignalLogOptions extends LogOptions {
  readonly clock: Clock
  /** Attempts logged one by one per second; further ones of that second are only counted. */
  readonly attemptsPerSecond: number
}

export interface SignalLog {
  /** For lines that come from no signal. */
  readonly log: Logger
  readonly write: Emit
}

/** Of pino's levels, as its documentation has them. */
const numbers = { debug: 20, info: 30, warn: 40, error: 50, fatal: 60 } as const

/** Of lines with the same message; a flood of rejections says nothing that these do not. */
const linesPerSecond = 20

/** Whether a line with this message may be written now. */
type Admits = (message: string, level: number) => boolean

/**
 * Each line has the level's name, the time by ISO 8601 in UTC, the name of the process, its fields, and its message.
 * None has a key twice.
 */
export function createLog(options: LogOptions, admits: Admits = () => true): Logger {
  const { level, instance } = options
  return pino(
    {
      level,
      base: instance === undefined ? {} : { instance },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: withoutReserved },
      hooks: {
        logMethod(args, method, lineLevel) {
          const message = args.find((one: unknown) => typeof one === 'string') ?? ''
          if (admits(message, lineLevel)) method.apply(this, args)
        },
      },
    },
    destinationOf(options),
  )
}

/** What every line has of its own. */
const reserved = ['level', 'time', 'instance', 'msg'] as const

/** Fields of such a name, as a library may give, get an underscore: readers of JSON would take either of the two. */
function withoutReserved(fields: Record<string, unknown>): Record<string, unknown> {
  if (!reserved.some((name) => name in fields)) return fields
  const isReserved = (name: string) => reserved.some((one) => one === name)
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [isReserved(name) ? `${name}_` : name, value]),
  )
}

/** pino escapes what JSON must not have, which is less than what a terminal must not get. */
function destinationOf({ format, output }: LogOptions): DestinationStream {
  const isTerminal = output?.isTerminal ?? process.stdout.isTTY
  if (format === 'pretty' || (format === 'auto' && isTerminal)) {
    const { write } = output ?? { write: (text) => void process.stdout.write(text) }
    const paint = isTerminal ? painted : (_: string, text: string) => text
    return { write: (line) => write(`${logText(boundedLine(line), paint)}\n`) }
  }
  const { write } = output ?? standardOutput()
  return { write: (line) => write(boundedLine(printableJson(line))) }
}

/** Written at once: a line is out before the process ends. */
function standardOutput(): Pick<LogOutput, 'write'> {
  const stream = pino.destination({ dest: 1, sync: true })
  return { write: (text) => void stream.write(text) }
}

const colours = {
  fatal: 'red',
  error: 'red',
  warn: 'yellow',
  info: 'green',
  debug: 'gray',
  trace: 'gray',
} as const

/** Without colours where `NO_COLOR` is set, or the terminal has none. */
function painted(level: string, text: string): string {
  const colour = Object.entries(colours).find(([name]) => name === level)?.[1]
  return colour === undefined ? text : styleText(colour, text, { stream: process.stdout })
}

/** What ends a process before it has begun, for those who read the log alone. */
export function logRefusal({ message, problems }: UserError, options: LogOptions): void {
  const log = createLog(options)
  if (problems.length === 0) log.fatal(message)
  else log.fatal({ problems }, message.slice(0, message.indexOf(':')))
}

/** What nobody expected, and what ends the process. */
export function logCrash(thrown: unknown, options: LogOptions): void {
  const { message, stack } = asError(thrown)
  createLog(options).fatal({ error: message, stack }, 'failed in a way that it does not know')
}

/** A warning of Node's own. */
export function logWarning({ name, message }: Error, options: LogOptions): void {
  createLog(options).warn({ warning: name, error: message }, 'Node warns')
}

export function createSignalLog(options: SignalLogOptions): SignalLog {
  const rates = new LineRates(options.clock, (leftOut) => logLeftOut(log, leftOut))
  const admits: Admits = (message, level) => {
    // Who asks for more than `info` wants each line, and there is one last line.
    if (level < numbers.info || level >= numbers.fatal) return true
    const perSecond = message === attemptMessage ? options.attemptsPerSecond : linesPerSecond
    return rates.admits(message, level, perSecond)
  }
  // A signal's line is counted before its fields are copied, and must not be counted again when pino asks.
  let isAdmitted = false
  const log = createLog(options, (message, level) => isAdmitted || admits(message, level))
  return {
    log,
    write(signal) {
      const level = levelOf(signal)
      // Of thousands of deliveries a second almost no line is written: nothing is copied for the others.
      if (!log.isLevelEnabled(level) || !admits(signal.kind, numbers[level])) return
      const { kind, ...fields } = signal
      isAdmitted = true
      try {
        log[level]({ ...fields, ...timesOf(signal) }, kind)
      } finally {
        isAdmitted = false
      }
    },
  }
}

/** As people read them. */
function timesOf(signal: Signal): Readonly<Record<string, string | null>> {
  return {
    ...('until' in signal ? { until: timeOf(signal.until) } : {}),
    ...('nextDueAt' in signal && signal.nextDueAt !== undefined
      ? { nextDueAt: timeOf(signal.nextDueAt) }
      : {}),
  }
}

const attemptMessage = 'delivery.recorded' satisfies Signal['kind']

function logLeftOut(log: Logger, { message, level, leftOut }: LeftOut): void {
  const name = level >= numbers.error ? 'error' : level >= numbers.warn ? 'warn' : 'info'
  log[name]({ leftOut }, `${message}.more`)
}

function timeOf(at: EpochMs | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}

type Level = 'debug' | 'info' | 'warn'

/** An orderly stop is not a reason to look at a process. */
function levelOf(signal: Signal): Level {
  const isOrderly = signal.kind === 'calls.stopped' && signal.cause === 'stopping'
  return isOrderly ? 'info' : levels[signal.kind]
}

/** Level of each kind's line. */
const levels: Readonly<Record<Signal['kind'], Level>> = {
  'delivery.recorded': 'info',
  'event.unmatched': 'debug',
  'filter.failed': 'debug',
  'run.hopped': 'debug',
  'run.deferred': 'debug',
  'run.split': 'debug',
  'lanes.idle': 'debug',
  'connection.stale': 'debug',
  'run.repeated': 'debug',
  'commit.acknowledged': 'debug',
  'name.asked': 'debug',
  'name.stale': 'debug',
  'name.unanswered': 'warn',
  'name.recovered': 'info',
  'record.rejected': 'warn',
  'hook.suspended': 'warn',
  'hook.unusable': 'warn',
  'endpoint.disabled': 'warn',
  'endpoint.unusable': 'warn',
  // Tried again twice a second while it lasts: the group's source says once why.
  'commit.failed': 'debug',
  'commit.foreign': 'warn',
  'calls.stopped': 'warn',
  'notice.left-out': 'warn',
  'notice.written': 'info',
  'table.loaded': 'info',
  'hook.changed': 'info',
  'endpoint.changed': 'info',
  'group.assigned': 'info',
  'group.draining': 'info',
  'calls.resumed': 'info',
}
