/**
 * The producer of one process: the `RecordSink` port over a {@link SimLog}. There is one send at a time, and records that
 * are written meanwhile form the next one. These are its faults: acknowledgements are late, or are lost, so that the send is
 * repeated; a copy of a send arrives long after it; from some time on records are written and not acknowledged.
 */
import type { InboundRecord, OutboundRecord } from '../../src/core/model/model.ts'
import type { RecordSink } from '../../src/ports.ts'
import type { Dice } from './dice.ts'
import type { Network } from './network.ts'
import type { ProcessLoop } from './process-loop.ts'
import type { Timeline } from './timeline.ts'

/** The shares of sends with each fault. They may change. */
export interface SinkFaults {
  late: number
  lostThere: number
  lostBack: number
  /** The share of repeated sends that are written twice, since the broker did not recognize the first. */
  twice: number
  oldBatch: number
}

export interface SinkParts {
  readonly timeline: Timeline
  readonly loop: ProcessLoop
  readonly network: Network
  readonly dice: Dice
  readonly faults: SinkFaults
  readonly append: (records: readonly OutboundRecord[]) => readonly InboundRecord[]
  readonly watch: {
    /** These records were acknowledged to the process. */
    acknowledged(records: readonly InboundRecord[]): void
    /** An acknowledgement will be late or lost. */
    disturbed(): void
    /** The process writes these records. */
    writing(records: readonly OutboundRecord[]): void
  }
}

interface Write {
  readonly records: readonly OutboundRecord[]
  readonly resolve: () => void
}

const lingerMs = 1
const patienceMs = 1_000

export class SimSink implements RecordSink {
  readonly #parts: SinkParts
  #waiting: Write[] = []
  #sent: readonly Write[] = []
  #isPlanned = false
  #isStopped = false
  #isStuck = false

  constructor(parts: SinkParts) {
    this.#parts = parts
  }

  write(records: readonly OutboundRecord[]): Promise<void> {
    if (records.length === 0) return Promise.resolve()
    this.#parts.watch.writing(records)
    return new Promise((resolve) => {
      this.#waiting.push({ records, resolve })
      this.#sendSoon()
    })
  }

  pendingCount(): number {
    let count = 0
    for (const { records } of this.#waiting) count += records.length
    for (const { records } of this.#sent) count += records.length
    return count
  }

  trouble(): string | undefined {
    return undefined
  }

  stop(): Promise<void> {
    this.#isStopped = true
    return Promise.resolve()
  }

  /** From now on, records are written and not acknowledged. */
  stuck(): void {
    this.#isStuck = true
  }

  /** The process dies. The first records of a send in progress may be in the log. */
  die(): void {
    const { dice, append, network } = this.#parts
    const left = this.#waiting.flatMap(({ records }) => records)
    this.#isStopped = true
    if (left.length === 0 || this.#sent.length > 0 || network.isDown || dice.chance(0.5)) return
    append(left.slice(0, dice.int(0, left.length)))
  }

  #sendSoon(): void {
    if (this.#isPlanned || this.#sent.length > 0 || this.#isStopped) return
    this.#isPlanned = true
    this.#parts.loop.clock.after(lingerMs, () => {
      this.#isPlanned = false
      if (this.#sent.length > 0 || this.#waiting.length === 0) return
      this.#sent = this.#waiting
      this.#waiting = []
      this.#send(this.#sent, undefined)
    })
  }

  /** @param before the records in the log, if this send is a repeat */
  #send(writes: readonly Write[], before: readonly InboundRecord[] | undefined): void {
    const { timeline, loop, network, dice, faults, append, watch } = this.#parts
    if (this.#isStopped) return
    const records = writes.flatMap((write) => write.records)
    const isLostThere = dice.chance(faults.lostThere)
    const isLostBack = dice.chance(faults.lostBack)
    const isLate = dice.chance(faults.late)
    let stands = before
    if (isLostThere || isLostBack || isLate) watch.disturbed()
    if (isLostThere || isLostBack) {
      loop.clock.after(patienceMs, () => this.#send(writes, stands))
    }
    if (isLostThere) return
    network.toBroker(loop, () => {
      // A send in progress when the process died or stopped may or may not arrive; see `die` for the rest.
      if (loop.isDead && dice.chance(0.5)) return
      const isNew = stands === undefined || dice.chance(faults.twice)
      const appended = isNew ? append(records) : (stands ?? [])
      stands = appended
      if (dice.chance(faults.oldBatch)) {
        timeline.after(dice.between(100, 20_000), () => {
          if (!network.isDown) append(records)
        })
      }
      if (isLostBack || this.#isStuck) return
      const answered = () => this.#acknowledge(writes, appended)
      network.toProcess(loop, answered, isLate ? dice.between(200, 6_000) : 0)
    })
  }

  #acknowledge(writes: readonly Write[], appended: readonly InboundRecord[]): void {
    if (writes !== this.#sent) return
    this.#sent = []
    this.#parts.watch.acknowledged(appended)
    for (const { resolve } of writes) resolve()
    if (this.#waiting.length > 0) this.#sendSoon()
  }
}
