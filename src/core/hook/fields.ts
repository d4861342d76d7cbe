/** The fields of a hook object, read by hand so that every fault is found at once and named by its path. */
import { isEncrypted, type Decrypt } from './encrypted-text.ts'
import { isEventKey, knownEventKeys } from '../event/event-keys.ts'
import { readLogins } from './logins.ts'
import { isBoolean, isList, isNumber, isText, isTextUpTo, Members } from './members.ts'
import type { HookProblems } from './problems.ts'
import { readSecret, type SecretForm } from './secret-member.ts'
import { headerUse, openerOf, type OpenSecret } from './secrets.ts'
import { isTenantId, tenantIdForm } from '../model/identity.ts'
import type { JsonObject } from '../text/json.ts'
import { defaultTenant, type Hook, type SigningKey } from '../model/model.ts'
import { signingKeyFault } from './signature.ts'

/** What could be read; a field that is wrong is `undefined` or empty. */
export interface HookFields extends Omit<Hook, 'id' | 'tenantId' | 'configVersion'> {
  readonly tenantId: string | undefined
}

/**
 * Bounds of one hook, so that it costs no more than its bytes. What a call carries fits servers with their defaults: Apache
 * and Tomcat take 100 header fields, of which eleven are ours; Tomcat takes 8 KiB of headers, and Node 16 KiB of URL and
 * headers, where 8,192 and 4,096 leave 4 KiB for ours.
 */
const hookBounds = {
  /** As in Logto's `hooks` table. */
  nameLength: 256,
  urlLength: 4_096,
  /** Logto has 31 event keys; other systems have a few times as many. */
  events: 256,
  headers: 64,
  /** Of names and values. */
  headerBytes: 8_192,
  keyLength: 256,
  /** Each costs every call one more signature until it expires. */
  previousKeys: 10,
} as const

/** Why a text is no filter, as the end of a sentence that names its field; `undefined` when it is one. */
export type CheckFilter = (text: string) => string | undefined

/** How the parts of a hook are judged that have a language, or a secret, of their own. */
export interface HookReading {
  readonly checkFilter: CheckFilter
  readonly decrypt: Decrypt
}

/**
 * Reads a hook object. Without a problem all of it is as the owner wants it; with one, only tenant, events and `enabled`
 * mean something. `null` counts as absent where a field is optional. Fields that are not known are let be, except in
 * `delivery`, which is ours: there they are slips of the pen.
 */
export function readHookFields(
  members: JsonObject,
  { checkFilter, decrypt }: HookReading,
  problems: HookProblems,
): HookFields {
  const hook = new Members(members, '', problems)
  const open = openerOf(members, decrypt)
  const tenantId = hook.optional('tenantId', isTenantId, tenantIdForm)
  const signingKey = readSigningKey(hook, 'signingKey', open)
  hook.optional('createdAt', isNumber, 'a number of milliseconds')
  return {
    tenantId: hook.has('tenantId') ? tenantId : defaultTenant,
    name: hook.optional('name', isName, textForm(hookBounds.nameLength)) ?? '',
    event: hook.optional('event', isEventKey, eventKeyForm),
    events: readEvents(hook),
    ...readConfig(hook, open),
    signingKey: signingKey ?? '',
    // Unreadable counts as true: then deliveries go to dead letters instead of nowhere.
    enabled: hook.optional('enabled', isBoolean, 'true or false') ?? true,
    ...readDelivery(hook, { checkFilter, open }),
  }
}

const textForm = (most: number) => `text of at most ${most} characters`
const eventKeyForm = 'an event key such as PostSignIn'
const isName = isTextUpTo(hookBounds.nameLength)
const isUrlText = isTextUpTo(hookBounds.urlLength)

function readEvents(hook: Members): readonly string[] {
  const events = hook.optional('events', isList, 'a list of event keys') ?? []
  if (events.length > hookBounds.events) {
    hook.report('events', `has more than ${hookBounds.events} event keys`)
  }
  const first = events.slice(0, hookBounds.events)
  for (const [index, event] of first.entries()) {
    if (!isEventKey(event)) hook.report(`events[${index}]`, `must be ${eventKeyForm}`)
  }
  return first.filter(isEventKey).map((event) => sharedKeys.get(event) ?? event)
}

// What all hooks may have alike is kept once: of a hundred thousand hooks it would be a third of the memory.
const sharedKeys = new Map(knownEventKeys.map((key) => [key, key]))
const noHeaders: HookFields['headers'] = {}
const noKeys: readonly SigningKey[] = []

function readConfig(hook: Members, open: OpenSecret): Pick<HookFields, 'url' | 'headers'> {
  const config = hook.requiredObject('config')
  if (config === undefined) return { url: '', headers: noHeaders }
  const url = config.required('url', isUrlText, textForm(hookBounds.urlLength))
  return { url: url ?? '', headers: readHeaders(config, open) }
}

