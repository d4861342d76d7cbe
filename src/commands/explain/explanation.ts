/** Explains an event: the state of each delivery and what to do, and why other hooks were not called. */
import type { DeliveryStory, RunStory } from '../../core/answers/delivery-story.ts'
import type { HookAnswer } from '../../core/answers/hook-answers.ts'
import { isDisabledFor, type Health } from '../../core/health/record.ts'
import { deliveryIdOf } from '../../core/model/identity.ts'
import { roughWait } from '../../core/model/durations.ts'
import type { DeliveryId, EpochMs, HookId } from '../../core/model/model.ts'
import type { DeliveryResult } from '../../core/model/records.ts'
import { placeOf } from '../../core/run/delivery-headers.ts'
import { urlWithoutSecrets } from '../../core/run/result.ts'
import { problemLine, problemsOf, tenantOf, type StoredHook } from '../hooks/topic.ts'
import { timeText } from '../results/result-line.ts'
import { shellWord, shortened } from '../table.ts'
import type { FoundEvent } from './found.ts'

/** Whether the group has completed the event's record; `undefined` if that is not known. */
export type Handled =
  | { readonly kind: 'yes' }
  | { readonly kind: 'no'; readonly words: string }
  | undefined

/** Where a run waits now. */
export interface Waiting {
  /** `<topic>/<partition>/<offset>` of the record that it waits as. */
  readonly place: string
  /** The number of its next attempt. */
  readonly attempt: number
  /** The earliest start of that attempt. If it is in the past, the delivery waits for its turn. */
  readonly startsAt: EpochMs
}

export interface Surroundings {
  readonly hooks: ReadonlyMap<HookId, StoredHook>
  readonly endpoints: ReadonlyMap<HookId, Health>
  /** For hooks of the event's tenant, and hooks of other tenants with its key. Empty if the event's record no longer exists. */
  readonly answers: ReadonlyMap<HookId, HookAnswer>
  readonly handled: Handled
  /** By delivery. Deliveries that do not wait have no entry, or an empty one. */
  readonly waiting: ReadonlyMap<DeliveryId, readonly Waiting[]>
  readonly now: EpochMs
  /** Explain only this hook. */
  readonly only: HookId | undefined
}

export interface ExplainedDelivery {
  readonly hookId: HookId
  readonly deliveryId: string
  /** The current URL of the hook; `null` if there is no such hook, or it is suspended. */
  readonly url: string | null
  /** The outcome of its newest result, or `none`. */
  readonly state: string
  /** A sentence without its full stop. */
  readonly words: string
  readonly dueAt: EpochMs | null
  readonly waits: readonly Waiting[]
  readonly endpoint: string | null
  readonly runs: readonly RunStory[]
  /** Commands to run next. */
  readonly next: readonly string[]
}

export interface ExplainedHook {
  readonly hookId: HookId
  readonly why: HookAnswer['kind']
  readonly words: string
  /** Whether the hook's record is newer than the event: its earlier state is not known. */
  readonly isChangedSince: boolean
}

export interface Explanation {
  readonly found: FoundEvent
  readonly place: string | undefined
  readonly deliveries: readonly ExplainedDelivery[]
  readonly others: readonly ExplainedHook[]
  /** Sentences about the event as a whole. */
  readonly remarks: readonly string[]
  readonly next: readonly string[]
}

export function explain(found: FoundEvent, around: Surroundings): Explanation {
  const { only } = around
  const place = found.event && placeOf(found.event.source)
  const deliveries = [
    ...[...found.deliveries.values()]
      .filter(({ hookId }) => only === undefined || hookId === only)
      .map((story) => explainedStory(story, found, around)),
    ...unrecorded(found, around),
  ]
  const refusals = refusalsOf(found, around)
  const own = refusals.filter(({ why }) => why !== 'other-tenant')
  // Hooks of other tenants are shown only if the tenant may be the mistake.
  const others = deliveries.length === 0 || only !== undefined ? refusals : own
  const isMissed = deliveries.length === 0 && place !== undefined && own[0] !== undefined
  return {
    ...{ found, place, deliveries, others },
    remarks: remarksOn(found, { around, deliveries, own }),
    next: isMissed ? [replayOf(place, own.length === 1 ? own[0]?.hookId : undefined)] : [],
  }
}

/** Deliveries without a result, to hooks that match the event. */
function unrecorded(found: FoundEvent, around: Surroundings): readonly ExplainedDelivery[] {
  return unknownAnswers(found, around)
    .filter(([, { kind }]) => kind === 'matches' || kind === 'suspended')
    .map(([hookId]) => withoutResult(hookId, found, around))
}

function refusalsOf(found: FoundEvent, around: Surroundings): readonly ExplainedHook[] {
  return unknownAnswers(found, around)
    .filter(([, { kind }]) => kind !== 'matches' && kind !== 'suspended')
    .map(([hookId, answer]) => {
      const hook = around.hooks.get(hookId)
      const words = refusal(answer, found, hook)
      return { hookId, why: answer.kind, words, isChangedSince: isChangedSince(hook, found) }
    })
}

