/** Keeps secrets of hooks off screens, and what was kept off from being written back in their place. */
import { isJsonObject, type JsonObject } from '../../core/text/json-text.ts'
import type { FieldProblem } from '../../core/model/model.ts'
import { hiddenMark } from '../../core/text/hidden-text.ts'
import { isPlainWords, memberPath } from '../../core/text/plain-words.ts'
import { withoutSecrets as urlWithoutSecrets } from '../../core/run/result.ts'

/**
 * Fields whose values are no secrets whatever they look like. All others may hold one, those too that stand where they do
 * not belong, such as a list of headers: then a value is shown only where it is plain words.
 */
const toldFields =
  /^(?:id|tenant_?id|name|event|events(?:\[\])?|created_?at|delivery\.filter|delivery\.previousSigningKeys\[\]\.expiresAt|config\.headers\.(?:content-type|accept(?:-\w+)?))$/i
/** Where numbers may be secrets: elsewhere they are limits and times. */
const inConfig = /^config(?:\.|\[)/
/** Names of members and headers whose text is a secret, whatever it looks like. */
const secretName = /auth|cookie|token|secret|key|passw|passphrase|credential|signature|session/i

/**
 * The hook object without keys, without values that look like credentials by their names or by what they are, and without
 * what may be a key of the URL: its query, and parts of its path. It need not be valid.
 */
export function withoutSecrets(hook: JsonObject): JsonObject {
  return shown(hook, '') as JsonObject
}

/** Fields that hold what {@link withoutSecrets} put there. Names of headers that it hid are no header names. */
export function hiddenFields(hook: JsonObject): readonly FieldProblem[] {
  return fieldsIn(hook, '').map((field) => ({
    field,
    message: 'was hidden when the hook was shown: leave it out, or get it with --show-secrets',
  }))
}

function shown(value: unknown, path: string, isSecret = false): unknown {
  if (typeof value === 'string') return shownText(value, path, isSecret)
  if (typeof value === 'number') return shownNumber(value, path, isSecret)
  if (Array.isArray(value)) return value.map((item) => shown(item, `${path}[]`, isSecret))
  if (!isJsonObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member], index) => [
      // Each has a name of its own, or the last would take the place of the others.
      isPlainWords(name) ? name : `${hiddenMark} ${index}`,
      shown(member, path === '' ? name : `${path}.${name}`, isSecret || secretName.test(name)),
    ]),
  )
}

function shownText(text: string, path: string, isSecret: boolean): string {
  if (path === 'config.url') return shownUrl(text)
  if (text === '' || toldFields.test(path)) return text
  return isSecret || !isPlainWords(text) ? hiddenMark : text
}

function shownNumber(value: number, path: string, isSecret: boolean): unknown {
  if (toldFields.test(path)) return value
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
    return value === hiddenMark || (path === 'config.url' && value.includes(hiddenMark))
      ? [path]
      : []
  }
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown, index) => fieldsIn(item, `${path}[${index}]`))
  }
  if (!isJsonObject(value)) return []
  return Object.entries(value).flatMap(([name, member], index) =>
    fieldsIn(member, memberPath(path, name, index)),
  )
}
