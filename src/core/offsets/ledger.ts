/**
 * The ledger of one partition in one epoch: which offsets are complete, and so what may be committed.
 *
 * An offset is, in this order:
 * - *unread*: at or above `next` and not restored;
 * - *incomplete*: admitted, and something it caused is not acknowledged yet;
 * - *complete*: everything it caused is acknowledged; or restored as such from the last owner's commit; or it does not
 *   exist (compaction, transaction markers), which shows by its never being admitted.
 *
 * Records must be admitted in offset order, as Kafka hands them out. Reading again from an earlier offset is allowed:
 * what is already known says so.
 */
import type { OffsetRange } from './completed-runs.ts'

export interface Position {
  /** The offset to commit: the lowest that is not complete. */
  readonly offset: number
  /** Completed offsets above it, for the commit's metadata: ascending, apart from each other. */
  readonly completed: readonly OffsetRange[]
}

export class Ledger {
  /** One past the highest offset admitted or skipped. */
  #next: number
  /** Insertion order is offset order, so the first entry is the lowest. */
  readonly #incomplete = new Set<number>()
  /** Ranges restored from the last commit, ascending. Those before `#passed` are behind the reading. */
  #restored: readonly OffsetRange[]
  #passed = 0
  /** Completions so far: admitting alone moves nothing that a commit says. */
  #changes = 0
  #committedChanges = 0

  /**
   * Goes on from a commit.
   *
   * @param committedOffset 0 where the group has none: what does not exist counts as complete
   * @param completed what its metadata says
   */
  constructor(committedOffset: number, completed: readonly OffsetRange[] = []) {
    this.#next = committedOffset
    this.#restored = completed
  }

  /**
   * The partition ended at `end` after this ledger was made. What the commit says of offsets beyond it is of records that
   * were lost with a broker: others will have these offsets.
   */
  clipTo(end: number): void {
    const last = this.#restored.at(-1)
    if (last === undefined || last.to <= end) return
    this.#restored = this.#restored
      .slice(this.#passed)
      .filter(({ from }) => from < end)
      .map(({ from, to }) => ({ from, to: Math.min(to, end) }))
    this.#passed = 0
    // Committed anew before these offsets exist: the next owner would find them within the log.
    this.#changes += 1
  }

  get incompleteCount(): number {
    return this.#incomplete.size
  }

  /** Offsets below `end` that are not complete: what is incomplete, and all that was not read yet. */
  openBelow(end: number): number {
    const next = this.#next
    let count = this.#incomplete.size + Math.max(0, end - next)
    for (const { from, to } of this.#ahead()) {
      count -= Math.max(0, Math.min(to, end) - Math.max(from, next))
    }
    return count
  }

  /** Whether {@link admit} would say `known`. Changes nothing: until then commits say what is below it, too. */
  isKnown(offset: number): boolean {
    if (offset < this.#next) return true
    for (const { from, to } of this.#ahead()) if (offset < to) return from <= offset
    return false
  }

  /** `known` when the offset was admitted before, or completed by an earlier owner: skip it. */
  admit(offset: number): 'new' | 'known' {
    if (offset < this.#next) return 'known'
    const isComplete = this.#passRestored(offset)
    this.#next = offset + 1
    if (isComplete) {
      this.#changes += 1
      return 'known'
    }
    this.#incomplete.add(offset)
    return 'new'
  }

  /** What lies below `offset` and was not admitted cannot be read: transaction markers, compaction, retention. */
  skipTo(offset: number): void {
    if (offset <= this.#next) return
    this.#passRestored(offset)
    this.#next = offset
    this.#changes += 1
  }

  /** Marks an admitted offset complete. A second call changes nothing. */
  complete(offset: number): void {
    if (this.#incomplete.delete(offset)) this.#changes += 1
  }

  /** Whether there is something that the last acknowledged commit does not cover. */
  get hasChanged(): boolean {
    return this.#changes !== this.#committedChanges
  }

  /** What to commit now, and a token for {@link committed}. */
  position(): Position & { readonly changes: number } {
    const [lowest] = this.#incomplete
    const ranges = this.#completedRanges(lowest ?? this.#next)
    const first = ranges[0]
    // With nothing incomplete, restored ranges may begin right at the next offset: then they are part of the base.
    const base = lowest ?? (first?.from === this.#next ? first.to : this.#next)
    const above = ranges.filter((range) => range.from > base)
    return { offset: base, completed: above, changes: this.#changes }
  }

  /** The commit of a {@link position} was acknowledged. */
  committed(changes: number): void {
    this.#committedChanges = Math.max(this.#committedChanges, changes)
  }

  /** Passes restored ranges below `offset`; true when `offset` lies in one. */
  #passRestored(offset: number): boolean {
    let range = this.#restored[this.#passed]
    while (range !== undefined && range.to <= offset) {
      this.#passed += 1
      range = this.#restored[this.#passed]
    }
    return range !== undefined && range.from <= offset
  }

  /** Restored ranges that reading has not passed yet. */
  *#ahead(): Generator<OffsetRange> {
    for (let index = this.#passed; index < this.#restored.length; index += 1) {
      const range = this.#restored[index]
      if (range !== undefined) yield range
    }
  }

  #completedRanges(base: number): readonly OffsetRange[] {
    const ranges: OffsetRange[] = []
    let position = base
    for (const offset of this.#incomplete) {
      if (offset > position) ranges.push({ from: position, to: offset })
      position = offset + 1
    }
    let tail = { from: position, to: this.#next }
    for (const { from, to } of this.#ahead()) {
      if (to <= tail.to) continue
      if (from <= tail.to) {
        tail = { from: tail.from, to }
      } else {
        if (tail.to > tail.from) ranges.push(tail)
        tail = { from, to }
      }
    }
    if (tail.to > tail.from) ranges.push(tail)
    return ranges
  }
}
