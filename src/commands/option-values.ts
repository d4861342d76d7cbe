/** Reads the values of options. Every fault is a wrong use of the command: exit code 2. */
import type { Settings } from '../settings/settings.ts'
import { parseDuration } from '../core/model/durations.ts'
import { UserError } from '../core/model/errors.ts'
import type { EpochMs } from '../core/model/model.ts'
import type { RegistrySettings } from '../edge/registry/client.ts'
import type { CommandContext } from './command.ts'
import { idForms } from './id-forms.ts'

type Options = Pick<CommandContext, 'options'>

export function textOption({ options }: Options, name: string): string | undefined {
  const value = options[name]
  if (value === '') throw new UserError(`--${name} needs a value.`, 2)
  return typeof value === 'string' ? value : undefined
}

export const wideOption = {
  type: 'boolean',
  description: 'Show all columns in full, whatever the width of the terminal.',
} as const

export function booleanOption({ options }: Options, name: string): boolean {
  return options[name] === true
}

/** The values in a text, separated by commas. A comma behind a backslash belongs to a value: ids may have some. */
export function listValues(text: string): readonly string[] {
  return text.split(/(?<!\\),/).map((value) => value.replaceAll('\\,', ',').trim())
}

/**
 * The values of an option that takes several, without repeats.
 *
 * @param form completes `must be …`
 * @throws UserError when a value does not have the form
 */
export function listOption(
  context: Options,
  name: string,
  isValid: (value: string) => boolean,
  form: string,
): readonly string[] | undefined {
  const given = context.options[name]
  if (typeof given !== 'object') return undefined
  const values = [...new Set(given)]
  const wrong = values.find((value) => !isValid(value))
  if (wrong === undefined) return values
  throw new UserError(
    `--${name} must be ${form} (separate several with commas), not "${wrong}".`,
    2,
  )
}

/** @throws UserError when one of them is not such an id */
export function idsOption(
  context: Options,
  name: 'hook' | 'tenant' | 'delivery',
): readonly string[] | undefined {
  const { isValid, form } = idForms[name]
  return listOption(context, name, isValid, form)
}

/** @throws UserError when the value is not a whole number from `min` to `max` */
export function integerOption(
  context: Options,
  name: string,
  min: number,
  max: number,
): number | undefined {
  const text = textOption(context, name)
  if (text === undefined) return undefined
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw new UserError(`--${name} must be a whole number from ${min} to ${max}, not "${text}".`, 2)
}

/** A time in ISO 8601. A zone is required: without it the time would depend on the machine. */
function parseIsoTime(text: string): EpochMs | undefined {
  const form = /^\d{4}-\d\d-(\d\d)(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/
  const day = form.exec(text)?.[1]
  if (day === undefined) return undefined
  // `Date` reads the 31st of a month with 30 days as the first of the next month.
  const isInMonth = new Date(text.slice(0, 10)).getUTCDate() === Number(day)
  const time = isInMonth ? Date.parse(text) : Number.NaN
  return Number.isNaN(time) ? undefined : time
}

/** The forms that {@link parseMoment} reads; completes `must be …`. */
export const momentForms =
  'a time with its zone such as 2026-01-31T08:00:00Z or 2026-01-31T09:00:00+01:00, a day (UTC) such as 2026-01-31, or how long ago such as 15m, 2h or 3d'

/** A time, or a duration before `now` such as `15m`. Never before 1970: Kafka gives negative times special meanings. */
export function parseMoment(text: string, now: EpochMs): EpochMs | undefined {
  const agoMs = parseDuration(text)
  const moment = agoMs === undefined ? parseIsoTime(text) : now - agoMs
  return moment === undefined ? undefined : Math.max(0, moment)
}

/** @param forms completes `must be`. @throws UserError when it is not one of these forms */
export function momentOption(
  context: Options,
  name: string,
  forms: string = momentForms,
): EpochMs | undefined {
  const text = textOption(context, name)
  if (text === undefined) return undefined
  const moment = parseMoment(text, Date.now())
  if (moment !== undefined) return moment
  throw new UserError(`--${name} must be ${forms}, not "${text}".`, 2)
}

/** `undefined` if no registry is set. */
export function registrySettingsOf({
  registryUrl,
  registryUsername,
  registryPassword,
}: Settings): RegistrySettings | undefined {
  if (registryUrl === undefined) return undefined
  return { url: registryUrl, username: registryUsername, password: registryPassword }
}
