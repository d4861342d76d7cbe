/**
 * How an endpoint does, as one instance sees it: from its own attempts, and from the reports on the topic of endpoint health
 * (docs/results.md, Endpoint health). A reducer: it takes what happened, and says what follows and what is to be reported.
 *
 * An instance reports its own changes only. Where it has found nothing itself, as after a restart, it takes over the reports of
 * others. So two instances with opposite experience of an endpoint do not answer each other without end. The one that
 * succeeds only marks, once in a while, that there was a success: that keeps the other from counting its failures to the
 * limit. And it reports that the endpoint is healthy when the other has reported nothing for long.
 */
import {
  endpointOf,
  leastBetweenWritesMs,
  renewed,
  supersedes,
  urlStanding,
  type Health,
  type UrlStanding,
} from './record.ts'
import {
  mergedTally,
  noAttempts,
  reportedTally,
  spans,
  withFailure,
  withSuccess,
  type Tally,
} from './tally.ts'
import type { EpochMs, Hook, MonotonicMs } from '../model/model.ts'
import type { EndpointReason, EndpointState } from '../model/record-values.ts'

/** Whether a lane lets calls through, and when it does so again. */
export type LaneCondition =
  | { readonly kind: 'flowing' }
  | { readonly kind: 'open'; readonly until: MonotonicMs }
  | { readonly kind: 'paused'; readonly until: MonotonicMs }

export interface Endpoint extends Tally {
  /** The report that counts, this instance's or another's. */
  readonly known: Health | undefined
  /** What this instance found last, or took over from a report. */
  readonly reportedState: EndpointState
  /** Of this instance's lane; times are those of the epoch. */
  readonly lane: LaneCondition
  /** When the lane moved last. */
  readonly movedAt: EpochMs
  /** Whether this instance made an attempt itself. */
  readonly hasSamples: boolean
  /** Whether this instance found something that it has not reported yet. */
  readonly hasUnreported: boolean
  /** Whether the report that counts is not, or not the last, on the topic. */
  readonly isKnownUnwritten: boolean
}

export type HookFacts = Pick<Hook, 'id' | 'tenantId' | 'url' | 'configVersion'>

export interface HealthRules {
  readonly instance: string
  /** Failures that span so long, with no success between, disable an endpoint. */
  readonly disableAfterMs: number
}

/** So many failed attempts in a row make an endpoint failing. */
const failingFrom = 3
/** While it goes on failing, that is reported again so often. It bounds what a restart forgets. */
const progressMs = 3_600_000
/** A report of another instance that an endpoint fails is stale when it was not repeated for so long. */
const staleMs = 2 * progressMs

const flowing = { kind: 'flowing' } as const

export const freshEndpoint: Endpoint = {
  ...noAttempts,
  known: undefined,
  reportedState: 'healthy',
  lane: flowing,
  movedAt: 0,
  hasSamples: false,
  hasUnreported: false,
  isKnownUnwritten: false,
}

/** Whether a further success changes nothing: most endpoints, nearly always. */
export function doesWell({
  known,
  reportedState,
  lane,
  failures,
  hasSamples,
  hasUnreported,
}: Endpoint): boolean {
  const isKnownWell = known === undefined || known.state === 'healthy'
  const isFoundWell =
    hasSamples && reportedState === 'healthy' && failures === 0 && lane.kind === 'flowing'
  return isKnownWell && isFoundWell && !hasUnreported
}

/** An attempt failed. */
export function failed(
  endpoint: Endpoint,
  hook: HookFacts,
  at: EpochMs,
  rules: HealthRules,
): Endpoint {
  const tally = withFailure(endpoint, at)
  // A pause ends by time; an open lane stays open until its probe has succeeded.
  const lane = endpoint.lane.kind === 'paused' ? laneAt(endpoint.lane, at) : endpoint.lane
  const next = { ...endpoint, ...tally, lane, hasSamples: true }
  if (spans(tally, rules.disableAfterMs)) {
    return disabled(next, hook, { reason: 'failing-for-days', at, instance: rules.instance })
  }
  return withOwnReport(next, at)
}

/** An attempt succeeded. */
export function succeeded(endpoint: Endpoint, at: EpochMs, rules: HealthRules): Endpoint {
  if (doesWell(endpoint)) return endpoint
  const { known } = endpoint
  const lane = laneAt(endpoint.lane, at)
  const next = withOwnReport({ ...endpoint, ...withSuccess(at), lane, hasSamples: true }, at)
  if (next.hasUnreported || next.isKnownUnwritten || known === undefined || isSettled(known))
    return next
  if (ownState(next) === 'healthy' && isStale(known, at)) return { ...next, hasUnreported: true }
  return isMarkDue(known, at, rules) ? marked(next, known, at, rules) : next
}

