/**
 * Takes work from the lanes, makes the calls and hands what happened to the recorder.
 *
 * Calls are *allowed* while the group of events does not drain and is not apart, membership of every group is proven within
 * the session time-out, and results are being acknowledged; otherwise *stopped*, with a cause. While the group of the tiers
 * drains, first tries alone are. Calls in flight go on either way.
 */
import { tenths } from '../core/model/durations.ts'
import type { HookTable } from '../core/hook/table.ts'
import type { LaneCondition } from '../core/health/health.ts'
import type { LaneOutcome, LineName } from '../core/lane/lane.ts'
import type { LaneMove, Lanes, Slot } from '../core/lane/lanes.ts'
import type { AttemptResult, EpochMs, Hook, HookId, MonotonicMs, Run } from '../core/model/model.ts'
import { prepareHook, requestHeaders, type PreparedHook } from '../core/run/request-headers.ts'
import { bodyFor } from '../core/event/event.ts'
import { RepeatBounds } from '../core/lane/repeat-bounds.ts'
import type { Emit, StopCause } from '../core/signal/signal.ts'
import type { Holdings } from '../core/lane/share.ts'
import { rejoin } from '../core/run/rejoin.ts'
import { endpointSignOf, type EndpointSign } from '../core/run/verdict.ts'
import type { Call, Clock, HttpSender } from '../ports.ts'
import { blockedBy, lineOf, type Deferring, type Judgement, type PutOff } from './deferring.ts'
import type { PlannedCall } from './expand.ts'
import { HalfDone } from './half-done.ts'
import { IdleWaiters } from './idle-waiters.ts'
import { LaneUpkeep } from './lane-upkeep.ts'
import type { Recorder } from './recorder.ts'
import { isBegun, settle, type Origin, type Work } from './work.ts'

export interface DispatchParts {
  readonly lanes: Lanes<Work>
  readonly deferring: Deferring
  readonly health: EndpointWatch
  readonly table: HookTable
  readonly http: HttpSender
  readonly recorder: Recorder
  /** Whether the run has come as far as this already, by another record. */
  readonly isHandled: (run: Run) => boolean
  readonly clock: Clock
  /** Asked before calls start; the answer says why none may, or `undefined` when they may. */
  readonly stopCause: (now: MonotonicMs) => StopCause | undefined
  readonly userAgent: string
  readonly defaultTimeoutMs: number
  readonly defaultConcurrency: number
  readonly maxAgeMs: number
  readonly emit: Emit
  /** A lane has room again. */
  readonly onRoom: () => void
}

/** What is told of endpoints, and asked. */
export interface EndpointWatch {
  /** An attempt said something of the hook's endpoint. */
  attempted(hook: Hook, outcome: 'success' | 'failure' | 'gone', at: EpochMs): void
  /** The hook's lane has moved. Times are those of the epoch. */
  laneChanged(hookId: HookId, lane: LaneCondition): void
  /** Whether nothing is sent to the hook's endpoint any more. */
  isDisabled(hookId: HookId): boolean
}

interface InFlight {
  readonly work: Work
  readonly call: Call
}

/** What has waited for longer is asked again whether another record of its run was handled meanwhile. */
const stillOpenMs = 1_000
/** How often a stop that ends by itself is asked about again. */
const recheckMs = 50
const resumed = { kind: 'calls.resumed' } as const

export class Dispatch {
  readonly #parts: DispatchParts
  readonly #inFlight = new Set<InFlight>()
  readonly #perGroup = new Map<string, number>()
  /** Lines of which no call starts, by group that drains or is apart. */
  readonly #held = new Map<string, readonly LineName[]>()
  readonly #prepared = new WeakMap<Hook, PreparedHook>()
  readonly #waiters = new IdleWaiters()
  readonly #halfDone: HalfDone
  readonly #bounds = new RepeatBounds()
  readonly #upkeep: LaneUpkeep
  #stopCause: StopCause | 'not-started' | undefined = 'not-started'
  #isPumping = false
  #isStopped = false
  #cancelRecheck: (() => void) | undefined

