/**
 * Counts the events that wait for Kafka, and remembers the newest written ones. It decides whether a new event is accepted,
 * and recognises repeats. Logto sends an event again after a 5xx, while the first record may still be on its way. Then both
 * requests wait for the same record.
 *
 * A topic that Kafka does not acknowledge, such as one that was deleted, keeps out its own events alone. Of several topics,
 * each may take as much room as it leaves free: so the first one that stalls takes half at most, the next one a quarter.
 */
import type { MonotonicMs } from '../model/model.ts'

export interface PendingBounds {
  readonly records: number
  readonly bytes: number
  /** No event of a topic is accepted while its oldest has waited this long: Kafka acknowledges nothing. */
  readonly stalledMs: number
  /** Written events that are remembered. */
  readonly remembered: number
}

/** With `stalled` and `full`, the event is not accepted. */
export type Admission = 'new' | 'pending' | 'written' | 'stalled' | 'full'

export interface PendingEvent {
  /** Identifies the event. */
  readonly key: string
  readonly topic: string
  /** Of memory that it takes while it is pending. */
  readonly bytes: number
}

interface Room {
  records: number
  bytes: number
}

interface OwnRoom extends Room {
  /** When each pending event arrived, in this order. */
  readonly since: Map<string, MonotonicMs>
}

export class PendingEvents {
  readonly #bounds: PendingBounds
  readonly #pending = new Map<string, PendingEvent>()
  readonly #rooms: ReadonlyMap<string, OwnRoom>
  readonly #written = new Set<string>()
  readonly #total: Room = { records: 0, bytes: 0 }

  /** @param topics of all events */
  constructor(bounds: PendingBounds, topics: Iterable<string>) {
    this.#bounds = bounds
    this.#rooms = new Map(
      [...new Set(topics)].map((topic) => [topic, { records: 0, bytes: 0, since: new Map() }]),
    )
  }

  get count(): number {
    return this.#total.records
  }

  get bytes(): number {
    return this.#total.bytes
  }

  /** Why no new event of a topic can be accepted now. */
  refusal(topic: string, now: MonotonicMs): 'stalled' | 'full' | undefined {
    const own = this.#roomOf(topic)
    const [oldest] = own.since.values()
    if (oldest !== undefined && now - oldest >= this.#bounds.stalledMs) return 'stalled'
    return this.#isFull('records', own) || this.#isFull('bytes', own) ? 'full' : undefined
  }

  #isFull(measure: keyof Room, own: Room): boolean {
    const free = this.#bounds[measure] - this.#total[measure]
    return free <= 0 || (this.#rooms.size > 1 && own[measure] >= free)
  }

  /** Decides about an event. A `new` event counts as pending until {@link settle}. */
  admit(event: PendingEvent, now: MonotonicMs): Admission {
    const { key, topic, bytes } = event
    if (this.#written.has(key)) return 'written'
    if (this.#pending.has(key)) return 'pending'
    const refusal = this.refusal(topic, now)
    if (refusal !== undefined) return refusal
    this.#pending.set(key, event)
    this.#roomOf(topic).since.set(key, now)
    this.#take(topic, 1, bytes)
    return 'new'
  }

  /** Called when Kafka has acknowledged the event, or when it will never be written. */
  settle(key: string, isWritten: boolean): void {
    const event = this.#pending.get(key)
    if (event === undefined) return
    const { topic, bytes } = event
    this.#pending.delete(key)
    this.#roomOf(topic).since.delete(key)
    this.#take(topic, -1, -bytes)
    if (!isWritten) return
    this.#written.add(key)
    const [oldest] = this.#written
    if (this.#written.size > this.#bounds.remembered && oldest !== undefined) {
      this.#written.delete(oldest)
    }
  }

  #take(topic: string, records: number, bytes: number): void {
    for (const room of [this.#total, this.#roomOf(topic)]) {
      room.records += records
      room.bytes += bytes
    }
  }

  #roomOf(topic: string): OwnRoom {
    const room = this.#rooms.get(topic)
    if (room === undefined) throw new Error(`${topic} is not a topic of ingest`)
    return room
  }
}
