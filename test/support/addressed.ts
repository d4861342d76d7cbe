/** Hooks that get only the events that are addressed to them, even if they share an event key, and their results. */
import { tierTopics, type Rig } from './flow-rig.ts'

export const urlOf = (id: string): string => `https://${id}.example/`

export interface AddressedHook {
  readonly tenantId?: string
  /** The URL. Default: {@link urlOf} its id. */
  readonly url?: string
  readonly concurrency?: number
  readonly timeoutMs?: number
  readonly ratePerSecond?: number
}

export function putAddressed(rig: Rig, id: string, hook: AddressedHook = {}): void {
  const { tenantId = 'default', url = urlOf(id), ...delivery } = hook
  const filter = `event.to == "${id}"`
  rig.putHook({ id, tenantId, config: { url }, delivery: { filter, ...delivery } })
}

export interface Addressed {
  readonly tenantId?: string
  readonly partition?: number
  readonly count?: number
}

/** Writes events for the hook; `count` of them, 1 by default. */
export function sendTo(rig: Rig, id: string, to: Addressed = {}): void {
  const { tenantId = 'default', partition, count = 1 } = to
  for (let index = 0; index < count; index += 1) {
    const event = { event: 'PostSignIn', createdAt: '2026-09-14T09:02:11.019Z', to: id, index }
    rig.broker.produce('auth.events', {
      value: JSON.stringify(event),
      headers: { 'tenant-id': tenantId },
      ...(partition === undefined ? {} : { partition }),
    })
  }
}

/** Results of a hook by outcome. */
export function outcomesOf(rig: Rig, id: string): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { hookId, outcome } of rig.results()) {
    if (hookId === id) counts[outcome] = (counts[outcome] ?? 0) + 1
  }
  return counts
}

/** For each delivery of the hook: the time from the write of its event to the start of the call that delivered it, in ms. */
export function latencies(rig: Rig, id: string): readonly number[] {
  return rig
    .results()
    .filter(({ hookId, outcome }) => hookId === id && outcome === 'delivered')
    .map(({ attemptedAt, eventId }) => attemptedAt - Number(eventId.split('-').at(-1)))
}

/** How often runs were written to tiers. */
export function tierWrites(rig: Rig): number {
  return tierTopics.reduce((sum, topic) => sum + rig.broker.read(topic).length, 0)
}

/** Results of deferrals with a blame. Those of a healthy lane must have none. */
export function blamedDeferrals(rig: Rig): number {
  return rig
    .results()
    .filter(({ outcome, blame }) => outcome === 'deferred' && blame === 'endpoint').length
}
