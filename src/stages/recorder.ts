/**
 * Recordings → Kafka: writes the records that follow from each step of a run, and marks them when they are acknowledged. A
 * run is settled then, never before. After the end of an epoch only results are written: the partition's new owner writes
 * the other records. While membership is not proven, this process cannot know whether the epoch has ended. Then nothing is
 * written until membership is proven again, or the epoch has ended.
 */
import { TooLargeError } from '../core/model/errors.ts'
import type { AuthEvent, InboundRecord, OutboundRecord, Rejection } from '../core/model/model.ts'
import { rejectedHeaders } from '../core/run/delivery-headers.ts'
import { recordingOf, type RunStep, type RecordingRules } from '../core/run/recording.ts'
import type { CallCounts, CountedAs } from '../core/lane/repeat-bounds.ts'
import type { Progress } from '../core/run/result.ts'
import { unmatchedRecord, type Unmatched } from '../core/run/unmatched.ts'
import type { Emit, Signal } from '../core/signal/signal.ts'
import { shownName } from '../core/text/plain-words.ts'
import type { AttemptTrace, Clock, Random, RecordSink } from '../ports.ts'
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
  /** A write failed for a reason that a retry cannot fix. */
  readonly onFailed: (error: Error) => void
}

export class Recorder {
  readonly #parts: RecorderParts
  readonly #proofWaiters: ProofWaiters
  /** Writes that are not settled, by the group of their records. */
  readonly #pending = new Map<string, number>()
  readonly #pendingCalls = { short: 0, long: 0 }

  constructor(parts: RecorderParts) {
    this.#parts = parts
    this.#proofWaiters = new ProofWaiters(parts)
  }

  /**
   * How many ended calls are not {@link settled}. A crash would repeat these, and none of the writes that no call caused:
   * hops, deferrals, splits.
   */
  get pendingCalls(): CallCounts {
    return this.#pendingCalls
  }

  /** An acknowledged write has been handled, so that what it completes is complete. */
  settled({ origin, ofCall }: Acknowledged): void {
    this.#count(origin, -1)
    if (ofCall !== undefined) this.#pendingCalls[ofCall] -= 1
  }

  /** Whether all records are written, acknowledged and settled. */
  get isIdle(): boolean {
    for (const count of this.#pending.values()) if (count > 0) return false
    return this.#proofWaiters.isEmpty
  }

  /** The same of what follows from records of one group. */
  isIdleFor(group: string): boolean {
    return (this.#pending.get(group) ?? 0) === 0 && this.#proofWaiters.isEmpty
  }

  /**
   * Writes the records that follow from the step. After the end of the epoch, only an attempt is recorded.
   *
   * @param ofCall how the call was counted that was attempted
   */
  record(work: Work, step: RunStep, ofCall?: CountedAs): void {
    this.#proofWaiters.whenProven(work.origin, () => {
      if (!work.origin.epoch.isLive && step.kind !== 'attempted') return
      const { records, signals, progress } = this.#recordingOf(work, step)
      signals.forEach(this.#parts.emit)
      if (work.trace !== undefined) tellTrace(work.trace, signals)
      const acknowledged = { origin: work.origin, work, progress, ofCall }
      this.#write(records, acknowledged, () => this.#fallBack(work))
    })
  }

  /** Writes the result of an event that went to no hook. After the end of the epoch the new owner does. */
  unmatched(event: AuthEvent, unmatched: Unmatched, origin: Origin): void {
    this.#proofWaiters.whenProven(origin, () => {
      if (!origin.epoch.isLive) return
      const { rules, clock } = this.#parts
      const record = unmatchedRecord(event, unmatched, rules, clock.now())
      const acknowledged = { origin, ...ownRecord }
      this.#write([record], acknowledged, () => Promise.resolve('ended'))
    })
  }

  /** Writes a record that cannot be handled to the rejected topic, with its key and value unchanged. */
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
      // If it is too large for the topic, a record without key and value is written, which has the place of the original.
      const bare = rejectedHeaders({ ...record, headers: [] }, rejection)
      const reference = { topic, key: null, value: null, headers: bare }
      this.#write([rejected], { origin, ...ownRecord }, async () => {
        await this.#proven(origin)
        if (!epoch.isLive) return 'interrupted'
        await sink.write([reference])
        return 'ended'
      })
    })
  }

  /**
   * The run's record is too large for its topic, so the end of the run is recorded. If the epoch has ended, nothing is: the
   * new owner handles the run again, and so does this process if it gets the partition back.
   */
  async #fallBack(work: Work): Promise<Progress> {
    await this.#proven(work.origin)
    const { records, signals, progress } = this.#recordingOf(work, { kind: 'too-large' })
    if (records.length === 0) return progress
    signals.forEach(this.#parts.emit)
    if (work.trace !== undefined) tellTrace(work.trace, signals)
    await this.#parts.sink.write(records)
    return progress
  }

  /** Resolves as soon as membership is proven or the epoch has ended. */
  #proven(origin: Origin): Promise<void> {
    return new Promise((resolve) => {
      this.#proofWaiters.whenProven(origin, resolve)
    })
  }

  #recordingOf(work: Work, step: RunStep) {
    const { clock, random, rules } = this.#parts
    // Only after an attempt the wait is computed here. A deferral comes with its wait, which has its own random part.
    const chance = step.kind === 'attempted' ? random() : 0
    return recordingOf(contextOf(work), step, rules, { now: clock.now(), random: chance })
  }

  /**
   * @param acknowledged the mark to set when the records are acknowledged
   * @param fallBack writes replacements when a record is too large for its topic, and returns the progress after that
   */
  #write(
    records: readonly OutboundRecord[],
    acknowledged: Acknowledged,
    fallBack: () => Promise<Progress>,
  ): void {
    const { origin, ofCall } = acknowledged
    this.#count(origin, 1)
    if (ofCall !== undefined) this.#pendingCalls[ofCall] += 1
    // One promise per write is enough for almost all of them.
    this.#parts.sink.write(records).then(
      () => this.#parts.marks.acknowledged(acknowledged),
      (error: unknown) => {
        this.#replace(error, fallBack).then(
          (progress) => this.#parts.marks.acknowledged({ ...acknowledged, progress }),
          this.#fail,
        )
      },
    )
  }

  /**
   * Nothing can replace a result. Results are much smaller than the limit of their topic, which is checked at the start. So
   * if a result is too large, the limit was lowered since then.
   */
  async #replace(error: unknown, fallBack: () => Promise<Progress>): Promise<Progress> {
    const { results } = this.#parts.rules.topics
    if (!(error instanceof TooLargeError)) throw error
    if (error.records.some(({ topic }) => topic === results)) {
      const message = `a result exceeds what topic ${results} accepts: raise its max.message.bytes`
      throw new Error(message, { cause: error })
    }
    return await fallBack()
  }

  #count({ epoch }: Origin, by: 1 | -1): void {
    this.#pending.set(epoch.group, (this.#pending.get(epoch.group) ?? 0) + by)
  }

  readonly #fail = (error: unknown): void => {
    this.#parts.onFailed(error instanceof Error ? error : new Error(String(error)))
  }
}

/** What no delivery causes, but a record by itself. */
const ownRecord = { work: undefined, progress: 'ended', ofCall: undefined } as const

function tellTrace(trace: AttemptTrace, signals: readonly Signal[]): void {
  for (const signal of signals) {
    if (signal.kind === 'delivery.recorded') trace.recorded(signal.outcome, signal.reason)
  }
}
