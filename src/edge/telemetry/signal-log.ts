/** Signals as log lines. The only file that knows pino. */
import { pino, type Logger } from 'pino'
import type { UserError } from '../../core/errors.ts'
import type { DeliveryRecorded, Emit, Signal } from '../../core/signal.ts'
import type { Clock } from '../../ports.ts'

export interface SignalLogOptions {
  readonly level: string
  readonly instance: string
  readonly clock: Clock
  /** Attempts logged one by one per second; further ones of that second are only counted. */
  readonly attemptsPerSecond: number
}

export interface SignalLog {
  /** For lines that come from no signal. */
  readonly log: Logger
  readonly write: Emit
}

/** @param base fields of every line */
function createLog(level: string, base: { readonly instance?: string }): Logger {
  return pino({ level, base, timestamp: pino.stdTimeFunctions.isoTime })
}

/**
 * What ends a process before it has begun, for those who read the log alone.
 *
 * @param where `undefined` when the settings themselves are not usable
 */
export function logRefusal(
  { message, problems }: UserError,
  where: Pick<SignalLogOptions, 'level' | 'instance'> | undefined,
): void {
  const log = createLog(where?.level ?? 'info', where ? { instance: where.instance } : {})
  if (problems.length === 0) log.fatal(message)
  else log.fatal({ problems }, message.slice(0, message.indexOf(':')))
}

export function createSignalLog(options: SignalLogOptions): SignalLog {
  const { level, instance } = options
  const log = createLog(level, { instance })
  const logAttempt = limitedAttemptLog(log, options)
  return {
    log,
    write(signal) {
      if (signal.kind === 'delivery.recorded') {
        logAttempt(signal)
        return
      }
      const { kind, ...fields } = signal
      log[levels[kind]](fields, kind)
    },
  }
}

/** Level of each kind's line. Attempts have a limit of their own. */
const levels: Readonly<
  Record<Exclude<Signal['kind'], 'delivery.recorded'>, 'debug' | 'info' | 'warn'>
> = {
  'event.unmatched': 'debug',
  'filter.failed': 'debug',
  'run.hopped': 'debug',
  'run.deferred': 'debug',
  'run.split': 'debug',
  'lanes.idle': 'debug',
  'connection.stale': 'debug',
  'run.repeated': 'debug',
  'commit.acknowledged': 'debug',
  'record.rejected': 'warn',
  'hook.suspended': 'warn',
  'hook.unusable': 'warn',
  'endpoint.disabled': 'warn',
  'endpoint.unusable': 'warn',
  // Tried again twice a second while it lasts: the group's source says once why.
  'commit.failed': 'debug',
  'commit.foreign': 'warn',
  'calls.stopped': 'warn',
  'table.loaded': 'info',
  'hook.changed': 'info',
  'endpoint.changed': 'info',
  'group.assigned': 'info',
  'group.draining': 'info',
  'calls.resumed': 'info',
}

/** The one wide line per attempt, as long as the rate allows it; what it hid is said once a second. */
function limitedAttemptLog(
  log: Logger,
  options: SignalLogOptions,
): (signal: DeliveryRecorded) => void {
  let second = 0
  let logged = 0
  let hidden = 0
  return (signal) => {
    const now = Math.floor(options.clock.monotonic() / 1_000)
    if (now !== second) {
      if (hidden > 0) log.info({ attempts: hidden }, 'delivery.recorded.more')
      second = now
      logged = 0
      hidden = 0
    }
    if (logged < options.attemptsPerSecond) {
      logged += 1
      const { kind, ...fields } = signal
      log.info(fields, kind)
    } else {
      hidden += 1
    }
  }
}
