/**
 * What Kafka refuses to one client at present, because a right is missing or the login fails. An administrator may repair
 * this at any time, so the client keeps trying. Meanwhile the log says once what must be granted, and readiness reports it.
 */
import { asError } from '../../core/model/errors.ts'
import type { Right } from './needed-rights.ts'
import { FailureLog } from './failure-log.ts'
import type { KafkaLog, KafkaSettings } from './client.ts'
import { isRefusal, loginRefusal, rightRefusal } from './refusals.ts'
import { missingRights } from './rights.ts'

export interface RefusalWatchOptions {
  readonly settings: KafkaSettings
  /** All rights that the client needs. */
  readonly rights: readonly Right[]
  readonly log: KafkaLog
  /** Fields of every log line. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** The refused action, as the log names it. */
export type Refusable = 'reading' | 'the membership'

interface Refused {
  readonly trouble: string
  readonly failures: FailureLog
}

export class RefusalWatch {
  readonly #options: RefusalWatchOptions
  readonly #refused = new Map<Refusable, Refused>()

  constructor(options: RefusalWatchOptions) {
    this.#options = options
  }

  /** What is refused; `undefined` when nothing is. */
  trouble(): string | undefined {
    const [first] = this.#refused.values()
    return first?.trouble
  }

  /** Whether this is a refusal, which must be retried later. */
  async isRefused(what: Refusable, error: unknown): Promise<boolean> {
    if (!isRefusal(error)) return false
    const { log, fields } = this.#options
    const known = this.#refused.get(what)
    const trouble = known?.trouble ?? (await this.#explain(error))
    const failures = known?.failures ?? new FailureLog(log, fields)
    this.#refused.set(what, { trouble, failures })
    failures.failed(what, trouble)
    return true
  }

  /** A request of the client succeeded. */
  granted(what: Refusable): void {
    this.#refused.get(what)?.failures.succeeded(what)
    this.#refused.delete(what)
  }

  /** KafkaJS's error names no topic and no group. */
  async #explain(error: unknown): Promise<string> {
    const { settings, rights } = this.#options
    const login = loginRefusal(settings, error)
    if (login !== undefined) return login
    const quiet: KafkaLog = () => undefined
    const missing = await missingRights(settings, quiet, rights).catch(() => rights)
    return rightRefusal(settings, error, ...missing) ?? asError(error).message
  }
}
