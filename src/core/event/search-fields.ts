/** What people search events by, in results: the user, and the key of the event's record. */
import { isJsonObject, type JsonObject } from '../text/json-text.ts'
import { decodeUtf8 } from '../text/json.ts'
import { subjectIdOf } from './subject-id.ts'

/**
 * The id of the user whom an event is about, else of its subject; `undefined` where there is none.
 *
 * A membership event is about an organization (Logto's webhook reference, section 2.3), but whoever looks for what became of
 * a user's event looks for the user: if it names exactly one, that one counts.
 */
export function userIdOf(payload: JsonObject): string | undefined {
  return memberOf(payload) ?? subjectIdOf(payload)
}

function memberOf(payload: JsonObject): string | undefined {
  const { organizationId, addedUserIds, removedUserIds, params } = payload
  if (typeof organizationId !== 'string') return undefined
  const changed = [addedUserIds, removedUserIds].flatMap((ids) =>
    isList(ids) ? firstTwo(ids) : [],
  )
  if (changed.length > 1) return undefined
  const [userId = isJsonObject(params) ? params['userId'] : undefined] = changed
  return subjectIdOf({ userId })
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}

/** Whether there is more than one is all that counts, however many there are. */
function firstTwo(ids: readonly unknown[]): readonly unknown[] {
  return ids.slice(0, 2)
}

/** Longest key of a record that results show, in UTF-16 code units. */
const maxSourceKeyLength = 512
/** A code unit takes at most three bytes of UTF-8. */
const maxSourceKeyBytes = 3 * maxSourceKeyLength
const control = /\p{Cc}/u

/** The key of a record as text; `undefined` where there is none, or it is not text, or is longer than what people search by. */
export function sourceKeyOf(key: Buffer | null): string | undefined {
  if (key === null || key.length === 0 || key.length > maxSourceKeyBytes) return undefined
  const text = decodeUtf8(key)
  // Numbers and frames of a registry may happen to be UTF-8.
  if (text === undefined || text.length > maxSourceKeyLength || control.test(text)) return undefined
  return text
}
