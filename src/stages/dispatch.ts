/**
 * Takes work from the lanes, makes the calls and hands what happened to the recorder.
 *
 * Calls are *allowed* while no group drains or is apart, membership of every group is proven within the session
 * time-out, and results are being acknowledged; otherwise *stopped*, with a cause. Calls in flight go on either way.
 */
import type { HookTable } from '../core/hook-table.ts'
import type { LaneCondition, LaneOutcome } from '../core/lane.ts'
import type { LaneMove, Lanes, Slot } from '../core/lanes.ts'
import type { AttemptResult, EpochMs, Hook, HookId, MonotonicMs } from '../core/model.ts'
import { prepareHook, requestHeaders, type PreparedHook } from '../core/request-headers.ts'
import { bodyFor } from '../core/event.ts'
import type { Emit, StopCause } from '../core/signal.ts'
import { endpointSignOf, rejoin, type EndpointSign } from '../core/verdict.ts'
import type { Call, Clock, HttpSender } from '../ports.ts'
import { lineOf, type Deferring, type Judgement, type PutOff } from './deferring.ts'
import type { PlannedCall } from './expand.ts'
import { IdleWaiters } from './idle-waiters.ts'
import type { Recorder } from './recorder.ts'
import type { Work } from './work.ts'

export interface DispatchParts {
  readonly lanes: Lanes<Work>
  readonly deferring: Deferring
  readonly health: EndpointWatch
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
  /** What other instances say of an endpoint. Times are those of the epoch. */
  seedOf(hookId: HookId): LaneCondition
}

interface InFlight {
  readonly work: Work
  readonly call: Call
}

/** How often lanes are looked at that may have more than they can do in time. */
const crowdCheckMs = 250
/** How often lanes are looked for that nothing comes to any more. */
const sweepMs = 60_000
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
  #isPumping = false
  #isStopped = false
  #cancelRecheck: (() => void) | undefined
  #isCheckPlanned = false
  #isSweepPlanned = false

  constructor(parts: DispatchParts) {
    this.#parts = parts
  }

  get inFlight(): number {
    return this.#inFlight.size
  }

  inFlightOf(group: string): number {
    return this.#perGroup.get(group) ?? 0
  }

  /** @param isShared whether a hook's delivery shares its partition with those of others */
  judge({ run, hook }: PlannedCall, isShared: (hookId: HookId) => boolean): Judgement {
    return this.#parts.deferring.judge(run, hook, () => isShared(hook.id))
  }

  /** Queues work that was judged so; {@link pump} starts it. */
  add(work: Work): void {
    const { lanes, clock } = this.#parts
    lanes.add(work.run.hookId, lineOf(work.run), work, clock.monotonic())
    this.#sweepSoon()
  }

  /** What other instances say of an endpoint, for a lane that knows nothing of it; by the monotonic clock. */
  seedOf(hookId: HookId): LaneCondition {
    const seed = this.#parts.health.seedOf(hookId)
    return seed.kind === 'flowing' ? seed : { ...seed, until: seed.until - this.#epochOffset() }
  }

  /** Sends work to a tier, or to the dead letters where too much waits there. */
  putOff(work: Work, how: PutOff): void {
    const { deferring, recorder, table } = this.#parts
    const { run, origin } = work
    if (!origin.epoch.isLive) return
    const configVersion = table.get(run.hookId)?.hook.configVersion
    recorder.end(work, { verdict: deferring.verdictOf(run, how), configVersion })
  }

  /** Starts what may be started now. */
  pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    try {
      if (!this.#isAllowed()) return
      const { clock } = this.#parts
      const monotonic = clock.monotonic()
      this.#checkCrowdsSoon()
      const { lanes } = this.#parts
      let slot = lanes.next(monotonic)
      if (slot === undefined) return
      for (; slot !== undefined; slot = lanes.next(monotonic)) this.#start(slot, clock.now())
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

  #start(slot: Slot<Work>, now: EpochMs): void {
    const { table, recorder, maxAgeMs, health } = this.#parts
    const { work } = slot
    const { hookId } = work.run
    if (!work.origin.epoch.isLive) {
      this.#endSlot(slot, { kind: 'unanswered' })
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
      this.#finish(entry, slot, hook, result)
      const attempt = { result, hook, startedAt: now, queuedMs: startedAt - work.queuedAt }
      this.#parts.recorder.attempt(work, attempt)
      this.pump()
    })
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
    const { clock, deferring, health } = this.#parts
    const now = clock.monotonic()
    if (condition.kind === 'flowing') {
      health.laneChanged(hookId, condition)
      return
    }
    health.laneChanged(hookId, { ...condition, until: condition.until + this.#epochOffset() })
    for (const work of evicted) this.putOff(work, deferring.blocked(condition.until, now))
  }

  /** What to add to a reading of the monotonic clock for the time that it stands for now. */
  #epochOffset(): number {
    const { clock } = this.#parts
    return clock.now() - clock.monotonic()
  }

  #checkCrowdsSoon(): void {
    const { lanes, clock } = this.#parts
    if (this.#isCheckPlanned || !lanes.mayCrowd) return
    this.#isCheckPlanned = true
    clock.after(crowdCheckMs, () => {
      this.#isCheckPlanned = false
      this.#putOffCrowds()
      this.pump()
      // A lane that has fallen silent takes more than before: partitions that wait for it ask again.
      this.#parts.onRoom()
    })
  }

  /** While calls are stopped, no lane is slow by its own doing. */
  #putOffCrowds(): void {
    if (this.#stopCause !== undefined) return
    const { lanes, clock, deferring } = this.#parts
    const mayTake = ({ run, origin }: Work) =>
      deferring.hasRoom(run) && origin.epoch.carriesOthers(run.hookId)
    for (const { perMs, evicted } of lanes.takeCrowded(clock.monotonic(), mayTake)) {
      for (const work of evicted) this.putOff(work, deferring.crowded(work.run, perMs))
    }
  }

  #sweepSoon(): void {
    if (this.#isSweepPlanned) return
    this.#isSweepPlanned = true
    const { lanes, clock, deferring } = this.#parts
    clock.after(sweepMs, () => {
      this.#isSweepPlanned = false
      lanes.sweep(clock.monotonic())
      deferring.sweep()
      if (lanes.size > 0) this.#sweepSoon()
    })
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
