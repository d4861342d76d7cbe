/** Events that were found, each with what became of its deliveries. */
import { DeliveryStory } from '../../core/answers/delivery-story.ts'
import type { AuthEvent, DeliveryId, EpochMs } from '../../core/model/model.ts'
import type { DeliveryResult } from '../../core/model/records.ts'

/** Deliveries of an event that are told of. One event may be for more hooks than anyone reads about. */
const mostDeliveries = 1_000

export class FoundEvent {
  readonly eventKey: string
  readonly eventId: string
  readonly tenantId: string
  readonly eventAt: EpochMs
  readonly userId: string | undefined
  /** `undefined`: its record is gone, or was not looked at. */
  event: AuthEvent | undefined
  /** When its record was written; of one that is gone when the event happened. */
  writtenAt: EpochMs
  readonly deliveries = new Map<DeliveryId, DeliveryStory>()

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

/** The newest events of those that are added. Events come in the order in which they were written, and before results. */
export class FoundEvents {
  readonly #events = new Map<string, FoundEvent>()
  readonly #most: number
  #leftOut = 0

  constructor(most: number) {
    this.#most = most
  }

  /** Events that were found and are too many to be told of. */
  get leftOut(): number {
    return this.#leftOut
  }

  /** @param writtenAt when the event's record was written; `undefined`: that is not known */
  addEvent(event: AuthEvent, writtenAt: EpochMs | undefined): FoundEvent {
    const { event: eventKey, createdAt: eventAt, ...named } = event
    const key = keyOf(event)
    const found = this.#events.get(key) ?? new FoundEvent({ ...named, eventKey, eventAt })
    // Sent twice under one id it is one event, and the newer record is the one to look at.
    this.#events.delete(key)
    this.#events.set(key, found)
    found.event = event
    found.writtenAt = writtenAt ?? eventAt
    this.#cut()
    return found
  }

  /** @param isWanted whether it is asked about, be its event found or not */
  addResult(result: DeliveryResult, isWanted: boolean): void {
    const key = keyOf(result)
    const found = this.#events.get(key) ?? (isWanted ? this.#ofResult(key, result) : undefined)
    found?.add(result)
  }

  /** Oldest first. */
  inOrder(): readonly FoundEvent[] {
    return [...this.#events.values()].toSorted((one, other) => one.writtenAt - other.writtenAt)
  }

  /** An event whose record is gone. Where newer ones are too many already, it is not told of. */
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
    const [oldest] = this.#events.keys()
    if (this.#events.size <= this.#most || oldest === undefined) return
    this.#events.delete(oldest)
    this.#leftOut += 1
  }
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
