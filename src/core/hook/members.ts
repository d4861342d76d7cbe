/** Reads the members of one object of a hook, and writes down by path what is wrong with them. */
import type { HookProblems } from './problems.ts'
import { isJsonObject, type JsonObject } from '../text/json.ts'
import { isPlainWords, memberPath } from '../text/plain-words.ts'

export type Check<Value> = (value: unknown) => value is Value

export class Members {
  readonly #members: JsonObject
  readonly #path: string
  readonly #problems: HookProblems
  #places: ReadonlyMap<string, number> | undefined

  constructor(members: JsonObject, path: string, problems: HookProblems) {
    this.#members = members
    this.#path = path
    this.#problems = problems
  }

  get names(): readonly string[] {
    return Object.keys(this.#members)
  }

  has(name: string): boolean {
    return (this.#valueOf(name) ?? null) !== null
  }

  optional<Value>(name: string, is: Check<Value>, expected: string): Value | undefined {
    return this.has(name) ? this.required(name, is, expected) : undefined
  }

  required<Value>(name: string, is: Check<Value>, expected: string): Value | undefined {
    const value = this.#valueOf(name)
    if (is(value)) return value
    this.report(name, value === undefined ? 'is missing' : `must be ${expected}`)
    return undefined
  }

  wholeNumber(name: string, least: number, most: number): number | undefined {
    const is = (value: unknown): value is number =>
      isNumber(value) && Number.isInteger(value) && value >= least && value <= most
    return this.optional(name, is, `a whole number from ${least} to ${most}`)
  }

  optionalObject(name: string): Members | undefined {
    return this.has(name) ? this.requiredObject(name) : undefined
  }

  requiredObject(name: string): Members | undefined {
    const value = this.#valueOf(name)
    if (value !== undefined) return this.element(name, value)
    this.report(name, 'is missing')
    return undefined
  }

  /** A value found under this object, which must itself be an object. */
  element(path: string, value: unknown): Members | undefined {
    if (isJsonObject(value)) return new Members(value, this.#pathOf(path), this.#problems)
    this.report(path, 'must be an object')
    return undefined
  }

  refuseOthers(known: readonly string[]): void {
    for (const name of this.names) if (!known.includes(name)) this.report(name, 'is not known here')
  }

  report(name: string, message: string): void {
    this.#problems.report(() => this.#pathOf(name), message)
  }

  #valueOf(name: string): unknown {
    return Object.hasOwn(this.#members, name) ? this.#members[name] : undefined
  }

  /** @param name of a member, as it came from outside, or a path of ours below this object */
  #pathOf(name: string): string {
    const place = isPlainWords(name) ? undefined : this.#placeOf(name)
    if (place !== undefined) return memberPath(this.#path, name, place)
    return this.#path === '' ? name : `${this.#path}.${name}`
  }

  #placeOf(name: string): number | undefined {
    this.#places ??= new Map(this.names.map((one, index) => [one, index]))
    return this.#places.get(name)
  }
}

export function isText(value: unknown): value is string {
  return typeof value === 'string'
}

export function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean'
}

export function isNumber(value: unknown): value is number {
  return Number.isFinite(value)
}

export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}

/** Text of so many characters at most, counted by code point as JSON Schema does. */
export function isTextUpTo(most: number): Check<string> {
  const form = new RegExp(`^.{0,${most}}$`, 'su')
  return (value): value is string => isText(value) && form.test(value)
}
