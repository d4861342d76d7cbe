/**
 * How an endpoint does, as one instance sees it: what it found itself, and what was said on the topic of endpoint health
 * (design section 7). A reducer: what happened, to what follows and what is to be said.
 *
 * An instance tells of its own changes only. It takes over what others said where it has found nothing itself, as after a
 * restart. So instances with opposite experience of an endpoint do not answer each other: the one that succeeds only
 * marks, once in a while, that there was a success, which keeps the other from counting its failures to the end; and it
 * says that all is well when the other has not said anything for long.
 */
import { hasOtherUrl, renewed, endpointOf, supersedes, type Health } from './endpoint-record.ts'
import type { LaneCondition } from './lane.ts'
import type { EpochMs, Hook } from './model.ts'
import type { EndpointReason, EndpointState } from './record-values.ts'

export interface Endpoint {
  /** The word that counts, this instance's or another's. */
  readonly known: Health | undefined
  /** What this instance said last, or took over. */
  readonly told: EndpointState
  /** Of this instance's lane; times are those of the epoch. */
  readonly lane: LaneCondition
  /** Failed attempts since the last success of any instance, as far as it is known. */
  readonly failures: number
  readonly failingSince: EpochMs | undefined
  readonly lastFailureAt: EpochMs | undefined
  readonly lastSuccessAt: EpochMs | undefined
  /** Whether this instance made an attempt itself. */
  readonly hasSamples: boolean
  /** What is to be written: what this instance finds now, or again what is known. */
  readonly toSay: 'own' | 'known' | undefined
}

export type HookFacts = Pick<Hook, 'id' | 'tenantId' | 'url' | 'configVersion'>

export interface HealthRules {
  readonly instance: string
  /** Failures that span so long, with no success between, disable an endpoint. */
  readonly disableAfterMs: number
}

/** With fewer failed attempts nothing is disabled. */
const leastFailures = 20
/** Failures that lie further apart are no evidence of one another: the longest step of the default schedule is 24 h. */
const longestGapMs = 48 * 3_600_000
/** So many failed attempts in a row make an endpoint failing. */
const failingFrom = 3
/** While it goes on failing, this is said again so often: what a restart forgets is bounded by it. */
const progressMs = 3_600_000
/** What another instance said of a failing endpoint and did not repeat for so long is stale. */
const staleMs = 2 * progressMs

export const freshEndpoint: Endpoint = {
  known: undefined,
  told: 'healthy',
  lane: { kind: 'flowing' },
  failures: 0,
  failingSince: undefined,
  lastFailureAt: undefined,
  lastSuccessAt: undefined,
  hasSamples: false,
  toSay: undefined,
}

/** An attempt failed. */
export function failed(
  endpoint: Endpoint,
  hook: HookFacts,
  at: EpochMs,
  rules: HealthRules,
): Endpoint {
  const { lastFailureAt } = endpoint
  const isApart = lastFailureAt !== undefined && at - lastFailureAt > longestGapMs
  const failures = isApart ? 1 : endpoint.failures + 1
  const failingSince = isApart ? at : (endpoint.failingSince ?? at)
  const next = { ...endpoint, failures, failingSince, lastFailureAt: at, hasSamples: true }
  if (failures >= leastFailures && at - failingSince >= rules.disableAfterMs) {
    return disabled(next, hook, { reason: 'failing-for-days', at, instance: rules.instance })
  }
  return withOwnWord(next, at)
}

/** An attempt succeeded. */
export function succeeded(endpoint: Endpoint, at: EpochMs, rules: HealthRules): Endpoint {
  const next = {
    ...endpoint,
    failures: 0,
    failingSince: undefined,
    lastFailureAt: undefined,
    lastSuccessAt: at,
    hasSamples: true,
  }
  const { known } = endpoint
  const told = withOwnWord(next, at)
  if (told.toSay !== undefined || known === undefined || isWell(known)) return told
  if (ownState(next) === 'healthy' && isStale(known, at)) return { ...next, toSay: 'own' }
  return isMarkDue(known, at, rules) ? marked(next, known, at, rules) : next
}

/** The endpoint is gone, has failed for too long, or somebody turned it off. */
export function disabled(
  endpoint: Endpoint,
  hook: HookFacts,
  cause: { readonly reason: EndpointReason; readonly at: EpochMs; readonly instance: string },
): Endpoint {
  if (endpoint.known?.state === 'disabled') return endpoint
  const enableEpoch = endpoint.known?.enableEpoch ?? 0
  const known: Health = {
    ...tallyOf(endpoint),
    ...cause,
    hookId: hook.id,
    tenantId: hook.tenantId,
    state: 'disabled',
    since: cause.at,
    until: null,
    enableEpoch,
    endpoint: endpointOf(hook.url),
    configVersion: hook.configVersion,
  }
  return { ...endpoint, known, told: 'disabled', toSay: 'known' }
}

/** The lane of this instance moved. */
export function laneMoved(endpoint: Endpoint, lane: LaneCondition, at: EpochMs): Endpoint {
  const next = { ...endpoint, lane }
  const isNewTime =
    'until' in lane && (!('until' in endpoint.lane) || lane.until !== endpoint.lane.until)
  return isNewTime && next.known?.state !== 'disabled'
    ? { ...next, toSay: 'own' }
    : withOwnWord(next, at)
}

