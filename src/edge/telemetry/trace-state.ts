/** `tracestate` for OpenTelemetry's API, which has only the interface (W3C Trace Context, section 3.3). */
import type { TraceState } from '@opentelemetry/api'
import {
  tracestateValue,
  tracestateWith,
  tracestateWithout,
  validTracestate,
} from '../../core/event/trace-context.ts'

/** Entries in their order, newest first, within the bounds of `trace-context.ts`. Immutable. */
export class Entries implements TraceState {
  /** Valid; `undefined` if there is no entry. */
  readonly #text: string | undefined

  private constructor(text: string | undefined) {
    this.#text = text
  }

  /** Without entries if any of them is not valid. */
  static parse(text: string): Entries {
    return new Entries(validTracestate(text))
  }

  get(key: string): string | undefined {
    return tracestateValue(this.#text, key)
  }

  /** What was set last stands first. What is no entry changes nothing, as OpenTelemetry asks. */
  set(key: string, value: string): Entries {
    return new Entries(tracestateWith(this.#text, key, value))
  }

  unset(key: string): Entries {
    return new Entries(tracestateWithout(this.#text, key))
  }

  serialize(): string {
    return this.#text ?? ''
  }
}
