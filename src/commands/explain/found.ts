/** The events that were found, each with the results of its deliveries. */
import { DeliveryStory } from '../../core/answers/delivery-story.ts'
import type { AuthEvent, DeliveryId, EpochMs, HookId } from '../../core/model/model.ts'
import type { DeliveryResult } from '../../core/model/records.ts'

/** The maximum number of deliveries of an event that are kept. */
const mostDeliveries = 1_000

export class FoundEvent {
  readonly eventKey: string
  readonly eventId: string
  readonly tenantId: string
  readonly eventAt: EpochMs
  readonly userId: string | undefined
  /** `undefined` if its record no longer exists, or was not read. */
  event: AuthEvent | undefined
  /** When its record was written. If that is not known, when the event happened. */
  writtenAt: EpochMs
  readonly deliveries = new Map<DeliveryId, DeliveryStory>()
  /** Dead letters of deliveries without results, which are kept for a shorter time. */
  readonly letters = new Map<HookId, { readonly reason: string; readonly diedAt: EpochMs }>()

  constructor(named: {
    readonly eventKey: string
    readonly eventId: string
    readonly tenantId: string
    readonly eventAt: EpochMs
    readonly userId: string | undefined
  }) {
    this.eventKey = named.eventKey
    this.eventId = named.eventId
    this.tenantId = named.tenantId
    this.eventAt = named.eventAt
    this.userId = named.userId
    this.writtenAt = named.eventAt
  }

  add(result: DeliveryResult): void {
    const known = this.deliveries.get(result.deliveryId)
    if (known === undefined && this.deliveries.size >= mostDeliveries) return
    const story = known ?? new DeliveryStory(result)
    if (known === undefined) this.deliveries.set(result.deliveryId, story)
    story.add(result)
  }
}

/** Keeps the newest events. Events must be added before results. */
export class FoundEvents {
  readonly #events = new Map<string, FoundEvent>()
  readonly #most: number
  #leftOut = 0

  constructor(most: number) {
    this.#most = most
  }

  /** The number of events that were found and not kept. */
  get leftOut(): number {
    this.#cut()
    return this.#leftOut
  }

  /** @param writtenAt when the event's record was written; `undefined` if not known */
  addEvent(event: AuthEvent, writtenAt: EpochMs | undefined): FoundEvent {
    const { event: eventKey, createdAt: eventAt, ...named } = event
    const key = keyOf(event)
    const found = this.#events.get(key) ?? new FoundEvent({ ...named, eventKey, eventAt })
    this.#events.set(key, found)
    const at = writtenAt ?? eventAt
    // Two records with the same id are one event, and the newer record counts.
    if (found.event !== undefined && found.writtenAt > at) return found
    found.event = event
    found.writtenAt = at
    // Not for every event: several topics are read after one another, so the oldest has to be searched for.
    if (this.#events.size >= 2 * this.#most + 100) this.#cut()
    return found
  }

  /** @param isWanted whether the result matches the search, so that it counts even without its event's record */
  addResult(result: DeliveryResult, isWanted: boolean): void {
    this.#cut()
    const key = keyOf(result)
    const found = this.#events.get(key) ?? (isWanted ? this.#ofResult(key, result) : undefined)
    // It says that there is no delivery, and why not is found anew from the hooks.
    if (result.outcome !== 'unmatched') found?.add(result)
  }

  /** Oldest first. */
  inOrder(): readonly FoundEvent[] {
    this.#cut()
    return [...this.#events.values()].toSorted(byTime)
  }

  /** An event whose record was not found. It is kept only while there is room. */
  #ofResult(key: string, result: DeliveryResult): FoundEvent | undefined {
    if (this.#events.size >= this.#most) return undefined
    const { eventKey, eventId, tenantId, eventAt, userId } = result
    const found = new FoundEvent({
      eventKey,
      eventId,
      tenantId,
      eventAt,
      userId: userId ?? undefined,
    })
    this.#events.set(key, found)
    return found
  }

  #cut(): void {
    const surplus = this.#events.size - this.#most
    if (surplus <= 0) return
    const oldest = [...this.#events].toSorted(([, one], [, other]) => byTime(one, other))
    for (const [key] of oldest.slice(0, surplus)) this.#events.delete(key)
    this.#leftOut += surplus
  }
}

function byTime(one: FoundEvent, other: FoundEvent): number {
  return one.writtenAt - other.writtenAt
}

/** No tenant's id has a space in it. */
function keyOf({
  tenantId,
  eventId,
}: {
  readonly tenantId: string
  readonly eventId: string
}): string {
  return `${tenantId} ${eventId}`
}