/** The answers of hooks without a result. */
function unknownAnswers(
  { deliveries }: FoundEvent,
  { answers, only }: Surroundings,
): readonly (readonly [HookId, HookAnswer])[] {
  const known = new Set([...deliveries.values()].map(({ hookId }) => hookId))
  return [...answers].filter(
    ([hookId]) => !known.has(hookId) && (only === undefined || hookId === only),
  )
}

function isChangedSince(hook: StoredHook | undefined, { writtenAt }: FoundEvent): boolean {
  return (hook?.writtenAt ?? 0) > writtenAt
}

interface Remarked {
  readonly around: Surroundings
  readonly deliveries: readonly ExplainedDelivery[]
  readonly own: readonly ExplainedHook[]
}

function remarksOn(found: FoundEvent, { around, deliveries, own }: Remarked): readonly string[] {
  const { only, hooks, handled } = around
  const remarks: string[] = []
  if (found.event === undefined) {
    remarks.push(
      'Its record no longer exists, or is older than --from: other hooks cannot be explained.',
    )
  } else if (only === undefined && deliveries.length === 0 && own.length === 0) {
    remarks.push(`Tenant ${found.tenantId} has no hooks.`)
  } else if (deliveries.length === 0) {
    remarks.push('No hook was called for it, with the hooks as they are now.')
  }
  if (only !== undefined && !hooks.has(only)) remarks.push(`There is no hook ${only}.`)
  if (handled?.kind === 'no' && deliveries.every(({ state }) => state === 'none')) {
    remarks.push(handled.words)
  }
  return remarks
}

function explainedStory(
  story: DeliveryStory,
  { tenantId }: FoundEvent,
  around: Surroundings,
): ExplainedDelivery {
  const { deliveryId, hookId, runs, newest } = story
  const hook = around.hooks.get(hookId)
  const health = around.endpoints.get(hookId)
  const last = newest?.state.last
  const waits = around.waiting.get(deliveryId) ?? []
  const dueAt = dueOf(newest, waits)
  const isOfOther = hook !== undefined && tenantOf(hook) !== tenantId
  return {
    ...{ hookId, deliveryId, dueAt, waits, runs, url: urlOf(hook) },
    ...(last === undefined
      ? { state: 'none', words: 'it has no result', next: [] }
      : {
          state: last.outcome,
          words: stateWords(last, dueAt, around.now),
          next: nextFor(last, hook, health),
        }),
    endpoint: isOfOther ? null : endpointWords(hook, health, around.now),
  }
}

/** A delivery may have been deferred since its newest result. */
function dueOf(newest: RunStory | undefined, waits: readonly Waiting[]): EpochMs | null {
  if (newest?.state.kind !== 'open') return null
  return waits[0]?.startsAt ?? newest.state.dueAt ?? null
}

function withoutResult(hookId: HookId, found: FoundEvent, around: Surroundings): ExplainedDelivery {
  const { tenantId, eventId, event } = found
  const hook = around.hooks.get(hookId)
  const place = event && placeOf(event.source)
  const deliveryId = deliveryIdOf(tenantId, event?.eventSource ?? '', eventId, hookId)
  const waits = around.waiting.get(deliveryId) ?? []
  const isWaiting = around.handled?.kind === 'no' || waits.length > 0
  const replay = place === undefined ? [] : [replayOf(place, hookId)]
  return {
    ...{ hookId, deliveryId, waits, runs: [], url: urlOf(hook) },
    state: 'none',
    words: absenceWords(isWaiting, hook, found),
    dueAt: waits[0]?.startsAt ?? null,
    endpoint: endpointWords(hook, around.endpoints.get(hookId), around.now),
    next: isWaiting ? ['hooktide status'] : replay,
  }
}

/** The deliveries of the event that may wait somewhere. */
export function mayWait(
  found: FoundEvent,
  answers: ReadonlyMap<HookId, HookAnswer>,
): readonly DeliveryId[] {
  const { deliveries, tenantId, eventId, event } = found
  const recorded = new Map([...deliveries.values()].map((story) => [story.hookId, story]))
  const open = [...deliveries.values()]
    .filter(({ runs }) => runs.some(({ state }) => state.kind === 'open'))
    .map(({ deliveryId }) => deliveryId)
  const unrecordedHooks = [...answers].filter(
    ([hookId, { kind }]) => kind === 'matches' && !recorded.has(hookId),
  )
  const source = event?.eventSource ?? ''
  return [
    ...open,
    ...unrecordedHooks.map(([hookId]) => deliveryIdOf(tenantId, source, eventId, hookId)),
  ]
}

