/** Which runs have not ended, by their results and in bounded memory. */
import { hash } from 'node:crypto'

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

/** A run by 48 bits of its hash: they tell millions apart, where names would take hundreds of megabytes. */
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

function printOf({ deliveryId, run }: Named): Print {
  return hash('sha256', `${deliveryId} ${run}`, 'buffer').readUIntBE(0, 6)
}
