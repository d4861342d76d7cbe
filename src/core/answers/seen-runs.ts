/** Tells runs that were seen recently from others, in bounded memory. */

interface Named {
  readonly deliveryId: string
  readonly run: string
}

/** A hash that identifies a run. Names would take hundreds of megabytes. */
type Print = number

/**
 * Two generations of runs. The older one is dropped as a whole when the newer one is full: a repeat follows soon after what it
 * repeats, so older runs need not be known.
 */
export class SeenRuns {
  readonly #most: number
  #newer = new Set<Print>()
  #older: ReadonlySet<Print> = new Set()

  /** @param most the maximum number of runs, about 40 bytes each */
  constructor(most: number) {
    this.#most = most
  }

  /** @returns whether the run is a new one */
  add(run: Named): boolean {
    const print = printOf(run)
    if (this.#has(print)) return false
    this.#newer.add(print)
    if (2 * this.#newer.size >= this.#most) {
      this.#older = this.#newer
      this.#newer = new Set()
    }
    return true
  }

  #has(print: Print): boolean {
    return this.#newer.has(print) || this.#older.has(print)
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
