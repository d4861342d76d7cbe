import { describe, expect, it } from 'vitest'
import type { KafkaHeader } from '../../../src/core/model/model.ts'
import { packedBytes, joinHeaders, PackedHeaders } from '../../../src/core/event/packed-headers.ts'

const list: readonly KafkaHeader[] = [
  ['a', Buffer.from('one')],
  ['__proto__', Buffer.from('two')],
  ['', Buffer.alloc(0)],
  ['a', null],
  ['constructor', Buffer.from('three')],
  ['ü'.repeat(100), Buffer.alloc(20_000, 'x')],
  ['a', Buffer.from('four')],
]

describe('packed headers', () => {
  it('keep every header in order: repeated names, empty names, null values, names of object members', () => {
    const packed = PackedHeaders.pack(list)
    expect([...packed]).toEqual(list)
    expect([...PackedHeaders.of(packed.length, packed.bytes)]).toEqual(list)
  })

  it('are the bytes of Kafka’s format', () => {
    const { bytes, length } = PackedHeaders.pack([
      ['k', Buffer.from('v')],
      ['n', null],
      ['long', Buffer.alloc(64)],
    ])
    const head = Buffer.from([2, 0x6b, 2, 0x76, 2, 0x6e, 1, 8, ...Buffer.from('long'), 0x80, 1])
    expect(bytes).toEqual(Buffer.concat([head, Buffer.alloc(64)]))
    expect(length).toBe(3)
  })

  it.each([
    ['a name that ends too early', 1, [20, 0x6b]],
    ['a value that ends too early', 1, [2, 0x6b, 20, 0x76]],
    ['a name without length', 1, []],
    ['a null name', 1, [1, 2, 0x76]],
    ['a value of length -2', 1, [2, 0x6b, 3]],
    ['a length of more than 32 bits', 1, [2, 0x6b, 0x80, 0x80, 0x80, 0x80, 0x80, 0]],
    ['fewer headers than counted', 2, [2, 0x6b, 2, 0x76]],
    ['more headers than counted', 0, [2, 0x6b, 2, 0x76]],
    ['a negative number', -1, []],
    ['a number beyond all bytes', 2 ** 31 - 1, [0, 1]],
  ])('are refused with %s', (_, length, bytes) => {
    expect(() => PackedHeaders.of(length, Buffer.from(bytes))).toThrow(RangeError)
  })

  it('are filtered and joined byte for byte, whatever their names are', () => {
    // No UTF-8, which no text can stand for.
    const foreign = PackedHeaders.of(2, Buffer.from([2, 0xff, 1, 2, 0x6b, 2, 0x76]))
    const joined = joinHeaders(foreign, [['own', null]])
    expect(PackedHeaders.pack(joined).bytes.toString('latin1')).toBe(
      '\x02\xff\x01\x02k\x02v\x06own\x01',
    )
    const [, second] = foreign.places()
    const kept = foreign.filter(foreign.places(), (place) => place.start !== second?.start)
    expect(kept.bytes).toEqual(Buffer.from([2, 0xff, 1]))
    expect([...joinHeaders(joined, list)]).toHaveLength(3 + list.length)
  })

  it('with texts are the same bytes as others, whatever the lengths and characters of names and values', () => {
    const texts = [
      '',
      'a',
      'x'.repeat(63),
      'x'.repeat(64),
      'é',
      'xé',
      'é'.repeat(40),
      '€'.repeat(3_000),
    ]
    const all = texts.flatMap((name) => texts.map((value) => [name, value] as const))
    const expected = all.map(([name, value]) => [name, Buffer.from(value)] as const)
    const packed = (some: typeof all) =>
      PackedHeaders.ofTexts((own) => some.forEach(([name, value]) => own.add(name, value)))
    expect(packed(all)).toEqual(PackedHeaders.pack(expected))
    for (const [index, text] of all.entries()) {
      expect(packed([text])).toEqual(PackedHeaders.pack(expected.slice(index, index + 1)))
    }
  })

  it('count by the bytes that they take', () => {
    const packed = PackedHeaders.pack(list)
    expect(packedBytes(packed)).toBe(packed.bytes.length)
    expect(packedBytes(list)).toBe(packed.bytes.length)
    expect(packedBytes(joinHeaders(packed, packed))).toBe(2 * packed.bytes.length)
  })
})
