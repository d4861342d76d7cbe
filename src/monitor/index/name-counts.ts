/**
 * Counts by name and span, in memory: how all hooks of a range did is told without reading a row of each for every ten
 * minutes. It says too which names have sums of their own. Names come from records, so their number is bounded: what has
 * any other name is summed up together.
 */
import type { EpochMs } from '../../core/model/model.ts'
import type { Store } from './store.ts'
import { othersName, spanMs, type Counts, type NamedDimension } from './sums.ts'

const mostNames: Readonly<Record<NamedDimension, number>> = {
  hook: 5_000,
  tenant: 5_000,
  event: 1_000,
}
/** Of twelve bytes each. A window of many spans has fewer names. */
const mostCells = 2_000_000

export class NameCounts {
  readonly #dimension: NamedDimension
  readonly #most: number
  /** Each name has a number: its place in the counts of a span. Those of names that are gone are given again. */
  readonly #numbers = new Map<string, number>()
  readonly #free: number[] = []
  readonly #spans = new Map<EpochMs, Int32Array>()

  constructor(dimension: NamedDimension, windowMs: number) {
    this.#dimension = dimension
    const spans = Math.ceil(windowMs / spanMs[dimension]) + 2
    this.#most = Math.max(1, Math.min(mostNames[dimension], Math.floor(mostCells / spans)))
  }

  /** Takes what the store has. */
  load(store: Store): void {
    this.clear()
    const rows = store.each<Counts & { readonly span: EpochMs; readonly name: string }>(
      'SELECT span, name, calls, delivered, ended FROM sums WHERE dimension = ?',
      this.#dimension,
    )
    for (const { span, name, ...counts } of rows) {
      if (name === othersName) continue
      this.#number(name)
      this.add(span, name, counts)
    }
  }

  /** The name that something is summed up by. It must be asked for before the counts of a name are added. */
  admitted(name: string): string {
    if (name === othersName) return othersName
    const isFull = !this.#numbers.has(name) && this.#numbers.size >= this.#most
    if (isFull) return othersName
    this.#number(name)
    return name
  }

  /** @param name one that was admitted */
  add(span: EpochMs, name: string, { calls, delivered, ended }: Counts): void {
    const number = this.#numbers.get(name)
    if (number === undefined) return
    const at = number * 3
    let cells = this.#spans.get(span) ?? new Int32Array(0)
    if (cells.length < at + 3) {
      const wider = new Int32Array(Math.max(at + 3, cells.length * 2))
      wider.set(cells)
      cells = wider
      this.#spans.set(span, cells)
    }
    cells[at] = (cells[at] ?? 0) + calls
    cells[at + 1] = (cells[at + 1] ?? 0) + delivered
    cells[at + 2] = (cells[at + 2] ?? 0) + ended
  }

  /** Of whole spans. Names of which there is nothing are left out. */
  since(from: EpochMs): ReadonlyMap<string, Counts> {
    const sums = new Float64Array(3 * (this.#numbers.size + this.#free.length))
    const first = from - (from % spanMs[this.#dimension])
    for (const [span, cells] of this.#spans) {
      if (span < first) continue
      const length = Math.min(cells.length, sums.length)
      for (let at = 0; at < length; at += 1) sums[at] = (sums[at] ?? 0) + (cells[at] ?? 0)
    }
    const counts = new Map<string, Counts>()
    for (const [name, number] of this.#numbers) {
      const [calls = 0, delivered = 0, ended = 0] = sums.subarray(number * 3, number * 3 + 3)
      if (calls + ended > 0) counts.set(name, { calls, delivered, ended })
    }
    return counts
  }

  /** Forgets spans that ended before a moment, and names of which nothing is left. */
  drop(before: EpochMs): void {
    const old = [...this.#spans.keys()].filter((span) => span + spanMs[this.#dimension] <= before)
    if (old.length === 0) return
    for (const span of old) this.#spans.delete(span)
    const left = this.since(0)
    for (const [name, number] of this.#numbers) {
      if (left.has(name)) continue
      this.#numbers.delete(name)
      this.#free.push(number)
    }
  }

  clear(): void {
    this.#numbers.clear()
    this.#free.length = 0
    this.#spans.clear()
  }

  #number(name: string): void {
    if (this.#numbers.has(name)) return
    this.#numbers.set(name, this.#free.pop() ?? this.#numbers.size)
  }
}
