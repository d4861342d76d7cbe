/** Shows how a hook will change, field by field, without secrets. */
import { isJsonObject, type JsonObject } from '../../core/text/json-text.ts'
import { memberPath } from '../../core/text/plain-words.ts'
import { shownMember } from './hidden-secrets.ts'

/** A field that differs. Values that may be secrets are hidden. */
export interface Difference {
  /** Dotted, such as `config.url`. A member whose name may be a secret is named by its place. */
  readonly field: string
  /** `undefined` if there was no value. */
  readonly before: unknown
  /** `undefined` if there is no value any more. */
  readonly after: unknown
}

/**
 * Lists are compared as a whole. `null` counts as no value, as in Logto.
 *
 * @param before the hook in the topic; its secrets are decrypted if there are keys for them
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
