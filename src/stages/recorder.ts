/**
 * Recordings → Kafka: writes the records that follow from what happened to runs, and marks them when they are acknowledged.
 * What a run caused is settled then, never before. An epoch that has ended writes results only: its partition's new owner
 * makes the other records. While membership is not proven nobody here can tell whether it has ended: then nothing is
 * written until it is proven again, or the epoch is known to be over.
 */
import { TooLargeError } from '../core/model/errors.ts'
import type { InboundRecord, OutboundRecord, Rejection } from '../core/model/model.ts'
import { rejectedHeaders } from '../core/run/delivery-headers.ts'
import { recordingOf, type RunStep, type RecordingRules } from '../core/run/recording.ts'
import type { Emit } from '../core/signal/signal.ts'
import { shownName } from '../core/text/plain-words.ts'
import type { Clock, Random, RecordSink } from '../ports.ts'
import { ProofWaiters } from './proof-waiters.ts'
import type { CallGate } from './call-gate.ts'
import type { Acknowledged, Marks } from './marks.ts'
import { contextOf, type Origin, type Work } from './work.ts'

export interface RecorderParts {
  readonly sink: RecordSink
  readonly rules: RecordingRules
  readonly gate: CallGate
  readonly clock: Clock
  readonly random: Random
  readonly marks: Marks
  readonly emit: Emit
  /** A write failed for a reason that no later write mends. */
  readonly onFailed: (error: Error) => void
}

export class Recorder {
  readonly #parts: RecorderParts
  readonly #proofWaiters: ProofWaiters
  #pending = 0

  constructor(parts: RecorderParts) {
    this.#parts = parts
    this.#proofWaiters = new ProofWaiters(parts)
  }

  /** Writes that are not acknowledged. */
  get pendingCount(): number {
    return this.#pending
  }

  /** Whether everything that happened is written and acknowledged. */
  get isIdle(): boolean {
    return this.#pending === 0 && this.#proofWaiters.isEmpty
  }

  /** Writes what follows from it. All but an attempt is left to the new owner where the epoch has ended. */
  record(work: Work, step: RunStep): void {
    this.#proofWaiters.whenProven(work.origin, () => {
      if (!work.origin.epoch.isLive && step.kind !== 'attempted') return
      const { records, signals, progress } = this.#recordingOf(work, step)
      signals.forEach(this.#parts.emit)
      this.#write(records, { origin: work.origin, work, progress }, () => this.#fallBack(work))
    })
  }

  /** A record that cannot be handled goes to the rejected topic as it came. */
  reject(record: InboundRecord, rejection: Rejection, origin: Origin): void {
    this.#proofWaiters.whenProven(origin, () => {
      if (!origin.epoch.isLive) return
      const { emit, sink, rules } = this.#parts
      const topic = rules.topics.rejected
      const { epoch, offset } = origin
      const source = { topic: epoch.topic, partition: epoch.partition, offset }
      emit({ kind: 'record.rejected', source, ...rejection, field: shownName(rejection.field) })
      const headers = rejectedHeaders(record, rejection)
      const rejected = { topic, key: record.key, value: record.value, headers }
      // Where it is too large for the topic, a reference to where it stands takes its place.
      const bare = rejectedHeaders({ ...record, headers: [] }, rejection)
      const reference = { topic, key: null, value: null, headers: bare }
      this.#write([rejected], { origin, work: undefined, progress: 'ended' }, () =>
        sink.write([reference]),
      )
    })
  }

  /** The run's record fits nowhere: its end is recorded. */
  async #fallBack(work: Work): Promise<void> {
    const { records, signals } = this.#recordingOf(work, { kind: 'too-large' })
    if (records.length === 0) return
    signals.forEach(this.#parts.emit)
    await this.#parts.sink.write(records)
  }

  #recordingOf(work: Work, step: RunStep) {
    const { clock, random, rules } = this.#parts
    // Only the wait after an attempt has chance in it.
    const chance = step.kind === 'attempted' ? random() : 0
    return recordingOf(contextOf(work), step, rules, { now: clock.now(), random: chance })
  }

  /**
   * @param acknowledged marked when the records are acknowledged
   * @param fallBack writes what stands for them where one is too large for its topic
   */
  #write(
    records: readonly OutboundRecord[],
    acknowledged: Acknowledged,
    fallBack: () => Promise<void>,
  ): void {
    this.#pending += 1
    this.#acknowledgement(records, fallBack).then(() => {
      this.#pending -= 1
      this.#parts.marks.acknowledged(acknowledged)
    }, this.#fail)
  }

  /**
   * Nothing can stand for a result: they are far smaller than what the topic was checked to take at the start, so its limit
   * was lowered since.
   */
  async #acknowledgement(
    records: readonly OutboundRecord[],
    fallBack: () => Promise<void>,
  ): Promise<void> {
    try {
      await this.#parts.sink.write(records)
    } catch (error) {
      const { results } = this.#parts.rules.topics
      if (!(error instanceof TooLargeError)) throw error
      if (error.records.some(({ topic }) => topic === results)) {
        const message = `a result exceeds what topic ${results} accepts: raise its max.message.bytes`
        throw new Error(message, { cause: error })
      }
      await fallBack()
    }
  }

  readonly #fail = (error: unknown): void => {
    this.#parts.onFailed(error instanceof Error ? error : new Error(String(error)))
  }
}
