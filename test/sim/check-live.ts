/**
 * Checks that run every {@link lookMs} while nothing disturbs the world, and at its end. The world is *calm* while there is
 * no fault, no group rebalances, and no process is busy all the time.
 */
import type { HookId } from '../../src/core/model/model.ts'
import type { TopicPartition } from '../../src/ports.ts'
import { isHealthyFor } from './endpoints.ts'
import { endpointFactsOf, type Facts } from './facts.ts'
import type { Run, Source } from './chronicle.ts'
import type { Recovery } from './plan-crowd.ts'
import { worldBegan } from './process-loop.ts'
import { describe } from './check-calls.ts'

export const lookMs = 250
const maxIdleMs = 2_000
/** How late a retry may start after its due time: one step of a tier, and the time to read and call it. */
const maxLateMs = 1_500
/** Nothing is checked for this long after a disturbance. */
const settlingMs = 5_000

export class LiveChecks {
  readonly #facts: Facts
  readonly #idleSince = new Map<HookId, number>()
  readonly #groupTopics: Readonly<Record<'live' | 'retry', readonly TopicPartition[]>>

  constructor(
    facts: Facts,
    groupTopics: Readonly<Record<'live' | 'retry', readonly TopicPartition[]>>,
  ) {
    this.#facts = facts
    this.#groupTopics = groupTopics
  }

  look(): void {
    const { timeline, plan } = this.#facts
    const calmSince = this.#facts.calmSince()
    const isSettled = calmSince !== undefined && timeline.now - calmSince > settlingMs
    for (const { id } of plan.hooks) this.#laneIsNotIdle(id, isSettled)
    if (plan.recovery !== undefined) this.#backlogIsWorkedOff(plan.recovery)
  }

