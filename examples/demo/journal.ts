/** What has been seen so far, for those who wait until enough of it is there. */

export interface Journal<Item> {
  readonly items: readonly Item[]
  add(item: Item): void
  /** Nothing more will come: who still waits, or will, is told why. */
  close(reason: Error): void
  /** Resolves as soon as `isEnough` says so of all items. Rejects when the journal is closed before. */
  until(isEnough: (items: readonly Item[]) => boolean): Promise<void>
}

export function createJournal<Item>(): Journal<Item> {
  interface Waiter {
    readonly isEnough: (items: readonly Item[]) => boolean
    readonly resolve: () => void
    readonly reject: (error: Error) => void
  }
  const items: Item[] = []
  const waiters = new Set<Waiter>()
  let closed: Error | undefined
  return {
    items,
    add(item) {
      items.push(item)
      for (const waiter of waiters) {
        if (waiter.isEnough(items) && waiters.delete(waiter)) waiter.resolve()
      }
    },
    close(reason) {
      closed ??= reason
      for (const { reject } of waiters) reject(closed)
      waiters.clear()
    },
    until(isEnough) {
      if (isEnough(items)) return Promise.resolve()
      if (closed !== undefined) return Promise.reject(closed)
      return new Promise((resolve, reject) => waiters.add({ isEnough, resolve, reject }))
    },
  }
}
