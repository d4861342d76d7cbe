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
  /** Of events without a record, those that happened up to then are left out. */
  #leftOutUpTo = Number.NEGATIVE_INFINITY

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
    this.#cutSometimes()
    return found
  }

  /** @param isWanted whether the result matches the search, so that it counts even without its event's record */
  addResult(result: DeliveryResult, isWanted: boolean): void {
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

  /** An event whose record was not found, since retention removed it: it is older than all that have one. */
  #ofResult(key: string, result: DeliveryResult): FoundEvent | undefined {
    const { eventKey, eventId, tenantId, eventAt, userId } = result
    // A later result of an event that was left out does not bring it back.
    if (eventAt <= this.#leftOutUpTo) return undefined
    const found = new FoundEvent({
      eventKey,
      eventId,
      tenantId,
      eventAt,
      userId: userId ?? undefined,
    })
    this.#events.set(key, found)
    this.#cutSometimes()
    return found
  }

  /** Not for every event: they do not come in order, so the oldest have to be searched for. */
  #cutSometimes(): void {
    if (this.#events.size >= 2 * this.#most + 100) this.#cut()
  }

  #cut(): void {
    const surplus = this.#events.size - this.#most
    if (surplus <= 0) return
    const oldest = [...this.#events].toSorted(
      ([, one], [, other]) =>
        Number(hasRecord(one)) - Number(hasRecord(other)) || byTime(one, other),
    )
    for (const [key, found] of oldest.slice(0, surplus)) {
      this.#events.delete(key)
      const upTo = hasRecord(found) ? Number.POSITIVE_INFINITY : found.eventAt
      this.#leftOutUpTo = Math.max(this.#leftOutUpTo, upTo)
    }
    this.#leftOut += surplus
  }
}

function hasRecord({ event }: FoundEvent): boolean {
  return event !== undefined
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
