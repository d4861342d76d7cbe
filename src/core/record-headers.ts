/** Reads headers of records. A header that is there twice counts as its last, as Kafka's own clients read it. */
import { rejected, decodeUtf8 } from './json-text.ts'
import type { KafkaHeaders, Rejection } from './model.ts'

/** Reads one header after the other and keeps the first fault found; what a faulty read returns means nothing. */
export class HeaderReader {
  readonly #headers: KafkaHeaders
  #rejection: Rejection | undefined

  constructor(headers: KafkaHeaders) {
    this.#headers = headers
  }

  get rejection(): Rejection | undefined {
    return this.#rejection
  }

  /** Text of 1 to `maxLength` characters; `undefined` when there is no such header. */
  text(name: string, maxLength: number): string | undefined {
    const value = this.#find(name)
    if (value === undefined) return undefined
    const text = decodeUtf8(value)
    if (text === undefined) return this.reject(name, 'is not UTF-8')
    if (text.length === 0) return this.reject(name, 'is empty')
    if (text.length > maxLength) return this.reject(name, `is longer than ${maxLength} characters`)
    return text
  }

  /** Like {@link text}, where no header and an empty one mean the same. */
  textOrEmpty(name: string, maxLength: number): string {
    return this.#find(name)?.length === 0 ? '' : (this.text(name, maxLength) ?? '')
  }

  /** A whole number from 0 to `max` in decimal digits; `fallback` when there is no such header. */
  integer(name: string, fallback: number, max = Number.MAX_SAFE_INTEGER): number {
    const text = this.text(name, 16)
    if (text === undefined) return fallback
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (!(value <= max)) this.reject(name, `is not a whole number up to ${max}`)
    return value
  }

  reject(name: string, fault: string): undefined {
    this.#rejection ??= rejected('invalid-header', name, `Header ${name} ${fault}.`).rejection
  }

  #find(name: string): Buffer | undefined {
    for (let index = this.#headers.length - 1; index >= 0; index -= 1) {
      const header = this.#headers[index]
      if (header?.[0] === name) return header[1]
    }
    return undefined
  }
}

const ours = /^hooktide-/i

/** Headers of the producer's own. Ours are known by their prefix in any letter case, so that none can be smuggled in. */
export function foreignHeaders(headers: KafkaHeaders): KafkaHeaders {
  return headers.some(([name]) => ours.test(name))
    ? headers.filter(([name]) => !ours.test(name))
    : headers
}
