/**
 * Headers of records in the form that they have in a record batch, which costs their bytes and nothing more: a record of
 * one MiB may have half a million of them. They are taken apart where they are asked for, and what is passed on is copied.
 *
 * The form (https://kafka.apache.org/documentation/#recordheader): of each header the length of its name, the name in
 * UTF-8, the length of its value or -1 for null, and the value. Lengths are zigzag varints. Their number stands before
 * them in the record and is not part of `bytes`.
 */
import type { KafkaHeader, KafkaHeaders } from '../model/model.ts'
import { sizedBytes, writeVarInt } from './var-int.ts'

/** Five groups of seven bits hold the 32 bits of a length. */
const maxShift = 28

/** One header, and where it stands in the bytes. */
interface Entry {
  readonly header: KafkaHeader
  readonly start: number
  readonly end: number
}

export class PackedHeaders implements KafkaHeaders {
  static readonly none = new PackedHeaders(0, Buffer.alloc(0))
  readonly length: number
  readonly bytes: Buffer

  private constructor(length: number, bytes: Buffer) {
    this.length = length
    this.bytes = bytes
  }

  /**
   * @param bytes a view is kept of them
   * @throws {RangeError} when they are not `length` headers and nothing else: a broker would refuse them when they are passed on
   */
  static of(length: number, bytes: Buffer): PackedHeaders {
    let at = 0
    for (let index = 0; index < length; index += 1) {
      for (const smallest of [0, -1]) {
        const size = readLength(bytes, at)
        if (size.value < smallest) throw new RangeError('a header has a negative length')
        at = size.end + Math.max(size.value, 0)
        if (at > bytes.length) throw new RangeError('a header ends too early')
      }
    }
    if (length < 0 || at !== bytes.length)
      throw new RangeError('a record has not the headers it counts')
    return new PackedHeaders(length, bytes)
  }

  /** The same bytes for headers that come as a list. */
  static pack(headers: KafkaHeaders): PackedHeaders {
    if (headers instanceof PackedHeaders) return headers
    const bytes = Buffer.allocUnsafe(packedBytes(headers))
    writeHeaders(headers, bytes, 0)
    return new PackedHeaders(headers.length, bytes)
  }

  *[Symbol.iterator](): Iterator<KafkaHeader> {
    for (const { header } of this.#entries()) yield header
  }

  /** Those of which `keeps` is true, byte for byte. */
  filter(keeps: (header: KafkaHeader) => boolean): PackedHeaders {
    const parts: Buffer[] = []
    for (const { header, start, end } of this.#entries()) {
      if (keeps(header)) parts.push(this.bytes.subarray(start, end))
    }
    return parts.length === this.length
      ? this
      : new PackedHeaders(parts.length, Buffer.concat(parts))
  }

  /** The same in memory of their own. */
  copy(): PackedHeaders {
    return new PackedHeaders(this.length, Buffer.from(this.bytes))
  }

  *#entries(): Generator<Entry> {
    const { bytes, length } = this
    let start = 0
    for (let index = 0; index < length; index += 1) {
      const name = readLength(bytes, start)
      const nameEnd = name.end + name.value
      const value = readLength(bytes, nameEnd)
      const end = value.end + Math.max(value.value, 0)
      const content = value.value < 0 ? null : bytes.subarray(value.end, end)
      yield { header: [bytes.toString('utf8', name.end, nameEnd), content], start, end }
      start = end
    }
  }
}

/** Headers of one record that stand behind those of another. */
class JoinedHeaders implements KafkaHeaders {
  readonly length: number
  readonly parts: readonly KafkaHeaders[]

  constructor(parts: readonly KafkaHeaders[]) {
    this.parts = parts
    this.length = parts.reduce((sum, part) => sum + part.length, 0)
  }

  *[Symbol.iterator](): Iterator<KafkaHeader> {
    for (const part of this.parts) yield* part
  }
}

/** All headers of the first, then all of the second, without taking them apart. */
export function joinHeaders(first: KafkaHeaders, second: KafkaHeaders): KafkaHeaders {
  return first.length === 0 ? second : new JoinedHeaders([...partsOf(first), ...partsOf(second)])
}

export function filterHeaders(
  headers: KafkaHeaders,
  keeps: (header: KafkaHeader) => boolean,
): KafkaHeaders {
  return headers instanceof PackedHeaders ? headers.filter(keeps) : [...headers].filter(keeps)
}

/** Bytes that the headers take in a record, without their number. */
export function packedBytes(headers: KafkaHeaders): number {
  let bytes = 0
  for (const part of partsOf(headers)) {
    if (part instanceof PackedHeaders) bytes += part.bytes.length
    else
      for (const [name, value] of part) {
        bytes += sizedBytes(Buffer.byteLength(name)) + sizedBytes(value?.length ?? -1)
      }
  }
  return bytes
}

/**
 * Writes the headers, without their number, where there is room for their {@link packedBytes}.
 *
 * @returns the position behind them
 */
export function writeHeaders(headers: KafkaHeaders, target: Buffer, start: number): number {
  let at = start
  for (const part of partsOf(headers)) {
    if (part instanceof PackedHeaders) at += part.bytes.copy(target, at)
    else {
      for (const [name, value] of part) {
        at = writeVarInt(Buffer.byteLength(name), target, at)
        at += target.write(name, at)
        at = writeVarInt(value?.length ?? -1, target, at)
        if (value !== null) at += value.copy(target, at)
      }
    }
  }
  return at
}

function partsOf(headers: KafkaHeaders): readonly KafkaHeaders[] {
  return headers instanceof JoinedHeaders ? headers.parts : [headers]
}

function readLength(
  bytes: Buffer,
  start: number,
): { readonly value: number; readonly end: number } {
  let zigzag = 0
  let at = start
  for (let shift = 0; shift <= maxShift; shift += 7) {
    const byte = bytes[at]
    if (byte === undefined) throw new RangeError('a header ends too early')
    at += 1
    zigzag |= (byte & 0x7f) << shift
    if (byte < 0x80) return { value: (zigzag >>> 1) ^ -(zigzag & 1), end: at }
  }
  throw new RangeError('the length of a header has more than 32 bits')
}