/** The endpoint is gone, has failed for too long, or somebody turned it off. */
export function disabled(
  endpoint: Endpoint,
  hook: HookFacts,
  cause: { readonly reason: EndpointReason; readonly at: EpochMs; readonly instance: string },
): Endpoint {
  if (endpoint.known?.state === 'disabled' || isBehind(hook, endpoint)) return endpoint
  const known: Health = {
    ...reportedTally(endpoint),
    ...cause,
    hookId: hook.id,
    tenantId: hook.tenantId,
    state: 'disabled',
    since: cause.at,
    until: null,
    enableEpoch: endpoint.known?.enableEpoch ?? 0,
    endpoint: endpointOf(hook.url),
    configVersion: hook.configVersion,
  }
  return {
    ...endpoint,
    known,
    reportedState: 'disabled',
    hasUnreported: false,
    isKnownUnwritten: true,
  }
}

/** The lane of this instance moved. */
export function laneMoved(endpoint: Endpoint, lane: LaneCondition, at: EpochMs): Endpoint {
  const next = { ...endpoint, lane, movedAt: at }
  if (endpoint.known?.state === 'disabled') return next
  const isNewTime =
    'until' in lane && (!('until' in endpoint.lane) || lane.until !== endpoint.lane.until)
  return isNewTime
    ? { ...next, reportedState: lane.kind, hasUnreported: true }
    : withOwnReport(next, at)
}

/** A record was read, one's own included. */
export function reportRead(endpoint: Endpoint, report: Health): Endpoint {
  const { known } = endpoint
  // Compaction keeps the record that stands last: whoever knows better reports it again.
  if (!supersedes(report, known)) return { ...endpoint, isKnownUnwritten: true }
  const isNewBeginning = report.enableEpoch > (known?.enableEpoch ?? 0)
  const before = isNewBeginning ? { ...freshEndpoint, hasSamples: endpoint.hasSamples } : endpoint
  const isOver = isNewBeginning || report.state === 'disabled'
  return {
    ...before,
    ...mergedTally(before, report),
    known: report,
    reportedState: isOver || !before.hasSamples ? report.state : before.reportedState,
    hasUnreported: !isOver && before.hasUnreported,
    isKnownUnwritten: false,
  }
}

/** The hook's record was read, or changed. */
export function hookSeen(
  endpoint: Endpoint,
  hook: HookFacts,
  at: EpochMs,
  { instance }: HealthRules,
): Endpoint {
  return begunAnew(endpoint, hook, { at, instance }, ['newer', 'unordered'])
}

/**
 * A report on the hook's endpoint was read, maybe one of an instance that reads the hook topic late. Where records of a
 * hook stand in two partitions, instances may differ on which is the newest: they must not answer each other.
 */
export function hookKnown(
  endpoint: Endpoint,
  hook: HookFacts,
  at: EpochMs,
  { instance }: HealthRules,
): Endpoint {
  return begunAnew(endpoint, hook, { at, instance }, ['newer'])
}

/** What is to be written now; `undefined` when everything was reported. */
export function reportOf(
  endpoint: Endpoint,
  hook: HookFacts,
  at: EpochMs,
  { instance }: HealthRules,
): Health | undefined {
  const { known, hasUnreported, isKnownUnwritten, lane } = endpoint
  const state = ownState(endpoint)
  const until = 'until' in lane && state === lane.kind ? lane.until : null
  const isTold =
    !hasUnreported || isBehind(hook, endpoint) || isReported(endpoint, { state, until, at })
  if (isTold) return isKnownUnwritten ? known : undefined
  return {
    ...reportedTally(endpoint),
    hookId: hook.id,
    tenantId: hook.tenantId,
    state,
    since: known?.state === state ? known.since : at,
    reason: reasonOf(state),
    until,
    enableEpoch: known?.enableEpoch ?? 0,
    endpoint: endpointOf(hook.url),
    configVersion: hook.configVersion,
    instance,
    at,
  }
}

/** The report was handed over to be written. */
export function reportWritten(endpoint: Endpoint, report: Health | undefined): Endpoint {
  return {
    ...endpoint,
    known: report ?? endpoint.known,
    hasUnreported: false,
    isKnownUnwritten: false,
  }
}

