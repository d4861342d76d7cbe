/**
 * Whom or what an event is about: the id of its user, or else of the role, organisation or scope. As the key of the record
 * it keeps the events of one subject in one partition.
 */
import { isJsonObject, type JsonObject } from '../text/json-text.ts'

/** Logto's ids have 12 or 21 characters; what is longer than any id is none. */
const maxIdLength = 256

/**
 * Where Logto has the id, by its webhook reference, section 2. The order matters: a membership event names users in
 * `params` and is about the organisation, and `data` of a `User.Data.Updated` may be custom data with any `id` in it,
 * while `params.userId` is the user's.
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

/** `undefined` where there is none, as in `Message.RateLimited`. */
export function subjectIdOf(payload: JsonObject): string | undefined {
  for (const [outer, inner] of places) {
    const value = memberOf(payload, outer)
    const id =
      inner === undefined ? value : isJsonObject(value) ? memberOf(value, inner) : undefined
    if (isId(id)) return id
  }
  return lockedUser(payload)
}

/** Other identifiers of a lockout are mail addresses and telephone numbers, which no key should show. */
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
