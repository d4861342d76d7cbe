/**
 * Partitions → lanes: opens the head of a partition, and admits it when there is room for everything that it causes. There
 * must be room in the partition, in the process, and in the lane of each delivery that is not deferred.
 */
import type { DeferralBudget } from '../core/lane/deferral-budget.ts'
import type { LineName } from '../core/lane/lane.ts'
import type { RepeatBounds } from '../core/lane/repeat-bounds.ts'
import type { Hook, InboundRecord, MonotonicMs, Run } from '../core/model/model.ts'
import type { Emit } from '../core/signal/signal.ts'
import type { Clock } from '../ports.ts'
import { addsRecord, type DeferBehind, type Deferring, type Judgement } from './deferring.ts'
import { countOf, type Caused, type Opened, type PlannedCall } from './expand.ts'
import type { Load } from './load.ts'
import type { PartitionFlow, Taken, Waiting } from './partition-flow.ts'
import type { Placement } from './placement.ts'
import type { Recorder } from './recorder.ts'
import type { Origin, Work } from './work.ts'

export interface AdmissionParts {
  /** Decides what a record causes. This depends on its topic. */
  readonly open: (record: InboundRecord) => Opened
  readonly load: Load
  readonly deferring: Deferring
  readonly bounds: RepeatBounds
  readonly deferrals: DeferralBudget
  readonly placement: Placement
  readonly recorder: Recorder
  readonly clock: Clock
  readonly emit: Emit
}

/** How often a partition that waits for room is checked again, even if nothing was completed. */
const recheckMs = 100
/** How often a partition is checked again that waits for the budget of deferrals. */
const budgetMs = 5

/**
 * How much one turn admits of each line, in deliveries and in milliseconds, and of one partition. Sockets are not read and
 * timers do not fire meanwhile: a backlog that is fetched at once must not take the event loop for longer than that. Each
 * line has its own bounds, so that thousands of retries that are due at once leave fresh events their part of every turn.
 */
const mostPerTurn: Readonly<Record<LineName, Readonly<Allowance>>> = {
  first: { deliveries: 384, ms: 4 },
  late: { deliveries: 64, ms: 2 },
}
const mostPerPartition = 64

interface Allowance {
  deliveries: number
  ms: number
}

function allowances(): Record<LineName, Allowance> {
  return { first: { ...mostPerTurn.first }, late: { ...mostPerTurn.late } }
}

/** Why a partition's head was not admitted. */
export type HeadWait =
  | Exclude<Waiting, { readonly kind: 'room' }>
  /** The head must be tried again after `forMs` milliseconds. */
  | { readonly kind: 'room'; readonly forMs: number }
  /**
   * The turn has admitted enough. The head must be tried again in the next turn.
   *
   * `partition`: this partition has had its part of the turn. `all`: others have had all of it.
   */
  | { readonly kind: 'turn'; readonly of: 'partition' | 'all' }

export class Admission {
  readonly #parts: AdmissionParts
  /** What this turn may still admit. */
  #left = allowances()
  /** Whether the head that was opened last waits for the budget of deferrals. */
  #isOverBudget = false

  constructor(parts: AdmissionParts) {
    this.#parts = parts
  }

  beginTurn(): void {
    this.#left = allowances()
  }

  /**
   * Admits records of the partition while there is room. Calls `onComplete` for records that cause nothing.
   *
   * @returns why the next record was not admitted
   */
  admit(flow: PartitionFlow, onComplete: (origin: Origin) => void): HeadWait {
    const { clock } = this.#parts
    const left = this.#left[flow.line]
    const startedAt = clock.monotonic()
    const wait = this.#admitUntil(startedAt + left.ms, flow, onComplete)
    left.ms -= clock.monotonic() - startedAt
    return wait
  }

