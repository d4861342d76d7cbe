/**
 * Holds a token for all who need it. A token is fetched when somebody needs one and there is none, or the one there is has
 * little of its life left; whoever comes meanwhile waits for the same fetch. A fetch that fails counts for everybody for a
 * moment. As long as the former token is taken, a failed renewal keeps nobody from using it.
 */
import type { MonotonicMs } from '../../core/model/model.ts'
import type { Token } from '../../core/oauth/token-request.ts'
import { asError } from '../../core/model/errors.ts'

export interface TokenSourceOptions {
  /** Takes bounded time. What it throws goes to those who have no token. */
  readonly fetch: () => Promise<Token>
  readonly now: () => MonotonicMs
  /** How long a failed fetch counts before the next one may begin. */
  readonly failureMs: number
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

  /** The newest token, whether it is still taken or not. */
  get newest(): Token | undefined {
    return this.#token
  }

  /** A token that is taken now. Rejects with what `fetch` threw. */
  async current(): Promise<Token> {
    const now = this.#options.now()
    const held = this.#token
    if (held !== undefined && now < held.renewAt) return held
    const failure = this.#failure
    if (failure !== undefined && now < failure.until) return this.#heldOr(failure.error)
    try {
      this.#fetching ??= this.#fetch()
      return await this.#fetching
    } catch (error) {
      return this.#heldOr(asError(error))
    }
  }

  /** A token that was refused is not handed out again. One that came after it stays. */
  drop({ value }: Token): void {
    if (this.#token?.value === value) this.#token = undefined
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
    if (held !== undefined && this.#options.now() < held.expiresAt) return held
    throw error
  }
}
