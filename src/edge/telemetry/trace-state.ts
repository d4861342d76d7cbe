/** `tracestate` for OpenTelemetry's API, which has only the interface (W3C Trace Context, section 3.3). */
import type { TraceState } from '@opentelemetry/api'

/** Entries in their order, newest first. Immutable. */
export class Entries implements TraceState {
  readonly #entries: ReadonlyMap<string, string>

  constructor(entries: Iterable<readonly [key: string, value: string]>) {
    this.#entries = new Map(entries)
  }

  /** What is no entry is left out. */
  static parse(text: string): Entries {
    const entries = text.split(',').map((entry) => {
      const [key = '', ...value] = entry.trim().split('=')
      return [key, value.join('=')] as const
    })
    return new Entries(entries.filter(([key, value]) => key !== '' && value !== ''))
  }

  get(key: string): string | undefined {
    return this.#entries.get(key)
  }

  /** What was set last stands first. */
  set(key: string, value: string): Entries {
    return new Entries([[key, value], ...this.unset(key).#entries])
  }

  unset(key: string): Entries {
    return new Entries([...this.#entries].filter(([known]) => known !== key))
  }

  serialize(): string {
    return [...this.#entries].map(([key, value]) => `${key}=${value}`).join(',')
  }
}
