/**
 * Takes work from the lanes, makes the calls and hands what happened to the recorder.
 *
 * Calls are *allowed* while no group drains or is apart, membership of every group is proven within the session
 * time-out, and results are being acknowledged; otherwise *stopped*, with a cause. Calls in flight go on either way.
 */
import type { HookTable } from '../core/hook-table.ts'
import type { Lanes, Slot } from '../core/lanes.ts'
import type { AttemptResult, EpochMs, Hook, HookId, MonotonicMs } from '../core/model.ts'
import { prepareHook, requestHeaders, type PreparedHook } from '../core/request-headers.ts'
import { bodyFor } from '../core/event.ts'
import type { Emit, StopCause } from '../core/signal.ts'
import { rejoin } from '../core/verdict.ts'
import type { Call, Clock, HttpSender } from '../ports.ts'
import { IdleWaiters } from './idle-waiters.ts'
import type { Recorder } from './recorder.ts'
import type { Work } from './work.ts'

export interface DispatchParts {
  readonly lanes: Lanes<Work>
  readonly table: HookTable
  readonly http: HttpSender
  readonly recorder: Recorder
  readonly clock: Clock
  /** Asked before calls start; the answer says why none may, or `undefined` when they may. */
  readonly stopCause: (now: MonotonicMs) => StopCause | undefined
  readonly userAgent: string
  readonly defaultTimeoutMs: number
  readonly defaultConcurrency: number
  readonly maxAgeMs: number
  /** Once the bodies of calls in flight hold that many bytes, no further call starts. */
  readonly maxBodyBytes: number
  readonly emit: Emit
  /** A lane has room again. */
  readonly onRoom: () => void
}

interface InFlight {
  readonly work: Work
  readonly bytes: number
  readonly call: Call
}

/** How often a stop that ends by itself is asked about again. */
const recheckMs = 50
const resumed = { kind: 'calls.resumed' } as const

export class Dispatch {
  readonly #parts: DispatchParts
  readonly #inFlight = new Set<InFlight>()
  readonly #perGroup = new Map<string, number>()
  /** Groups that drain or are apart. */
  readonly #held = new Set<string>()
  readonly #prepared = new WeakMap<Hook, PreparedHook>()
  readonly #waiters = new IdleWaiters()
  #stopCause: StopCause | 'not-started' | undefined = 'not-started'
  #bodyBytes = 0
  #isPumping = false
  #isStopped = false
  #cancelRecheck: (() => void) | undefined

  constructor(parts: DispatchParts) {
    this.#parts = parts
  }

  get inFlight(): number {
    return this.#inFlight.size
  }

  inFlightOf(group: string): number {
    return this.#perGroup.get(group) ?? 0
  }

  hasRoom(hookId: HookId): boolean {
    return this.#parts.lanes.hasRoom(hookId)
  }

  /** Queues work; {@link pump} starts it. */
  add(work: Work, concurrency: number): void {
    this.#parts.lanes.add(work.run.hookId, concurrency, work)
  }

