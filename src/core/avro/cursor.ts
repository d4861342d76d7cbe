/**
 * Reads the binary encoding of Avro 1.12 from its beginning to its end. The bytes may come from anybody, so no length,
 * count or depth in them is trusted.
 */
import { decodeUtf8, maxJsonDepth, tooDeep } from '../text/json.ts'

/** The payload does not fit its schema, or its value is nested too deep. */
export type AvroReason = 'invalid-avro' | 'too-deep'

/** Why a payload cannot be rendered. It never leaves this room: `avro.ts` returns it as a value. */
export class AvroFault extends Error {
  /** The field that is at fault and those around it, innermost first. */
  readonly path: string[] = []
  readonly reason: AvroReason

  /** @param message the end of a sentence that begins with the field */
  constructor(message: string, reason: AvroReason = 'invalid-avro') {
    super(message)
    this.reason = reason
  }
}

/**
 * Most characters of names and punctuation in one rendered value. They may have few bytes behind them: one for each
 * field that is null, and none for each item of an array of nulls.
 */
const maxStructure = 16 * 1024 * 1024
/** The shift of the seventh group of seven bits. A double holds seven groups exactly. */
const maxExactShift = 42
/** The shift of the tenth group, which holds the last of the 64 bits of a long. */
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
    // The replacement character stands for bytes that are not UTF-8, or was in the text itself.
    if (!text.includes('\uFFFD')) return text
    if (decodeUtf8(this.#bytes.subarray(start, this.#at)) === undefined) {
      throw new AvroFault('has text that is not UTF-8')
    }
    return text
  }

  /** The number of items in the next block of an array or map; 0 at its end. */
  blockCount(): number {
    const count = this.#size(this.long())
    if (count >= 0) return count
    // After a negative count comes the size of the block in bytes, for readers that skip it.
    this.long()
    return -count
  }

  /** Begins a record, array or map. Call {@link leave} at its end. @param structure see {@link spend} */
  enter(structure: number): void {
    this.#depth += 1
    if (this.#depth > maxJsonDepth) throw new AvroFault(tooDeep, 'too-deep')
    this.spend(structure)
  }

  leave(): void {
    this.#depth -= 1
  }

  /** @param structure characters of JSON that have no bytes of the payload behind them */
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
