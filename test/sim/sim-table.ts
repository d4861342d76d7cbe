/** The reader of a compacted topic in one process: the `TableSource` port over a {@link SimLog}. */
import type { InboundRecord } from '../../src/core/model/model.ts'
import type { TableSource } from '../../src/ports.ts'
import type { Network } from './network.ts'
import type { ProcessLoop } from './process-loop.ts'
import type { SimLog } from './sim-log.ts'

export interface TableParts {
  readonly log: SimLog
  readonly loop: ProcessLoop
  readonly network: Network
  readonly topic: string
  /** How long records take to reach the process, in milliseconds. */
  readonly delayMs: () => number
  /** A record is about to be applied. */
  readonly onApplied: (record: InboundRecord) => void
}

export class SimTable implements TableSource {
  readonly #parts: TableParts
  readonly #unwatch: (() => void)[] = []

  constructor(parts: TableParts) {
    this.#parts = parts
  }

  async start(apply: (record: InboundRecord) => void): Promise<void> {
    const { log, topic } = this.#parts
    const partitions = Array.from({ length: log.partitionCount(topic) }, (_, index) => index)
    await Promise.all(partitions.map((partition) => this.#follow(partition, apply)))
  }

  trouble(): string | undefined {
    return undefined
  }

  stop(): Promise<void> {
    for (const unwatch of this.#unwatch) unwatch()
    return Promise.resolve()
  }

  /** Resolves when the partition was read to its current end. */
  #follow(partition: number, apply: (record: InboundRecord) => void): Promise<void> {
    const { log, loop, network, topic, delayMs, onApplied } = this.#parts
    const place = { topic, partition }
    const end = log.end(place)
    let next = 0
    return new Promise((resolve) => {
      let isPlanned = false
      const read = () => {
        isPlanned = false
        const fetched = log.read(place, next, Number.MAX_SAFE_INTEGER)
        next = fetched.next
        for (const record of fetched.records) {
          onApplied(record)
          apply(record)
        }
        if (next >= end) resolve()
      }
      const readSoon = () => {
        if (isPlanned) return
        isPlanned = true
        network.toProcess(loop, read, delayMs())
      }
      this.#unwatch.push(log.watch(place, readSoon))
      readSoon()
    })
  }
}
