import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileAvro } from '../../../src/core/avro/avro.ts'
import { avroLong as long } from '../../support/avro-bytes.ts'

function render(schema: unknown, payload: Buffer) {
  const compiled = compileAvro([JSON.stringify(schema)])
  return compiled.kind === 'avro' ? compiled.render(payload) : compiled
}

const bytes = (...values: readonly number[]) => Buffer.from(values)

/** The shortest two's complement, most significant byte first, as a second implementation. */
function twos(value: bigint): Buffer {
  let size = 1
  while (BigInt.asIntN(size * 8, value) !== value) size += 1
  const hex = BigInt.asUintN(size * 8, value).toString(16)
  return Buffer.from(hex.padStart(size * 2, '0'), 'hex')
}

function extended(value: bigint, by: number): Buffer {
  return Buffer.concat([Buffer.alloc(by, value < 0n ? 0xff : 0), twos(value)])
}

const withLength = (buffer: Buffer) => Buffer.concat([long(BigInt(buffer.length)), buffer])
const decimal = (precision: number, scale?: number) => ({
  type: 'bytes',
  logicalType: 'decimal',
  precision,
  ...(scale === undefined ? {} : { scale }),
})
const fixedDecimal = (size: number, precision: number, scale: number) => ({
  ...decimal(precision, scale),
  type: 'fixed',
  name: 'D',
  size,
})

describe('an Avro decimal', () => {
  it('is the number with all of its digits, whatever its precision, scale, and sign bytes are', () => {
    const one = fc
      .record({ precision: fc.integer({ min: 1, max: 60 }), isNegative: fc.boolean() })
      .chain(({ precision, isNegative }) =>
        fc.record({
          precision: fc.constant(precision),
          scale: fc.nat(precision),
          by: fc.nat(40),
          value: fc
            .bigInt({ min: 0n, max: 10n ** BigInt(precision) - 1n })
            .map((value) => (isNegative ? -value : value)),
        }),
      )
    fc.assert(
      fc.property(one, ({ precision, scale, by, value }) => {
        const payload = extended(value, by)
        const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0')
        const whole = digits.slice(0, digits.length - scale)
        const rest = digits.slice(digits.length - scale)
        const text = `${value < 0n ? '-' : ''}${whole}${scale === 0 ? '' : `.${rest}`}`
        expect(render(decimal(precision, scale), withLength(payload))).toEqual({
          kind: 'text',
          text,
        })
        const fixed = fixedDecimal(payload.length, precision, scale)
        expect(render(fixed, payload)).toEqual({ kind: 'text', text })
      }),
      { numRuns: 500 },
    )
  })

  it.each<[string, unknown, Buffer, string]>([
    ['fixed(16)', fixedDecimal(16, 18, 2), extended(-12_345n, 14), '-123.45'],
    ['fixed(16)', fixedDecimal(16, 18, 2), extended(12_345n, 14), '123.45'],
    ['bytes', decimal(5, 2), withLength(extended(-12_345n, 6)), '-123.45'],
    ['bytes', decimal(5, 2), withLength(extended(12_345n, 1)), '123.45'],
    ['many bytes', decimal(1), withLength(extended(-1n, 100_000)), '-1'],
    ['no byte', decimal(4, 2), bytes(0), '0.00'],
    ['scale = precision', decimal(4, 4), withLength(twos(-9_999n)), '-0.9999'],
    ['-1 of scale 4', decimal(4, 4), withLength(twos(-1n)), '-0.0001'],
    ['0 of many bytes', decimal(4, 1), withLength(Buffer.alloc(20)), '0.0'],
    ['a sign bit of its own', decimal(3), withLength(bytes(0, 0x80)), '128'],
    ['no sign bit of its own', decimal(3), withLength(bytes(0x80)), '-128'],
    [
      'a nullable',
      ['null', decimal(5, 2)],
      Buffer.concat([bytes(2), withLength(twos(7n))]),
      '0.07',
    ],
    [
      'a fixed of a union',
      ['null', fixedDecimal(16, 18, 2)],
      Buffer.concat([bytes(2), extended(-1n, 15)]),
      '-0.01',
    ],
    [
      'an array',
      { type: 'array', items: fixedDecimal(3, 5, 1) },
      Buffer.concat([long(2n), extended(5n, 2), extended(-5n, 2), bytes(0)]),
      '[0.5,-0.5]',
    ],
    [
      'a map',
      { type: 'map', values: decimal(5, 1) },
      Buffer.concat([long(1n), bytes(2, 0x61), withLength(twos(-15n)), bytes(0)]),
      '{"a":-1.5}',
    ],
    [
      'more than 1,000 digits of precision',
      decimal(2_000, 2),
      withLength(twos(10n ** 999n)),
      `1${'0'.repeat(997)}.00`,
    ],
  ])('of %s renders', (_, schema, payload, text) => {
    expect(render(schema, payload)).toEqual({ kind: 'text', text })
  })

  it.each<[string, unknown, Buffer, string]>([
    ['its precision', decimal(4, 2), withLength(twos(10_000n)), 'more than 4 digits'],
    ['its precision, below zero', decimal(4, 2), withLength(twos(-10_000n)), 'more than 4 digits'],
    ['the precision of its fixed', fixedDecimal(16, 18, 2), extended(10n ** 18n, 8), '18 digits'],
    ['a number may have', decimal(2_000), withLength(twos(10n ** 1_000n)), 'than 1000 digits'],
    ['are converted at all', decimal(9), withLength(Buffer.alloc(1_000_000, 1)), 'than 9 digits'],
  ])('of more digits than %s is rejected', (_, schema, payload, message) => {
    expect(render(schema, payload)).toMatchObject({
      reason: 'invalid-avro',
      message: expect.stringContaining(message),
    })
  })

  it.each<[string, object, string]>([
    ['a scale beyond its precision', { precision: 2, scale: 3 }, '"Bw=="'],
    ['a scale below zero', { precision: 2, scale: -1 }, '"Bw=="'],
    ['no precision', {}, '"Bw=="'],
    ['a precision of 0', { precision: 0 }, '"Bw=="'],
    ['a precision that is no number', { precision: '2' }, '"Bw=="'],
  ])('with %s is invalid, and renders as bytes', (_, digits, text) => {
    const schema = { type: 'bytes', logicalType: 'decimal', ...digits }
    expect(render(schema, bytes(2, 7))).toEqual({ kind: 'text', text })
  })

  it('cannot become a long text by its scale', () => {
    expect(render(decimal(2 ** 31, 2 ** 31), bytes(2, 7))).toMatchObject({
      message: expect.stringContaining('larger than 16 MiB as JSON'),
    })
  })
})
