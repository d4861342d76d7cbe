/**
 * One webhook call, from its start to the one report of how it ended. It is undici's handler and the caller's handle in
 * one object, so that a call costs no closures for its events.
 *
 * **Open** from construction until `end`, which the first of these reaches: the whole response, an error, the deadline,
 * `abort`, or enough of the body. After that everything undici still reports is ignored. A connection is kept only
 * when the whole response was read.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import { asError } from '../../core/errors.ts'
import type { AttemptResult, ErrorClass, MonotonicMs, Phases } from '../../core/model.ts'
import { parseRetryAfter } from '../../core/retry-after.ts'
import type { Call, Clock } from '../../ports.ts'
import { classifyError } from './errors.ts'
import type { Connection, ConnectionPools } from './pools.ts'

const maxReadBytes = 64 * 1024
const maxKeptBytes = 4 * 1024

export interface CallSurroundings {
  readonly clock: Clock
  readonly pools: ConnectionPools
}

export class HttpCall implements Call, Dispatcher.DispatchHandler {
  readonly #surroundings: CallSurroundings
  readonly #done: (result: AttemptResult) => void
  readonly #startedAt: MonotonicMs
  #connection: Connection | undefined
  #cancelDeadline: () => void = () => {}
  #isEnded = false
  #isStarting = false
  #connectMs: number | null = null
  #firstByteMs: number | null = null
  #status: number | undefined
  #retryAfterMs: number | undefined
  #readBytes = 0
  readonly #kept: Buffer[] = []

  /** `done` is called once, and never within `start`. */
  constructor(surroundings: CallSurroundings, done: (result: AttemptResult) => void) {
    this.#surroundings = surroundings
    this.#done = done
    this.#startedAt = surroundings.clock.monotonic()
  }

  start(connection: Connection, options: Dispatcher.DispatchOptions, timeoutMs: number): void {
    this.#connection = connection
    this.#isStarting = true
    this.#cancelDeadline = this.#surroundings.clock.after(timeoutMs, () => {
      // Timers run before sockets are read: after a stall of the process an answer that is already here goes first.
      setImmediate(() => this.fail('timeout', `${this.#missing()} within ${timeoutMs} ms`))
    })
    connection.dispatch(options, this)
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
    if (this.#isEnded) controller.abort(new Error('the call has ended'))
    else this.#connectMs = this.#elapsedMs()
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    // Informational responses may precede the real one.
    if (status < 200) return
    this.#firstByteMs = this.#elapsedMs()
    this.#status = status
    const retryAfter: string | readonly string[] | undefined = headers['retry-after']
    const value = typeof retryAfter === 'object' ? retryAfter[0] : retryAfter
    this.#retryAfterMs = parseRetryAfter(value, this.#surroundings.clock.now())
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isEnded) return
    const missingBytes = maxKeptBytes - this.#readBytes
    if (missingBytes > 0) this.#kept.push(chunk.subarray(0, missingBytes))
    this.#readBytes += chunk.length
    if (this.#readBytes > maxReadBytes) this.#answer(false)
  }

  onResponseEnd(): void {
    this.#answer(true)
  }

  onResponseError(_: Dispatcher.DispatchController | null, thrown: unknown): void {
    if (this.#surroundings.pools.isStopped) return this.abort()
    const { errorClass, message } = classifyError(asError(thrown))
    // undici reports what it will not send from within `dispatch`; the caller does not expect an answer before its return.
    if (this.#isStarting) queueMicrotask(() => this.fail(errorClass, message))
    else this.fail(errorClass, message)
  }

  #answer(isWhole: boolean): void {
    if (this.#status === undefined) return
    const [only] = this.#kept
    const kept = only !== undefined && this.#kept.length === 1 ? only : Buffer.concat(this.#kept)
    const body = kept.toString('utf8')
    const phases = this.#phases()
    const retryAfterMs = this.#retryAfterMs
    this.#end({ kind: 'response', status: this.#status, retryAfterMs, body, phases }, isWhole)
  }

  #end(result: AttemptResult, isConnectionUsable = false): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#cancelDeadline()
    const { pools } = this.#surroundings
    // First the connection: the next call may start within `done`.
    if (this.#connection !== undefined) {
      if (isConnectionUsable) pools.release(this.#connection)
      else pools.destroy(this.#connection)
    }
    this.#done(result)
  }

  /** To tenths: what a clock says beyond them is noise, in log lines and results. */
  #elapsedMs(): number {
    return Math.round((this.#surroundings.clock.monotonic() - this.#startedAt) * 10) / 10
  }

  #phases(): Phases {
    return {
      connectMs: this.#connectMs,
      firstByteMs: this.#firstByteMs,
      totalMs: this.#elapsedMs(),
    }
  }

  #missing(): string {
    if (this.#connectMs === null) return 'no connection'
    return this.#firstByteMs === null ? 'no response' : 'no end of the response'
  }
}