function absenceWords(isWaiting: boolean, hook: StoredHook | undefined, found: FoundEvent): string {
  if (isWaiting) return 'waits: it has no result yet'
  if (hook !== undefined && isChangedSince(hook, found)) {
    return `nothing was sent: the hook's record was written ${timeText(hook.writtenAt)}, after the event`
  }
  return 'it has no result: the results were deleted since, or the hook did not match at that time'
}

function urlOf(hook: StoredHook | undefined): string | null {
  return hook?.entry.kind === 'active' ? urlWithoutSecrets(hook.entry.hook.url) : null
}

const reasonWords: Readonly<Record<string, string>> = {
  gone: 'the endpoint answered 410 Gone',
  'invalid-url': "the hook's URL cannot be used",
  exhausted: 'every attempt failed',
  'max-age': 'it reached the maximum age',
  'endpoint-disabled': 'its endpoint was disabled',
  'endpoint-down': 'its endpoint was down for too long, or too many deliveries waited for it',
  overflow: 'the maximum number of deliveries waited for its endpoint',
  'hook-invalid': "the hook's record was not valid",
  'hook-deleted': 'the hook was deleted, or given to another tenant',
  'hook-disabled': 'the hook was disabled',
  'too-large': 'it was too large for a topic',
}

function stateWords(last: DeliveryResult, dueAt: EpochMs | null, now: EpochMs): string {
  const { outcome, reason, attempt, maxAttempts, attemptedAt } = last
  if (outcome === 'delivered')
    return `delivered ${timeText(attemptedAt)}, by attempt ${attempt ?? '-'}`
  const due = dueAt === null ? '' : dueWords(dueAt, now)
  if (outcome === 'retrying') {
    return `attempt ${attempt ?? '-'} of ${maxAttempts ?? '-'} failed; the next is due ${due}`
  }
  if (outcome === 'deferred') return `waits for its endpoint or its turn; checked again ${due}`
  if (outcome === 'interrupted') return 'a process stopped during the call; the call is repeated'
  const why = reason === null ? '' : `: ${reasonWords[reason] ?? reason}`
  return `${outcome} ${timeText(attemptedAt)}${why}`
}

function dueWords(dueAt: EpochMs, now: EpochMs): string {
  const wait = roughWait(Math.abs(dueAt - now))
  return `${timeText(dueAt)} (${dueAt >= now ? `in ${wait}` : `${wait} ago`})`
}

function endpointWords(
  hook: StoredHook | undefined,
  health: Health | undefined,
  now: EpochMs,
): string | null {
  if (health === undefined || health.state === 'healthy' || hook?.entry.kind !== 'active')
    return null
  if (health.state === 'disabled' && !isDisabledFor(hook.entry.hook, health)) return null
  const until = health.until === null ? '' : `, next probe ${dueWords(health.until, now)}`
  return `${health.state} since ${timeText(health.since)}, by ${health.reason}${until}`
}

function nextFor(
  { outcome, deliveryId, hookId, reason }: DeliveryResult,
  hook: StoredHook | undefined,
  health: Health | undefined,
): readonly string[] {
  if (outcome === 'delivered' || outcome === 'interrupted') return []
  const resend = `hooktide resend ${deliveryId}`
  if (hook === undefined) return []
  if (hook.entry.kind === 'suspended') return [`hooktide hooks get ${shellWord(hookId)}`, resend]
  if (!hook.entry.hook.enabled) return [`hooktide hooks enable ${shellWord(hookId)}`, resend]
  const isDisabled = isDisabledFor(hook.entry.hook, health)
  if (isDisabled) return [`hooktide endpoints enable ${shellWord(hookId)}`, resend]
  return reason === 'invalid-url' ? [`hooktide hooks get ${shellWord(hookId)}`, resend] : [resend]
}

/** Sends the event again, for after the hook was corrected. */
function replayOf(place: string, hookId: HookId | undefined): string {
  const offset = place.slice(place.lastIndexOf('/') + 1)
  const hook = hookId === undefined ? '' : ` --hook ${shellWord(hookId)}`
  return `hooktide replay --offsets ${place}-${offset}${hook}`
}

const mostFilterShown = 200

function refusal(
  answer: HookAnswer,
  { eventKey }: FoundEvent,
  hook: StoredHook | undefined,
): string {
  const filter = hook?.entry.kind === 'active' ? (hook.entry.hook.filter ?? '') : ''
  switch (answer.kind) {
    case 'filter-false':
      return `its filter is false: ${shortened(filter, mostFilterShown)}`
    case 'filter-fault':
      return `its filter has no value (${answer.fault}): ${shortened(filter, mostFilterShown)}`
    case 'disabled':
      return 'it is disabled'
    case 'not-subscribed':
      return `${eventKey} is not among its events`
    case 'other-tenant':
      return `it is of tenant ${answer.tenantId}`
    case 'suspended':
      return `it is suspended: ${hook === undefined ? '' : problemsOf(hook).map(problemLine).join('; ')}`
    case 'matches':
      return 'it matches'
  }
}
