/**
 * The ledger of one partition in one epoch: which offsets are complete, and so which may be committed.
 *
 * An offset has these states, in this order:
 * - *unread*: it is at or above `next`, and no commit says that it is complete;
 * - *incomplete*: it was admitted, and something that it caused is not acknowledged yet;
 * - *complete*: everything that it caused is acknowledged, or the commit of the last owner says so, or it was passed
 *   without being admitted, because no record has this offset (compaction, transaction markers).
 *
 * Records must be admitted in the order of their offsets, as Kafka returns them. They may be read again from an earlier
 * offset: `admit` then returns `known`.
 */
import type { OffsetRange } from './completed-runs.ts'

export interface Position {
  /** The offset to commit: the lowest that is not complete. */
  readonly offset: number
  /** Completed offsets above it, for the commit's metadata. They ascend and do not touch. */
  readonly completed: readonly OffsetRange[]
}

export class Ledger {
  /** The offset after the highest one that was admitted or skipped. */
  #next: number
  /** Insertion order is offset order, so the first entry is the lowest. */
  readonly #incomplete = new Set<number>()
  /** Ranges from the last commit, ascending. Reading has passed those before the index `#passed`. */
  #restored: readonly OffsetRange[]
  #passed = 0
  /** Counts the changes that a commit would show. Admitting a record is not one. */
  #changes = 0
  #committedChanges = 0

  /**
   * @param committedOffset 0 if the group has none; offsets that do not exist count as complete
   * @param completed from the commit's metadata
   */
  constructor(committedOffset: number, completed: readonly OffsetRange[] = []) {
    this.#next = committedOffset
    this.#restored = completed
  }

  /**
   * Forgets completed offsets from `end` on, where the partition ends. Their records were lost with a broker, and new
   * records will get these offsets.
   */
  clipTo(end: number): void {
    const last = this.#restored.at(-1)
    if (last === undefined || last.to <= end) return
    this.#restored = this.#restored
      .slice(this.#passed)
      .filter(({ from }) => from < end)
      .map(({ from, to }) => ({ from, to: Math.min(to, end) }))
    this.#passed = 0
    // The next owner must not find them in the commit once new records have these offsets, so a new commit is needed.
    this.#changes += 1
  }

  get incompleteCount(): number {
    return this.#incomplete.size
  }

  /** The number of offsets below `end` that are incomplete or unread. */
  openBelow(end: number): number {
    const next = this.#next
    let count = this.#incomplete.size + Math.max(0, end - next)
    for (const { from, to } of this.#ahead()) {
      count -= Math.max(0, Math.min(to, end) - Math.max(from, next))
    }
    return count
  }

  /** Whether {@link admit} would return `known`. Changes nothing. */
  isKnown(offset: number): boolean {
    if (offset < this.#next) return true
    for (const { from, to } of this.#ahead()) if (offset < to) return from <= offset
    return false
  }

  /** Returns `known` if the offset was admitted before or completed by an earlier owner. Such a record is to be skipped. */
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

  /** No record below `offset` is still to come: the others do not exist (transaction markers, compaction, retention). */
  skipTo(offset: number): void {
    if (offset <= this.#next) return
    this.#passRestored(offset)
    this.#next = offset
    this.#changes += 1
  }

  /**
   * Marks an admitted offset complete. Has no effect the second time.
   *
   * @param runs how many its record caused: a crash before the next commit repeats them
   */
  complete(offset: number, runs = 1): void {
    if (this.#incomplete.delete(offset)) this.#changes += Math.max(1, runs)
  }

  /** How much a commit would say that the last acknowledged one did not: mostly runs of completed offsets. */
  get uncommitted(): number {
    return this.#changes - this.#committedChanges
  }

  /** What to commit now, and the `changes` to pass to {@link committed}. */
  position(): Position & { readonly changes: number } {
    const [lowest] = this.#incomplete
    const ranges = this.#completedRanges(lowest ?? this.#next)
    const first = ranges[0]
    // If nothing is incomplete, a restored range may begin at the next offset. Then it is below the offset to commit.
    const base = lowest ?? (first?.from === this.#next ? first.to : this.#next)
    const above = ranges.filter((range) => range.from > base)
    return { offset: base, completed: above, changes: this.#changes }
  }

  /** The commit of a {@link position} was acknowledged. */
  committed(changes: number): void {
    this.#committedChanges = Math.max(this.#committedChanges, changes)
  }

  /** Passes the restored ranges below `offset`. Returns whether `offset` is in one. */
  #passRestored(offset: number): boolean {
    let range = this.#restored[this.#passed]
    while (range !== undefined && range.to <= offset) {
      this.#passed += 1
      range = this.#restored[this.#passed]
    }
    return range !== undefined && range.from <= offset
  }

  /** The restored ranges that reading has not passed yet. */
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
