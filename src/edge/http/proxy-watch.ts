/**
 * Whether the egress proxy is there. It is the operator's, as Kafka is: while it is away no call can succeed, and none is
 * begun, so that no endpoint is taken for dead and no attempt is used up.
 *
 * **Well** until a call cannot reach the proxy; then **suspected**, and asked at once, since one lost connection says
 * little; **away** when that fails too, and asked every second until it answers.
 */
import type { Clock } from '../../ports.ts'
import type { ConnectFailure } from './connecting.ts'

export interface ProxyWatchOptions {
  readonly clock: Clock
  /** Asks the proxy; calls `done` once. */
  readonly reach: (done: (failure: ConnectFailure | undefined) => void) => void
  /** For the operator: it may name the proxy's address. At most twice a minute. */
  readonly onAway: (error: string) => void
  /** It is back after {@link onAway}. */
  readonly onBack: () => void
}

const askEveryMs = 1_000
const notifyEveryMs = 30_000

export class ProxyWatch {
  readonly #options: ProxyWatchOptions
  #state: 'well' | 'suspected' | 'away' | 'stopped' = 'well'
  #askedAt: number | undefined
  #trouble: string | undefined
  #notifiedAt: number | undefined
  #hasNotified = false

  constructor(options: ProxyWatchOptions) {
    this.#options = options
  }

  /** What keeps calls from being made; `undefined` while the proxy is not known to be away. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  /** A call could not be made by way of the proxy. */
  suspect(failure: ConnectFailure): void {
    if (this.#state === 'stopped') return
    this.#notifyAway(failure)
    if (this.#state !== 'well') return
    this.#state = 'suspected'
    this.#ask()
  }

  /** A call was given up before there was a way through the proxy, be it the proxy or the endpoint that is slow. */
  suspectSlow(): void {
    const now = this.#options.clock.monotonic()
    if (this.#state !== 'well') return
    if (this.#askedAt !== undefined && now - this.#askedAt < askEveryMs) return
    this.#state = 'suspected'
    this.#ask()
  }

  stop(): void {
    this.#state = 'stopped'
    this.#trouble = undefined
  }

  #ask(): void {
    this.#askedAt = this.#options.clock.monotonic()
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
    this.#options.clock.after(askEveryMs, () => {
      if (this.#state === 'away') this.#ask()
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