// Names and values by RFC 9110, sections 5.1 and 5.5, Latin-1 included: what HTTP clients refuse to send.
const headerName = /^[\w!#$%&'*+.^`|~-]+$/
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/

function readHeaders(config: Members, open: OpenSecret): HookFields['headers'] {
  const custom = config.optionalObject('headers')
  if (custom === undefined) return noHeaders
  const { names } = custom
  if (names.length > hookBounds.headers) {
    config.report('headers', `has more than ${hookBounds.headers} headers`)
  }
  const headers = names
    .slice(0, hookBounds.headers)
    .flatMap((name) => readHeader(custom, name, open))
  // Each character of a name or value is one byte on the way. What is still encrypted is counted by who decrypts it.
  const bytes = headers.reduce(
    (sum, [name, value]) => sum + name.length + (isEncrypted(value) ? 0 : value.length),
    0,
  )
  if (bytes > hookBounds.headerBytes) {
    config.report('headers', `has more than ${hookBounds.headerBytes} bytes of names and values`)
  }
  return headers.length === 0 ? noHeaders : Object.fromEntries(headers)
}

function readHeader(
  custom: Members,
  name: string,
  open: OpenSecret,
): readonly (readonly [string, string])[] {
  if (!headerName.test(name)) custom.report(name, 'is not a header name')
  const secret = { use: headerUse(name), is: isHeaderValue, form: 'text that a header can have' }
  const value = readSecret(custom, name, open, secret)
  return value === undefined ? [] : [[name, value]]
}

const signingKeyForm = textForm(hookBounds.keyLength)
const isKeyText = isTextUpTo(hookBounds.keyLength)
const isFilledKeyText = (value: unknown): value is string => isKeyText(value) && value !== ''
const keySecret = { use: 'signing-key', is: isKeyText, form: signingKeyForm } as const
const filledKeySecret = { ...keySecret, is: isFilledKeyText, form: `${signingKeyForm}, not empty` }

function readSigningKey(
  members: Members,
  name: string,
  open: OpenSecret,
  secret: SecretForm = keySecret,
): string | undefined {
  const key = readSecret(members, name, open, secret)
  const fault = key === undefined ? undefined : signingKeyFault(key)
  if (fault === undefined) return key
  members.report(name, fault)
  return undefined
}

/** Names that `delivery` of a hook object may have. */
export const deliveryFields: readonly string[] = [
  'timeoutMs',
  'maxRetries',
  'concurrency',
  'ratePerSecond',
  'keepResponse',
  'filter',
  'previousSigningKeys',
  'oauth',
  'clientCertificate',
]

interface DeliveryReading {
  readonly checkFilter: CheckFilter
  readonly open: OpenSecret
}

function readDelivery(
  hook: Members,
  { checkFilter, open }: DeliveryReading,
): Pick<
  HookFields,
  | 'timeoutMs'
  | 'maxRetries'
  | 'concurrency'
  | 'ratePerSecond'
  | 'keepResponse'
  | 'filter'
  | 'previousSigningKeys'
  | 'oauth'
  | 'clientCertificate'
> {
  const delivery = hook.optionalObject('delivery')
  delivery?.refuseOthers(deliveryFields)
  return {
    timeoutMs: delivery?.wholeNumber('timeoutMs', 100, 60_000),
    maxRetries: delivery?.wholeNumber('maxRetries', 0, 100),
    concurrency: delivery?.wholeNumber('concurrency', 1, 256),
    ratePerSecond: delivery?.optional('ratePerSecond', isRate, 'a number from 0.01 to 10000'),
    keepResponse: delivery?.optional('keepResponse', isBoolean, 'true or false'),
    filter: readFilter(delivery, checkFilter),
    previousSigningKeys: readPreviousKeys(delivery, open),
    ...readLogins(delivery, open),
  }
}

function readFilter(delivery: Members | undefined, check: CheckFilter): string | undefined {
  const filter = delivery?.optional('filter', isText, 'a CEL expression')
  const fault = filter === undefined ? undefined : check(filter)
  if (fault !== undefined) delivery?.report('filter', fault)
  return filter
}

function readPreviousKeys(delivery: Members | undefined, open: OpenSecret): readonly SigningKey[] {
  const values = delivery?.optional('previousSigningKeys', isList, 'a list') ?? []
  if (values.length === 0) return noKeys
  if (values.length > hookBounds.previousKeys) {
    delivery?.report('previousSigningKeys', `has more than ${hookBounds.previousKeys} keys`)
  }
  return values.slice(0, hookBounds.previousKeys).flatMap((value, index) => {
    const previous = delivery?.element(`previousSigningKeys[${index}]`, value)
    previous?.refuseOthers(['key', 'expiresAt'])
    const key = previous && readSigningKey(previous, 'key', open, filledKeySecret)
    const expiresAt = previous?.required('expiresAt', isNumber, 'a number of milliseconds')
    return key === undefined || expiresAt === undefined ? [] : [{ key, expiresAt }]
  })
}

function isRate(value: unknown): value is number {
  return isNumber(value) && value >= 0.01 && value <= 10_000
}

function isHeaderValue(value: unknown): value is string {
  return isText(value) && headerValue.test(value)
}