/** A record was read, one's own included. */
export function heard(endpoint: Endpoint, said: Health): Endpoint {
  const { known } = endpoint
  if (!supersedes(said, known)) return { ...endpoint, toSay: 'known' }
  const isNewBeginning = said.enableEpoch > (known?.enableEpoch ?? 0)
  const before = isNewBeginning ? { ...freshEndpoint, hasSamples: endpoint.hasSamples } : endpoint
  const next = { ...before, known: said, ...heardTally(before, said) }
  const isOver = isNewBeginning || said.state === 'disabled'
  const told = isOver || !endpoint.hasSamples ? said.state : before.told
  return { ...next, told, toSay: isOver ? undefined : endpoint.toSay }
}

/** The hook's record was read, or changed. */
export function hookSeen(
  endpoint: Endpoint,
  hook: HookFacts,
  at: EpochMs,
  { instance }: HealthRules,
): Endpoint {
  const { known } = endpoint
  if (known === undefined || !hasOtherUrl(hook, known)) return endpoint
  const health = renewed(hook, known, { reason: 'url-changed', instance, at })
  return { ...freshEndpoint, known: health, told: 'healthy', toSay: 'known' }
}

/** What is to be written now; `undefined` when everything was said. */
export function wordOf(
  endpoint: Endpoint,
  hook: HookFacts,
  at: EpochMs,
  { instance }: HealthRules,
): Health | undefined {
  const { known, toSay, lane } = endpoint
  if (toSay === undefined) return undefined
  if (toSay === 'known') return known
  const state = ownState(endpoint)
  const until = 'until' in lane && state === lane.kind ? lane.until : null
  if (state === 'healthy' && (known === undefined || known.state === 'healthy')) return undefined
  return {
    ...tallyOf(endpoint),
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
  return { ...endpoint, known: word ?? endpoint.known, toSay: undefined }
}

/** What another instance's word means for a lane that knows nothing itself. */
export function seedOf({ known }: Endpoint, now: EpochMs): LaneCondition {
  const isBlocked = known?.state === 'open' || known?.state === 'paused'
  if (!isBlocked || known.until === null || known.until <= now) return { kind: 'flowing' }
  return { kind: known.state === 'open' ? 'open' : 'paused', until: known.until }
}

function withOwnWord(endpoint: Endpoint, at: EpochMs): Endpoint {
  const { known, told } = endpoint
  if (known?.state === 'disabled') return endpoint
  const state = ownState(endpoint)
  if (state !== told) return { ...endpoint, told: state, toSay: 'own' }
  const isProgress = state !== 'healthy' && known !== undefined && at - known.at >= progressMs
  return isProgress ? { ...endpoint, toSay: 'own' } : endpoint
}

function ownState({ lane, failures }: Endpoint): EndpointState {
  if (lane.kind !== 'flowing') return lane.kind
  return failures >= failingFrom ? 'failing' : 'healthy'
}

function reasonOf(state: EndpointState): EndpointReason {
  if (state === 'healthy') return 'recovered'
  return state === 'paused' ? 'retry-after' : 'failures'
}

function isWell({ state }: Health): boolean {
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
  const mark = { ...known, ...tallyOf(endpoint), instance, at }
  return { ...endpoint, known: mark, toSay: 'known' }
}

type Tally = Pick<Health, 'failures' | 'failingSince' | 'lastFailureAt' | 'lastSuccessAt'>

function tallyOf({ failures, failingSince, lastFailureAt, lastSuccessAt }: Endpoint): Tally {
  return {
    failures,
    failingSince: failingSince ?? null,
    lastFailureAt: lastFailureAt ?? null,
    lastSuccessAt: lastSuccessAt ?? null,
  }
}

/** What others counted joins what was counted here; a success of any of them begins the count anew. */
function heardTally(
  endpoint: Endpoint,
  said: Health,
): Pick<Endpoint, 'failures' | 'failingSince' | 'lastFailureAt' | 'lastSuccessAt'> {
  const lastSuccessAt = latest(endpoint.lastSuccessAt, said.lastSuccessAt ?? undefined)
  const isAfter = (at: EpochMs | undefined) =>
    at !== undefined && (lastSuccessAt === undefined || at > lastSuccessAt)
  const ownCounts = isAfter(endpoint.failingSince)
  const saidCounts = isAfter(said.failingSince ?? undefined)
  const starts = [
    ownCounts ? endpoint.failingSince : undefined,
    saidCounts ? (said.failingSince ?? undefined) : undefined,
  ].filter((at) => at !== undefined)
  return {
    failures: Math.max(ownCounts ? endpoint.failures : 0, saidCounts ? said.failures : 0),
    failingSince: starts.length === 0 ? undefined : Math.min(...starts),
    lastFailureAt:
      starts.length === 0
        ? undefined
        : latest(endpoint.lastFailureAt, said.lastFailureAt ?? undefined),
    lastSuccessAt,
  }
}

function latest(one: EpochMs | undefined, other: EpochMs | undefined): EpochMs | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return Math.max(one, other)
}
