/** Explains an event: the state of each delivery and what to do, and why other hooks were not called. */
import type { DeliveryStory, RunStory } from '../../core/answers/delivery-story.ts'
import type { HookAnswer } from '../../core/answers/hook-answers.ts'
import { endpointStateOf, healthFor, isDisabledFor, type Health } from '../../core/health/record.ts'
import { deliveryIdOf } from '../../core/model/identity.ts'
import type { DeliveryId, EpochMs, HookId } from '../../core/model/model.ts'
import type { DeliveryResult } from '../../core/model/records.ts'
import { placeOf } from '../../core/run/delivery-headers.ts'
import { urlWithoutSecrets } from '../../core/run/result.ts'
import { tenantOf, type StoredHook } from '../hooks/topic.ts'
import { timeText } from '../results/result-line.ts'
import { nextCommand } from '../next-command.ts'
import { dueNow, dueWords, endWithoutCall, endWords, reasonWords } from './ends.ts'
import { nextOf, nowhere, openWords } from './going-on.ts'
import type { FoundEvent } from './found.ts'
import { absenceWords, isChangedSince, refusalWords } from './refusals.ts'

/** Whether the group has completed the event's record; `undefined` if that is not known. */
export type Handled =
  | { readonly kind: 'yes' }
  | { readonly kind: 'no'; readonly words: string }
  | undefined

