/**
 * How far each run was handled here lately. Attempt and hop of a run only grow, and its hop with every record of it, so a
 * record that is not beyond what was handled is a repeat: a crash between writing a tier record and committing its source
 * writes the same record twice, or has the event read again whose run went on since (docs/architecture.md, Identity). What
 * comes later of a run is never taken for a repeat. Best effort: the memory is bounded, and the oldest is forgotten first.
 */
import { placeOf } from './delivery-headers.ts'
import type { Run } from '../model/model.ts'

/** What tells runs and their progress apart. */
type Progress = Pick<Run, 'deliveryId' | 'run' | 'attempt' | 'hop'> & {
  readonly event: Pick<Run['event'], 'source'>
}

export class RecentlyHandled {
  readonly #mostPerHalf: number
  /**
   * Two halves, the older of which is forgotten as a whole: a map from which the oldest is deleted one by one keeps the
   * holes, and finding the next goes through all of them.
   */
  #newer = new Map<string, number>()
  #older: ReadonlyMap<string, number> = new Map()

  /** @param capacity the most runs that are held; of the newest, half as many are certain to be */
  constructor(capacity: number) {
    this.#mostPerHalf = Math.ceil(capacity / 2)
  }

  /** Whether the run was handled as far as this, or farther. */
  has(run: Progress): boolean {
    const key = keyOf(run)
    const furthest = this.#newer.get(key) ?? this.#older.get(key)
    return furthest !== undefined && progressOf(run) <= furthest
  }

  /**
   * The outcome of the run at this point is acknowledged.
   *
   * @param isFinal whether it was the run's last: then whatever comes of the run is a repeat
   */
  add(run: Progress, isFinal: boolean): void {
    const progress = isFinal ? Number.MAX_SAFE_INTEGER : progressOf(run)
    const key = keyOf(run)
    if (progress <= (this.#newer.get(key) ?? this.#older.get(key) ?? -1)) return
    this.#newer.set(key, progress)
    if (this.#newer.size < this.#mostPerHalf) return
    this.#older = this.#newer
    this.#newer = new Map()
  }
}

/**
 * One number, since an object for each would take more memory than all else. Small attempts and hops make a small integer,
 * which takes none beside the map. It grows with the hop, whatever that comes to, so it orders the records of a run.
 */
function progressOf({ attempt, hop }: Progress): number {
  return attempt * 2 ** 20 + hop
}

/**
 * Joined, not put together as a template: the pieces of that would be kept, at three times the memory. A former version
 * named all sendings of an event `0`: these are told apart by where the event stands, which is what they are named by now.
 */
function keyOf({ deliveryId, run, event }: Progress): string {
  return [deliveryId, run === '0' ? placeOf(event.source) : run].join(' ')
}
