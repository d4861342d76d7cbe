/**
 * Random Avro schemas, with a value of each, its bytes by avsc, and the expected JSON. The expected JSON comes from the
 * generated value, so it does not depend on a second reader of the bytes.
 */
import avro from 'avsc'
import fc from 'fast-check'

/** A type, with its values as avsc accepts them (`wire`) and in JSON. */
export interface AvroCase {
  readonly schema: unknown
  readonly wire: unknown
  readonly json: unknown
}

/** Longs as bigints, because avsc's own type throws beyond 2^53. */
const longType = avro.types.LongType.__with(
  {
    fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
    toBuffer(value: bigint) {
      const buffer = Buffer.alloc(8)
      buffer.writeBigInt64LE(value)
      return buffer
    },
    fromJSON: (value: unknown) => BigInt(String(value)),
    toJSON: (value: bigint) => Number(value),
    isValid: (value: unknown) => typeof value === 'bigint',
    compare: (one: bigint, other: bigint) => (one < other ? -1 : Number(one > other)),
  },
  false,
)

function typeOf(schema: unknown): avro.Type {
  // avsc writes into the object that it is given.
  return avro.Type.forSchema(structuredClone(schema) as avro.Schema, {
    wrapUnions: 'always',
    registry: { long: longType },
  })
}

export function encodeCase({ schema, wire }: AvroCase): Buffer {
  return typeOf(schema).toBuffer(wire)
}

const name = fc
  .stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/)
  .filter((text) => text !== '__proto__')
let names = 0

const same = (schema: unknown, value: unknown): AvroCase => ({
  schema,
  wire: value,
  json: value,
})

const anyText = fc.string({ unit: 'grapheme' })
const bytes = fc.uint8Array({ maxLength: 12 }).map((array) => Buffer.from(array))
const base64 = (buffer: Buffer) => buffer.toString('base64')

const leaf: fc.Arbitrary<AvroCase> = fc.oneof(
  fc.constant(same('null', null)),
  fc.boolean().map((value) => same('boolean', value)),
  fc.integer().map((value) => same('int', value)),
  fc
    .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    .map((value) => ({ schema: 'long', wire: value, json: value })),
  fc.integer().map((value) => ({ schema: 'long', wire: BigInt(value), json: BigInt(value) })),
  // Floats that are short in both bases. Others have a test of their own.
  fc.integer({ min: -4_000, max: 4_000 }).map((value) => same('float', value / 4)),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => same('double', value)),
  anyText.map((value) => same('string', value)),
  bytes.map((value) => ({ schema: 'bytes', wire: value, json: base64(value) })),
  bytes.map((value) => ({
    schema: { type: 'fixed', name: `x.F${names++}`, size: value.length },
    wire: value,
    json: base64(value),
  })),
  fc
    .uniqueArray(name, { minLength: 1, maxLength: 4 })
    .map((symbols) =>
      same({ type: 'enum', name: `x.E${names++}`, symbols }, symbols[symbols.length - 1]),
    ),
)

/** Both items of an array must have one type, so the second is the first again. */
const arrayOf = (item: AvroCase, length: number): AvroCase => ({
  schema: { type: 'array', items: item.schema },
  wire: Array.from({ length }, () => item.wire),
  json: Array.from({ length }, () => item.json),
})

const mapOf = (item: AvroCase, keys: readonly string[]): AvroCase => ({
  schema: { type: 'map', values: item.schema },
  wire: Object.fromEntries(keys.map((key) => [key, item.wire])),
  json: Object.fromEntries(keys.map((key) => [key, item.json])),
})

const recordOf = (fields: readonly (readonly [string, AvroCase])[]): AvroCase => ({
  schema: {
    type: 'record',
    name: `R${names++}`,
    namespace: 'a.b',
    fields: fields.map(([field, { schema }]) => ({ name: field, type: schema })),
  },
  wire: Object.fromEntries(fields.map(([field, { wire }]) => [field, wire])),
  json: Object.fromEntries(fields.map(([field, { json }]) => [field, json])),
})

const nullable = (item: AvroCase, isNull: boolean): AvroCase => {
  // A union within a union, or null twice, is not valid in Avro.
  if (Array.isArray(item.schema) || item.schema === 'null') return item
  const schema = ['null', item.schema]
  if (isNull) return { schema, wire: null, json: null }
  const { branchName = '' } = typeOf(item.schema)
  return { schema, wire: { [branchName]: item.wire }, json: item.json }
}

// In an object literal the key `__proto__` creates no own property, here and in avsc.
const mapKeys = fc.uniqueArray(
  anyText.filter((key) => key !== '__proto__'),
  { maxLength: 3 },
)

export const avroCase: fc.Arbitrary<AvroCase> = fc.letrec<{ any: AvroCase }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.tuple(tie('any'), fc.nat(3)).map(([item, length]) => arrayOf(item, length)),
    fc.tuple(tie('any'), mapKeys).map(([item, keys]) => mapOf(item, keys)),
    fc.tuple(tie('any'), fc.boolean()).map(([item, isNull]) => nullable(item, isNull)),
    fc
      .uniqueArray(fc.tuple(name, tie('any')), { selector: ([field]) => field, maxLength: 4 })
      .map(recordOf),
  ),
})).any

/** The expected JSON text: longs with all of their digits, members in the order of the schema. */
export function expectedText(json: unknown): string {
  if (typeof json === 'bigint') return String(json)
  if (typeof json === 'number') return Object.is(json, -0) ? '-0' : String(json)
  if (Array.isArray(json)) return `[${json.map(expectedText).join(',')}]`
  if (typeof json !== 'object' || json === null) return JSON.stringify(json)
  const members = Object.entries(json)
  return `{${members.map(([key, value]) => `${JSON.stringify(key)}:${expectedText(value)}`).join(',')}}`
}
