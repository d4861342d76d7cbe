/** Records the disturbances that may repeat calls, with their times. */
import type { Coverage, Disturbance } from './books.ts'

/** A crash that is not over. It must be closed when it is. */
export interface OpenCrash {
  close(): void
}

/** After a join or leave, all members have joined again within this time. */
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

  /** A process, or its connection to Kafka, is lost from now on. Resolves when the coverage of commits is recorded. */
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

  /** The members join again. */
  handOver(): void {
    const [id, from] = [this.#list.length + 1, Date.now()]
    this.#list.push({ kind: 'hand-over', id, fault: 0, from, until: from + handOverMs })
  }
}
