/** The facts that checks use, and where they report. */
import type { HookId, InboundRecord } from '../../src/core/model/model.ts'
import type { Chronicle } from './chronicle.ts'
import type { Coordinator } from './coordinator.ts'
import type { HookBook } from './hook-book.ts'
import type { Plan } from './plan.ts'
import type { GroupName, ProcessView } from './process-view.ts'
import type { SimLog } from './sim-log.ts'
import type { Timeline } from './timeline.ts'

/** The names of the checks. */
export type CheckName =
  | 'call-with-proof'
  | 'call-asked-for'
  | 'call-as-hook-says'
  | 'nothing-to-disabled'
  | 'attempts-do-not-fall'
  | 'no-call-after-final'
  | 'handover-repeats-nothing'
  | 'commit-passes-nothing-open'
  | 'commit-says-what-is-done'
  | 'commit-keeps-what-was-done'
  | 'retry-after-is-heeded'
  | 'letter-for-each-death'
  | 'lost-ownership-writes-nothing'
  | 'run-ends'
  | 'lag-is-gone'
  | 'retry-comes-in-time'
  | 'healthy-endpoint-delivers'
  | 'lane-is-not-idle'
  | 'backlog-is-worked-off'
  | 'healthy-tenant-is-as-alone'
  | 'process-lives'

export interface Violation {
  readonly check: CheckName
  /** What happened, and to what. */
  readonly message: string
  /** True time, in milliseconds. */
  readonly at: number
}

export interface Facts {
  readonly plan: Plan
  readonly timeline: Timeline
  readonly log: SimLog
  readonly chronicle: Chronicle
  readonly book: HookBook
  readonly coordinators: Readonly<Record<GroupName, Coordinator>>
  readonly processes: ProcessView[]
  readonly endpoints: Map<HookId, EndpointFacts>
  /** Since when there is no fault, no rebalance and no edit; `undefined` while there is one. */
  quietSince(): number | undefined
  /** The same, and also no process starts, stops or is busy all the time. */
  calmSince(): number | undefined
  /** Only the first of each check is kept. */
  report(check: CheckName, message: string): void
}

/** What the calls of a hook have shown, over all processes. */
export interface EndpointFacts {
  inFlight: number
  failures: number
  /** The first success after the last failure. */
  healthySince: number | undefined
  lastCallAt: number
  /** When a process last got the end of a call. */
  lastEndAt: number
  /** Processes that have got the end of a call. */
  readonly knownTo: Set<ProcessView>
  /** Until when the endpoint has asked for no calls, by the process that got the answer. */
  readonly pausedUntil: Map<ProcessView, number>
  /** What processes know of how long its calls take, apart from those that were requested. */
  readonly known: Map<ProcessView, KnownLength>
}

export interface KnownLength {
  /** Of the calls that succeeded, in milliseconds; infinite while none has. */
  shortestSuccessMs: number
  /** When the first of them ended; infinite while none has. */
  firstSuccessAt: number
  /** Of the others, in milliseconds. */
  longestFailureMs: number
}

export function endpointFactsOf({ endpoints }: Facts, hookId: HookId): EndpointFacts {
  let facts = endpoints.get(hookId)
  if (facts === undefined) {
    facts = {
      inFlight: 0,
      failures: 0,
      healthySince: undefined,
      lastCallAt: 0,
      lastEndAt: 0,
      knownTo: new Set(),
      pausedUntil: new Map(),
      known: new Map(),
    }
    endpoints.set(hookId, facts)
  }
  return facts
}

export function placeOf({
  topic,
  partition,
  offset,
}: Pick<InboundRecord, 'topic' | 'partition' | 'offset'>): string {
  return `${topic}/${partition}/${offset}`
}
