/**
 * Lanes → calls: takes the work that starts next, and makes its call. Answers are marked, and the next turn handles them.
 */
import { bodyFor } from '../core/event/event.ts'
import type { HookTable } from '../core/hook/table.ts'
import type { LaneOutcome, LineName } from '../core/lane/lane.ts'
import { callLengths, type CallLength } from '../core/lane/call-length.ts'
import type { LaneMove, Lanes, Slot, Startable } from '../core/lane/lanes.ts'
import {
  countedAsOf,
  type CallCounts,
  type MayStart,
  type RepeatBounds,
} from '../core/lane/repeat-bounds.ts'
import { tenths } from '../core/model/durations.ts'
import type { EpochMs, Hook, MonotonicMs } from '../core/model/model.ts'
import { isStillJoined, join, type JoinedEnd } from '../core/run/join.ts'
import { prepareHook, requestHeaders, type PreparedHook } from '../core/run/request-headers.ts'
import { endpointSignOf, heededSign, type EndpointSign } from '../core/run/verdict.ts'
import type { AttemptTrace, Call, Clock, HttpSender, TracedAttempt, Tracing } from '../ports.ts'
import { Timer } from './timer.ts'
import type { CallGate } from './call-gate.ts'
import type { Deferring } from './deferring.ts'
import type { EndpointHealth } from './endpoint-health.ts'
import type { HandledRuns } from './handled-runs.ts'
import type { Answered, Marks } from './marks.ts'
import type { Work } from './work.ts'

export interface CallsParts {
  readonly gate: CallGate
  readonly lanes: Lanes<Work>
  readonly deferring: Deferring
  readonly table: HookTable
  readonly health: EndpointHealth
  readonly handled: HandledRuns
  readonly bounds: RepeatBounds
  readonly http: HttpSender
  readonly tracing: Tracing | undefined
  readonly clock: Clock
  readonly marks: Marks
  readonly userAgent: string
  readonly defaultTimeoutMs: number
  readonly maxAgeMs: number
}

/** What happened to work that was to be called. */
export type Begun =
  | { readonly kind: 'called' }
  /** Its epoch has ended, so its partition may have another owner. */
  | { readonly kind: 'lost' }
  /** Another record of the run was handled meanwhile. */
  | { readonly kind: 'repeated' }
  /** The hook or the state of its endpoint has changed since the run was queued, or the run has expired. */
  | JoinedEnd

export interface WhichCalls {
  /** Only calls that had begun by then. */
  readonly begunBy?: MonotonicMs
  /** Only calls that began then or later. */
  readonly begunFrom?: MonotonicMs
  /** Only calls of lanes whose calls do not take long. */
  readonly areShort?: boolean
  /** Only calls of which it was not known how long they take when they began. */
  readonly areUnknown?: boolean
}

interface InFlight {
  readonly work: Work
  readonly call: Call
}

/** When work has waited for longer, another record of its run may have been handled meanwhile. */
const repeatCheckMs = 1_000
/** How often it is checked whether calls may start again, since the reason against it may end without a mark. */
const recheckMs = 50
const called = { kind: 'called' } as const
const lost = { kind: 'lost' } as const
const repeated = { kind: 'repeated' } as const

export class Calls {
  readonly #parts: CallsParts
  readonly #inFlight = new Map<Slot<Work>, InFlight>()
  /** Calls whose epochs have ended, and which are to be aborted. */
  readonly #lost: Slot<Work>[] = []
  readonly #prepared = new WeakMap<Hook, PreparedHook>()
  readonly #recheck: Timer
  readonly #isLineOpen = (line: LineName) => !this.#parts.gate.isHeld(line)

  constructor(parts: CallsParts) {
    this.#parts = parts
    this.#recheck = new Timer(parts.clock, () => parts.marks.set())
  }

  /** Calls in flight. */
  get inFlight(): number {
    return this.#inFlight.size
  }

