/** Reads headers of records. A header that is there twice counts as its last, as Kafka's own clients read it. */
import { decodeUtf8 } from '../text/json.ts'
import { rejected } from '../text/json-text.ts'
import type { KafkaHeaders, Rejection } from '../model/model.ts'
import { filterHeaders } from './packed-headers.ts'

/**
 * Most headers of an event. Kafka has no bound, and each could be as short as two bytes: reading one costs far more, and
 * is done again for each hook of the event. Their bytes need none, since they count as those of the value do.
 */
export const maxHeaders = 1_000
/** More than hooktide gives to any record beside those of the event. */
const maxOwnHeaders = 100

/** Reads one header after the other and keeps the first fault found; what a faulty read returns means nothing. */
export class HeaderReader {
  readonly #headers: ReadonlyMap<string, Buffer | null>
  #rejection: Rejection | undefined

  /** @param max the headers of a record that has more are not looked at: that is the fault */
  constructor(headers: KafkaHeaders, max: number = maxHeaders + maxOwnHeaders) {
    const isTooMany = headers.length > max
    this.#headers = new Map(isTooMany ? [] : headers)
    if (!isTooMany) return
    const message = `The record has ${headers.length} headers, more than ${max}.`
    this.#rejection = rejected('invalid-header', '', message).rejection
  }

  get rejection(): Rejection | undefined {
    return this.#rejection
  }

  /** Text of 1 to `maxLength` characters; `undefined` when there is no such header. */
  text(name: string, maxLength: number): string | undefined {
    const value = this.#headers.get(name)
    if (value === undefined) return undefined
    if (value === null) return this.reject(name, 'has no value')
    const text = decodeUtf8(value)
    if (text === undefined) return this.reject(name, 'is not UTF-8')
    if (text.length === 0) return this.reject(name, 'is empty')
    if (text.length > maxLength) return this.reject(name, `is longer than ${maxLength} characters`)
    return text
  }

  /** Like {@link text}, where no header and an empty one mean the same. */
  textOrEmpty(name: string, maxLength: number): string {
    const value = this.#headers.get(name)
    return value === null || value?.length === 0 ? '' : (this.text(name, maxLength) ?? '')
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

  /** The bytes of a header of which nothing depends on whether they are right. */
  bytes(name: string): Buffer | undefined {
    return this.#headers.get(name) ?? undefined
  }
}

const ours = /^hooktide-/i

/** Headers of the producer's own. Ours are known by their prefix in any letter case, so that none can be smuggled in. */
export function foreignHeaders(headers: KafkaHeaders): KafkaHeaders {
  return filterHeaders(headers, ([name]) => !ours.test(name))
}
