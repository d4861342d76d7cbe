/** A row of the table of settings. */
import { optionalText, type Parser } from './parsers.ts'

export interface Setting<Value> {
  readonly variable: string
  /** The text that is parsed if neither flag nor variable is set; empty for "not set". */
  readonly default: string
  readonly parse: Parser<Value>
  readonly description: string
  /** A secret has no flag: arguments are visible in the process list. */
  readonly isSecret: boolean
  /** The value as the log may show it. */
  readonly show: (value: unknown) => unknown
  /** Why a value is refused as a flag: completes the sentence "--<flag> …". `undefined` if it is allowed. */
  readonly flagFault: (text: string) => string | undefined
}

export function setting<Value>(
  variable: string,
  fallback: string,
  parse: Parser<Value>,
  description: string,
): Setting<Value> {
  return {
    variable,
    default: fallback,
    parse,
    description,
    isSecret: false,
    show: (value) => value,
    flagFault: () => undefined,
  }
}

/** For the log: whether a value is set. */
export function isSet(value: unknown): boolean {
  return value !== undefined
}

export function secret(variable: string, description: string): Setting<string | undefined> {
  return secretOf(variable, optionalText, description)
}

export function secretOf<Value>(
  variable: string,
  parse: Parser<Value>,
  description: string,
): Setting<Value> {
  return { ...setting(variable, '', parse, description), isSecret: true, show: isSet }
}
