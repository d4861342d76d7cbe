/** Tracks which runs have not ended, from their results and in bounded memory. */

/** The state of a run that has not ended: retried after a failed attempt, or deferred without one. */
export type OpenState = 'retrying' | 'waiting'

/** The effect of a result. */
export type Change =
  /** None: the run has ended already, and a crash repeated the call. */
  | { readonly kind: 'repeat' }
  /** The maximum number of open runs is reached. */
  | { readonly kind: 'untracked' }
  | { readonly kind: 'changed'; readonly before: OpenState | undefined }

interface Named {
  readonly deliveryId: string
  readonly run: string
}

/** A hash that identifies a run. Names would take hundreds of megabytes. */
type Print = number

export class OpenRuns {
  readonly #open = new Map<Print, OpenState>()
  readonly #most: number
  /**
   * Runs that ended recently, in two generations. The older one is dropped as a whole. A crash repeats only recent calls, so
   * older runs need not be known.
   */
  #ended = new Set<Print>()
  #endedBefore: ReadonlySet<Print> = new Set()

  /** @param most the maximum number of open runs, and of ended ones */
  constructor(most: number) {
    this.#most = most
  }

  /** Adds a result that does not end its run. */
  goOn(run: Named, state: OpenState): Change {
    const print = printOf(run)
    if (this.#hasEnded(print)) return { kind: 'repeat' }
    const before = this.#open.get(print)
    if (before === undefined && this.#open.size >= this.#most) return { kind: 'untracked' }
    this.#open.set(print, state)
    return { kind: 'changed', before }
  }

  /** Adds a result that ends its run. */
  end(run: Named): Change {
    const print = printOf(run)
    if (this.#hasEnded(print)) return { kind: 'repeat' }
    const before = this.#open.get(print)
    this.#open.delete(print)
    this.#ended.add(print)
    if (2 * this.#ended.size >= this.#most) {
      this.#endedBefore = this.#ended
      this.#ended = new Set()
    }
    return { kind: 'changed', before }
  }

  #hasEnded(print: Print): boolean {
    return this.#ended.has(print) || this.#endedBefore.has(print)
  }
}

/**
 * A fast hash of 53 bits (cyrb53). A cryptographic hash would take most of the time for a million results, and only somebody
 * who may write results could produce collisions.
 */
function printOf({ deliveryId, run }: Named): Print {
  const name = `${deliveryId} ${run}`
  let one = 0xdeadbeef
  let other = 0x41c6ce57
  for (let index = 0; index < name.length; index += 1) {
    const code = name.charCodeAt(index)
    one = Math.imul(one ^ code, 2_654_435_761)
    other = Math.imul(other ^ code, 1_597_334_677)
  }
  const high = mixed(other, one)
  return (high & 0x1fffff) * 2 ** 32 + (mixed(one, other) >>> 0)
}

function mixed(one: number, other: number): number {
  return (
    Math.imul(one ^ (one >>> 16), 2_246_822_507) ^ Math.imul(other ^ (other >>> 13), 3_266_489_909)
  )
}