/** Where a run waits now. */
export interface Waiting {
  readonly run: string
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
  /** By delivery; empty for those that do not wait. Without an entry it is not known. */
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

/** Deliveries without a result: to hooks that match the event, and what waits or died whatever the hook is now. */
function unrecorded(found: FoundEvent, around: Surroundings): readonly ExplainedDelivery[] {
  const matching = unknownAnswers(found, around)
    .filter(([, { kind }]) => kind === 'matches' || kind === 'suspended')
    .map(([hookId]) => hookId)
  const others = [...found.letters.keys(), ...(around.only === undefined ? [] : [around.only])]
  const known = knownHooks(found)
  const remaining = others.filter(
    (hookId) => !known.has(hookId) && hasTraces(hookId, found, around),
  )
  return [...new Set([...matching, ...remaining])].map((hookId) =>
    withoutResult(hookId, found, around),
  )
}

function hasTraces(hookId: HookId, found: FoundEvent, { only, waiting }: Surroundings): boolean {
  if (only !== undefined && only !== hookId) return false
  const waits = waiting.get(deliveryIdIn(found, hookId)) ?? []
  return found.letters.has(hookId) || waits.length > 0
}

function deliveryIdIn({ tenantId, eventId, event }: FoundEvent, hookId: HookId): DeliveryId {
  return deliveryIdOf(tenantId, event?.eventSource ?? '', eventId, hookId)
}

function refusalsOf(found: FoundEvent, around: Surroundings): readonly ExplainedHook[] {
  return unknownAnswers(found, around)
    .filter(([, { kind }]) => kind !== 'matches' && kind !== 'suspended')
    .filter(([hookId]) => !hasTraces(hookId, found, around))
    .map(([hookId, answer]) => {
      const hook = around.hooks.get(hookId)
      const words = refusalWords(answer, found, hook)
      return { hookId, why: answer.kind, words, isChangedSince: isChangedSince(hook, found) }
    })
}

/** The hooks with a result. */
function knownHooks({ deliveries }: FoundEvent): ReadonlySet<HookId> {
  return new Set([...deliveries.values()].map(({ hookId }) => hookId))
}

/** The answers of hooks without a result. */
function unknownAnswers(
  found: FoundEvent,
  { answers, only }: Surroundings,
): readonly (readonly [HookId, HookAnswer])[] {
  const known = knownHooks(found)
  return [...answers].filter(
    ([hookId]) => !known.has(hookId) && (only === undefined || hookId === only),
  )
}

interface Remarked {
  readonly around: Surroundings
  readonly deliveries: readonly ExplainedDelivery[]
  readonly own: readonly ExplainedHook[]
}

function remarksOn(found: FoundEvent, remarked: Remarked): readonly string[] {
  const { around, deliveries, own } = remarked
  const { only, handled } = around
  const remarks: string[] = []
  if (found.event === undefined) {
    remarks.push(
      'Its record no longer exists, or is older than --from: other hooks cannot be explained.',
    )
  } else if (only === undefined && deliveries.length === 0) {
    remarks.push(
      own.length === 0
        ? `Tenant ${found.tenantId} has no hooks.`
        : 'No hook was called for it, with the hooks as they are now.',
    )
  }
  if (only !== undefined) remarks.push(...remarkOnHook(only, remarked))
  if (handled?.kind === 'no' && deliveries.every(({ state }) => state === 'none')) {
    remarks.push(handled.words)
  }
  return remarks
}

function remarkOnHook(hookId: HookId, { around, deliveries, own }: Remarked): readonly string[] {
  if (!around.hooks.has(hookId)) return [`There is no hook ${hookId}.`]
  const isSaid = deliveries.length > 0 || own.length > 0
  return isSaid ? [] : [`Hook ${hookId} was not called for it.`]
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
  const next = newest?.state.kind === 'open' ? nextOf(newest, deliveryId, around) : nowhere
  const isOfOther = hook !== undefined && tenantOf(hook) !== tenantId
  const { now } = around
  const end = endWithoutCall(hook, health, { tenantId, now })
  return {
    ...{
      hookId,
      deliveryId,
      dueAt: next.kind === 'due' ? next.at : null,
      waits,
      runs,
      url: urlOf(hook),
    },
    ...(last === undefined
      ? { state: 'none', words: 'it has no result', next: [] }
      : {
          state: last.outcome,
          words:
            newest?.state.kind === 'open' ? openWords(last, next, { end, now }) : endedWords(last),
          next: isOfOther ? [] : nextFor(last, hook, health),
        }),
    endpoint: isOfOther ? null : endpointWords(hook, health, around.now),
  }
}

function withoutResult(hookId: HookId, found: FoundEvent, around: Surroundings): ExplainedDelivery {
  const { now } = around
  const hook = around.hooks.get(hookId)
  const health = around.endpoints.get(hookId)
  const deliveryId = deliveryIdIn(found, hookId)
  const waits = around.waiting.get(deliveryId) ?? []
  const isWaiting = around.handled?.kind === 'no' || waits.length > 0
  const dueAt = waits[0]?.startsAt ?? null
  const common = {
    ...{ hookId, deliveryId, waits, dueAt, runs: [], url: urlOf(hook) },
    endpoint: endpointWords(hook, health, now),
  }
  const letter = found.letters.get(hookId)
  if (isWaiting) {
    const end = endWithoutCall(hook, health, { tenantId: found.tenantId, now })
    const due = dueAt === null ? '' : dueNow(dueAt, now)
    const words = end === undefined ? 'waits: it has no result yet' : `waits; ${endWords(end, due)}`
    return { ...common, state: 'none', words, next: ['hooktide status'] }
  }
  if (letter !== undefined) {
    const { reason, diedAt } = letter
    const words = `dead ${timeText(diedAt)}: ${reasonWords(reason)}; its results were deleted since`
    const next = nextFor({ outcome: 'dead', deliveryId, hookId, reason }, hook, health)
    return { ...common, state: 'dead', words, next }
  }
  const place = found.event && placeOf(found.event.source)
  const next = place === undefined ? [] : [replayOf(place, hookId)]
  return { ...common, state: 'none', words: absenceWords(hook, found), next }
}

/** The deliveries of the event that may wait somewhere. @param only the one hook that is explained */
export function mayWait(
  found: FoundEvent,
  answers: ReadonlyMap<HookId, HookAnswer>,
  only: HookId | undefined,
): readonly DeliveryId[] {
  const { deliveries } = found
  const recorded = new Map([...deliveries.values()].map((story) => [story.hookId, story]))
  const open = [...deliveries.values()]
    .filter(({ runs }) => runs.some(({ state }) => state.kind === 'open'))
    .map(({ deliveryId }) => deliveryId)
  const matching = [...answers].filter(([, { kind }]) => kind === 'matches').map(([id]) => id)
  const hooks = [...matching, ...(only === undefined ? [] : [only])]
  const unrecordedHooks = hooks.filter((hookId) => !recorded.has(hookId))
  return [...open, ...unrecordedHooks.map((hookId) => deliveryIdIn(found, hookId))]
}

function urlOf(hook: StoredHook | undefined): string | null {
  return hook?.entry.kind === 'active' ? urlWithoutSecrets(hook.entry.hook.url) : null
}

function endedWords({ outcome, reason, attempt, attemptedAt }: DeliveryResult): string {
  if (outcome === 'delivered')
    return `delivered ${timeText(attemptedAt)}, by attempt ${attempt ?? '-'}`
  const why = reason === null ? '' : `: ${reasonWords(reason)}`
  return `${outcome} ${timeText(attemptedAt)}${why}`
}

function endpointWords(
  hook: StoredHook | undefined,
  health: Health | undefined,
  now: EpochMs,
): string | null {
  if (hook?.entry.kind !== 'active') return null
  const own = healthFor(hook.entry.hook, health)
  if (own === undefined || own.state === 'healthy') return null
  const until = own.until === null ? '' : `, next probe ${dueWords(own.until, now)}`
  return `${own.state} since ${timeText(own.since)}, by ${own.reason}${until}`
}

function nextFor(
  {
    outcome,
    deliveryId,
    hookId,
    reason,
  }: Pick<DeliveryResult, 'outcome' | 'deliveryId' | 'hookId' | 'reason'>,
  hook: StoredHook | undefined,
  health: Health | undefined,
): readonly string[] {
  if (outcome === 'delivered' || outcome === 'interrupted') return []
  const resend = nextCommand('resend', {}, deliveryId)
  if (hook === undefined) return []
  const first = (name: string) => [nextCommand(name, {}, hookId), resend]
  if (hook.entry.kind === 'suspended') return first('hooks get')
  if (!hook.entry.hook.enabled) return first('hooks enable')
  if (isDisabledFor(hook.entry.hook, health)) return first('endpoints enable')
  if (reason === 'invalid-url') return first('hooks get')
  // A new run waits for the endpoint, too.
  const state = endpointStateOf(hook.entry.hook, health)
  if (state !== 'open' && state !== 'paused') return [resend]
  return [nextCommand('hooks test', { force: true }, hookId), ...first('endpoints enable')]
}

/** Sends the event again, for after the hook was corrected. */
function replayOf(place: string, hookId: HookId | undefined): string {
  const offset = place.slice(place.lastIndexOf('/') + 1)
  const hook = hookId === undefined ? {} : { hook: [hookId] }
  return nextCommand('replay', { offsets: `${place}-${offset}`, ...hook })
}
