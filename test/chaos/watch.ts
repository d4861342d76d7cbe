/** Follows events to their calls and results, to find when work has resumed after a fault, and when everything is done. */
import type { LoadEvent } from './load.ts'

interface Waiter {
  readonly isReached: () => boolean
  readonly resolve: () => void
}

export class Watch {
  /** By partition: when the newest event was written for which a call has arrived. */
  readonly #youngest: number[]
  readonly #answeredAt = new Map<string, number>()
  /** Events without a call, by the delivery that is watched. */
  readonly #uncalled = new Map<string, LoadEvent>()
  /** Events whose call has arrived before the acknowledgement of their write. */
  readonly #called = new Set<LoadEvent>()
  readonly #open = new Set<string>()
  readonly #waiters = new Set<Waiter>()

  constructor(partitions: number) {
    this.#youngest = Array.from({ length: partitions }, () => 0)
  }

  /** The number of required deliveries without a final record. */
  get openCount(): number {
    return this.#open.size
  }

  begun(event: LoadEvent): void {
    for (const id of event.owed) this.#open.add(id)
    const [watched] = event.owed
    if (watched !== undefined) this.#uncalled.set(watched, event)
  }

  written(event: LoadEvent): void {
    if (this.#called.delete(event)) this.#note(event)
  }

  called(deliveryId: string): void {
    const event = this.#uncalled.get(deliveryId)
    if (event === undefined) return
    this.#uncalled.delete(deliveryId)
    if (event.writtenAt === undefined) this.#called.add(event)
    else this.#note(event)
  }

  answered(hookId: string, calledAt: number): void {
    this.#answeredAt.set(hookId, Math.max(calledAt, this.#answeredAt.get(hookId) ?? 0))
    this.#check()
  }

  ended(deliveryId: string): void {
    this.#open.delete(deliveryId)
    if (this.#open.size === 0) this.#check()
  }

  /** Resolves when an event of each partition that was written since then was called. */
  resumed(since: number): Promise<void> {
    return this.#until(() => this.#youngest.every((at) => at >= since))
  }

  /** Resolves when each of the hooks has answered a call since then with success. */
  answeredSince(hookIds: readonly string[], since: number): Promise<void> {
    return this.#until(() => hookIds.every((id) => (this.#answeredAt.get(id) ?? 0) >= since))
  }

  /** Resolves when all required deliveries have a final record. */
  allEnded(): Promise<void> {
    return this.#until(() => this.#open.size === 0)
  }

  #note({ partition, writtenAt = 0 }: LoadEvent): void {
    this.#youngest[partition] = Math.max(writtenAt, this.#youngest[partition] ?? 0)
    this.#check()
  }

  #until(isReached: () => boolean): Promise<void> {
    if (isReached()) return Promise.resolve()
    return new Promise((resolve) => this.#waiters.add({ isReached, resolve }))
  }

  #check(): void {
    for (const waiter of this.#waiters) {
      if (waiter.isReached() && this.#waiters.delete(waiter)) waiter.resolve()
    }
  }
}
