/** What a row of the table of settings is. */
import { optionalText, type Parser } from './parsers.ts'

export interface Setting<Value> {
  readonly variable: string
  /** Text that is read when neither flag nor variable is given; empty for "not set". */
  readonly default: string
  readonly parse: Parser<Value>
  readonly description: string
  /** Never a flag: arguments show in the list of processes. */
  readonly isSecret: boolean
  /** A value as the log may have it. */
  readonly show: (value: unknown) => unknown
  /** Why a text may not be given as a flag: completes the sentence "--<flag> …". */
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

/** Shown as set or not. */
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
