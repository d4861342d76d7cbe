/** Logs one line when something begins to fail, one from time to time while it does, and one when it works again. */
import type { KafkaLog } from './client.ts'

/** How often a lasting failure is logged again. */
const repeatMs = 30_000

export class FailureLog {
  readonly #log: KafkaLog
  readonly #fields: Readonly<Record<string, unknown>>
  #since: number | undefined
  #warnedAt: number | undefined

  /** @param fields fields of every line */
  constructor(log: KafkaLog, fields: Readonly<Record<string, unknown>> = {}) {
    this.#log = log
    this.#fields = fields
  }

  /** @param what completes "… failed" */
  failed(what: string, error: string): void {
    const now = performance.now()
    this.#since ??= now
    const isRepeat = this.#warnedAt !== undefined && now - this.#warnedAt < repeatMs
    if (!isRepeat) this.#warnedAt = now
    const fields = { ...this.#fields, error, failingMs: Math.round(now - this.#since) }
    this.#log(isRepeat ? 'debug' : 'warn', `${what} failed, trying again`, fields)
  }

  /** @param what completes "… works again" */
  succeeded(what: string): void {
    if (this.#since === undefined) return
    const failedMs = Math.round(performance.now() - this.#since)
    this.#since = undefined
    this.#warnedAt = undefined
    this.#log('info', `${what} works again`, { ...this.#fields, failedMs })
  }
}