  constructor(parts: DispatchParts) {
    this.#parts = parts
    this.#upkeep = new LaneUpkeep({ ...parts, isCalling: () => this.#isCalling })
    this.#halfDone = new HalfDone({
      clock: parts.clock,
      split: (work) => this.#split(work),
      mostEnded: () => this.#bounds.mostHalfDone(parts.clock.monotonic()),
      isCalling: () => this.#isCalling,
    })
  }

  get inFlight(): number {
    return this.#inFlight.size
  }

  inFlightOf(group: string): number {
    return this.#perGroup.get(group) ?? 0
  }

  /** @param held what the partition has admitted */
  judge(call: PlannedCall, held: Holdings): Judgement {
    return this.#parts.deferring.judge(call, held, this.#isCalling)
  }

  /** Whether an event for several hooks may be admitted: see {@link RepeatBounds.mayFanOut}. */
  mayFanOut(admitted: number): boolean {
    const { clock, deferring } = this.#parts
    return this.#bounds.mayFanOut(clock.monotonic(), admitted, () => deferring.isProcessSlow())
  }

  /** Queues work that was judged so; {@link pump} starts it. */
  add(work: Work, hook: Hook): void {
    const { lanes, clock, deferring } = this.#parts
    const now = clock.monotonic()
    deferring.cameBack(work.run)
    // Judging it has found its lane already.
    const lane = lanes.get(hook.id) ?? deferring.laneOf(hook, now)
    work.place = lanes.add(lane, lineOf(work.run), work, now)
    work.origin.waiting?.add(work)
    this.#upkeep.queued()
  }

  /** Something that an event caused is acknowledged, and not all of it. */
  settledOne(origin: Origin): void {
    this.#halfDone.settled(origin)
  }

  /** Sends work that was judged so to a tier, or to the dead letters where too much waits there. */
  putOff(work: Work, how: PutOff): void {
    this.#parts.deferring.cameBack(work.run)
    this.#sendOff(work, how)
  }

  #sendOff(work: Work, how: PutOff): void {
    const { deferring, recorder, table } = this.#parts
    const { run, origin } = work
    if (!origin.epoch.isLive) return
    const configVersion = table.get(run.hookId)?.hook.configVersion
    recorder.end(work, { verdict: deferring.verdictOf(run, how), configVersion })
    this.#upkeep.putOff()
  }

  /** Starts what may be started now. */
  pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    try {
      if (!this.#isAllowed()) return
      const { clock, lanes } = this.#parts
      const isOpen = (line: LineName) => !this.#isHeld(line)
      let mayStart = this.#mayStart()
      let slot = mayStart > 0 ? lanes.next(clock.monotonic(), isOpen) : undefined
      if (slot === undefined) return
      while (slot !== undefined) {
        this.#start(slot, clock.now())
        mayStart -= 1
        // To start a crowd takes time, in which the proof of membership gets too old.
        if (!this.#isAllowed()) break
        if (mayStart === 0) mayStart = this.#mayStart()
        slot = mayStart > 0 ? lanes.next(clock.monotonic(), isOpen) : undefined
      }
    } finally {
      this.#isPumping = false
    }
    // Runs that ended without a call may have been the last.
    this.#waiters.check()
    this.#parts.onRoom()
  }

  /** No call of the lines, which the group's records come to, starts until the group is released. */
  hold(group: string, lines: readonly LineName[]): void {
    this.#held.set(group, lines)
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

  /**
   * Whatever has begun goes on by records of its own, so that the next owner of its partition repeats nothing that ended:
   * what is queued of half-done events is split off, and what is out of begun ones is aborted and moved on. Resolves when
   * all of that is handed to the recorder, or after the budget.
   */
  moveOn(group: string, budgetMs: number): Promise<void> {
    for (const { work, call } of this.#inFlight) {
      const { origin } = work
      if (origin.epoch.group !== group || !origin.epoch.isLive) continue
      if (origin.caused === 1 || !isBegun(origin)) continue
      work.isMovedOn = true
      call.abort()
    }
    this.#halfDone.splitAll(group)
    const isHandedOver = () => ![...this.#inFlight].some(({ work }) => work.isMovedOn)
    return this.#waiters.wait(isHandedOver, budgetMs, this.#parts.clock)
  }

  /** Ends everything of epochs that have ended: queued work is forgotten, calls are aborted and recorded as interrupted. */
  dropEnded(): void {
    this.#drop((work) => !work.origin.epoch.isLive)
    for (const { work, call } of this.#inFlight) if (!work.origin.epoch.isLive) call.abort()
    this.#waiters.check()
  }

  /** Starts nothing more; aborts what is in flight. */
  stop(): void {
    this.#isStopped = true
    this.#cancelRecheck?.()
    this.#drop(() => true)
    for (const { call } of this.#inFlight) call.abort()
  }

  get #isCalling(): boolean {
    return this.#stopCause === undefined
  }

  #drop(isUnwanted: (work: Work) => boolean): void {
    for (const work of this.#parts.lanes.drop(isUnwanted)) this.#halfDone.unqueued(work)
  }

  #split(work: Work): void {
    const { lanes, recorder } = this.#parts
    const { run, place } = work
    if (place === undefined || !lanes.remove(run.hookId, lineOf(run), place)) return
    this.#halfDone.unqueued(work)
    recorder.split(work)
  }

  /** How many calls may start until it is asked again, as far as the process itself is concerned. */
  #mayStart(): number {
    const { clock, deferring, recorder } = this.#parts
    const isBusy = () => deferring.isLoopBusy()
    const count = this.#bounds.mayStart(clock.monotonic(), recorder.pendingCount, isBusy)
    if (count === 0) this.#pumpLater()
    return count
  }

  #pumpLater(): void {
    this.#cancelRecheck ??= this.#parts.clock.after(recheckMs, () => {
      this.#cancelRecheck = undefined
      this.pump()
    })
  }

  #isHeld(line: LineName): boolean {
    for (const lines of this.#held.values()) if (lines.includes(line)) return true
    return false
  }

  /** Whether first tries may start. What comes later may be held alone, by the group of the tiers. */
  #isAllowed(): boolean {
    const cause = this.#isStopped
      ? 'stopping'
      : this.#isHeld('first')
        ? 'rebalance'
        : this.#parts.stopCause(this.#parts.clock.monotonic())
    if (cause !== this.#stopCause) this.#tellChange(cause)
    if (cause === undefined) return true
    if (!this.#isStopped) this.#pumpLater()
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

  #start(slot: Slot<Work>, now: EpochMs): void {
    const { table, recorder, maxAgeMs, health } = this.#parts
    const { work } = slot
    const { hookId } = work.run
    this.#halfDone.unqueued(work)
    if (!work.origin.epoch.isLive) {
      this.#endSlot(slot, { kind: 'unanswered' })
      return
    }
    if (this.#isRepeat(slot)) {
      this.#endSlot(slot, { kind: 'unanswered' })
      this.#parts.emit({ kind: 'run.repeated', deliveryId: work.run.deliveryId })
      settle(work.origin, hookId)
      return
    }
    const isDisabled = health.isDisabled(hookId)
    const joined = rejoin(work.run, table.get(hookId), { now, maxAgeMs, isDisabled })
    if (joined.kind === 'end') {
      this.#endSlot(slot, { kind: 'unanswered' })
      recorder.end(work, joined)
      return
    }
    this.#call(slot, joined.hook, now)
  }

  #isRepeat({ work, startedAt }: Slot<Work>): boolean {
    return startedAt - work.queuedAt > stillOpenMs && this.#parts.isHandled(work.run)
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
      tenantId: hook.tenantId,
      connections: hook.concurrency ?? defaultConcurrency,
      headers,
      body,
      timeoutMs: hook.timeoutMs ?? defaultTimeoutMs,
    }
    const call = http.send(request, (result) => {
      this.#bounds.callEnded(startedAt, clock.monotonic())
      this.#finish(entry, slot, hook, result)
      const queuedMs = tenths(startedAt - work.queuedAt)
      const attempt = { result, hook, headers, startedAt: now, queuedMs }
      this.#parts.recorder.attempt(work, attempt)
      this.pump()
    })
    this.#bounds.callBegan(startedAt)
    const entry: InFlight = { work, call }
    this.#inFlight.add(entry)
    const { group } = work.origin.epoch
    this.#perGroup.set(group, this.inFlightOf(group) + 1)
  }

  #finish(entry: InFlight, slot: Slot<Work>, hook: Hook, result: AttemptResult): void {
    this.#inFlight.delete(entry)
    const { group } = entry.work.origin.epoch
    this.#perGroup.set(group, this.inFlightOf(group) - 1)
    const { clock, health } = this.#parts
    const sign = endpointSignOf(result)
    this.#endSlot(slot, outcomeOf(sign, clock.monotonic()))
    if (sign.kind !== 'none') {
      health.attempted(hook, sign.kind === 'busy' ? 'failure' : sign.kind, clock.now())
    }
    this.#waiters.check()
  }

  #endSlot(slot: Slot<Work>, outcome: LaneOutcome): void {
    const { lanes, clock } = this.#parts
    const move = lanes.finish(slot, outcome, clock.monotonic())
    if (move !== undefined) this.#follow(slot.work.run.hookId, move)
  }

  /** A lane that has opened or paused keeps nothing: what it held is put off. */
  #follow(hookId: HookId, { condition, evicted }: LaneMove<Work>): void {
    const { clock, health } = this.#parts
    const now = clock.monotonic()
    if (condition.kind === 'flowing') {
      health.laneChanged(hookId, condition)
      return
    }
    health.laneChanged(hookId, { ...condition, until: condition.until + this.#epochOffset() })
    for (const work of evicted) {
      this.#halfDone.unqueued(work)
      this.#sendOff(work, blockedBy(condition, now))
    }
  }

  /** What to add to a reading of the monotonic clock for the time that it stands for now. */
  #epochOffset(): number {
    const { clock } = this.#parts
    return clock.now() - clock.monotonic()
  }

  #preparedOf(hook: Hook): PreparedHook {
    const known = this.#prepared.get(hook)
    if (known !== undefined) return known
    const prepared = prepareHook(hook)
    this.#prepared.set(hook, prepared)
    return prepared
  }
}

function outcomeOf(sign: EndpointSign, now: MonotonicMs): LaneOutcome {
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
