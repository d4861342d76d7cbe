/**
 * Keeps one token for several users. It fetches a token when one is needed and there is none, or the current one is due for
 * renewal. Users that come during a fetch wait for it. After a failed fetch no other one begins for a moment. If a renewal
 * fails, the current token is used until shortly before it expires.
 */
import type { MonotonicMs } from '../../core/model/model.ts'
import type { Token } from '../../core/oauth/token-request.ts'
import { asError } from '../../core/model/errors.ts'

export interface TokenSourceOptions {
  /** Must end in bounded time. Users without a token get what it throws. */
  readonly fetch: () => Promise<Token>
  readonly now: () => MonotonicMs
  /** How long after a failed fetch no other one begins. */
  readonly failureMs: number
  /** A token that expires sooner is not handed out any more. */
  readonly leastLeftMs: number
}

interface Failure {
  readonly error: Error
  readonly until: MonotonicMs
}

export class TokenSource {
  readonly #options: TokenSourceOptions
  #token: Token | undefined
  #failure: Failure | undefined
  #fetching: Promise<Token> | undefined

  constructor(options: TokenSourceOptions) {
    this.#options = options
  }

  /** The newest token, which may have expired. */
  get newest(): Token | undefined {
    return this.#token
  }

  /** A token that is still valid for long enough. Rejects with what `fetch` threw. */
  async current(): Promise<Token> {
    const now = this.#options.now()
    const held = this.#token
    if (held !== undefined && now < held.renewAt && this.#isUsable(held)) return held
    const failure = this.#failure
    if (failure !== undefined && now < failure.until) return this.#heldOr(failure.error)
    try {
      this.#fetching ??= this.#fetch()
      return await this.#fetching
    } catch (error) {
      return this.#heldOr(asError(error))
    }
  }

  /** Forgets a token that was refused. A newer token stays. */
  drop(token: Token): void {
    // By identity: an endpoint may give the same text again, and each of many late refusals would drop that too.
    if (this.#token === token) this.#token = undefined
  }

  async #fetch(): Promise<Token> {
    const { fetch, now, failureMs } = this.#options
    try {
      const token = await fetch()
      this.#token = token
      this.#failure = undefined
      return token
    } catch (error) {
      this.#failure = { error: asError(error), until: now() + failureMs }
      throw error
    } finally {
      this.#fetching = undefined
    }
  }

  #heldOr(error: Error): Token {
    const held = this.#token
    if (held !== undefined && this.#isUsable(held)) return held
    throw error
  }

  #isUsable({ expiresAt }: Token): boolean {
    const { now, leastLeftMs } = this.#options
    return now() + leastLeftMs < expiresAt
  }
}
