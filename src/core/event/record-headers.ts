/** Reads headers of records. A header that is there twice counts as its last, as Kafka's own clients read it. */
import { decodeUtf8 } from '../text/json.ts'
import { rejected } from '../text/json-text.ts'
import type { KafkaHeaders, Rejection } from '../model/model.ts'
import { noValue, PackedHeaders, type HeaderPlace } from './packed-headers.ts'

/**
 * Most headers of an event. Kafka has no bound, and each could be as short as two bytes: reading one costs far more, and
 * is done again for each hook of the event. Their bytes need none, since they count as those of the value do.
 */
export const maxHeaders = 1_000
/** More than hooktide gives to any record beside those of the event. */
const maxOwnHeaders = 100
/** The most digits that a number in a header has. All whole numbers of so many digits are exact. */
const maxDigits = 15

/**
 * Reads one header after the other and keeps the first fault found; what a faulty read returns means nothing.
 *
 * Names are compared as bytes, and short texts and numbers are read from them, without a buffer or a string for each
 * header: a record of a tier has twenty, and is read at each hop.
 */
export class HeaderReader {
  readonly #headers: PackedHeaders
  readonly #places: readonly HeaderPlace[]
  #rejection: Rejection | undefined

  /** @param max the headers of a record that has more are not looked at: that is the fault */
  constructor(headers: KafkaHeaders, max: number = maxHeaders + maxOwnHeaders) {
    const isTooMany = headers.length > max
    this.#headers = isTooMany ? PackedHeaders.none : PackedHeaders.pack(headers)
    this.#places = this.#headers.places()
    if (!isTooMany) return
    const message = `The record has ${headers.length} headers, more than ${max}.`
    this.#rejection = rejected('invalid-header', '', message).rejection
  }

  get rejection(): Rejection | undefined {
    return this.#rejection
  }

  /** Text of 1 to `maxLength` characters; `undefined` when there is no such header. */
  text(name: string, maxLength: number): string | undefined {
    const place = this.#find(name)
    if (place === undefined) return undefined
    if (place.valueEnd === noValue) return this.reject(name, 'has no value')
    const text = this.#asciiOf(place) ?? decodeUtf8(this.#bytesOf(place))
    if (text === undefined) return this.reject(name, 'is not UTF-8')
    if (text.length === 0) return this.reject(name, 'is empty')
    if (text.length > maxLength) return this.reject(name, `is longer than ${maxLength} characters`)
    return text
  }

  /** Like {@link text}, where no header and an empty one mean the same. */
  textOrEmpty(name: string, maxLength: number): string {
    const place = this.#find(name)
    if (place === undefined || place.valueEnd <= place.valueStart) return ''
    return this.text(name, maxLength) ?? ''
  }

  /** A whole number from 0 to `max` in decimal digits; `fallback` when there is no such header. */
  integer(name: string, fallback: number, max = Number.MAX_SAFE_INTEGER): number {
    const place = this.#find(name)
    if (place === undefined) return fallback
    const value = this.#digitsOf(place) ?? this.#unusualInteger(name)
    if (value === undefined) return fallback
    if (!(value <= max)) this.reject(name, `is not a whole number up to ${max}`)
    return value
  }

  reject(name: string, fault: string): undefined {
    this.#rejection ??= rejected('invalid-header', name, `Header ${name} ${fault}.`).rejection
  }

  /** The bytes of a header of which nothing depends on whether they are right. */
  bytes(name: string): Buffer | undefined {
    const place = this.#find(name)
    return place === undefined || place.valueEnd === noValue ? undefined : this.#bytesOf(place)
  }

  /** Headers of the producer's own. Ours are known by their prefix in any letter case, so that none can be smuggled in. */
  foreign(): KafkaHeaders {
    return this.#headers.filter(this.#places, (place) => !this.#isOurs(place))
  }

  /** @param name in ASCII */
  #find(name: string): HeaderPlace | undefined {
    for (let index = this.#places.length - 1; index >= 0; index -= 1) {
      const place = this.#places[index]
      if (place !== undefined && this.#isNamed(place, name)) return place
    }
    return undefined
  }

  /** Compares from the end: our names begin alike. */
  #isNamed({ nameStart, nameEnd }: HeaderPlace, name: string): boolean {
    const { bytes } = this.#headers
    if (nameEnd - nameStart !== name.length) return false
    for (let index = name.length - 1; index >= 0; index -= 1) {
      if (bytes[nameStart + index] !== name.charCodeAt(index)) return false
    }
    return true
  }

  #isOurs({ nameStart, nameEnd }: HeaderPlace): boolean {
    const { bytes } = this.#headers
    if (nameEnd - nameStart < ourPrefix.length) return false
    for (let index = 0; index < ourPrefix.length; index += 1) {
      const code = ourPrefix.charCodeAt(index)
      const byte = bytes[nameStart + index] ?? 0
      if (byte !== code && (code === hyphen || (byte | letterCase) !== code)) return false
    }
    return true
  }

  #bytesOf({ valueStart, valueEnd }: HeaderPlace): Buffer {
    return this.#headers.bytes.subarray(valueStart, valueEnd)
  }

  /** `undefined` where there are other characters. */
  #asciiOf({ valueStart, valueEnd }: HeaderPlace): string | undefined {
    const { bytes } = this.#headers
    for (let at = valueStart; at < valueEnd; at += 1) if ((bytes[at] ?? 0) >= 0x80) return undefined
    return bytes.toString('latin1', valueStart, valueEnd)
  }

  /** `undefined` where there is anything else. */
  #digitsOf({ valueStart, valueEnd }: HeaderPlace): number | undefined {
    const { bytes } = this.#headers
    if (valueEnd <= valueStart || valueEnd - valueStart > maxDigits) return undefined
    let value = 0
    for (let at = valueStart; at < valueEnd; at += 1) {
      const digit = (bytes[at] ?? 0) - zero
      if (!(digit >= 0 && digit <= 9)) return undefined
      value = value * 10 + digit
    }
    return value
  }

  /** Of one digit more, or not a number: `NaN`, or `undefined` if it is no text. */
  #unusualInteger(name: string): number | undefined {
    const text = this.text(name, maxDigits + 1)
    if (text === undefined) return undefined
    return /^\d+$/.test(text) ? Number(text) : Number.NaN
  }
}

const ourPrefix = 'hooktide-'
const hyphen = 0x2d
const zero = 0x30
/** The bit that a small letter has and its capital has not. */
const letterCase = 0x20
