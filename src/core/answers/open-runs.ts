/** Which runs have not ended, by their results and in bounded memory. */

/** What a run that goes on last said: it is retried after a failed attempt, or put off without one. */
export type OpenState = 'retrying' | 'waiting'

/** What a result changes. */
export type Change =
  /** Nothing: the run has ended before, and a crash repeated what was recorded already. */
  | { readonly kind: 'repeat' }
  /** As many runs are open as can be held. */
  | { readonly kind: 'untracked' }
  | { readonly kind: 'changed'; readonly before: OpenState | undefined }

interface Named {
  readonly deliveryId: string
  readonly run: string
}

/** A run by a hash of its names: that tells millions apart, where names would take hundreds of megabytes. */
type Print = number

export class OpenRuns {
  readonly #open = new Map<Print, OpenState>()
  readonly #most: number
  /**
   * Runs that ended lately, in two halves, of which the older is forgotten as a whole. A crash repeats what was recorded
   * moments before, so that is what must be known.
   */
  #ended = new Set<Print>()
  #endedBefore: ReadonlySet<Print> = new Set()

  /** @param most open runs that are held; as many ended ones are */
  constructor(most: number) {
    this.#most = most
  }

  /** A result after which its run goes on. */
  goOn(run: Named, state: OpenState): Change {
    const print = printOf(run)
    if (this.#hasEnded(print)) return { kind: 'repeat' }
    const before = this.#open.get(print)
    if (before === undefined && this.#open.size >= this.#most) return { kind: 'untracked' }
    this.#open.set(print, state)
    return { kind: 'changed', before }
  }

  /** A result that is its run's last. */
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
 * 53 bits of a hash that is fast and mixes well (cyrb53). A cryptographic one would take most of the time of a million
 * results, and only who may write results could choose names that collide.
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
