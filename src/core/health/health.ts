/**
 * How an endpoint does, as one instance sees it: what it found itself, and what was said on the topic of endpoint health
 * (docs/results.md, Endpoint health). A reducer: what happened, to what follows and what is to be said.
 *
 * An instance tells of its own changes only. It takes over what others said where it has found nothing itself, as after a
 * restart. So instances with opposite experience of an endpoint do not answer each other: the one that succeeds only
 * marks, once in a while, that there was a success, which keeps the other from counting its failures to the end; and it
 * says that all is well when the other has not said anything for long.
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
  saidTally,
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
  /** The word that counts, this instance's or another's. */
  readonly known: Health | undefined
  /** What this instance found last, or took over. */
  readonly told: EndpointState
  /** Of this instance's lane; times are those of the epoch. */
  readonly lane: LaneCondition
  /** When the lane moved last. */
  readonly movedAt: EpochMs
  /** Whether this instance made an attempt itself. */
  readonly hasSamples: boolean
  /** Whether this instance found something that it has not said yet. */
  readonly hasNews: boolean
  /** Whether the word that counts is not, or not the last, on the topic. */
  readonly isKnownUnsaid: boolean
}

export type HookFacts = Pick<Hook, 'id' | 'tenantId' | 'url' | 'configVersion'>

export interface HealthRules {
  readonly instance: string
  /** Failures that span so long, with no success between, disable an endpoint. */
  readonly disableAfterMs: number
}

/** So many failed attempts in a row make an endpoint failing. */
const failingFrom = 3
/** While it goes on failing, this is said again so often: what a restart forgets is bounded by it. */
const progressMs = 3_600_000
/** What another instance said of a failing endpoint and did not repeat for so long is stale. */
const staleMs = 2 * progressMs

const flowing = { kind: 'flowing' } as const

export const freshEndpoint: Endpoint = {
  ...noAttempts,
  known: undefined,
  told: 'healthy',
  lane: flowing,
  movedAt: 0,
  hasSamples: false,
  hasNews: false,
  isKnownUnsaid: false,
}

/** Whether a further success changes nothing: most endpoints, nearly always. */
export function doesWell({ known, told, lane, failures, hasSamples, hasNews }: Endpoint): boolean {
  const isKnownWell = known === undefined || known.state === 'healthy'
  const isFoundWell = hasSamples && told === 'healthy' && failures === 0 && lane.kind === 'flowing'
  return isKnownWell && isFoundWell && !hasNews
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
  return withOwnWord(next, at)
}

/** An attempt succeeded. */
export function succeeded(endpoint: Endpoint, at: EpochMs, rules: HealthRules): Endpoint {
  if (doesWell(endpoint)) return endpoint
  const { known } = endpoint
  const lane = laneAt(endpoint.lane, at)
  const next = withOwnWord({ ...endpoint, ...withSuccess(at), lane, hasSamples: true }, at)
  if (next.hasNews || next.isKnownUnsaid || known === undefined || isSettled(known)) return next
  if (ownState(next) === 'healthy' && isStale(known, at)) return { ...next, hasNews: true }
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
    ...saidTally(endpoint),
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
  return { ...endpoint, known, told: 'disabled', hasNews: false, isKnownUnsaid: true }
}

/** The lane of this instance moved. */
export function laneMoved(endpoint: Endpoint, lane: LaneCondition, at: EpochMs): Endpoint {
  const next = { ...endpoint, lane, movedAt: at }
  if (endpoint.known?.state === 'disabled') return next
  const isNewTime =
    'until' in lane && (!('until' in endpoint.lane) || lane.until !== endpoint.lane.until)
  return isNewTime ? { ...next, told: lane.kind, hasNews: true } : withOwnWord(next, at)
}

