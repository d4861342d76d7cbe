/** The HTTP client of one process: the `HttpSender` port, to simulated endpoints. */
import type { AttemptResult, Phases } from '../../src/core/model/model.ts'
import type { Call, HttpRequest, HttpSender } from '../../src/ports.ts'
import type { Dice } from './dice.ts'
import { replyTo, type Reply, type Temper } from './endpoints.ts'
import type { ProcessLoop } from './process-loop.ts'
import type { Timeline } from './timeline.ts'

/** The server at a URL. Shared by all processes. */
export interface Site {
  readonly temper: Temper
  working: number
  calls: number
}

export interface HttpParts {
  readonly timeline: Timeline
  readonly loop: ProcessLoop
  readonly dice: Dice
  readonly siteOf: (url: string) => Site | undefined
  /** The cost of starting a call, and of handling its end, in milliseconds. */
  readonly callMs: number
  readonly watch: {
    /** A call starts. The returned function is called when the process gets its end. */
    called(request: HttpRequest): (result: AttemptResult) => void
  }
}

const transitMs = 0.5

export class SimHttp implements HttpSender {
  readonly #parts: HttpParts
  readonly #open = new Set<Call>()

  constructor(parts: HttpParts) {
    this.#parts = parts
  }

  send(request: HttpRequest, done: (result: AttemptResult) => void): Call {
    const { timeline, loop, callMs, siteOf, watch } = this.#parts
    const onEnd = watch.called(request)
    loop.charge(callMs)
    const startedAt = loop.time()
    let isEnded = false
    let cancelDeadline = () => undefined as void
    const end = (resultOf: (phases: Phases) => AttemptResult) => {
      if (isEnded) return
      isEnded = true
      cancelDeadline()
      this.#open.delete(call)
      loop.charge(callMs)
      const totalMs = loop.time() - startedAt
      const result = resultOf({ connectMs: 0, firstByteMs: totalMs, totalMs })
      onEnd(result)
      done(result)
    }
    const call: Call = {
      abort: () => loop.post(() => end((phases) => ({ kind: 'aborted', phases }))),
    }
    this.#open.add(call)
    const site = siteOf(request.url)
    if (site === undefined) {
      const message = 'is not a URL that can be called'
      loop.post(() => end((phases) => ({ kind: 'invalid-url', message, phases })))
      return call
    }
    cancelDeadline = loop.clock.after(request.timeoutMs, () => end(errorOf('timeout')))
    timeline.at(loop.time() + transitMs, () => {
      this.#serve(site, (reply) => {
        loop.post(() => end(reply.kind === 'status' ? responseOf(reply) : errorOf('reset')))
      })
    })
    return call
  }

  trouble(): undefined {
    return undefined
  }

  stop(): Promise<void> {
    for (const call of this.#open) call.abort()
    return Promise.resolve()
  }

  #serve(site: Site, answer: (reply: Exclude<Reply, { readonly kind: 'hang' }>) => void): void {
    const { timeline, dice } = this.#parts
    site.calls += 1
    const reply = replyTo(site.temper, timeline.now, site.working, dice)
    if (reply.kind === 'hang') return
    site.working += 1
    timeline.after(reply.afterMs, () => {
      site.working -= 1
      timeline.after(transitMs, () => answer(reply))
    })
  }
}

function responseOf({ status, retryAfterMs }: Extract<Reply, { readonly kind: 'status' }>) {
  return (phases: Phases): AttemptResult => ({
    kind: 'response',
    status,
    retryAfterMs,
    body: '',
    phases,
  })
}

function errorOf(errorClass: 'timeout' | 'reset') {
  return (phases: Phases): AttemptResult => ({
    kind: 'error',
    errorClass,
    message: errorClass,
    status: undefined,
    phases: { ...phases, firstByteMs: null },
  })
}
