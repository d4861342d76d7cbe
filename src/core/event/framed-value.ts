/**
 * Takes values out of the frame of a schema registry: a zero byte, the schema's id in four bytes, then JSON text or Avro
 * (docs/events.md). Whatever begins otherwise is no frame: no JSON text and no hook id begins with zero.
 */
import type { CompiledAvro } from '../avro/avro.ts'
import { rejected, type Rejected } from '../text/json-text.ts'
import { heldText } from './held-bytes.ts'

/** What an id of the registry stands for. */
export type Schema =
  /** JSON Schema: what follows the frame is JSON text, and is passed on as it is. */
  | { readonly kind: 'json' }
  | CompiledAvro
  /** The registry was asked, and has no schema of this id. */
  | { readonly kind: 'unknown' }
  /** There is no registry that could be asked. */
  | { readonly kind: 'no-registry' }

/** The schema of an id; `undefined` while the registry has not said. */
export type FindSchema = (id: number) => Schema | undefined

export type Unframed =
  /** `bytes` is a view of the record, or what was rendered of it. */
  | { readonly kind: 'bytes'; readonly bytes: Buffer; readonly isRendered: boolean }
  | { readonly kind: 'schema'; readonly id: number }
  | Rejected

/** The zero byte and the id. */
export const frameBytes = 5
/** Registries number their schemas with signed integers. */
const maxSchemaId = 2 ** 31 - 1

export function isFramed(bytes: Buffer | null): bytes is Buffer {
  return bytes !== null && bytes[0] === 0
}

/** @param bytes for which `isFramed` holds */
export function unframe(bytes: Buffer, find: FindSchema): Unframed {
  if (bytes.length < frameBytes) {
    const message = `The value begins as a registry's frame and has ${bytes.length} of its ${frameBytes} bytes.`
    return rejected('truncated-frame', '', message)
  }
  const id = bytes.readUInt32BE(1)
  const schema = id > maxSchemaId ? unknownSchema : find(id)
  if (schema === undefined) return { kind: 'schema', id }
  const payload = bytes.subarray(frameBytes)
  switch (schema.kind) {
    case 'json':
      return { kind: 'bytes', bytes: payload, isRendered: false }
    case 'avro': {
      const rendered = schema.render(payload)
      if (rendered.kind === 'fault') {
        return rejected(rendered.reason, rendered.field, rendered.message)
      }
      return { kind: 'bytes', bytes: heldText(rendered.text), isRendered: true }
    }
    case 'unusable':
      return rejected('unusable-schema', '', `Schema ${id} cannot be used: ${schema.message}.`)
    case 'unknown':
      return rejected('unknown-schema', '', `The schema registry has no schema ${id}.`)
    case 'no-registry':
      return rejected(
        'no-registry',
        '',
        'The value is framed for a schema registry: set SCHEMA_REGISTRY_URL.',
      )
  }
}

const unknownSchema: Schema = { kind: 'unknown' }
