/** Hides the secrets of hooks that are shown, and finds the marks that hide them when a hook is written back. */
import { isJsonObject, type JsonObject } from '../../core/text/json-text.ts'
import { readX509 } from '../../core/hook/logins.ts'
import type { FieldProblem } from '../../core/model/model.ts'
import { hiddenMark } from '../../core/text/hidden-text.ts'
import { isPlainWords, memberPath } from '../../core/text/plain-words.ts'
import { urlWithoutSecrets } from '../../core/run/result.ts'

/**
 * Fields whose values are never secrets. Any other field may hold one, a misplaced field too. Its value is shown only if it
 * is plain words.
 */
const publicFields =
  /^(?:id|tenant_?id|name|event|events(?:\[\])?|created_?at|delivery\.filter|delivery\.previousSigningKeys\[\]\.expiresAt|delivery\.oauth\.(?:clientId|scope|authMethod)|config\.headers\.(?:content-type|accept(?:-\w+)?))$/i
/** URLs are shown without the parts that may be secrets. */
const urlFields: ReadonlySet<string> = new Set(['config.url', 'delivery.oauth.tokenUrl'])
const certificateField = 'delivery.clientCertificate.certificate'
/** In `config` a number may be a secret. Elsewhere numbers are limits and times. */
const inConfig = /^config(?:\.|\[)/
/** Names of members and headers whose values are always secrets. */
const secretName = /auth|cookie|token|secret|key|passw|passphrase|credential|signature|session/i

/**
 * The hook with its secrets hidden: keys, values that look like credentials by their name or their text, and of the URL the
 * query and the parts of the path that may be a key. The hook need not be valid.
 */
export function hookWithoutSecrets(hook: JsonObject): JsonObject {
  return shown(hook, '') as JsonObject
}

/**
 * One value of a hook as {@link hookWithoutSecrets} shows it.
 *
 * @param names of the members that contain it, the outermost first
 */
export function shownMember(value: unknown, names: readonly string[]): unknown {
  return shown(
    value,
    names.join('.'),
    names.some((name) => secretName.test(name)),
  )
}

/** A problem for each field whose value {@link hookWithoutSecrets} has hidden. */
export function hiddenFields(hook: JsonObject): readonly FieldProblem[] {
  return fieldsIn(hook, '').map((field) => ({
    field,
    message: 'has a hidden value: leave it out, or get the hook with --show-secrets',
  }))
}

function shown(value: unknown, path: string, isSecret = false): unknown {
  if (typeof value === 'string') return shownText(value, path, isSecret)
  if (typeof value === 'number') return shownNumber(value, path, isSecret)
  if (Array.isArray(value)) return value.map((item) => shown(item, `${path}[]`, isSecret))
  if (!isJsonObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member], index) => [
      // Numbered, since members of the same name would replace each other.
      isPlainWords(name) ? name : `${hiddenMark} ${index}`,
      shown(member, path === '' ? name : `${path}.${name}`, isSecret || secretName.test(name)),
    ]),
  )
}

function shownText(text: string, path: string, isSecret: boolean): string {
  if (urlFields.has(path)) return shownUrl(text)
  // A certificate is public. A private key in its place is not shown.
  if (path === certificateField && readX509(text) !== undefined && !text.includes('PRIVATE KEY')) {
    return text
  }
  if (text === '' || publicFields.test(path)) return text
  return isSecret || !isPlainWords(text) ? hiddenMark : text
}

function shownNumber(value: number, path: string, isSecret: boolean): unknown {
  if (publicFields.test(path)) return value
  const isHidden = isSecret || (inConfig.test(path) && !isPlainWords(String(value)))
  return isHidden ? hiddenMark : value
}

function shownUrl(text: string): string {
  const url = urlWithoutSecrets(text)
  if (url === '') return hiddenMark
  return URL.parse(text)?.search === '' ? url : `${url}?${hiddenMark}`
}

function fieldsIn(value: unknown, path: string): readonly string[] {
  if (typeof value === 'string') {
    return value === hiddenMark || (urlFields.has(path) && value.includes(hiddenMark)) ? [path] : []
  }
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown, index) => fieldsIn(item, `${path}[${index}]`))
  }
  if (!isJsonObject(value)) return []
  return Object.entries(value).flatMap(([name, member], index) =>
    fieldsIn(member, memberPath(path, name, index)),
  )
}
