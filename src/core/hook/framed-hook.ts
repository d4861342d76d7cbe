/** Hooks whose key or value stands in the frame of a schema registry. */
import type { Decrypt } from './encrypted-text.ts'
import { isFramed, unframe, type FindSchema } from '../event/framed-value.ts'
import type { CheckFilter } from './fields.ts'
import { decodeHook, type DecodedHook } from './hook.ts'
import { parseJson } from '../text/json.ts'
import type { InboundRecord, Rejection } from '../model/model.ts'

export type DecodedFramedHook =
  | {
      readonly kind: 'hook'
      readonly decoded: DecodedHook
      /** JSON text of the hook; `null` when there is none. */
      readonly value: Buffer | null
    }
  | { readonly kind: 'schema'; readonly id: number }

/**
 * Decodes a record of the hook topic whose key, value or both may be framed. A value that cannot be taken out of its
 * frame suspends its hook, as any that is not valid.
 */
export function decodeFramedHook(
  record: InboundRecord,
  find: FindSchema,
  checkFilter: CheckFilter,
  decrypt?: Decrypt,
): DecodedFramedHook {
  const key = isFramed(record.key) ? unframe(record.key, find) : undefined
  if (key?.kind === 'schema') return key
  if (key?.kind === 'rejected') {
    const problem = { field: 'key', message: key.rejection.message }
    return { kind: 'hook', decoded: { kind: 'unusable', problem }, value: null }
  }
  const plain = key === undefined ? record : { ...record, key: keyTextOf(key.bytes) }
  const value = isFramed(record.value) ? unframe(record.value, find) : undefined
  if (value === undefined) {
    return { kind: 'hook', decoded: decodeHook(plain, checkFilter, decrypt), value: plain.value }
  }
  switch (value.kind) {
    case 'schema':
      return value
    case 'rejected':
      return { kind: 'hook', decoded: suspended(plain, value.rejection, checkFilter), value: null }
    case 'bytes': {
      const decoded = decodeHook({ ...plain, value: value.bytes }, checkFilter, decrypt)
      return { kind: 'hook', decoded, value: value.bytes }
    }
  }
}

/** A key that is text stands for itself, without the quotes that JSON puts around it. */
function keyTextOf(json: Buffer): Buffer {
  const key = parseJson(json)
  return typeof key === 'string' ? Buffer.from(key) : json
}

/** What a hook without a readable value decodes to, with the reason why this one is not readable. */
function suspended(
  record: InboundRecord,
  { field, message }: Rejection,
  checkFilter: CheckFilter,
): DecodedHook {
  const decoded = decodeHook({ ...record, value: Buffer.alloc(0) }, checkFilter)
  if (decoded.kind !== 'suspended') return decoded
  return { kind: 'suspended', hook: { ...decoded.hook, problems: [{ field, message }] } }
}