  /** After an endpoint's recovery, the waiting deliveries end within about the time of its probe and of their calls. */
  #backlogIsWorkedOff({ hookId, at, withinMs }: Recovery): void {
    const { timeline, chronicle } = this.#facts
    const { healthySince } = endpointFactsOf(this.#facts, hookId)
    if (healthySince === undefined || timeline.now < Math.max(healthySince, at) + withinMs) return
    for (const { deliveryId, begunBy, begunAt } of chronicle.open.get(hookId) ?? []) {
      if (begunAt > at) continue
      this.#facts.report(
        'backlog-is-worked-off',
        `${deliveryId} for ${hookId}, begun by ${begunBy} at ${Math.round(begunAt)} ms, still waits, ${Math.round((timeline.now - healthySince) / 1_000)} s after a call found its endpoint healthy`,
      )
      return
    }
  }

  /** A healthy lane with due work is never idle for longer than 2 s, or than its own rate limit requires. */
  #laneIsNotIdle(hookId: HookId, isSettled: boolean): void {
    const { timeline, plan, book } = this.#facts
    const { inFlight, lastCallAt } = endpointFactsOf(this.#facts, hookId)
    const due =
      isSettled && inFlight === 0 && this.#isHealthy(hookId) ? this.#due(hookId) : undefined
    if (due === undefined) {
      this.#idleSince.delete(hookId)
      return
    }
    const since = Math.max(lastCallAt, this.#idleSince.get(hookId) ?? timeline.now - lookMs)
    this.#idleSince.set(hookId, since)
    const rate = book.get(hookId)?.ratePerSecond
    const maxMs = maxIdleMs + lookMs + (rate === undefined ? 0 : 1_000 / rate)
    if (timeline.now - since <= maxMs) return
    const waiting = this.#facts.chronicle.open.get(hookId)?.size ?? 0
    this.#facts.report(
      'lane-is-not-idle',
      `${hookId} has made no call since ${Math.round(since)} ms, its endpoint is healthy, and ${waiting} of its runs wait, such as ${due.deliveryId}, begun by ${due.begunBy} at ${Math.round(due.begunAt)} ms${plan.instances.length > 1 ? '' : ' (one process)'}`,
    )
  }

  /** Its endpoint is always healthy, the hook was not changed, and no call of it has failed. */
  #isHealthy(hookId: HookId): boolean {
    const { plan, book } = this.#facts
    const hook = book.get(hookId)
    const temper = hook === undefined ? undefined : plan.tempers.get(hook.url)
    if (hook === undefined || temper === undefined) return false
    if (!isHealthyFor(temper, hook.timeoutMs ?? plan.timeoutMs)) return false
    return !book.isEdited(hookId) && endpointFactsOf(this.#facts, hookId).failures === 0
  }

  #due(hookId: HookId): Run | undefined {
    const { chronicle, timeline, book } = this.#facts
    for (const run of chronicle.open.get(hookId) ?? []) {
      if (!isOwed(run, book.isSteady(hookId)) || timeline.now - run.begunAt < lookMs) continue
      if (this.#waitsForFirstCall(run)) continue
      if (run.retryDueAt === undefined || run.retryDueAt - worldBegan < timeline.now) return run
    }
    return undefined
  }

  /**
   * Whether the run is in a process that has never called its hook, and calls of the hook's tenant hold at least a quarter of
   * the slots of one process. In such a crowd, first calls wait their turn.
   */
  #waitsForFirstCall({ hookId, sources }: Run): boolean {
    const { plan, processes } = this.#facts
    const source = sources.at(-1)
    if (plan.kind !== 'crowd' || source === undefined) return false
    const place = `${source.topic}/${source.partition}`
    const owner = processes.findLast(({ epochs }) => epochs.has(place))
    if (owner === undefined || endpointFactsOf(this.#facts, hookId).knownTo.has(owner)) return false
    const tenantId = plan.hooks.find(({ id }) => id === hookId)?.tenantId
    let held = 0
    for (const hook of plan.hooks) {
      if (hook.tenantId === tenantId) held += endpointFactsOf(this.#facts, hook.id).inFlight
    }
    return held >= plan.maxInFlight / 4
  }

  /** A retry of a lane that is not blocked starts soon after it is due. */
  retryComesInTime(run: Run, attempt: number, source: Source, now: number): void {
    if (run.retryDueAt === undefined || source.attempt === 0 || source.deferrals > 0) return
    const dueAt = run.retryDueAt - worldBegan
    // In a crowd it may wait for a slot.
    if (now - dueAt <= maxLateMs || this.#facts.plan.kind === 'crowd') return
    if (!this.#wasCalmBefore(dueAt) || !this.#wasLaneFree(run.hookId, dueAt)) return
    this.#facts.report(
      'retry-comes-in-time',
      `${describe(run, attempt)} starts ${Math.round(now - dueAt)} ms after it was due, though its lane was free all the time`,
    )
  }

  /** Whether nothing has disturbed the world since the previous attempt. */
  #wasCalmBefore(dueAt: number): boolean {
    const { plan, processes } = this.#facts
    if (processes.some(({ loop }) => loop.skewMs !== 0)) return false
    const longestMs = (plan.retrySchedule.at(-1) ?? 0) * 1.3
    const calmSince = this.#facts.calmSince()
    return calmSince !== undefined && calmSince + settlingMs <= dueAt - longestMs
  }

  /** Whether the lane was free: its breaker cannot have been opened by five failures, and it had a place for the call. */
  #wasLaneFree(hookId: HookId, since: number): boolean {
    const { failures, pausedUntil, inFlight, lastEndAt } = endpointFactsOf(this.#facts, hookId)
    if (failures >= 5 || inFlight > 0 || lastEndAt > since || pausedUntil.size > 0) return false
    return this.#facts.book.get(hookId)?.ratePerSecond === undefined
  }

  /** Whether every run that must end has ended, and every commit is at its partition's end. */
  isDone(): boolean {
    return this.#firstOpen() === undefined && this.#firstLag() === undefined
  }

  /** Every run of every event and matching hook has a final record, and lag is 0. */
  atEnd(): void {
    const open = this.#firstOpen()
    if (open !== undefined) {
      const last = open.sources.at(-1)
      this.#facts.report(
        'run-ends',
        `${open.deliveryId} for ${open.hookId}, begun by ${open.begunBy} at ${Math.round(open.begunAt)} ms, has no final record; ${open.maxAttempts} attempt(s), last record ${last === undefined ? 'none' : `${last.topic}/${last.partition}/${last.offset} (attempt ${last.attempt}, hop ${last.hop})`}`,
      )
    }
    const lag = this.#firstLag()
    if (lag !== undefined) this.#facts.report('lag-is-gone', lag)
  }

  #firstOpen(): Run | undefined {
    const { chronicle, book } = this.#facts
    if (chronicle.openCount === 0) return undefined
    for (const [hookId, runs] of chronicle.open) {
      for (const run of runs) if (isOwed(run, book.isSteady(hookId))) return run
    }
    return undefined
  }

  #firstLag(): string | undefined {
    const { coordinators, log } = this.#facts
    for (const group of ['live', 'retry'] as const) {
      for (const partition of this.#groupTopics[group]) {
        const end = log.end(partition)
        const committed = coordinators[group].committed(partition)?.offset ?? 0
        if (committed < end) {
          return `${partition.topic}/${partition.partition} is committed up to ${committed} of ${end}`
        }
      }
    }
    return undefined
  }
}

/**
 * Whether the run must end: its hook matches the event at any time, or a record continues the run. A call alone does not
 * mean that it must: after a crash the event is read again, and joined with the hooks of that time.
 */
function isOwed(run: Run, isSteady: boolean): boolean {
  return isSteady || run.isRequested || run.sources.length > 1
}
