/**
 * A call with an access token. It waits for the token, and then calls the endpoint. If the endpoint answers 401, it gets a new
 * token once and calls again. All of this is one attempt with one deadline.
 *
 * A call is **open** from its construction until it calls `done`. While it is open it waits either for a token or for an
 * inner call to the endpoint.
 */
import { tenths } from '../../core/model/durations.ts'
import { asError } from '../../core/model/errors.ts'
import type { AttemptResult, MonotonicMs, Phases } from '../../core/model/model.ts'
import type { Token } from '../../core/oauth/token-request.ts'
import type { Call, Clock, HttpRequest } from '../../ports.ts'
import type { TokenSource } from '../oauth/token-source.ts'
import { TokenFailure } from './token-fetch.ts'

/** A younger token is not renewed after a 401: a new one would be refused too. */
const youngMs = 1_000

export interface TokenCallParts {
  readonly clock: Clock
  readonly tokens: TokenSource
  /** Calls the endpoint without getting a token. */
  readonly send: (request: HttpRequest, done: (result: AttemptResult) => void) => Call
}

export class TokenCall implements Call {
  readonly #parts: TokenCallParts
  readonly #request: HttpRequest
  readonly #done: (result: AttemptResult) => void
  readonly #startedAt: MonotonicMs
  #cancelDeadline: () => void
  #call: Call | undefined
  #hasRenewed = false
  #isEnded = false

  constructor(parts: TokenCallParts, request: HttpRequest, done: (result: AttemptResult) => void) {
    this.#parts = parts
    this.#request = request
    this.#done = done
    this.#startedAt = parts.clock.monotonic()
    this.#cancelDeadline = parts.clock.after(request.timeoutMs, () => this.#late())
    void this.#callWithToken(undefined)
  }

  abort(): void {
    if (this.#call === undefined) this.#end({ kind: 'aborted', phases: this.#noPhases() })
    else this.#call.abort()
  }

  /** @param status the answer to the previous token, if there was one */
  async #callWithToken(status: number | undefined): Promise<void> {
    try {
      const token = await this.#parts.tokens.current()
      if (!this.#isEnded) this.#callWith(token)
    } catch (thrown) {
      this.#fail(asError(thrown), status)
    }
  }

  #callWith(token: Token): void {
    const { headers, timeoutMs } = this.#request
    const beforeMs = this.#elapsedMs()
    const request = {
      ...this.#request,
      headers: { ...headers, authorization: `Bearer ${token.value}` },
      timeoutMs: Math.max(1, timeoutMs - beforeMs),
    }
    // The inner call has its own deadline, at the same time.
    this.#cancelDeadline()
    this.#call = this.#parts.send(request, (result) => this.#answered(token, beforeMs, result))
  }

  #answered(token: Token, beforeMs: number, result: AttemptResult): void {
    this.#call = undefined
    const { clock, tokens } = this.#parts
    const isRefused = result.kind === 'response' && result.status === 401
    const isOld = clock.monotonic() - token.askedAt >= youngMs
    if (isRefused && isOld && !this.#hasRenewed) {
      this.#hasRenewed = true
      tokens.drop(token)
      const leftMs = Math.max(1, this.#request.timeoutMs - this.#elapsedMs())
      this.#cancelDeadline = clock.after(leftMs, () => this.#late())
      void this.#callWithToken(result.status)
      return
    }
    const phases = later(result.phases, beforeMs)
    const isAnswered = result.kind === 'response'
    this.#end(isAnswered ? { ...result, phases, accessToken: token.value } : { ...result, phases })
  }

  /** Node runs timers before it reads sockets. A token that has already arrived still counts. */
  #late(): void {
    const message = `the token endpoint gave no token within ${this.#request.timeoutMs} ms`
    setImmediate(() => this.#fail(new TokenFailure('token', message), undefined))
  }

  #fail(error: Error, status: number | undefined): void {
    if (this.#call !== undefined) return
    const errorClass = error instanceof TokenFailure ? error.errorClass : 'token'
    const phases = this.#noPhases()
    this.#end({ kind: 'error', errorClass, message: error.message, status, phases })
  }

  #end(result: AttemptResult): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#cancelDeadline()
    this.#done(result)
  }

  #elapsedMs(): number {
    return this.#parts.clock.monotonic() - this.#startedAt
  }

  #noPhases(): Phases {
    return { connectMs: null, firstByteMs: null, totalMs: tenths(this.#elapsedMs()) }
  }
}

/** Adds the time before the inner call, so that phases are counted from the start of the attempt. */
function later({ connectMs, firstByteMs, totalMs }: Phases, beforeMs: number): Phases {
  const shifted = (ms: number | null) => (ms === null ? null : tenths(ms + beforeMs))
  return {
    connectMs: shifted(connectMs),
    firstByteMs: shifted(firstByteMs),
    totalMs: tenths(totalMs + beforeMs),
  }
}