  /** Starts what may be started now. */
  pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    try {
      if (!this.#isAllowed()) return
      const { clock } = this.#parts
      const monotonic = clock.monotonic()
      let slot = this.#next(monotonic)
      if (slot === undefined) return
      for (; slot !== undefined; slot = this.#next(monotonic)) this.#start(slot, clock.now())
    } finally {
      this.#isPumping = false
    }
    // Runs that ended without a call may have been the last.
    this.#waiters.check()
    this.#parts.onRoom()
  }

  /** No call starts until the group is released. */
  hold(group: string): void {
    this.#held.add(group)
  }

  release(group: string): void {
    this.#held.delete(group)
    this.pump()
  }

  /** Resolves when the group has no call in flight, or after the budget. */
  idle(group: string, budgetMs: number): Promise<void> {
    return this.#waiters.wait(() => this.inFlightOf(group) === 0, budgetMs, this.#parts.clock)
  }

  /** Resolves when nothing is queued or in flight, or after the budget. */
  drained(budgetMs: number): Promise<void> {
    const { lanes, clock } = this.#parts
    const isDrained = () => this.#inFlight.size === 0 && lanes.queued === 0
    return this.#waiters.wait(isDrained, budgetMs, clock)
  }

  /** Ends everything of epochs that have ended: queued work is forgotten, calls are aborted and recorded as interrupted. */
  dropEnded(): void {
    this.#parts.lanes.drop((work) => !work.origin.epoch.isLive)
    for (const { work, call } of this.#inFlight) if (!work.origin.epoch.isLive) call.abort()
    this.#waiters.check()
  }

  /** Starts nothing more; aborts what is in flight. */
  stop(): void {
    this.#isStopped = true
    this.#cancelRecheck?.()
    this.#parts.lanes.drop(() => true)
    for (const { call } of this.#inFlight) call.abort()
  }

  #isAllowed(): boolean {
    const cause = this.#isStopped
      ? 'stopping'
      : this.#held.size > 0
        ? 'rebalance'
        : this.#parts.stopCause(this.#parts.clock.monotonic())
    if (cause !== this.#stopCause) this.#tellChange(cause)
    if (cause === undefined) return true
    if (!this.#isStopped) {
      this.#cancelRecheck?.()
      this.#cancelRecheck = this.#parts.clock.after(recheckMs, () => this.pump())
    }
    return false
  }

  /** Nothing was stopped before calls were allowed for the first time. */
  #tellChange(cause: StopCause | undefined): void {
    const isFirst = this.#stopCause === 'not-started'
    if (isFirst && cause !== undefined) return
    this.#stopCause = cause
    if (isFirst) return
    const signal = cause === undefined ? resumed : { kind: 'calls.stopped' as const, cause }
    this.#parts.emit(signal)
  }

  #next(monotonic: MonotonicMs): Slot<Work> | undefined {
    const { lanes, maxBodyBytes } = this.#parts
    return this.#bodyBytes < maxBodyBytes ? lanes.next(monotonic) : undefined
  }

  #start(slot: Slot<Work>, now: EpochMs): void {
    const { table, recorder, maxAgeMs, lanes } = this.#parts
    const { work } = slot
    if (!work.origin.epoch.isLive) {
      lanes.finish(slot, false)
      return
    }
    const joined = rejoin(work.run, table.get(work.run.hookId), { now, maxAgeMs })
    if (joined.kind === 'end') {
      lanes.finish(slot, false)
      recorder.end(work, joined)
      return
    }
    this.#call(slot, joined.hook, now)
  }

  #call(slot: Slot<Work>, hook: Hook, now: EpochMs): void {
    const { http, clock, userAgent, defaultTimeoutMs, defaultConcurrency } = this.#parts
    const { work } = slot
    const body = bodyFor(work.run.event, hook.id)
    const headers = requestHeaders(this.#preparedOf(hook), { run: work.run, body, now, userAgent })
    const startedAt = clock.monotonic()
    const request = {
      url: hook.url,
      poolKey: hook.id,
      connections: hook.concurrency ?? defaultConcurrency,
      headers,
      body,
      timeoutMs: hook.timeoutMs ?? defaultTimeoutMs,
    }
    const call = http.send(request, (result) => {
      this.#finish(entry, slot, result)
      const attempt = { result, hook, startedAt: now, queuedMs: startedAt - work.queuedAt }
      this.#parts.recorder.attempt(work, attempt)
      this.pump()
    })
    const entry: InFlight = { work, bytes: body.length, call }
    this.#inFlight.add(entry)
    this.#bodyBytes += body.length
    const { group } = work.origin.epoch
    this.#perGroup.set(group, this.inFlightOf(group) + 1)
  }

  #finish(entry: InFlight, slot: Slot<Work>, result: AttemptResult): void {
    this.#inFlight.delete(entry)
    this.#bodyBytes -= entry.bytes
    const { group } = entry.work.origin.epoch
    this.#perGroup.set(group, this.inFlightOf(group) - 1)
    const isSuccess = result.kind === 'response' && result.status >= 200 && result.status < 300
    this.#parts.lanes.finish(slot, isSuccess)
    this.#waiters.check()
  }

  #preparedOf(hook: Hook): PreparedHook {
    const known = this.#prepared.get(hook)
    if (known !== undefined) return known
    const prepared = prepareHook(hook)
    this.#prepared.set(hook, prepared)
    return prepared
  }
}