/**
 * Whether another instance's report says that the endpoint has recovered since this one's lane opened. Clocks of two
 * processes may differ: a report that comes long after the lane opened is newer, whatever the time in it.
 */
export function reportsRecovery(
  { known, lane, movedAt }: Endpoint,
  report: Health,
  at: EpochMs,
  { instance }: HealthRules,
): boolean {
  if (report.state !== 'healthy' || report.instance === instance) return false
  if (!supersedes(report, known)) return false
  return lane.kind === 'flowing' || report.at > movedAt || at - movedAt > leastBetweenWritesMs
}

/**
 * This instance is to probe the endpoint next, in place of the one that was to, unless it finds the endpoint well.
 *
 * @param until when it does so
 */
export function claimed(
  endpoint: Endpoint,
  { at, until }: { readonly at: EpochMs; readonly until: EpochMs },
  { instance }: HealthRules,
): Endpoint {
  const { known, reportedState } = endpoint
  if (known?.state !== 'open' || known.instance === instance || reportedState === 'healthy')
    return endpoint
  const claim = { ...known, ...reportedTally(endpoint), until, instance, at }
  return { ...endpoint, known: claim, isKnownUnwritten: true }
}

function begunAnew(
  endpoint: Endpoint,
  hook: HookFacts,
  renewal: { readonly at: EpochMs; readonly instance: string },
  standings: readonly UrlStanding[],
): Endpoint {
  const { known } = endpoint
  if (known === undefined || !standings.includes(urlStanding(hook, known))) return endpoint
  const health = renewed(hook, known, { reason: 'url-changed', ...renewal })
  return { ...freshEndpoint, known: health, isKnownUnwritten: true }
}

function withOwnReport(endpoint: Endpoint, at: EpochMs): Endpoint {
  const { known, reportedState } = endpoint
  if (known?.state === 'disabled') return endpoint
  const state = ownState(endpoint)
  if (state !== reportedState) return { ...endpoint, reportedState: state, hasUnreported: true }
  const isProgress = state !== 'healthy' && known !== undefined && at - known.at >= progressMs
  return isProgress ? { ...endpoint, hasUnreported: true } : endpoint
}

function ownState({ lane, failures, reportedState }: Endpoint): EndpointState {
  if (lane.kind !== 'flowing') return lane.kind
  if (failures === 0) return 'healthy'
  // One that was not well is so again with a success, not with a first failure of a new row.
  return failures >= failingFrom || reportedState !== 'healthy' ? 'failing' : 'healthy'
}

/** A lane whose time is over is open or paused no more once a call went through. */
function laneAt(lane: LaneCondition, at: EpochMs): LaneCondition {
  return 'until' in lane && lane.until <= at ? flowing : lane
}

/** Whether this instance reads the hook topic late: what it finds is of a URL that is not called any more. */
function isBehind(hook: HookFacts, { known }: Endpoint): boolean {
  return known !== undefined && urlStanding(hook, known) === 'older'
}

/** Whether the report that counts says as much already. */
function isReported(
  { known, failingSince }: Endpoint,
  { state, until, at }: Pick<Health, 'state' | 'until' | 'at'>,
): boolean {
  if (state !== (known?.state ?? 'healthy')) return false
  if (known === undefined || state === 'healthy') return true
  const isSame = until === known.until && (failingSince ?? null) === known.failingSince
  return isSame && at - known.at < progressMs
}

function reasonOf(state: EndpointState): EndpointReason {
  if (state === 'healthy') return 'recovered'
  return state === 'paused' ? 'retry-after' : 'failures'
}

/** Whether an instance that succeeds has no reason to contradict it. */
function isSettled({ state }: Health): boolean {
  return state === 'healthy' || state === 'disabled'
}

function isStale({ at, until }: Health, now: EpochMs): boolean {
  return now - Math.max(at, until ?? 0) > staleMs
}

/** Others count failures. A success is reported often enough to keep them from the limit. */
function isMarkDue(
  { failingSince, lastSuccessAt }: Health,
  at: EpochMs,
  rules: HealthRules,
): boolean {
  const often = Math.min(progressMs, rules.disableAfterMs / 10)
  return failingSince !== null && at - (lastSuccessAt ?? 0) >= often
}

function marked(
  endpoint: Endpoint,
  known: Health,
  at: EpochMs,
  { instance }: HealthRules,
): Endpoint {
  const mark = { ...known, ...reportedTally(endpoint), instance, at }
  return { ...endpoint, known: mark, isKnownUnwritten: true }
}
