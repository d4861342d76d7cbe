import avro from 'avsc'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileAvro } from '../../../src/core/avro/avro.ts'
import { avroLong as long } from '../../support/avro-bytes.ts'
import { avroCase, encodeCase, expectedText } from '../../support/random-avro.ts'

type Json = Readonly<Record<string, unknown>>

function render(schema: unknown, payload: Buffer, references: readonly unknown[] = []) {
  const compiled = compileAvro([...references, schema].map((one) => JSON.stringify(one)))
  return compiled.kind === 'avro' ? compiled.render(payload) : compiled
}

const textOf = (schema: unknown, payload: Buffer, references?: readonly unknown[]) =>
  render(schema, payload, references)

const record = (type: unknown, name = 'f') => ({
  type: 'record',
  name: 'R',
  fields: [{ name, type }],
})

const bytes = (...values: readonly number[]) => Buffer.from(values)
const ts = (text: string) => BigInt(Date.parse(text))

describe('an Avro value', () => {
  it('of any schema renders as the JSON it was made from', () => {
    fc.assert(
      fc.property(avroCase, (one) => {
        expect(render(one.schema, encodeCase(one))).toEqual({
          kind: 'text',
          text: expectedText(one.json),
        })
      }),
      { numRuns: 500 },
    )
  })

  it('never throws for any bytes, and never accepts two different lengths', () => {
    fc.assert(
      fc.property(avroCase, fc.uint8Array({ maxLength: 40 }), fc.nat(), (one, noise, at) => {
        const whole = encodeCase(one)
        expect(['text', 'fault']).toContain(render(one.schema, Buffer.from(noise)).kind)
        expect(render(one.schema, Buffer.concat([whole, bytes(0)])).kind).toBe('fault')
        const cut = at % Math.max(1, whole.length)
        if (whole.length > 0) {
          expect(render(one.schema, whole.subarray(0, cut)).kind).toBe('fault')
        }
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    [0n, '0'],
    [-1n, '-1'],
    [2n ** 31n, '2147483648'],
    [2n ** 48n - 1n, '281474976710655'],
    [2n ** 48n, '281474976710656'],
    [-(2n ** 48n) - 1n, '-281474976710657'],
    [2n ** 53n + 1n, '9007199254740993'],
    [2n ** 63n - 1n, '9223372036854775807'],
    [-(2n ** 63n), '-9223372036854775808'],
  ])('keeps every digit of the long %s', (value, text) => {
    expect(textOf('long', long(value))).toEqual({ kind: 'text', text })
  })

  it.each([
    [0.1, '0.1'],
    [16_777_217, '16777216'],
    [3.4028234663852886e38, '3.4028235e+38'],
    [1e-45, '1.4013e-45'],
    [-0, '-0'],
  ])('shows the float %s as the shortest number that is the same float', (value, text) => {
    const buffer = Buffer.alloc(4)
    buffer.writeFloatLE(value)
    expect(textOf('float', buffer)).toEqual({ kind: 'text', text })
    expect(Math.fround(Number(text))).toBe(Math.fround(value))
  })

  it.each([
    ['timestamp-millis', ts('2026-09-14T09:02:11.019Z'), '"2026-09-14T09:02:11.019Z"'],
    ['timestamp-millis', -1n, '"1969-12-31T23:59:59.999Z"'],
    ['timestamp-millis', ts('9999-12-31T23:59:59.999Z'), '"9999-12-31T23:59:59.999Z"'],
    ['timestamp-millis', ts('0000-01-01T00:00:00Z'), '"0000-01-01T00:00:00.000Z"'],
    // RFC 3339 has no text for these: the number stays.
    ['timestamp-millis', ts('+010000-01-01T00:00:00Z'), '253402300800000'],
    ['timestamp-millis', ts('-000001-12-31T23:59:59.999Z'), '-62167219200001'],
    ['timestamp-millis', 2n ** 63n - 1n, '9223372036854775807'],
    ['timestamp-micros', ts('9999-12-31T23:59:59Z') * 1000n, '"9999-12-31T23:59:59.000000Z"'],
    ['timestamp-micros', ts('+010000-01-01T00:00:00Z') * 1000n, '253402300800000000'],
    ['timestamp-micros', -(2n ** 63n), '-9223372036854775808'],
    ['local-timestamp-millis', ts('+010000-01-01T00:00:00Z'), '253402300800000'],
    ['local-timestamp-micros', 2n ** 63n - 1n, '9223372036854775807'],
    ['timestamp-nanos', 2n ** 63n - 1n, '"2262-04-11T23:47:16.854775807Z"'],
    [
      'timestamp-micros',
      ts('2026-09-14T09:02:11.019Z') * 1000n + 7n,
      '"2026-09-14T09:02:11.019007Z"',
    ],
    ['timestamp-micros', -1n, '"1969-12-31T23:59:59.999999Z"'],
    ['timestamp-nanos', 1n, '"1970-01-01T00:00:00.000000001Z"'],
    ['timestamp-nanos', -(2n ** 63n), '"1677-09-21T00:12:43.145224192Z"'],
    ['local-timestamp-millis', ts('2024-02-29T23:00:00Z'), '"2024-02-29T23:00:00.000"'],
    ['time-micros', 86_399_999_999n, '"23:59:59.999999"'],
    ['time-millis', 5n, '5'],
    ['no-such-type', 5n, '5'],
  ])('of logical type %s on a long renders %s as %s', (logicalType, value, text) => {
    expect(textOf({ type: 'long', logicalType }, long(value))).toEqual({ kind: 'text', text })
  })

  it.each([
    [{ type: 'int', logicalType: 'date' }, long(19_782n), '"2024-02-29"'],
    [{ type: 'int', logicalType: 'date' }, long(-1n), '"1969-12-31"'],
    [{ type: 'int', logicalType: 'date' }, long(2_932_896n), '"9999-12-31"'],
    [{ type: 'int', logicalType: 'date' }, long(2_932_897n), '2932897'],
    [{ type: 'int', logicalType: 'date' }, long(-719_528n), '"0000-01-01"'],
    [{ type: 'int', logicalType: 'date' }, long(-719_529n), '-719529'],
    [{ type: 'int', logicalType: 'date' }, long(2n ** 31n - 1n), '2147483647'],
    [{ type: 'int', logicalType: 'time-millis' }, long(0n), '"00:00:00.000"'],
    [{ type: 'int', logicalType: 'time-millis' }, long(86_399_999n), '"23:59:59.999"'],
    [{ type: 'int', logicalType: 'time-millis' }, long(32_531_019n), '"09:02:11.019"'],
    [{ type: 'bytes', logicalType: 'decimal', precision: 4, scale: 2 }, bytes(2, 0xff), '-0.01'],
    [{ type: 'bytes', logicalType: 'decimal', precision: 4, scale: 2 }, bytes(4, 4, 0xd2), '12.34'],
    [{ type: 'bytes', logicalType: 'decimal', precision: 3 }, bytes(2, 7), '7'],
    [{ type: 'bytes', logicalType: 'decimal', precision: 3 }, bytes(0), '0'],
    // A scale beyond the precision makes no decimal: the bytes stand for themselves.
    [{ type: 'bytes', logicalType: 'decimal', precision: 2, scale: 3 }, bytes(2, 7), '"Bw=="'],
    [
      { type: 'fixed', name: 'D', size: 2, logicalType: 'decimal', precision: 4, scale: 1 },
      bytes(0xff, 0xfe),
      '-0.2',
    ],
    [
      { type: 'fixed', name: 'U', size: 16, logicalType: 'uuid' },
      Buffer.from('00112233445566778899aabbccddeeff', 'hex'),
      '"00112233-4455-6677-8899-aabbccddeeff"',
    ],
    [
      { type: 'string', logicalType: 'json' },
      Buffer.concat([long(9n), Buffer.from('{"a":1.0}')]),
      '{"a":1.0}',
    ],
  ])('of schema %j renders %s as %s', (schema, payload, text) => {
    expect(textOf(schema, payload)).toEqual({ kind: 'text', text })
  })

  it('renders dates by the calendar', () => {
    fc.assert(
      fc.property(fc.date({ noInvalidDate: true }), (date) => {
        const payload = long(BigInt(date.getTime()))
        const rendered = textOf({ type: 'long', logicalType: 'timestamp-millis' }, payload)
        const json = JSON.stringify(date)
        const text = /^"\d{4}-/.test(json) ? json : String(date.getTime())
        expect(rendered).toEqual({ kind: 'text', text })
      }),
    )
  })

  it('of a block with a size for skipping renders as one without', () => {
    const payload = Buffer.concat([long(-2n), long(2n), long(1n), long(2n), bytes(0)])
    expect(textOf({ type: 'array', items: 'int' }, payload)).toEqual({
      kind: 'text',
      text: '[1,2]',
    })
  })

  it.each<[string, unknown, readonly Json[]]>([
    ['of the same namespace', 'Inner', [{ ...record('int'), name: 'Inner', namespace: 'a.b' }]],
    ['with its full name', 'c.Inner', [{ ...record('int'), name: 'c.Inner' }]],
    ['of no namespace', 'Inner', [{ ...record('int'), name: 'Inner' }]],
  ])('uses a type %s that another schema defines', (_, name, references) => {
    const schema = { ...record(name), namespace: 'a.b' }
    expect(textOf(schema, long(5n), references)).toEqual({ kind: 'text', text: '{"f":{"f":5}}' })
  })

  it('may contain itself', () => {
    const schema = {
      type: 'record',
      name: 'List',
      fields: [
        { name: 'value', type: 'int' },
        { name: 'next', type: ['null', 'List'] },
      ],
    }
    const payload = Buffer.concat([long(1n), bytes(2), long(2n), bytes(0)])
    const text = '{"value":1,"next":{"value":2,"next":null}}'
    expect(textOf(schema, payload)).toEqual({ kind: 'text', text })
    const endless = Buffer.alloc(1_000, 2)
    expect(render(schema, endless)).toMatchObject({
      message: expect.stringContaining('200 levels deep'),
    })
  })
})

describe('an Avro value that is not what its schema says', () => {
  const double = Buffer.alloc(8)
  double.writeDoubleLE(Number.NaN)
  const infinite = Buffer.alloc(4)
  infinite.writeFloatLE(Number.NEGATIVE_INFINITY)

  it.each<[string, unknown, Buffer, string]>([
    [
      'a double that is no number',
      record('double'),
      double,
      '"f" is NaN, for which JSON has no number',
    ],
    ['an infinite float', record('float'), infinite, '"f" is -Infinity'],
    ['a boolean of 2', record('boolean'), bytes(2), 'neither true nor false'],
    ['an int of 33 bits', record('int'), long(2n ** 32n), 'more than 32 bits'],
    ['a long of 65 bits', record('long'), bytes(...Array(9).fill(0xff), 2), 'more than 64 bits'],
    ['a branch that is not there', record(['null', 'int']), bytes(4), 'no branch 2 of its union'],
    ['a negative branch', record(['null', 'int']), bytes(1), 'no branch -1 of its union'],
    [
      'a symbol that is not there',
      { type: 'enum', name: 'E', symbols: ['A'] },
      bytes(2),
      'symbol 1',
    ],
    ['a negative length', record('string'), bytes(1), 'negative length'],
    ['a length beyond its end', record('bytes'), long(2n ** 60n), 'ends too early'],
    ['text that is not UTF-8', record('string'), bytes(2, 0xff), 'not UTF-8'],
    [
      'text that is not JSON',
      record({ type: 'string', logicalType: 'json' }),
      bytes(2, 0x7b),
      '"f" is not JSON',
    ],
    [
      'a decimal of too many digits',
      record({ type: 'bytes', logicalType: 'decimal', precision: 2 }),
      bytes(4, 1, 1),
      'more than 2 digits',
    ],
    [
      'a time after midnight',
      { type: 'int', logicalType: 'time-millis' },
      long(86_400_000n),
      'not a time of day',
    ],
  ])('is rejected: %s', (_, schema, payload, message) => {
    expect(render(schema, payload)).toMatchObject({
      kind: 'fault',
      reason: 'invalid-avro',
      message: expect.stringContaining(message),
    })
  })

  it('that is nested too deep is rejected: in its records, and in the JSON of its texts', () => {
    const chain = record(['null', 'R'])
    const deep = { reason: 'too-deep', message: expect.stringContaining('200 levels deep') }
    const levels = (count: number) => Buffer.concat([Buffer.alloc(count - 1, 2), bytes(0)])
    expect(render(chain, levels(200))).toMatchObject({ kind: 'text' })
    expect(render(chain, levels(201))).toMatchObject(deep)
    const json = record({ type: 'string', logicalType: 'json' })
    const text = (count: number) => {
      const value = '['.repeat(count) + ']'.repeat(count)
      return Buffer.concat([long(BigInt(value.length)), Buffer.from(value)])
    }
    expect(render(json, text(200))).toMatchObject({ kind: 'text' })
    expect(render(json, text(201))).toMatchObject({ ...deep, field: 'f' })
    expect(render(json, text(400_000))).toMatchObject({ ...deep, field: 'f' })
  })

  it('names the field by its path', () => {
    const schema = record({ type: 'array', items: { ...record('boolean', 'inner'), name: 'I' } })
    const payload = Buffer.concat([long(1n), bytes(9)])
    expect(render(schema, payload)).toMatchObject({ field: 'f.inner' })
  })

  it.each<[string, unknown]>([
    ['nulls', 'null'],
    ['empty records', { type: 'record', name: 'Empty', fields: [] }],
    [
      'decimals without a byte',
      { type: 'fixed', name: 'D', size: 0, logicalType: 'decimal', precision: 999, scale: 999 },
    ],
  ])('cannot become a long text from a short block: a billion %s', (_, items) => {
    const payload = Buffer.concat([long(1_000_000_000n), bytes(0)])
    expect(render({ type: 'array', items }, payload)).toMatchObject({
      message: expect.stringContaining('larger than 16 MiB as JSON'),
    })
  })

  it('cannot become a long text from short numbers of long symbols', () => {
    const symbols = ['A'.repeat(100_000)]
    const payload = Buffer.concat([long(10_000n), Buffer.alloc(10_001)])
    const items = { type: 'enum', name: 'E', symbols }
    expect(render({ type: 'array', items }, payload)).toMatchObject({
      message: expect.stringContaining('larger than 16 MiB as JSON'),
    })
  })

  it('is rejected when its text could exceed the longest possible text', () => {
    const payload = Buffer.alloc(64 * 1024 * 1024 + 1)
    expect(render('bytes', payload)).toMatchObject({
      message: expect.stringContaining('larger than 64 MiB'),
    })
  })

  it('keeps a replacement character that was written', () => {
    expect(textOf('string', avro.Type.forSchema('string').toBuffer('a\uFFFDb'))).toEqual({
      kind: 'text',
      text: '"a\uFFFDb"',
    })
  })
})

describe('an Avro schema with very long names', () => {
  const long = 'n'.repeat(10_000)
  const nested = { type: 'record', name: 'N', fields: [{ name: long, type: ['null', 'N'] }] }

  it('makes a short message for a value that does not fit it', () => {
    const reason = render(nested, Buffer.alloc(1_000, 2))
    expect(JSON.stringify(reason).length).toBeLessThan(1_000)
    expect(reason).toMatchObject({
      message: expect.stringMatching(/^"n+…" is nested/),
    })
  })

  it.each([
    { type: 'record', name: long },
    { type: 'enum', name: long },
    { type: 'fixed', name: long },
    { type: 'enum', name: long, symbols: [1] },
    [
      { type: 'fixed', name: long, size: 1 },
      { type: 'fixed', name: long, size: 1 },
    ],
    { type: 'record', name: long, fields: [{}] },
  ])('makes a short message for its own faults: %#', (schema) => {
    const compiled = render(schema, bytes())
    expect(compiled.kind).toBe('unusable')
    expect(JSON.stringify(compiled).length).toBeLessThan(1_000)
  })
})

describe('an Avro schema', () => {
  const nested = JSON.parse(
    `${'{"type":"array","items":'.repeat(200)}"int"${'}'.repeat(200)}`,
  ) as unknown

  it.each<[string, unknown, string]>([
    ['a type that nobody defined', record('Nope'), 'unknown type Nope'],
    ['no type', {}, 'a part that is not a schema'],
    ['a record without fields', { type: 'record', name: 'R' }, 'record R has no fields'],
    ['a record without a name', { type: 'record', fields: [] }, 'a type without a name'],
    ['a name twice', record({ ...record('int'), name: 'R' }), 'defines R twice'],
    ['an enum without symbols', { type: 'enum', name: 'E' }, 'enum E has no symbols'],
    ['a fixed without a size', { type: 'fixed', name: 'F' }, 'fixed F has no size'],
    ['two hundred arrays in each other', nested, 'more than 100 levels deep'],
    ['the name of an object member', record('constructor'), 'unknown type constructor'],
    ['a union in a union', record([['int'], 'null']), 'a union within a union'],
    ['a union in a union, wrapped', [{ type: ['int'] }, 'null'], 'a union within a union'],
    [
      'a symbol that is not a string',
      { type: 'enum', name: 'E', symbols: [{}] },
      'enum E has a symbol',
    ],
    [
      'a logical type on what has no text',
      { type: { toString: 0, valueOf: 0 }, logicalType: 'timestamp-millis' },
      'a part that is not a schema',
    ],
  ])('with %s is unusable', (_, schema, message) => {
    expect(compileAvro([JSON.stringify(schema)])).toEqual({
      kind: 'unusable',
      message: expect.stringContaining(message),
    })
  })

  it.each(['timestamp-constructor', 'time-toString', 'local-timestamp-__proto__'])(
    'with the unknown logical type %s has its underlying type',
    (logicalType) => {
      expect(textOf({ type: 'long', logicalType }, long(2n ** 62n))).toEqual({
        kind: 'text',
        text: String(2n ** 62n),
      })
    },
  )

  it('that is nested very deep is unusable, and does not throw', () => {
    const type = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
    expect(compileAvro([`{"type":${type},"logicalType":"timestamp-millis"}`])).toEqual({
      kind: 'unusable',
      message: 'it is nested more than 100 levels deep',
    })
  })

  it('that is not JSON is unusable', () => {
    expect(compileAvro(['{'])).toEqual({ kind: 'unusable', message: 'it is not JSON' })
  })
})
