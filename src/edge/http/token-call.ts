/**
 * A call that carries a token. It is made once there is a token, and once more where the endpoint answers 401 to a token that
 * may have ended since it was got. All of it is one attempt, under one deadline.
 *
 * A call is **open** from its construction until it calls `done`: with the answer of the endpoint, with why there is no token,
 * or by the deadline or `abort`. While it waits for a token there is no call of its own to end.
 */
import { tenths } from '../../core/model/durations.ts'
import { asError } from '../../core/model/errors.ts'
import type { AttemptResult, MonotonicMs, Phases } from '../../core/model/model.ts'
import type { Token } from '../../core/oauth/token-request.ts'
import type { Call, Clock, HttpRequest } from '../../ports.ts'
import type { TokenSource } from '../oauth/token-source.ts'
import { TokenFailure } from './token-fetch.ts'

/** A token this young was not got too long ago: an endpoint that refuses it would refuse the next one, too. */
const youngMs = 1_000

export interface TokenCallParts {
  readonly clock: Clock
  readonly tokens: TokenSource
  /** Makes a call as it is. */
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

  /** @param status what the endpoint answered to a former token */
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
    // The call has a deadline of its own, at the same moment.
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

  /** Timers run before sockets are read: what has already arrived counts. */
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

/** Counted from the start of the attempt. */
function later({ connectMs, firstByteMs, totalMs }: Phases, beforeMs: number): Phases {
  const shifted = (ms: number | null) => (ms === null ? null : tenths(ms + beforeMs))
  return {
    connectMs: shifted(connectMs),
    firstByteMs: shifted(firstByteMs),
    totalMs: tenths(totalMs + beforeMs),
  }
}
