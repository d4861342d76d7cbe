/** Keeps secrets of hooks off screens, and what was kept off from being written back in their place. */
import { isJsonObject, type JsonObject } from '../core/json-text.ts'
import type { FieldProblem } from '../core/model.ts'
import { hiddenMark } from '../core/hidden-text.ts'
import { isPlainWords, memberPath } from '../core/plain-words.ts'
import { withoutSecrets as urlWithoutSecrets } from '../core/result.ts'

const harmlessHeader = /^(?:content-type|accept(?:-\w+)?)$/i
/** Names of members and headers whose text is a secret, whatever it looks like. */
const secretName = /auth|cookie|token|secret|key|passw|passphrase|credential|signature|session/i

/**
 * The hook object without keys, without headers that look like credentials by their names or by what they hold, and
 * without what may be a key of the URL: its query, and parts of its path.
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
  const isHidden = isSecret || isTelling(path, text)
  return isHidden && text !== '' ? hiddenMark : text
}

function isTelling(path: string, text: string): boolean {
  const [, header] = /^config\.headers\.(.*)$/s.exec(path) ?? []
  return header !== undefined && !harmlessHeader.test(header) && !isPlainWords(text)
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
