/**
 * Reads the binary encoding of Avro 1.12 from its beginning to its end. Bytes come from whoever may write to the topic,
 * so nothing is believed: not a length, not a block's count, not a depth.
 */
import { decodeUtf8, maxJsonDepth, tooDeep } from '../text/json-text.ts'

/** What kind of fault: the payload is not what its schema says, or what it stands for is nested too deep. */
export type AvroReason = 'invalid-avro' | 'too-deep'

/** Why a payload is not what its schema says. Never leaves this folder: `schema.ts` tells of it as a value. */
export class AvroFault extends Error {
  /** Fields on the way to what is wrong, innermost first. */
  readonly path: string[] = []
  readonly reason: AvroReason

  /** @param message the end of a sentence that begins with what is wrong */
  constructor(message: string, reason: AvroReason = 'invalid-avro') {
    super(message)
    this.reason = reason
  }
}

/**
 * Most characters of names and punctuation in one rendered value. A schema of many optional fields makes them out of a
 * byte each, and an array of nulls out of nothing.
 */
const maxStructure = 16 * 1024 * 1024
/** Seven groups of seven bits: what a double holds exactly. */
const maxExactShift = 42
/** Ten groups make the 64 bits of a long; the tenth has one of them. */
const maxShift = 63n

export class AvroCursor {
  readonly #bytes: Buffer
  #at = 0
  #depth = 0
  #structure = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  byte(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw new AvroFault('ends too early')
    this.#at += 1
    return byte
  }

  /** The next `size` bytes: a view, not a copy. */
  take(size: number): Buffer {
    const start = this.#skip(size)
    return this.#bytes.subarray(start, this.#at)
  }

  /** A long: a number where that is exact, else a bigint. */
  long(): number | bigint {
    let unsigned = 0
    let factor = 1
    for (let shift = 0; shift <= maxExactShift; shift += 7) {
      const byte = this.byte()
      unsigned += (byte & 0x7f) * factor
      if (byte < 0x80) return unsigned % 2 === 0 ? unsigned / 2 : -(unsigned + 1) / 2
      factor *= 0x80
    }
    return this.#largeLong(BigInt(unsigned))
  }

  #largeLong(low: bigint): number | bigint {
    let unsigned = low
    for (let shift = BigInt(maxExactShift + 7); shift <= maxShift; shift += 7n) {
      const byte = this.byte()
      if (shift === maxShift && byte > 1) break
      unsigned |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return (unsigned >> 1n) ^ -(unsigned & 1n)
    }
    throw new AvroFault('has a number of more than 64 bits')
  }

  int(): number {
    const value = this.long()
    if (typeof value !== 'number' || value < -(2 ** 31) || value >= 2 ** 31) {
      throw new AvroFault('has an int of more than 32 bits')
    }
    return value
  }

  float(): number {
    return this.#bytes.readFloatLE(this.#skip(4))
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#skip(8))
  }

  bytes(): Buffer {
    return this.take(this.#length())
  }

  text(): string {
    const start = this.#skip(this.#length())
    const text = this.#bytes.toString('utf8', start, this.#at)
    // What the platform puts for bytes that are no UTF-8 may also have been written as such.
    if (!text.includes('\uFFFD')) return text
    if (decodeUtf8(this.#bytes.subarray(start, this.#at)) === undefined) {
      throw new AvroFault('has text that is not UTF-8')
    }
    return text
  }

  /** Items of the next block of an array or map; 0 ends it. */
  blockCount(): number {
    const count = this.#size(this.long())
    if (count >= 0) return count
    // A negative count comes with the block's size in bytes, for readers that skip.
    this.long()
    return -count
  }

  /** One more record, array or map is opened: call `leave` after it. */
  enter(structure: number): void {
    this.#depth += 1
    if (this.#depth > maxJsonDepth) throw new AvroFault(tooDeep, 'too-deep')
    this.spend(structure)
  }

  leave(): void {
    this.#depth -= 1
  }

  /** So many characters are made that no byte of the payload stands for. */
  spend(structure: number): void {
    this.#structure += structure
    if (this.#structure > maxStructure) {
      throw new AvroFault(`is larger than ${maxStructure / 1024 / 1024} MiB as JSON`)
    }
  }

  #length(): number {
    const length = this.#size(this.long())
    if (length < 0) throw new AvroFault('has a negative length')
    return length
  }

  #size(value: number | bigint): number {
    if (typeof value === 'bigint') throw new AvroFault('ends too early')
    return value
  }

  #skip(size: number): number {
    const start = this.#at
    if (size > this.#bytes.length - start) throw new AvroFault('ends too early')
    this.#at = start + size
    return start
  }
}