  #admitUntil(
    endsAt: MonotonicMs,
    flow: PartitionFlow,
    onComplete: (origin: Origin) => void,
  ): HeadWait {
    const { open, clock } = this.#parts
    const planFor = (opened: Caused) => this.#planFor(flow, opened)
    const left = this.#left[flow.line]
    const before = left.deliveries
    for (let now = clock.monotonic(); ;) {
      const admitted = before - left.deliveries
      // A partition that has had nothing of this turn comes first in the next one.
      if (left.deliveries <= 0 || now >= endsAt) {
        return { kind: 'turn', of: admitted > 0 ? 'partition' : 'all' }
      }
      if (admitted >= mostPerPartition) return { kind: 'turn', of: 'partition' }
      this.#isOverBudget = false
      const next = flow.admitNext(open, planFor)
      if (next.kind === 'taken') {
        now = clock.monotonic()
        left.deliveries -= this.#carryOut(flow, next, now, onComplete)
      } else if (next.kind === 'room') {
        return { kind: 'room', forMs: this.#isOverBudget ? budgetMs : recheckMs }
      } else if (next.kind !== 'known') return next
    }
  }

  /** The plan for everything that a record causes; `undefined` while there is no room for it. */
  #planFor(flow: PartitionFlow, opened: Caused): Plan | undefined {
    const { load, deferring, bounds, deferrals, clock } = this.#parts
    if (!load.hasRoom(flow.line)) return undefined
    if (opened.kind !== 'runs') return { opened, calls: [], deferrals: 0 }
    const { count } = load.admitted.total
    const isProcessSlow = () => deferring.isProcessSlow()
    const isFanOut = opened.calls.length > 1
    if (isFanOut && !bounds.mayFanOut(clock.monotonic(), count, isProcessSlow)) return undefined
    const calls: DecidedCall[] = []
    let fresh = 0
    let areShort = false
    for (const call of opened.calls) {
      const judgement = deferring.judge(call, flow.held)
      if (judgement.kind === 'wait') return undefined
      if (isCharged(judgement, call)) {
        fresh += 1
        areShort ||= judgement.cause === 'short'
      }
      calls.push({ call, decision: judgement })
    }
    const isDoubtful = areShort && deferring.mayBeStarved()
    if (fresh > 0 && !deferrals.hasLeft(clock.monotonic(), isDoubtful)) {
      this.#isOverBudget = true
      return undefined
    }
    return { opened, calls, deferrals: fresh }
  }

  /** @returns what it counts for in the turn's bounds, in deliveries */
  #carryOut(
    flow: PartitionFlow,
    { record, bytes, plan }: Extract<Taken<Plan>, { readonly kind: 'taken' }>,
    queuedAt: MonotonicMs,
    onComplete: (origin: Origin) => void,
  ): number {
    const { opened, calls, deferrals } = plan
    const { recorder, load, emit } = this.#parts
    const caused = countOf(opened)
    const origin: Origin = {
      epoch: flow,
      offset: record.offset,
      timestamp: record.timestamp,
      bytes: bytes + (opened.kind === 'runs' ? opened.renderedBytes : 0),
      tenantId: calls.find(isQueued)?.call.run.event.tenantId,
      isLong: calls.some(({ decision }) => decision.kind === 'queue' && decision.isLong),
      caused,
      remaining: caused,
      waiting: caused > 1 ? new Set() : undefined,
      isInherited: flow.isInherited,
    }
    flow.admitted(origin)
    load.add(flow.line, origin, { count: caused, bytes: origin.bytes })
    const workFor = (run: Run, hook?: Hook): Work => {
      flow.held.holdFor(run.hookId, 1, origin.bytes)
      load.admitted.holdFor(run.hookId, 1, origin.bytes)
      return {
        run,
        origin,
        hook,
        queuedAt,
        place: undefined,
        isHandedOver: false,
        trace: undefined,
      }
    }
    switch (opened.kind) {
      case 'runs':
        this.#carryOutRuns(opened, calls, workFor)
        if (deferrals > 0) this.#charge(deferrals, queuedAt)
        if (caused + opened.repeats.length === 0) emit({ kind: 'event.unmatched' })
        break
      case 'hop':
        recorder.record(workFor(opened.run), hopped)
        break
      case 'repeat':
        this.#repeated(opened.run)
        break
      case 'unmatched':
        emit({ kind: 'event.unmatched' })
        recorder.unmatched(opened.event, opened.unmatched, origin)
        break
      case 'rejected':
        recorder.reject(record, opened.rejection, origin)
        break
    }
    if (caused === 0) onComplete(origin)
    return Math.max(1, caused)
  }

  #carryOutRuns(
    { repeats, ends }: Extract<Caused, { readonly kind: 'runs' }>,
    calls: readonly DecidedCall[],
    workFor: (run: Run, hook?: Hook) => Work,
  ): void {
    const { recorder } = this.#parts
    for (const run of repeats) this.#repeated(run)
    for (const { run, verdict, configVersion } of ends) {
      recorder.record(workFor(run), { kind: 'ended', verdict, configVersion })
    }
    for (const { call, decision } of calls) this.#place(workFor(call.run, call.hook), decision)
  }

  #place(work: Work, decision: Decision): void {
    const { placement, recorder } = this.#parts
    if (decision.kind === 'queue') placement.queue(work, decision.lane)
    else if (decision.kind === 'defer') placement.defer(work, decision)
    else recorder.record(work, hopped)
  }

  #repeated({ deliveryId }: Run): void {
    this.#parts.emit({ kind: 'run.repeated', deliveryId })
  }

  /** @param since when the event loop began to work on these deferrals */
  #charge(deferrals: number, since: MonotonicMs): void {
    const now = this.#parts.clock.monotonic()
    this.#parts.deferrals.take(deferrals, now - since, now)
  }
}

const hopped = { kind: 'hopped' } as const

type Decision = Exclude<Judgement, { readonly kind: 'wait' }>

interface DecidedCall {
  readonly call: PlannedCall
  readonly decision: Decision
}

function isQueued({ decision }: DecidedCall): boolean {
  return decision.kind === 'queue'
}

/** What will be done with everything that a record causes. */
interface Plan {
  readonly opened: Caused
  readonly calls: readonly DecidedCall[]
  /** How many of these are deferrals that count against the budget. */
  readonly deferrals: number
}

/**
 * Whether a deferral counts against the budget. Those of open and paused lanes do not: such a run is written about once per
 * probe.
 */
function isCharged(judgement: Judgement, { run }: PlannedCall): judgement is DeferBehind {
  return judgement.kind === 'defer' && judgement.blocked === undefined && addsRecord(run)
}
