/**
 * The health of an endpoint as one instance sees it: from its own attempts, and from the reports on the topic of endpoint
 * health (docs/results.md, Endpoint health). A reducer: it takes what happened, and gives the next state, from which
 * {@link reportOf} makes the report to write.
 *
 * An instance reports only changes that it found itself. While it has made no attempts, as after a restart, it takes over
 * the reports of others. So two instances of which one fails and one succeeds do not answer each other's reports without
 * end. The one that succeeds only marks a success from time to time, which keeps the other from counting its failures up to
 * the limit. It reports the endpoint as healthy only when the other has reported nothing for a long time.
 */
import {
  endpointOf,
  minBetweenWritesMs,
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
import type { EpochMs, Hook } from '../model/model.ts'
import type { EndpointReason, EndpointState } from '../model/record-values.ts'

/**
 * The condition of this instance's lane, in the time of reports. `LaneCondition` in `core/lane` is the same on a clock that
 * never jumps. The names of the times differ, so that neither can be used as the other.
 */
export type EndpointLane =
  | { readonly kind: 'flowing' }
  | { readonly kind: 'open' | 'paused'; readonly endsAt: EpochMs }

export interface Endpoint extends Tally {
  /** The current report, of this instance or another. */
  readonly known: Health | undefined
  /** The state that this instance found last, or took over from a report. */
  readonly reportedState: EndpointState
  readonly lane: EndpointLane
  /** When the condition of the lane changed last. */
  readonly movedAt: EpochMs
  /** Whether this instance has made an attempt itself. */
  readonly hasSamples: boolean
  /** Whether this instance found a change that it has not reported yet. */
  readonly hasUnreported: boolean
  /** Whether the current report has to be written: it is not on the topic, or not the last one there. */
  readonly isKnownUnwritten: boolean
}

export type HookFacts = Pick<Hook, 'id' | 'tenantId' | 'url' | 'configVersion'>

export interface HealthRules {
  readonly instance: string
  /** Failures that span this time, without a success between them, disable an endpoint. */
  readonly disableAfterMs: number
}

/** This many failed attempts in a row make an endpoint failing. */
const failingFrom = 3
/** While an endpoint keeps failing, it is reported again at this interval. It bounds what a restart forgets. */
const progressMs = 3_600_000
/** Another instance's report of a failing endpoint is stale when it was not repeated for this long. */
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

/** Whether a further success would change nothing. It is true of most endpoints, nearly always. */
export function successChangesNothing({
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
  // A pause ends at its time. An open lane stays open until its probe has succeeded.
  const lane = endpoint.lane.kind === 'paused' ? laneAt(endpoint.lane, at) : endpoint.lane
  const next = { ...endpoint, ...tally, lane, hasSamples: true }
  if (spans(tally, rules.disableAfterMs)) {
    return disabled(next, hook, { reason: 'failing-for-days', at, instance: rules.instance })
  }
  return withOwnReport(next, at)
}

/** An attempt succeeded. */
export function succeeded(endpoint: Endpoint, at: EpochMs, rules: HealthRules): Endpoint {
  if (successChangesNothing(endpoint)) return endpoint
  const { known } = endpoint
  const lane = laneAt(endpoint.lane, at)
  const next = withOwnReport({ ...endpoint, ...withSuccess(at), lane, hasSamples: true }, at)
  if (next.hasUnreported || next.isKnownUnwritten || known === undefined || isSettled(known))
    return next
  if (ownState(next) === 'healthy' && isStale(known, at)) return { ...next, hasUnreported: true }
  return isMarkDue(known, at, rules) ? marked(next, known, at, rules) : next
}

/** Disables the endpoint: it answered 410, has failed for too long, or an operator disabled it. */
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

/** The report that disables the endpoint of the hook. What was said of a former URL must not stand in the way. */
export function disabledByOperator(
  hook: HookFacts,
  known: Health | undefined,
  { at, instance }: { readonly at: EpochMs; readonly instance: string },
): Health | undefined {
  const read = known === undefined ? freshEndpoint : reportRead(freshEndpoint, known)
  const endpoint = hookSeen(read, hook, at, { instance })
  return disabled(endpoint, hook, { reason: 'operator', at, instance }).known
}

/** The condition of this instance's lane changed. */
export function laneMoved(endpoint: Endpoint, lane: EndpointLane, at: EpochMs): Endpoint {
  const next = { ...endpoint, lane, movedAt: at }
  if (endpoint.known?.state === 'disabled') return next
  const isNewTime =
    lane.kind !== 'flowing' &&
    (endpoint.lane.kind === 'flowing' || lane.endsAt !== endpoint.lane.endsAt)
  return isNewTime
    ? { ...next, reportedState: lane.kind, hasUnreported: true }
    : withOwnReport(next, at)
}

/** A report was read from the topic, possibly this instance's own. */
export function reportRead(endpoint: Endpoint, report: Health): Endpoint {
  const { known } = endpoint
  // Compaction keeps the last record, so the current report has to be written again after an outdated one.
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
  { instance }: Pick<HealthRules, 'instance'>,
): Endpoint {
  return restartedIfNewUrl(endpoint, hook, { at, instance }, ['newer', 'unordered'])
}

/**
 * A report about the hook's endpoint was read. Its writer may be behind in reading the hook topic. Where records of a hook
 * are in two partitions, instances may differ on which one is the newest. So such records cause no new report here, and the
 * instances do not answer each other without end.
 */
export function hookKnown(
  endpoint: Endpoint,
  hook: HookFacts,
  at: EpochMs,
  { instance }: Pick<HealthRules, 'instance'>,
): Endpoint {
  return restartedIfNewUrl(endpoint, hook, { at, instance }, ['newer'])
}

/** The report to write now; `undefined` when everything is reported. */
export function reportOf(
  endpoint: Endpoint,
  hook: HookFacts,
  at: EpochMs,
  { instance }: HealthRules,
): Health | undefined {
  const { known, hasUnreported, isKnownUnwritten, lane } = endpoint
  const state = ownState(endpoint)
  const until = lane.kind !== 'flowing' && state === lane.kind ? lane.endsAt : null
  const isAlreadyReported =
    !hasUnreported || isBehind(hook, endpoint) || isReported(endpoint, { state, until, at })
  if (isAlreadyReported) return isKnownUnwritten ? known : undefined
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

/** The report was given to the sink. */
export function reportWritten(endpoint: Endpoint, report: Health | undefined): Endpoint {
  return {
    ...endpoint,
    known: report ?? endpoint.known,
    hasUnreported: false,
    isKnownUnwritten: false,
  }
}

/**
 * Whether another instance's report shows that the endpoint has recovered since this instance's lane opened. The clocks of
 * two processes may differ. A report that is read long after the lane opened counts as newer, whatever time it contains.
 */
export function reportsRecovery(
  { known, lane, movedAt }: Endpoint,
  report: Health,
  at: EpochMs,
  { instance }: HealthRules,
): boolean {
  if (report.state !== 'healthy' || report.instance === instance) return false
  if (!supersedes(report, known)) return false
  return lane.kind === 'flowing' || report.at > movedAt || at - movedAt > minBetweenWritesMs
}

/**
 * Claims the next probe of the endpoint for this instance, in place of the one that reported last. Nothing changes if this
 * instance has found the endpoint healthy.
 *
 * @param until the time of the probe
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

function restartedIfNewUrl(
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
  // An endpoint that was not healthy becomes healthy with a success, not with the first failure of a new row.
  return failures >= failingFrom || reportedState !== 'healthy' ? 'failing' : 'healthy'
}

/** The condition of a lane after a call: an open or paused lane flows again if its time is over. */
function laneAt(lane: EndpointLane, at: EpochMs): EndpointLane {
  return lane.kind !== 'flowing' && lane.endsAt <= at ? flowing : lane
}

/** Whether this instance is behind in reading the hook topic, so that its attempts went to a former URL. */
function isBehind(hook: HookFacts, { known }: Endpoint): boolean {
  return known !== undefined && urlStanding(hook, known) === 'older'
}

/** Whether the current report has the same content. */
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

/** Whether an instance that succeeds has no reason to contradict the report. */
function isSettled({ state }: Health): boolean {
  return state === 'healthy' || state === 'disabled'
}

function isStale({ at, until }: Health, now: EpochMs): boolean {
  return now - Math.max(at, until ?? 0) > staleMs
}

/** Other instances count failures. A success is marked often enough to keep them below the limit. */
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
