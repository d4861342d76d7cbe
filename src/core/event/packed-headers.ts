/**
 * Headers of records in the form that they have in a record batch, which costs their bytes and nothing more: a record of
 * one MiB may have half a million of them. They are taken apart where they are asked for, and passed on as bytes.
 *
 * The form (https://kafka.apache.org/documentation/#recordheader): of each header the length of its name, the name in
 * UTF-8, the length of its value or -1 for null, and the value. Lengths are zigzag varints. Their number stands before
 * them in the record and is not part of `bytes`.
 */
import type { KafkaHeader, KafkaHeaders } from '../model/model.ts'
import { sizedBytes, writeVarInt } from './var-int.ts'

/** Five groups of seven bits hold the 32 bits of a length. */
const maxShift = 28

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
    const cursor = new Cursor(bytes)
    for (let index = 0; index < length; index += 1) {
      cursor.skip(0)
      cursor.skip(-1)
    }
    if (length < 0 || cursor.at !== bytes.length)
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

  /**
   * The same for headers whose values are text.
   *
   * @param write adds them in their order. It must not make other headers meanwhile: all are put together in the same memory
   */
  static ofTexts(write: (texts: HeaderTexts) => void): PackedHeaders {
    texts.clear()
    write(texts)
    return new PackedHeaders(texts.count, Buffer.from(texts.written()))
  }

  *[Symbol.iterator](): Iterator<KafkaHeader> {
    const { bytes, length } = this
    const cursor = new Cursor(bytes)
    for (let index = 0; index < length; index += 1) {
      const { nameStart, nameEnd, valueStart, valueEnd } = cursor.readPlace()
      const value = valueEnd === noValue ? null : bytes.subarray(valueStart, valueEnd)
      yield [bytes.toString('utf8', nameStart, nameEnd), value]
    }
  }

  /** Where each header stands in the bytes, in their order. */
  places(): readonly HeaderPlace[] {
    const cursor = new Cursor(this.bytes)
    const places: HeaderPlace[] = []
    for (let index = 0; index < this.length; index += 1) places.push(cursor.readPlace())
    return places
  }

  /**
   * Those of which `keeps` is true, byte for byte. Where they stand in a row they are a view of the same bytes.
   *
   * @param places of {@link places}
   */
  filter(places: readonly HeaderPlace[], keeps: (place: HeaderPlace) => boolean): PackedHeaders {
    const rows: { start: number; end: number }[] = []
    let count = 0
    for (const place of places) {
      if (!keeps(place)) continue
      count += 1
      const row = rows.at(-1)
      if (row?.end === place.start) row.end = place.end
      else rows.push({ start: place.start, end: place.end })
    }
    if (count === this.length) return this
    const parts = rows.map(({ start, end }) => this.bytes.subarray(start, end))
    const [first = PackedHeaders.none.bytes, ...others] = parts
    return new PackedHeaders(count, others.length === 0 ? first : Buffer.concat(parts))
  }

  /** The same, kept at this place of other memory. */
  copyTo(memory: Buffer, at: number): PackedHeaders {
    if (this.length === 0) return PackedHeaders.none
    this.bytes.copy(memory, at)
    return new PackedHeaders(this.length, memory.subarray(at, at + this.bytes.length))
  }
}

/** Puts the headers of one record together: hooktide's own, whose lengths are bounded. */
export class HeaderTexts {
  #bytes = Buffer.alloc(4_096)
  #end = 0
  #count = 0

  get count(): number {
    return this.#count
  }

  clear(): void {
    this.#end = 0
    this.#count = 0
  }

  add(name: string, value: string): void {
    const most = this.#end + mostTextBytes(name) + mostTextBytes(value)
    if (most > this.#bytes.length) this.#grow(most)
    this.#end = writeText(value, this.#bytes, writeText(name, this.#bytes, this.#end))
    this.#count += 1
  }

  /** A view. The next headers are written over it. */
  written(): Buffer {
    return this.#bytes.subarray(0, this.#end)
  }

  #grow(bytes: number): void {
    const larger = Buffer.alloc(2 * bytes)
    this.#bytes.copy(larger, 0, 0, this.#end)
    this.#bytes = larger
  }
}

/** All headers are written here first, so that only their own bytes are allocated for them. */
const texts = new HeaderTexts()

/** A text of fewer bytes has a length of one byte. */
const shortText = 64

/** More than a text takes in UTF-8, with its length. */
function mostTextBytes(text: string): number {
  return text.length * 3 + 5
}

/**
 * Writes a text and its length where there is room for its {@link mostTextBytes}. Almost all are short and ASCII. These are
 * written by characters, since calls into Node take longer than so few bytes do.
 *
 * @returns the position behind it
 */
function writeText(text: string, target: Buffer, start: number): number {
  const { length } = text
  let index = 0
  if (length < shortText) {
    for (; index < length; index += 1) {
      const code = text.charCodeAt(index)
      if (code >= 0x80) break
      target[start + 1 + index] = code
    }
  }
  if (index < length) {
    const at = writeVarInt(Buffer.byteLength(text), target, start)
    return at + target.write(text, at)
  }
  target[start] = length * 2
  return start + 1 + length
}

/** Where one header stands. All fields are positions in the bytes. */
export interface HeaderPlace {
  /** Of its first byte, which is of the length of its name. */
  readonly start: number
  readonly nameStart: number
  readonly nameEnd: number
  readonly valueStart: number
  /** {@link noValue} if the value is null. */
  readonly valueEnd: number
  readonly end: number
}

/** The end of a value that is null. */
export const noValue = -1

/** Reads lengths, and checks that nothing ends too early. */
class Cursor {
  at = 0
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** @throws {RangeError} when there is none, or it is below `smallest`, or what it counts ends too early */
  skip(smallest: 0 | -1): void {
    const length = this.readLength()
    if (length < smallest) throw new RangeError('a header has a negative length')
    if (length > 0) this.at += length
    if (this.at > this.#bytes.length) throw new RangeError('a header ends too early')
  }

  /** Of a header that was checked. */
  readPlace(): HeaderPlace {
    const start = this.at
    const nameLength = this.readLength()
    const nameStart = this.at
    this.at += nameLength
    const nameEnd = this.at
    const valueLength = this.readLength()
    const valueStart = this.at
    const valueEnd = valueLength < 0 ? noValue : valueStart + valueLength
    this.at = Math.max(valueStart, valueEnd)
    return { start, nameStart, nameEnd, valueStart, valueEnd, end: this.at }
  }

  /** @throws {RangeError} when there is none */
  readLength(): number {
    let zigzag = 0
    for (let shift = 0; shift <= maxShift; shift += 7) {
      const byte = this.#bytes[this.at]
      if (byte === undefined) throw new RangeError('a header ends too early')
      this.at += 1
      zigzag |= (byte & 0x7f) << shift
      if (byte < 0x80) return (zigzag >>> 1) ^ -(zigzag & 1)
    }
    throw new RangeError('the length of a header has more than 32 bits')
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