  inFlightOf(group: string): number {
    let count = 0
    for (const { work } of this.#inFlight.keys()) if (work.origin.epoch.group === group) count += 1
    return count
  }

  /** Whether any call is in flight that had begun by then. */
  hasBegunBy(at: MonotonicMs): boolean {
    // The map has them in the order in which they began.
    for (const { startedAt } of this.#inFlight.keys()) return startedAt <= at
    return false
  }

  /**
   * Whether any call of the group is in flight that may be expected to succeed ({@link Lane.mayStillSucceed}).
   *
   * @param which calls of the group count. Default: all
   */
  mayStillSucceed(group: string, which: WhichCalls = {}): boolean {
    const now = this.#parts.clock.monotonic()
    const { begunBy = now } = which
    for (const slot of this.#inFlight.keys()) {
      const { work, line, startedAt } = slot
      if (startedAt > begunBy) return false
      const isMeant = work.origin.epoch.group === group && isAmong(slot, which, now)
      if (isMeant && line.lane.mayStillSucceed(startedAt, now)) return true
    }
    return false
  }

  /**
   * Yields the work that starts next, while calls may start. The gate is checked before each call, because starting many
   * calls takes time, in which the proof of membership may expire.
   *
   * @param recorder its calls that are not acknowledged reduce the number of calls that may start
   * @param most the caller comes back for the others
   */
  *due(recorder: { readonly pendingCalls: CallCounts }, most: number): Generator<Slot<Work>> {
    const { gate, lanes, clock } = this.#parts
    let which: Startable = {
      isOpen: this.#isLineOpen,
      lengths: [],
      isLongHeld: gate.isLongHeld,
    }
    let count = 0
    /** When lanes were asked last. */
    let askedAt: MonotonicMs | undefined
    for (let left = most; gate.check(); left -= 1) {
      if (left === 0) return
      if (count === 0) {
        const may = this.#mayStart(recorder.pendingCalls)
        count = may.count
        const { lengths } = may
        const isFree = (length: CallLength) => !gate.isLengthHeld(length)
        which = { ...which, lengths: gate.isLongHeld ? lengths.filter(isFree) : lengths }
      }
      if (count === 0) break
      askedAt = clock.monotonic()
      const slot = lanes.next(askedAt, which)
      if (slot === undefined) break
      count -= 1
      yield slot
    }
    this.#recheckSoon(which, askedAt)
  }

  /** Makes the call of the slot. If the result is not `called`, the caller must free the slot by {@link notMade}. */
  begin(slot: Slot<Work>): Begun {
    const { table, clock, health, handled, maxAgeMs } = this.#parts
    const { run, origin, hook, queuedAt } = slot.work
    if (!origin.epoch.isLive) return lost
    if (slot.startedAt - queuedAt > repeatCheckMs && handled.has(run)) return repeated
    const now = clock.now()
    const entry = table.get(run.hookId)
    const limits = { now, maxAgeMs, isDisabled: !run.isForced && health.isDisabled(run.hookId) }
    if (hook !== undefined && isStillJoined(run, hook, entry, limits)) {
      return this.#call(slot, hook, now)
    }
    const joined = join(run, entry, limits)
    return joined.kind === 'end' ? joined : this.#call(slot, joined.hook, now)
  }

  /** Frees the slot of a call that has ended. Returns how the lane's condition changed, if it did. */
  answered({ slot, attempted }: Answered): LaneMove<Work> | undefined {
    this.#inFlight.delete(slot)
    return this.#end(
      slot,
      laneOutcomeOf(heededSign(attempted.sign, slot.work.run), this.#parts.clock.monotonic()),
    )
  }

  /** Frees the slot of a call that is not made. Returns how the lane's condition changed, if it did. */
  notMade(slot: Slot<Work>): LaneMove<Work> | undefined {
    return this.#end(slot, { kind: 'unanswered' })
  }

  /** Aborts the calls in flight of all unwanted work. */
  abort(isUnwanted: (work: Work) => boolean): void {
    for (const { work, call } of this.#inFlight.values()) if (isUnwanted(work)) call.abort()
  }

  /** Epochs have ended. The turns abort their calls, a part each: thousands may be in flight, and to abort one takes time. */
  epochsEnded(): void {
    for (const slot of this.#inFlight.keys()) {
      if (!slot.work.origin.epoch.isLive) this.#lost.push(slot)
    }
  }

  get hasLost(): boolean {
    return this.#lost.length > 0
  }

  abortLost(most: number): void {
    for (const slot of this.#lost.splice(0, most)) this.#inFlight.get(slot)?.call.abort()
  }

  /** Whether any call in flight is for work that `isSought`. */
  some(isSought: (work: Work) => boolean): boolean {
    for (const { work } of this.#inFlight.values()) if (isSought(work)) return true
    return false
  }

  /** No call starts from now on, and those in flight are aborted. */
  stop(): void {
    this.#parts.gate.stop()
    this.#recheck.stop()
    this.abort(() => true)
  }

  /** Which calls the process may start before this is computed again. */
  #mayStart(pending: CallCounts): MayStart {
    const { clock, deferring, bounds } = this.#parts
    return bounds.mayStart(clock.monotonic(), pending, () => deferring.isLoopBusy())
  }

  /**
   * @param lengths not all when too many calls have started lately
   * @param askedAt when lanes were asked last; `undefined` if they were not, since no call may start
   */
  #recheckSoon({ lengths }: Startable, askedAt: MonotonicMs | undefined): void {
    const { gate, lanes, clock } = this.#parts
    if (gate.isStopped) return
    const now = clock.monotonic()
    const isHeldBack = lengths.length < callLengths.length || lanes.isWaitingForAge(now)
    if (!gate.isOpen || isHeldBack) this.#recheck.fireIn(recheckMs)
    const { limitedUntil } = lanes
    if (limitedUntil === undefined) return
    // Lanes that are asked start what the limit allows. If they were not asked, the limit is not what it waits for.
    const isOverdue = limitedUntil <= (askedAt ?? now)
    this.#recheck.fireIn(isOverdue ? recheckMs : Math.max(0, limitedUntil - now))
  }

  #call(slot: Slot<Work>, hook: Hook, now: EpochMs): Begun {
    const { http, clock, marks, bounds, userAgent } = this.#parts
    const { defaultTimeoutMs } = this.#parts
    const { work, startedAt } = slot
    const prepared = this.#preparedOf(hook)
    const { shownUrl } = prepared
    const queuedMs = tenths(startedAt - work.queuedAt)
    work.trace = this.#traceOf(work, { shownUrl, startedAt: now, queuedMs })
    const body = bodyFor(work.run.event, hook.id)
    const trace = work.trace?.call
    const headers = requestHeaders(prepared, { run: work.run, body, now, userAgent, trace })
    const request = {
      url: hook.url,
      poolKey: prepared.poolKey,
      tenantId: hook.tenantId,
      headers,
      body,
      timeoutMs: hook.timeoutMs ?? defaultTimeoutMs,
      oauth: hook.oauth,
      clientCertificate: hook.clientCertificate,
    }
    const countedAs = countedAsOf(slot)
    const call = http.send(request, (result) => {
      bounds.callEnded(countedAs, startedAt, clock.monotonic())
      work.trace?.answered(result)
      const answer = { kind: 'attempted', result, sign: endpointSignOf(result) } as const
      const attempted = { ...answer, hook, shownUrl, headers, startedAt: now, queuedMs }
      marks.answered({ slot, attempted })
    })
    bounds.callBegan(countedAs, startedAt)
    this.#inFlight.set(slot, { work, call })
    return called
  }

  #traceOf(
    { run, origin }: Work,
    call: Pick<TracedAttempt, 'shownUrl' | 'startedAt' | 'queuedMs'>,
  ): AttemptTrace | undefined {
    const { tracing } = this.#parts
    if (tracing === undefined) return undefined
    const { epoch, offset, timestamp: writtenAt } = origin
    const { group, topic, partition } = epoch
    return tracing.attemptBegins({
      run,
      group,
      source: { topic, partition, offset },
      writtenAt,
      ...call,
    })
  }

  #end(slot: Slot<Work>, outcome: LaneOutcome): LaneMove<Work> | undefined {
    const { lanes, clock } = this.#parts
    return lanes.finish(slot, outcome, clock.monotonic())
  }

  #preparedOf(hook: Hook): PreparedHook {
    const known = this.#prepared.get(hook)
    if (known !== undefined) return known
    const prepared = prepareHook(hook)
    this.#prepared.set(hook, prepared)
    return prepared
  }
}

function isAmong(
  { startedAt, length, line }: Slot<Work>,
  { begunFrom = Number.NEGATIVE_INFINITY, areShort = false, areUnknown = false }: WhichCalls,
  now: MonotonicMs,
): boolean {
  if (startedAt < begunFrom) return false
  if (areUnknown) return length === 'unknown'
  return !areShort || line.lane.lengthNow(now) !== 'long'
}

function laneOutcomeOf(sign: EndpointSign, now: MonotonicMs): LaneOutcome {
  switch (sign.kind) {
    case 'success':
      return { kind: 'success' }
    case 'failure':
    case 'gone':
      return { kind: 'failure' }
    case 'busy':
      return { kind: 'pause', until: now + sign.forMs }
    case 'none':
      return { kind: 'unanswered' }
  }
}
