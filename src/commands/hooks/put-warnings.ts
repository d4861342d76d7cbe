/** Warnings about a valid hook: what in it has no effect, or another effect than its owner may expect. */
import { isEncrypted } from '../../core/hook/encrypted-text.ts'
import { knownEventKeys } from '../../core/event/event-keys.ts'
import { isJsonObject, type JsonObject } from '../../core/text/json-text.ts'
import { isPlainWords, memberPath } from '../../core/text/plain-words.ts'
import { readX509 } from '../../core/hook/logins.ts'
import type { EpochMs } from '../../core/model/model.ts'
import { isReservedHeader } from '../../core/run/request-headers.ts'
import { secretLength } from '../../core/hook/signature.ts'

const maxWarnings = 20
/** In bytes. Standard Webhooks asks for 24 to 64. */
const leastSecretLength = 24

/**
 * At most {@link maxWarnings} lines.
 *
 * @param hook a valid hook, with its secrets in plain text
 */
export function warningsOf(hook: JsonObject, now: EpochMs): readonly string[] {
  const warnings = [
    ...eventWarnings(hook),
    ...headerWarnings(hook),
    ...keyWarnings(hook),
    ...loginWarnings(hook, now),
    ...memberWarnings(hook),
  ]
  if (warnings.length <= maxWarnings) return warnings
  const first = warnings.slice(0, maxWarnings - 1)
  return [...first, `and ${warnings.length - first.length} more warnings`]
}

function eventWarnings(hook: JsonObject): readonly string[] {
  const keys = eventsOf(hook)
  if (keys.length === 0) return ['events is empty, and so is event: this hook will never be called']
  return keys
    .filter((key) => !knownEventKeys.includes(key))
    .map((key) => `events has ${key}, which Logto does not send`)
}

function headerWarnings({ config }: JsonObject): readonly string[] {
  const headers = isJsonObject(config) ? config['headers'] : undefined
  const names = isJsonObject(headers) ? Object.keys(headers) : []
  const last = new Map(names.map((name, place) => [name.toLowerCase(), place]))
  const pathOf = (place: number) => memberPath('config.headers', names[place] ?? '', place)
  return names.flatMap((name, place) => {
    const lowerCase = name.toLowerCase()
    if (isReservedHeader(lowerCase)) {
      return [
        `${pathOf(place)} is left out of calls: hooktide or HTTP sets this header, or it is not sent at all`,
      ]
    }
    const replacing = last.get(lowerCase) ?? place
    if (replacing === place) return []
    return [`${pathOf(place)} has no effect: ${pathOf(replacing)} replaces it`]
  })
}

function keyWarnings({ signingKey }: JsonObject): readonly string[] {
  if (typeof signingKey !== 'string' || signingKey === '' || isEncrypted(signingKey)) return []
  const length = secretLength(signingKey)
  if (length >= leastSecretLength) return []
  return [`signingKey has ${length} bytes: Standard Webhooks asks for ${leastSecretLength} to 64`]
}

function loginWarnings({ config, delivery }: JsonObject, now: EpochMs): readonly string[] {
  const { oauth, clientCertificate: shown } = isJsonObject(delivery) ? delivery : {}
  return [
    ...(isJsonObject(oauth) ? tokenWarnings(oauth, config) : []),
    ...(isJsonObject(shown) ? certificateWarnings(shown, config, now) : []),
  ]
}

function tokenWarnings({ tokenUrl }: JsonObject, config: unknown): readonly string[] {
  const headers = isJsonObject(config) ? config['headers'] : undefined
  const names = isJsonObject(headers) ? Object.keys(headers) : []
  return [
    ...names
      .filter((name) => name.toLowerCase() === 'authorization')
      .map(
        (name) => `config.headers.${name} has no effect: the token of delivery.oauth replaces it`,
      ),
    ...(isPlainHttp(tokenUrl)
      ? [
          'delivery.oauth.tokenUrl is plain http: the secret of the client crosses the network in plain text',
        ]
      : []),
  ]
}

function certificateWarnings(
  { certificate }: JsonObject,
  config: unknown,
  now: EpochMs,
): readonly string[] {
  const read = readX509(String(certificate))
  if (read === undefined) return []
  const { validFromDate: from, validToDate: to } = read
  const field = 'delivery.clientCertificate.certificate'
  const isUseless = isJsonObject(config) && isPlainHttp(config['url'])
  return [
    ...(to.getTime() < now ? [`${field} has expired on ${to.toISOString()}`] : []),
    ...(from.getTime() > now ? [`${field} is not valid before ${from.toISOString()}`] : []),
    ...(isUseless ? [`${field} has no effect: config.url is plain http`] : []),
  ]
}

function isPlainHttp(url: unknown): boolean {
  return typeof url === 'string' && URL.parse(url)?.protocol === 'http:'
}

const knownMembers = new Set([
  'id',
  'tenantId',
  'name',
  'event',
  'events',
  'config',
  'signingKey',
  'enabled',
  'createdAt',
  'delivery',
  // Logto adds it on request.
  'executionStats',
])

function memberWarnings(hook: JsonObject): readonly string[] {
  return Object.keys(hook)
    .filter((name) => !knownMembers.has(name))
    .map((name) =>
      isPlainWords(name)
        ? `${name} is not known and has no effect`
        : 'a member is not known and has no effect; its name is not shown, since it may be a secret',
    )
}

/** Logto's rule: `event` counts when `events` is empty. */
export function eventsOf({ event, events }: JsonObject): readonly string[] {
  const several = Array.isArray(events) ? events.map(String) : []
  return several.length > 0 || typeof event !== 'string' ? several : [event]
}
