/** How a run goes on that has not ended: by what waits in the topics now, where that is known. */
import type { RunStory } from '../../core/answers/delivery-story.ts'
import type { DeliveryId, EpochMs } from '../../core/model/model.ts'
import type { DeliveryResult } from '../../core/model/records.ts'
import { dueNow, dueWords, endWords, type FutureEnd } from './ends.ts'
import type { Surroundings } from './explanation.ts'

export type Next =
  /** It waits, and is due then; or what waits is not known, and its result says so. */
  | { readonly kind: 'due'; readonly at: EpochMs }
  /** The event's own record is not complete, so it is handled from there again. */
  | { readonly kind: 'repeated' }
  /** What waits is not known, and what its result says is in the past. */
  | { readonly kind: 'unknown'; readonly at: EpochMs | undefined }
  /** It waits nowhere. */
  | typeof nowhere

export const nowhere = { kind: 'nowhere' } as const

/** @param newest a run that has not ended */
export function nextOf(
  { run, state }: RunStory,
  deliveryId: DeliveryId,
  { waiting, handled, now }: Pick<Surroundings, 'waiting' | 'handled' | 'now'>,
): Next {
  const waits = waiting.get(deliveryId)
  // The delivery may have been deferred since its newest result.
  const wait = waits?.find((one) => one.run === run)
  if (wait !== undefined) return { kind: 'due', at: wait.startsAt }
  if (state.last.outcome === 'interrupted' && handled?.kind !== 'yes') return { kind: 'repeated' }
  if (waits !== undefined) return nowhere
  const at = state.kind === 'open' ? state.dueAt : undefined
  return at !== undefined && at > now ? { kind: 'due', at } : { kind: 'unknown', at }
}

/** @param end what it comes to if no call follows */
export function openWords(
  last: DeliveryResult,
  next: Next,
  { end, now }: { readonly end: FutureEnd | undefined; readonly now: EpochMs },
): string {
  const isCalled = end === undefined || next.kind === 'nowhere'
  const words = isCalled ? nextWords(last, next, now) : endWords(end, dueIn(next, now))
  return `${beforeWords(last)}; ${words}`
}

function nextWords({ outcome }: DeliveryResult, next: Next, now: EpochMs): string {
  switch (next.kind) {
    case 'nowhere':
      return 'nothing of it waits now: it has just gone on, or what waited was removed'
    case 'repeated':
      return 'the call is repeated'
    case 'unknown':
      return next.at === undefined
        ? 'whether it still waits is not known'
        : `the next was due ${dueWords(next.at, now)}; whether it still waits is not known`
    case 'due':
      return `${outcome === 'deferred' ? 'it is checked again' : 'the next is due'} ${dueNow(next.at, now)}`
  }
}

function dueIn(next: Next, now: EpochMs): string {
  return next.kind === 'due' ? dueNow(next.at, now) : ''
}

function beforeWords({ outcome, attempt, maxAttempts }: DeliveryResult): string {
  if (outcome === 'retrying') return `attempt ${attempt ?? '-'} of ${maxAttempts ?? '-'} failed`
  return outcome === 'deferred' ? 'it was deferred' : 'a process stopped during the call'
}
