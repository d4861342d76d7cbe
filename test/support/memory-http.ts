/** HTTP in memory: a test or a script answers each call. Time-outs use the given clock. */
import type { AttemptResult, ErrorClass, Phases } from '../../src/core/model/model.ts'
import { parseTarget } from '../../src/edge/http/sender.ts'
import type { Clock, HttpRequest, HttpSender } from '../../src/ports.ts'

export interface MemoryCall {
  readonly request: HttpRequest
  /** These three do nothing once the call has ended. */
  readonly answer: (status: number, retryAfterMs?: number, body?: string) => void
  readonly fail: (errorClass: Exclude<ErrorClass, 'http'>, message?: string) => void
  readonly abort: () => void
  readonly isEnded: boolean
  readonly isAborted: boolean
}

export interface MemoryAnswer {
  readonly status: number
  readonly retryAfterMs?: number
  readonly body?: string
  /** The time from the call to the answer. Default 0. */
  readonly afterMs?: number
}

export interface MemoryHttp extends HttpSender {
  /** All calls so far, including ended ones. A URL that cannot be called makes no call. */
  readonly calls: readonly MemoryCall[]
  /** Calls that wait for an answer. */
  readonly openCalls: readonly MemoryCall[]
  /** Sets what {@link HttpSender.trouble} returns from now on. */
  setTrouble(trouble: string | undefined): void
  /**
   * Answers calls to `url` with these in turn, and then always with the last one. Without answers, calls wait for the test.
   */
  script(url: string, ...answers: readonly (number | MemoryAnswer)[]): void
}

export function createMemoryHttp(clock: Clock): MemoryHttp {
  const calls: MemoryCall[] = []
  const scripts = new Map<string, (number | MemoryAnswer)[]>()
  const open = (): MemoryCall[] => calls.filter(({ isEnded }) => !isEnded)
  let isStopped = false
  let trouble: string | undefined

  return {
    calls,
    get openCalls() {
      return open()
    },
    script(url, ...answers) {
      scripts.set(url, [...answers])
    },
    send(request, done) {
      const call = openCall(clock, request, done)
      const target = parseTarget(request.url, true)
      if (isStopped) call.abort()
      else if (target.kind !== 'target')
        call.end((phases) => ({ kind: 'invalid-url', message: target.message, phases }))
      else {
        calls.push(call)
        const script = scripts.get(request.url) ?? []
        const scripted = script.length > 1 ? script.shift() : script[0]
        if (scripted !== undefined) answer(clock, call, scripted)
      }
      return call
    },
    trouble: () => trouble,
    setTrouble(next) {
      trouble = next
    },
    async stop() {
      isStopped = true
      for (const call of open()) call.abort()
    },
  }
}

function answer(clock: Clock, call: MemoryCall, scripted: number | MemoryAnswer): void {
  if (typeof scripted === 'number') {
    call.answer(scripted)
    return
  }
  const { status, retryAfterMs, body, afterMs } = scripted
  if (afterMs === undefined) call.answer(status, retryAfterMs, body)
  else clock.after(afterMs, () => call.answer(status, retryAfterMs, body))
}

/** Only the first end counts. `done` is called after the calling code has returned. */
function openCall(clock: Clock, request: HttpRequest, done: (result: AttemptResult) => void) {
  const startedAt = clock.monotonic()
  let ending: AttemptResult | undefined
  const end = (result: (phases: Phases) => AttemptResult): void => {
    if (ending !== undefined) return
    const elapsedMs = clock.monotonic() - startedAt
    ending = result({ connectMs: 0, firstByteMs: elapsedMs, totalMs: elapsedMs })
    const ended = ending
    cancelDeadline()
    queueMicrotask(() => done(ended))
  }
  const fail: MemoryCall['fail'] = (errorClass, message = errorClass) =>
    end((phases) => ({
      kind: 'error',
      errorClass,
      message,
      status: undefined,
      phases: { ...phases, firstByteMs: null },
    }))
  const cancelDeadline = clock.after(request.timeoutMs, () => fail('timeout'))
  return {
    request,
    end,
    fail,
    answer: (status: number, retryAfterMs?: number, body = '') =>
      end((phases) => ({ kind: 'response', status, retryAfterMs, body, phases })),
    abort: () => end((phases) => ({ kind: 'aborted', phases })),
    get isEnded() {
      return ending !== undefined
    },
    get isAborted() {
      return ending?.kind === 'aborted'
    },
  }
}
