/**
 * How far this process has handled each run lately. The attempt and the hop of a run never fall, and each record of the run
 * has a higher hop than the one before. So a record whose attempt and hop were handled already is a repeat.
 *
 * Repeats come from crashes. A process may crash after it wrote a tier record, and before it committed the record's source.
 * Then the source is read again, and may lead to a second tier record (docs/architecture.md, Identity).
 *
 * This is best effort: the memory is bounded, and the oldest entries are dropped first.
 */
import { placeOf } from './delivery-headers.ts'
import type { Run } from '../model/model.ts'

/** The identity of a run, and how far it has come. */
type RunPosition = Pick<Run, 'deliveryId' | 'run' | 'attempt' | 'hop'> & {
  readonly event: Pick<Run['event'], 'source'>
}

export class RecentlyHandled {
  readonly #maxPerHalf: number
  /**
   * Two halves. The older one is dropped as a whole. Deleting the oldest entries of one map one by one would leave holes in
   * it, and each search for the next oldest would walk over all of them.
   */
  #newer = new Map<string, number>()
  #older: ReadonlyMap<string, number> = new Map()

  /** @param capacity the most runs that are kept; the newest half of them is always kept */
  constructor(capacity: number) {
    this.#maxPerHalf = Math.ceil(capacity / 2)
  }

  /**
   * Whether the run was handled up to this point or further.
   *
   * @param key the run's {@link keyOf}, for who asks several times
   */
  has(run: RunPosition, key: string = keyOf(run)): boolean {
    const furthest = this.#newer.get(key) ?? this.#older.get(key)
    return furthest !== undefined && progressOf(run) <= furthest
  }

  /**
   * The records of the run at this point are acknowledged.
   *
   * @param isFinal whether the run has ended. Then every further record of it is a repeat
   */
  add(run: RunPosition, isFinal: boolean): void {
    const progress = isFinal ? Number.MAX_SAFE_INTEGER : progressOf(run)
    const key = keyOf(run)
    if (progress <= (this.#newer.get(key) ?? this.#older.get(key) ?? -1)) return
    this.#newer.set(key, progress)
    if (this.#newer.size < this.#maxPerHalf) return
    this.#older = this.#newer
    this.#newer = new Map()
  }
}

/**
 * Attempt and hop as one number, since an object per run would take more memory than everything else. Small attempts and
 * hops give a small integer, which needs no memory outside the map. The number grows with every record of a run.
 */
function progressOf({ attempt, hop }: RunPosition): number {
  return attempt * 2 ** 20 + hop
}

/**
 * Uses `join` instead of a template string, because V8 keeps the pieces of a template string, at three times the memory. A
 * former version named every run of an event `0`. Such a run gets the place of its event as its name, as newer runs have.
 */
export function keyOf({ deliveryId, run, event }: RunPosition): string {
  return [deliveryId, run === '0' ? placeOf(event.source) : run].join(' ')
}
