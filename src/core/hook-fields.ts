/** The fields of a hook object, read by hand so that every fault is found at once and named by its path. */
import { eventKeys, isEventKey } from './event-keys.ts'
import type { CheckFilter } from './filter.ts'
import { isTenantId } from './identity.ts'
import { isJsonObject, type JsonObject } from './json-text.ts'
import { defaultTenant, type FieldProblem, type Hook, type SigningKey } from './model.ts'

/** What could be read; a field that is wrong is `undefined` or empty. */
export interface HookFields extends Omit<Hook, 'id' | 'tenantId' | 'configVersion'> {
  readonly tenantId: string | undefined
}

const signingKeyPattern = /^.{0,256}$/su
/** Each costs every call one more signature until it expires. */
const maxPreviousSigningKeys = 10

/**
 * Reads a hook object. Without a problem all of `fields` is as the owner wants it; with one, only tenant, events and
 * `enabled` mean something. `null` counts as absent where a field is optional. Fields that are not known are let be,
 * except in `delivery`, which is ours: there they are slips of the pen.
 */
export function readHookFields(
  members: JsonObject,
  checkFilter: CheckFilter,
): {
  readonly fields: HookFields
  readonly problems: readonly FieldProblem[]
} {
  const problems: FieldProblem[] = []
  const hook = new Members(members, '', problems)
  const tenantId = hook.optional('tenantId', isTenantId, 'text of 1 to 128 printable characters')
  const signingKey = hook.required('signingKey', isSigningKey, signingKeyForm)
  hook.optional('createdAt', isNumber, 'a number of milliseconds')
  const fields = {
    tenantId: hook.has('tenantId') ? tenantId : defaultTenant,
    name: hook.optional('name', isText, 'text') ?? '',
    event: hook.optional('event', isEventKey, eventKeyForm),
    events: readEvents(hook),
    ...readConfig(hook),
    signingKey: signingKey ?? '',
    // Unreadable counts as true: then deliveries go to dead letters instead of nowhere.
    enabled: hook.optional('enabled', isBoolean, 'true or false') ?? true,
    ...readDelivery(hook, checkFilter),
  }
  return { fields, problems }
}

const eventKeyForm = 'an event key such as PostSignIn'
const signingKeyForm = 'text of at most 256 characters'

function readEvents(hook: Members): readonly string[] {
  const events = hook.optional('events', isList, 'a list of event keys') ?? []
  events.forEach((event, index) => {
    if (!isEventKey(event)) hook.report(`events[${index}]`, `must be ${eventKeyForm}`)
  })
  return events.filter(isEventKey).map((event) => sharedKeys.get(event) ?? event)
}

// What many hooks have alike is kept once: of a hundred thousand hooks it would be a third of the memory.
const sharedKeys = new Map(eventKeys.map((key) => [key, key]))
const noHeaders: HookFields['headers'] = {}
const noKeys: readonly SigningKey[] = []

function readConfig(hook: Members): Pick<HookFields, 'url' | 'headers'> {
  const config = hook.requiredObject('config')
  const custom = config?.optionalObject('headers')
  return { url: config?.required('url', isText, 'text') ?? '', headers: readHeaders(custom) }
}

// Names and values by RFC 9110, sections 5.1 and 5.5, Latin-1 included: what HTTP clients refuse to send.
const headerName = /^[\w!#$%&'*+.^`|~-]+$/
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/

function readHeaders(custom: Members | undefined): Readonly<Record<string, string>> {
  const headers: [string, string][] = []
  for (const name of custom?.names ?? []) {
    if (!headerName.test(name)) custom?.report(name, 'is not a header name')
    const value = custom?.required(name, isHeaderValue, 'text that a header can have')
    if (value !== undefined) headers.push([name, value])
  }
  return headers.length === 0 ? noHeaders : Object.fromEntries(headers)
}

/** Names that `delivery` of a hook object may have. */
export const deliveryFields: readonly string[] = [
  'timeoutMs',
  'maxRetries',
  'concurrency',
  'ratePerSecond',
  'filter',
  'previousSigningKeys',
]

function readDelivery(
  hook: Members,
  checkFilter: CheckFilter,
): Pick<
  HookFields,
  'timeoutMs' | 'maxRetries' | 'concurrency' | 'ratePerSecond' | 'filter' | 'previousSigningKeys'
> {
  const delivery = hook.optionalObject('delivery')
  delivery?.refuseOthers(deliveryFields)
  return {
    timeoutMs: delivery?.wholeNumber('timeoutMs', 100, 60_000),
    maxRetries: delivery?.wholeNumber('maxRetries', 0, 100),
    concurrency: delivery?.wholeNumber('concurrency', 1, 256),
    ratePerSecond: delivery?.optional('ratePerSecond', isRate, 'a number from 0.01 to 10000'),
    filter: readFilter(delivery, checkFilter),
    previousSigningKeys: readPreviousKeys(delivery),
  }
}

function readFilter(delivery: Members | undefined, check: CheckFilter): string | undefined {
  const filter = delivery?.optional('filter', isText, 'a CEL expression')
  const fault = filter === undefined ? undefined : check(filter)
  if (fault !== undefined) delivery?.report('filter', fault)
  return filter
}

function readPreviousKeys(delivery: Members | undefined): readonly SigningKey[] {
  const values = delivery?.optional('previousSigningKeys', isList, 'a list') ?? []
  if (values.length === 0) return noKeys
  if (values.length > maxPreviousSigningKeys) {
    delivery?.report('previousSigningKeys', `has more than ${maxPreviousSigningKeys} keys`)
  }
  return values.slice(0, maxPreviousSigningKeys).flatMap((value, index) => {
    const previous = delivery?.element(`previousSigningKeys[${index}]`, value)
    previous?.refuseOthers(['key', 'expiresAt'])
    const key = previous?.required('key', isFilledSigningKey, `${signingKeyForm}, not empty`)
    const expiresAt = previous?.required('expiresAt', isNumber, 'a number of milliseconds')
    return key === undefined || expiresAt === undefined ? [] : [{ key, expiresAt }]
  })
}

/** Reads the members of one object, and writes down by path what is wrong with them. */
class Members {
  readonly #members: JsonObject
  readonly #path: string
  readonly #problems: FieldProblem[]

  constructor(members: JsonObject, path: string, problems: FieldProblem[]) {
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
    this.#problems.push({ field: this.#pathOf(name), message })
  }

  #valueOf(name: string): unknown {
    return Object.hasOwn(this.#members, name) ? this.#members[name] : undefined
  }

  #pathOf(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`
  }
}

type Check<Value> = (value: unknown) => value is Value

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean'
}

function isNumber(value: unknown): value is number {
  return Number.isFinite(value)
}

function isRate(value: unknown): value is number {
  return isNumber(value) && value >= 0.01 && value <= 10_000
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}

function isHeaderValue(value: unknown): value is string {
  return isText(value) && headerValue.test(value)
}

function isSigningKey(value: unknown): value is string {
  return isText(value) && signingKeyPattern.test(value)
}

function isFilledSigningKey(value: unknown): value is string {
  return isSigningKey(value) && value !== ''
}
