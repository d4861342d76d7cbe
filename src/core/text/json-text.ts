/** Reads one JSON object from the value of a record. If there is none, the rejection says why. */
import type { Rejection, RejectionReason } from '../model/model.ts'
import {
  decodeUtf8,
  duplicateKeyOf,
  isJsonObject,
  maxJsonDepth,
  outlineOf,
  parseBounded,
  tooDeep,
  trimmedJson,
  type JsonObject,
} from './json.ts'

export { endOfString, isJsonObject, maxJsonDepth, parseJson, type JsonObject } from './json.ts'

export interface Rejected {
  readonly kind: 'rejected'
  readonly rejection: Rejection
}

export type ReadJsonObject =
  | {
      readonly kind: 'object'
      /** The bytes without white space around them: a view, not a copy. */
      readonly text: Buffer
      /** Own properties alone. A key `__proto__` of the text is one of them. */
      readonly members: JsonObject
    }
  | Rejected

/** Fields are named by whoever wrote the record, so their names are cut. */
const maxFieldLength = 128

export function rejected(reason: RejectionReason, field: string, message: string): Rejected {
  return { kind: 'rejected', rejection: { reason, field: field.slice(0, maxFieldLength), message } }
}

/**
 * Reads a JSON object whose top-level keys are all different. Of two equal keys some readers take the first and others
 * the last, so the signed bytes would have different meanings for different receivers.
 */
export function readJsonObject(bytes: Buffer | null): ReadJsonObject {
  const text = bytes === null ? undefined : trimmedJson(bytes)
  if (text === undefined || text.length === 0) {
    return rejected('empty-value', '', 'The record has no value.')
  }
  if (text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf) {
    return rejected('byte-order-mark', '', 'The value begins with a byte order mark.')
  }
  const decoded = decodeUtf8(text)
  if (decoded === undefined) return rejected('invalid-utf8', '', 'The value is not UTF-8.')
  const outline = outlineOf(text, maxJsonDepth)
  if (outline.isTooDeep) return rejected('too-deep', '', `The value ${tooDeep}.`)
  const value = parseBounded(decoded)
  // The platform's error message quotes the value, so it must not reach logs.
  if (value === undefined) return rejected('invalid-json', '', 'The value is not JSON.')
  if (!isJsonObject(value)) {
    return rejected('not-an-object', '', 'The value is JSON, but not an object.')
  }
  if (outline.members !== Object.keys(value).length) {
    return rejected('duplicate-key', duplicateKeyOf(text), 'The object has a key twice.')
  }
  return { kind: 'object', text, members: value }
}
