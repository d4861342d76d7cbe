import { describe, expect, it } from 'vitest'
import { filterFault } from '../../../src/edge/filter/cel.ts'
import { compileAvro } from '../../../src/core/avro/avro.ts'
import { decodeFramedHook } from '../../../src/core/hook/framed-hook.ts'
import {
  isFramed,
  unframe,
  type FindSchema,
  type Schema,
} from '../../../src/core/event/framed-value.ts'
import { recordOf } from '../../support/record-builders.ts'

const schemas: Readonly<Record<number, Schema>> = {
  1: { kind: 'json' },
  2: compileAvro(['"string"']),
  3: { kind: 'unknown' },
  4: { kind: 'unusable', message: 'its type is PROTOBUF' },
  5: { kind: 'no-registry' },
  6: compileAvro([
    JSON.stringify({ type: 'record', name: 'Key', fields: [{ name: 'id', type: 'string' }] }),
  ]),
}
/** Schema 9 has not arrived. */
const find: FindSchema = (id) => schemas[id]

function framed(id: number, payload: Buffer | string = ''): Buffer {
  const frame = Buffer.alloc(5)
  frame.writeUInt32BE(id, 1)
  return Buffer.concat([frame, Buffer.from(payload)])
}

const avroText = (text: string) => Buffer.from([text.length * 2, ...Buffer.from(text)])

describe('a framed value', () => {
  it.each<[string | null, boolean]>([
    [null, false],
    ['', false],
    ['{}', false],
    [' {}', false],
    ['\0', true],
  ])('is recognized by its first byte: %j', (value, expected) => {
    expect(isFramed(value === null ? null : Buffer.from(value))).toBe(expected)
  })

  it('of JSON Schema passes its bytes on unchanged, as a view', () => {
    const value = framed(1, ' {"n":1.00, "é":"\\u00e9"} ')
    const unframed = unframe(value, find)
    expect(unframed).toMatchObject({ kind: 'bytes', isRendered: false })
    expect(unframed.kind === 'bytes' && unframed.bytes.equals(value.subarray(5))).toBe(true)
    expect(unframed.kind === 'bytes' && unframed.bytes.buffer === value.buffer).toBe(true)
  })

  it('of Avro is rendered as JSON', () => {
    const unframed = unframe(framed(2, avroText('a"b')), find)
    expect(unframed).toEqual({ kind: 'bytes', isRendered: true, bytes: Buffer.from('"a\\"b"') })
  })

  it('waits for a schema that has not arrived', () => {
    expect(unframe(framed(9, 'x'), find)).toEqual({ kind: 'schema', id: 9 })
  })

  it.each<[string, Buffer, string, RegExp]>([
    ['a cut frame', Buffer.from([0, 0, 0, 0]), 'truncated-frame', /has 4 of its 5 bytes/],
    ['an unknown id', framed(3), 'unknown-schema', /no schema 3/],
    ['Protobuf', framed(4), 'unusable-schema', /Schema 4 cannot be used: its type is PROTOBUF/],
    ['no registry', framed(5), 'no-registry', /set SCHEMA_REGISTRY_URL/],
    ['an empty Avro payload', framed(2), 'invalid-avro', /ends too early/],
  ])('with %s is rejected', (_, value, reason, message) => {
    expect(unframe(value, find)).toEqual({
      kind: 'rejected',
      rejection: { reason, field: '', message: expect.stringMatching(message) },
    })
  })

  it('never requests an id that no registry gives', () => {
    const asked: number[] = []
    const value = framed(2 ** 31)
    const unframed = unframe(value, (id) => {
      asked.push(id)
      return undefined
    })
    expect(unframed).toMatchObject({ rejection: { reason: 'unknown-schema' } })
    expect(asked).toEqual([])
  })
})

describe('a record of the hook topic', () => {
  const hook = {
    id: 'crm',
    tenantId: 'default',
    name: 'CRM',
    events: ['PostSignIn'],
    config: { url: 'https://crm.example/' },
    signingKey: '',
    enabled: true,
  }
  const value = Buffer.from(JSON.stringify(hook))
  const key = Buffer.from('crm')
  const topic = 'auth.hooks'

  it.each<[string, Buffer, Buffer]>([
    ['plain', key, value],
    ['a framed value', key, framed(1, value)],
    ['a framed key that is text', framed(2, avroText('crm')), value],
    ['a framed key of JSON Schema', framed(1, '"crm"'), framed(1, value)],
  ])('is the same hook: %s', (_, ownKey, ownValue) => {
    expect(
      decodeFramedHook(recordOf({ topic, key: ownKey, value: ownValue }), find, filterFault),
    ).toMatchObject({
      kind: 'hook',
      decoded: { kind: 'active', hook: { id: 'crm', url: 'https://crm.example/' } },
      value,
    })
  })

  it('with a framed key and no value is a tombstone', () => {
    const record = recordOf({ topic, key: framed(2, avroText('crm')), value: null })
    expect(decodeFramedHook(record, find, filterFault)).toMatchObject({
      decoded: { kind: 'tombstone', id: 'crm' },
    })
  })

  it('may have a key that is a record', () => {
    const record = recordOf({ topic, key: framed(6, avroText('crm')), value })
    expect(decodeFramedHook(record, find, filterFault)).toMatchObject({
      decoded: { hook: { id: 'crm' } },
    })
  })

  it('waits for the schema of its key, then of its value', () => {
    const record = recordOf({ topic, key: framed(9), value: framed(8) })
    expect(decodeFramedHook(record, find, filterFault)).toEqual({ kind: 'schema', id: 9 })
    expect(decodeFramedHook({ ...record, key }, find, filterFault)).toEqual({
      kind: 'schema',
      id: 8,
    })
  })

  it.each<[string, Buffer, RegExp]>([
    ['is cut', Buffer.from([0, 1]), /has 2 of its 5 bytes/],
    ['names a schema that is not there', framed(3), /no schema 3/],
    ['is Protobuf', framed(4), /PROTOBUF/],
    ['needs a registry and there is none', framed(5), /set SCHEMA_REGISTRY_URL/],
  ])('is suspended, and says why, when its value %s', (_, broken, message) => {
    expect(
      decodeFramedHook(recordOf({ topic, key, value: broken }), find, filterFault),
    ).toMatchObject({
      decoded: {
        kind: 'suspended',
        hook: { id: 'crm', problems: [{ message: expect.stringMatching(message) }] },
      },
    })
  })

  it('is unusable when its framed key cannot be read', () => {
    expect(
      decodeFramedHook(recordOf({ topic, key: framed(3), value }), find, filterFault),
    ).toMatchObject({
      decoded: {
        kind: 'unusable',
        problem: { field: 'key', message: expect.stringMatching(/no schema 3/) },
      },
    })
  })
})
