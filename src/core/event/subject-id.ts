/**
 * The subject of an event: the id of its user, or else of the organization, role or scope that it is about. As the record
 * key, it keeps all events of a subject in one partition.
 */
import { isJsonObject, type JsonObject } from '../text/json-text.ts'

/** Logto's ids have 12 or 21 characters. A much longer text is not an id. */
const maxIdLength = 256

/**
 * Where Logto's payloads have the id (Logto's webhook reference, section 2). The order matters. A membership event is about
 * the organization, but names users in `params`. In `User.Data.Updated`, `data` may be custom data with any `id` in it, and
 * `params.userId` is the id of the user.
 */
const places: readonly (readonly [outer: string, inner?: string])[] = [
  ['userId'],
  ['user', 'id'],
  ['organizationId'],
  ['roleId'],
  ['organizationRoleId'],
  ['params', 'userId'],
  ['data', 'userId'],
  ['data', 'id'],
  ['params', 'id'],
  ['params', 'scopeId'],
]

/** `undefined` if there is none, as in `Message.RateLimited`. */
export function subjectIdOf(payload: JsonObject): string | undefined {
  for (const [outer, inner] of places) {
    const value = memberOf(payload, outer)
    const id =
      inner === undefined ? value : isJsonObject(value) ? memberOf(value, inner) : undefined
    if (isId(id)) return id
  }
  return lockedUser(payload)
}

/** The other identifiers of a lockout are mail addresses and telephone numbers, which must not become keys. */
function lockedUser(payload: JsonObject): string | undefined {
  const value = memberOf(payload, 'value')
  return memberOf(payload, 'type') === 'userId' && isId(value) ? value : undefined
}

function memberOf(value: JsonObject, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= maxIdLength
}
