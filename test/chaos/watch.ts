/** Watches events become calls and results, so that a fault can tell when work has resumed and the run when all is done. */
import type { LoadEvent } from './load.ts'

interface Waiter {
  readonly isReached: () => boolean
  readonly resolve: () => void
}

export class Watch {
  /** Of each partition, when the youngest event was written of which a call has arrived. */
  readonly #youngest: number[]
  readonly #answeredAt = new Map<string, number>()
  /** Events of which no call has arrived, by the delivery that is watched. */
  readonly #uncalled = new Map<string, LoadEvent>()
  /** Those whose call has come before the write's acknowledgement. */
  readonly #called = new Set<LoadEvent>()
  readonly #open = new Set<string>()
  readonly #waiters = new Set<Waiter>()

  constructor(partitions: number) {
    this.#youngest = Array.from({ length: partitions }, () => 0)
  }

  /** Deliveries that are owed and have no final record. */
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

  /** Resolves when of each partition an event was called for that was written since. */
  resumed(since: number): Promise<void> {
    return this.#until(() => this.#youngest.every((at) => at >= since))
  }

  /** Resolves when each of the hooks has answered well to a call that was made since. */
  answeredSince(hookIds: readonly string[], since: number): Promise<void> {
    return this.#until(() => hookIds.every((id) => (this.#answeredAt.get(id) ?? 0) >= since))
  }

  /** Resolves when all that is owed has a final record. */
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
