/** The world's time, with the planned actions. Actions of one moment run in the order in which they were planned. */

interface Planned {
  readonly at: number
  readonly order: number
  fire: (() => void) | undefined
}

export class Timeline {
  now = 0
  /** Set when code of a processor has run. Its promise chains then run before the next action. */
  hasRunCode = false
  readonly #heap: Planned[] = []
  #planned = 0
  #isEnded = false

  /** Calls `fire` at that time, or as soon as possible if it has passed. Returns a function that cancels it. */
  at(time: number, fire: () => void): () => void {
    const planned: Planned = { at: Math.max(time, this.now), order: this.#planned, fire }
    this.#planned += 1
    this.#push(planned)
    return () => {
      planned.fire = undefined
    }
  }

  after(delayMs: number, fire: () => void): () => void {
    return this.at(this.now + delayMs, fire)
  }

  /** No further action runs. */
  end(): void {
    this.#isEnded = true
  }

  /** Runs the planned actions until that time, or until {@link end} is called. */
  async run(until: number): Promise<void> {
    for (let next = this.#heap[0]; next !== undefined; next = this.#heap[0]) {
      if (this.#isEnded || next.at > until) break
      this.#pop()
      const { fire } = next
      if (fire === undefined) continue
      this.now = next.at
      fire()
      if (!this.hasRunCode) continue
      this.hasRunCode = false
      // An immediate runs only after all promise chains that wait for nothing outside have run.
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
    if (!this.#isEnded) this.now = Math.max(this.now, until)
  }

  #push(item: Planned): void {
    const heap = this.#heap
    let place = heap.length
    heap.push(item)
    while (place > 0) {
      const above = (place - 1) >> 1
      const parent = heap[above]
      if (parent === undefined || isBefore(parent, item)) break
      heap[place] = parent
      place = above
    }
    heap[place] = item
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let place = 0
    for (;;) {
      const left = place * 2 + 1
      const [one, other] = [heap[left], heap[left + 1]]
      if (one === undefined) break
      const isLeft = other === undefined || isBefore(one, other)
      const child = isLeft ? one : other
      if (isBefore(last, child)) break
      heap[place] = child
      place = isLeft ? left : left + 1
    }
    heap[place] = last
  }
}

function isBefore(one: Planned, other: Planned): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order)
}
