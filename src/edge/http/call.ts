/**
 * One webhook call, from its start to its result. It is undici's handler and the caller's handle in one object, so that a
 * call needs no closures for its events.
 *
 * A call is **open** from its construction until the first of these: the whole response, an error, the deadline, `abort`,
 * or a response longer than is read. Then it calls `done`, and ignores whatever undici still reports. Its connection is
 * kept only when the whole response was read and nothing came after it.
 *
 * The other side may close a kept connection while a request is on its way. If a kept connection ends before anything of
 * an answer has come, the call is made again at once on a new connection, within the same deadline (RFC 9112 section
 * 9.3.1). The request may then arrive twice, as with retries; receivers see it by the `webhook-id`. The same holds when a
 * kept connection is closed with 408, which is how some servers end idle connections (RFC 9110 section 15.5.9). When a new
 * connection ends in these ways, the endpoint has failed.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { errors } from 'undici'
import type { Dispatcher } from 'undici'
import { tenths } from '../../core/model/durations.ts'
import { asError } from '../../core/model/errors.ts'
import type { AttemptResult, ErrorClass, MonotonicMs, Phases } from '../../core/model/model.ts'
import { keptBytes } from '../../core/run/kept-answer.ts'
import { parseRetryAfter } from './retry-after.ts'
import type { Call, Clock } from '../../ports.ts'
import type { ClosingEndpoints } from './closing-endpoints.ts'
import { classifyError } from './errors.ts'
import type { Connection, ConnectionPools, PoolTarget } from './pools.ts'
import { maxRawBytes } from './response-tap.ts'
import type { TapReader } from './response-tap.ts'

/** How much of a body is read. `maxRawBytes` bounds the whole response. */
const maxReadBytes = 64 * 1024

export interface CallSurroundings {
  readonly clock: Clock
  readonly pools: ConnectionPools
  /** A kept connection had ended, and its call is made again on a new one. */
  readonly onStale: () => void
  readonly closing: ClosingEndpoints
}

/** What is called, and which pool of connections it uses. */
export interface CallTarget extends PoolTarget {
  readonly options: Dispatcher.DispatchOptions
}

export class HttpCall implements Call, TapReader, Dispatcher.DispatchHandler {
  readonly #surroundings: CallSurroundings
  readonly #done: (result: AttemptResult) => void
  readonly #mostKeptBytes: number
  readonly #startedAt: MonotonicMs
  #target: CallTarget | undefined
  #connection: Connection | undefined
  #cancelDeadline: () => void = () => {}
  #isEnded = false
  #isStarting = false
  /** It was made again on a new connection. */
  #isRepeated = false
  /** {@link ClosingEndpoints} had its endpoint when it began. */
  #isToClosing = false
  /** The kept connection was closed with 408, which does not answer the request. */
  #isTimedOut = false
  #connectMs: number | null = null
  #firstByteMs: number | null = null
  #status: number | undefined
  #retryAfterMs: number | undefined
  #readBytes = 0
  readonly #kept: Buffer[] = []

  /**
   * `done` is called once, and never within `start`.
   *
   * @param mostKeptBytes how much of a body the result has
   */
  constructor(
    surroundings: CallSurroundings,
    done: (result: AttemptResult) => void,
    mostKeptBytes = keptBytes,
  ) {
    this.#surroundings = surroundings
    this.#done = done
    this.#mostKeptBytes = mostKeptBytes
    this.#startedAt = surroundings.clock.monotonic()
  }