/** A record was read, one's own included. */
export function heard(endpoint: Endpoint, said: Health): Endpoint {
  const { known } = endpoint
  // Compaction keeps what stands last: whoever knows better says it again.
  if (!supersedes(said, known)) return { ...endpoint, isKnownUnsaid: true }
  const isNewBeginning = said.enableEpoch > (known?.enableEpoch ?? 0)
  const before = isNewBeginning ? { ...freshEndpoint, hasSamples: endpoint.hasSamples } : endpoint
  const isOver = isNewBeginning || said.state === 'disabled'
  return {
    ...before,
    ...mergedTally(before, said),
    known: said,
    told: isOver || !before.hasSamples ? said.state : before.told,
    hasNews: !isOver && before.hasNews,
    isKnownUnsaid: false,
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
 * A word on the hook's endpoint was read, maybe one of an instance that reads the hook topic late. Where records of a
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

/** What is to be written now; `undefined` when everything was said. */
export function wordOf(
  endpoint: Endpoint,
  hook: HookFacts,
  at: EpochMs,
  { instance }: HealthRules,
): Health | undefined {
  const { known, hasNews, isKnownUnsaid, lane } = endpoint
  const state = ownState(endpoint)
  const until = 'until' in lane && state === lane.kind ? lane.until : null
  const isTold = !hasNews || isBehind(hook, endpoint) || isSaid(endpoint, { state, until, at })
  if (isTold) return isKnownUnsaid ? known : undefined
  return {
    ...saidTally(endpoint),
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

/** The word was handed over to be written. */
export function said(endpoint: Endpoint, word: Health | undefined): Endpoint {
  return { ...endpoint, known: word ?? endpoint.known, hasNews: false, isKnownUnsaid: false }
}

/**
 * Whether another instance's word says that the endpoint has recovered since this one's lane opened. Clocks of two
 * processes may differ: a word that comes long after the lane opened is newer, whatever the time in it.
 */
export function tellsRecovery(
  { known, lane, movedAt }: Endpoint,
  word: Health,
  at: EpochMs,
  { instance }: HealthRules,
): boolean {
  if (word.state !== 'healthy' || word.instance === instance) return false
  if (!supersedes(word, known)) return false
  return lane.kind === 'flowing' || word.at > movedAt || at - movedAt > leastBetweenWritesMs
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
  const { known, told } = endpoint
  if (known?.state !== 'open' || known.instance === instance || told === 'healthy') return endpoint
  const claim = { ...known, ...saidTally(endpoint), until, instance, at }
  return { ...endpoint, known: claim, isKnownUnsaid: true }
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
  return { ...freshEndpoint, known: health, isKnownUnsaid: true }
}

function withOwnWord(endpoint: Endpoint, at: EpochMs): Endpoint {
  const { known, told } = endpoint
  if (known?.state === 'disabled') return endpoint
  const state = ownState(endpoint)
  if (state !== told) return { ...endpoint, told: state, hasNews: true }
  const isProgress = state !== 'healthy' && known !== undefined && at - known.at >= progressMs
  return isProgress ? { ...endpoint, hasNews: true } : endpoint
}

function ownState({ lane, failures, told }: Endpoint): EndpointState {
  if (lane.kind !== 'flowing') return lane.kind
  if (failures === 0) return 'healthy'
  // One that was not well is so again with a success, not with a first failure of a new row.
  return failures >= failingFrom || told !== 'healthy' ? 'failing' : 'healthy'
}

/** A lane whose time is over is open or paused no more once a call went through. */
function laneAt(lane: LaneCondition, at: EpochMs): LaneCondition {
  return 'until' in lane && lane.until <= at ? flowing : lane
}

/** Whether this instance reads the hook topic late: what it finds is of a URL that is not called any more. */
function isBehind(hook: HookFacts, { known }: Endpoint): boolean {
  return known !== undefined && urlStanding(hook, known) === 'older'
}

/** Whether the word that counts says as much already. */
function isSaid(
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

/** Others count failures: a success is told of often enough that they cannot come to their end. */
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
  const mark = { ...known, ...saidTally(endpoint), instance, at }
  return { ...endpoint, known: mark, isKnownUnsaid: true }
}
