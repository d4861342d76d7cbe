/**
 * Watches whether the egress proxy can be reached. While it cannot, no call can succeed. So no call is started, no endpoint
 * counts as failing, and no attempt is used up.
 *
 * - **well**: calls reach the proxy.
 * - **suspected**: a call could not reach it. One lost connection means little, so the proxy is checked at once.
 * - **away**: the check failed too. The proxy is checked every second until it can be reached.
 */
import type { Clock } from '../../ports.ts'
import type { ConnectFailure } from './connecting.ts'

export interface ProxyWatchOptions {
  readonly clock: Clock
  /** Checks whether the proxy accepts connections. Calls `done` once. */
  readonly reach: (done: (failure: ConnectFailure | undefined) => void) => void
  /** Called at most twice a minute. `error` is for the operator: it may have the proxy's address. */
  readonly onAway: (error: string) => void
  /** The proxy can be reached again. Called only after {@link onAway}. */
  readonly onBack: () => void
}

const checkEveryMs = 1_000
const notifyEveryMs = 30_000

export class ProxyWatch {
  readonly #options: ProxyWatchOptions
  #state: 'well' | 'suspected' | 'away' | 'stopped' = 'well'
  #checkedAt: number | undefined
  #trouble: string | undefined
  #notifiedAt: number | undefined
  #hasNotified = false

  constructor(options: ProxyWatchOptions) {
    this.#options = options
  }

  /** Why no call can be made; `undefined` unless the proxy is away. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  /** A call could not reach the proxy. */
  suspect(failure: ConnectFailure): void {
    if (this.#state === 'stopped') return
    this.#notifyAway(failure)
    if (this.#state !== 'well') return
    this.#state = 'suspected'
    this.#check()
  }

  /** A call was given up before it had a connection through the proxy. The proxy or the endpoint may be the slow one. */
  suspectSlow(): void {
    const now = this.#options.clock.monotonic()
    if (this.#state !== 'well') return
    if (this.#checkedAt !== undefined && now - this.#checkedAt < checkEveryMs) return
    this.#state = 'suspected'
    this.#check()
  }

  stop(): void {
    this.#state = 'stopped'
    this.#trouble = undefined
  }

  #check(): void {
    this.#checkedAt = this.#options.clock.monotonic()
    this.#options.reach((failure) => {
      if (this.#state === 'stopped') return
      if (failure === undefined) this.#back()
      else this.#away(failure)
    })
  }

  #back(): void {
    const wasAway = this.#state === 'away'
    this.#state = 'well'
    this.#trouble = undefined
    if (!wasAway || !this.#hasNotified) return
    this.#hasNotified = false
    this.#options.onBack()
  }

  #away(failure: ConnectFailure): void {
    this.#state = 'away'
    this.#trouble = failure.message
    this.#notifyAway(failure)
    this.#options.clock.after(checkEveryMs, () => {
      if (this.#state === 'away') this.#check()
    })
  }

  #notifyAway({ message, cause }: ConnectFailure): void {
    const now = this.#options.clock.monotonic()
    if (this.#notifiedAt !== undefined && now - this.#notifiedAt < notifyEveryMs) return
    this.#notifiedAt = now
    this.#hasNotified = true
    this.#options.onAway(cause instanceof Error ? `${message}: ${cause.message}` : message)
  }
}