  start(target: CallTarget, timeoutMs: number): void {
    this.#target = target
    const { pools, closing } = this.#surroundings
    this.#isToClosing = closing.has(target)
    this.#connection = this.#isToClosing ? pools.open(target) : pools.take(target)
    this.#isStarting = true
    this.#cancelDeadline = this.#surroundings.clock.after(timeoutMs, () => {
      // Timers run before sockets are read. After the process was blocked, an answer that has already arrived counts.
      setImmediate(() => this.fail('timeout', `${this.#missingPart()} within ${timeoutMs} ms`))
    })
    this.#connection.dispatch(target.options, this)
    this.#isStarting = false
  }

  abort(): void {
    this.#end({ kind: 'aborted', phases: this.#phases() })
  }

  fail(errorClass: Exclude<ErrorClass, 'http'>, message: string): void {
    this.#end({ kind: 'error', errorClass, message, status: this.#status, phases: this.#phases() })
  }

  refuseUrl(message: string): void {
    this.#end({ kind: 'invalid-url', message, phases: this.#phases() })
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#isEnded) return controller.abort(new Error('the call has ended'))
    this.#connectMs = this.#elapsedMs()
    this.#connection?.begin(this)
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (status === 408 && this.#connection?.isReused === true && isClosing(headers)) {
      this.#isTimedOut = true
      return
    }
    this.#firstByteMs = this.#elapsedMs()
    this.#status = status
    const retryAfter: string | readonly string[] | undefined = headers['retry-after']
    const value = typeof retryAfter === 'object' ? retryAfter[0] : retryAfter
    this.#retryAfterMs = parseRetryAfter(value, this.#surroundings.clock.now())
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isEnded || this.#isTimedOut) return
    const missingBytes = this.#mostKeptBytes - this.#readBytes
    if (missingBytes > 0) this.#kept.push(chunk.subarray(0, missingBytes))
    this.#readBytes += chunk.length
    if (this.#readBytes > maxReadBytes) this.#answer(false)
  }

  onResponseEnd(): void {
    if (this.#isEnded) return
    if (this.#isStale && this.#target !== undefined) return this.#callAgain(this.#target)
    this.#answer(this.#connection?.isClean === true)
  }

  onFault(message: string): void {
    this.fail('protocol', message)
  }

  onTooLong(): void {
    if (this.#status === undefined) {
      this.fail('protocol', `no head of an answer within the first ${maxRawBytes} bytes`)
    } else this.#answer(false)
  }

  onResponseError(_: Dispatcher.DispatchController | null, thrown: unknown): void {
    if (this.#isEnded) return
    if (this.#surroundings.pools.isStopped) return this.abort()
    if (this.#isStale && this.#target !== undefined) return this.#callAgain(this.#target)
    const error = asError(thrown)
    // The trailers are too long. A head that is too long is refused before (response-tap.ts).
    if (error instanceof errors.HeadersOverflowError) return this.onTooLong()
    const { errorClass, message } = classifyError(error, this.#answerBytes > 0)
    // undici reports a request that it refuses within `dispatch`. `done` must not be called before `start` has returned.
    if (this.#isStarting) queueMicrotask(() => this.fail(errorClass, message))
    else this.fail(errorClass, message)
  }

  get #answerBytes(): number {
    return this.#connection?.answerBytes ?? 0
  }

  /**
   * Whether the request was sent on a connection that had served a call before, and no answer came. True at most once per
   * call, since the call is then made again on a new connection.
   */
  get #isStale(): boolean {
    return this.#isTimedOut || (this.#connection?.isReused === true && this.#answerBytes === 0)
  }

  /** Makes the call again on a new connection. */
  #callAgain(target: CallTarget): void {
    const { pools, onStale } = this.#surroundings
    this.#isTimedOut = false
    this.#isRepeated = true
    this.#connectMs = null
    if (this.#connection !== undefined) pools.destroy(this.#connection)
    this.#connection = pools.open(target)
    onStale()
    this.#connection.dispatch(target.options, this)
  }

  #answer(isReusable: boolean): void {
    if (this.#status === undefined) return
    const body = textOf(this.#kept)
    const phases = this.#phases()
    const retryAfterMs = this.#retryAfterMs
    this.#end({ kind: 'response', status: this.#status, retryAfterMs, body, phases }, isReusable)
  }

  #end(result: AttemptResult, isConnectionUsable = false): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#cancelDeadline()
    this.#noteClosing()
    const { pools } = this.#surroundings
    // The connection is released first, because `done` may start the next call.
    if (this.#connection !== undefined) {
      this.#connection.end()
      if (isConnectionUsable) pools.release(this.#connection)
      else pools.destroy(this.#connection)
    }
    this.#done(result)
  }

  /** A repeated call that gets no answer either shows that the kept connection had not ended before. */
  #noteClosing(): void {
    if (this.#target === undefined) return
    const { closing } = this.#surroundings
    const hasAnswer = this.#status !== undefined && this.#status !== 408
    if (!hasAnswer && this.#isRepeated) closing.add(this.#target)
    if (hasAnswer && this.#isToClosing) closing.remove(this.#target)
  }

  #elapsedMs(): number {
    return tenths(this.#surroundings.clock.monotonic() - this.#startedAt)
  }

  #phases(): Phases {
    return {
      connectMs: this.#connectMs,
      firstByteMs: this.#firstByteMs,
      totalMs: this.#elapsedMs(),
    }
  }

  #missingPart(): string {
    if (this.#connectMs === null) return 'no connection'
    return this.#firstByteMs === null ? 'no response' : 'no end of the response'
  }
}

/** Most answers have no body, or one that came in one piece. */
function textOf(chunks: readonly Buffer[]): string {
  const [only] = chunks
  if (only === undefined) return ''
  return (chunks.length === 1 ? only : Buffer.concat(chunks)).toString('utf8')
}

function isClosing(headers: IncomingHttpHeaders): boolean {
  const connection: string | readonly string[] | undefined = headers.connection
  return /(?:^|,)\s*close\s*(?:,|$)/i.test(String(connection ?? ''))
}
