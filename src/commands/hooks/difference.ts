/** What of a hook is to be changed, for people to see before it is: field by field, and no secret. */
import { isJsonObject, type JsonObject } from '../../core/text/json-text.ts'
import { memberPath } from '../../core/text/plain-words.ts'
import { shownMember } from './hidden-secrets.ts'

/** One field. Values that may be secrets are hidden: that it stands here says that they differ. */
export interface Difference {
  /** Dotted, such as `config.url`. Members whose names may be secrets are named by their places. */
  readonly field: string
  /** `undefined`: there was none. */
  readonly before: unknown
  /** `undefined`: there is none any more. */
  readonly after: unknown
}

/**
 * Lists are compared as wholes, and `null` is no value, as for Logto.
 *
 * @param before the hook as it stands, with its secrets in clear where they can be decrypted
 */
export function differencesOf(before: JsonObject, after: JsonObject): readonly Difference[] {
  return differences(before, after, { names: [], field: '' })
}

interface Place {
  readonly names: readonly string[]
  readonly field: string
}

function differences(before: JsonObject, after: JsonObject, place: Place): readonly Difference[] {
  const all = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return all.flatMap((name, index) => {
    const one = ownOf(before, name)
    const other = ownOf(after, name)
    const inner = {
      names: [...place.names, name],
      field: memberPath(place.field, name, index),
    }
    if (isJsonObject(one) && isJsonObject(other)) return differences(one, other, inner)
    if (isSame(one, other)) return []
    return [
      {
        field: inner.field,
        before: shownMember(one, inner.names),
        after: shownMember(other, inner.names),
      },
    ]
  })
}

function ownOf(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? (object[name] ?? undefined) : undefined
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
