/** Notes what may make calls be repeated, and when. */
import type { Coverage, Disturbance } from './books.ts'

/** A crash that goes on: to be closed when it is over. */
export interface OpenCrash {
  close(): void
}

/** Joining, or leaving, makes all members join anew, which takes no longer. */
const handOverMs = 15_000

export class Disturbances {
  readonly #coverage: () => Promise<Coverage>
  readonly #list: Disturbance[] = []

  constructor(coverage: () => Promise<Coverage>) {
    this.#coverage = coverage
  }

  get list(): readonly Disturbance[] {
    return this.#list
  }

  /** A process, or its way to Kafka, is gone from now on. Resolves when it is noted what commits covered. */
  async crash(fault: number): Promise<OpenCrash> {
    const from = Date.now()
    const coverage = await this.#coverage()
    const entry = {
      kind: 'crash' as const,
      id: this.#list.length + 1,
      fault,
      from,
      until: Number.POSITIVE_INFINITY,
      coverage,
    }
    this.#list.push(entry)
    return {
      close() {
        entry.until = Date.now()
      },
    }
  }

  /** Members join anew. */
  handOver(): void {
    const [id, from] = [this.#list.length + 1, Date.now()]
    this.#list.push({ kind: 'hand-over', id, fault: 0, from, until: from + handOverMs })
  }
}
