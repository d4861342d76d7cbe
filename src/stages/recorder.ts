/**
 * From what happened to records: the verdict, its result, and the tier or dead-letter record it asks for. What a run
 * caused is settled when its records are acknowledged, never before. An epoch that has ended writes results only:
 * its partition's new owner makes the other records. While membership is not proven nobody here can tell whether it
 * has ended: then nothing is written until it is proven again, or the epoch is known to be over.
 */
import {
  deadLetterHeaders,
  rejectedHeaders,
  runHeaders,
  splitHeaders,
} from '../core/run/delivery-headers.ts'
import { TooLargeError } from '../core/model/errors.ts'
import type {
  AttemptResult,
  EpochMs,
  Hook,
  InboundRecord,
  OutboundRecord,
  Rejection,
  Run,
  Tier,
  Topics,
  Verdict,
} from '../core/model/model.ts'
import { shownName } from '../core/text/plain-words.ts'
import type { DeliveryResult } from '../core/model/records.ts'
import { keptAnswer, type KeepingRules } from '../core/run/kept-answer.ts'
import { endingOf, resultOf, statusOf, type ResultFacts } from '../core/run/result.ts'
import { tierFor } from '../core/run/schedule.ts'
import type { Emit } from '../core/signal/signal.ts'
import { decide, maxAttemptsOf } from '../core/run/verdict.ts'
import type { Clock, Random, RecordSink, ResultEncoder } from '../ports.ts'
import type { HandledRuns } from './handled-runs.ts'
import { IdleWaiters } from './idle-waiters.ts'
import { AwaitingProof } from './awaiting-proof.ts'
import { settle, sinceEvent, sourceOf, type Origin, type Work } from './work.ts'

export interface RecorderParts {
  readonly sink: RecordSink
  readonly encoder: ResultEncoder<DeliveryResult>
  readonly topics: Topics
  /** Configured tiers, ascending by delay. */
  readonly tiers: readonly Tier[]
  readonly schedule: readonly number[]
  readonly handled: HandledRuns
  readonly clock: Clock
  readonly random: Random
  /** Whether no other member can own a partition of this process. */
  readonly isProven: () => boolean
  readonly keeping: KeepingRules
  /** Names this process in results. */
  readonly instance: string
  readonly emit: Emit
  /** Records were acknowledged: calls that waited for it may go on. */
  readonly onAcknowledged: () => void
  /** A write failed for a reason that no later write mends. */
  readonly onFailed: (error: Error) => void
}

export interface AttemptMade {
  readonly result: AttemptResult
  /** The hook as it was when the call started. */
  readonly hook: Hook
  /** As they were sent. */
  readonly headers: Readonly<Record<string, string>>
  readonly startedAt: EpochMs
  readonly queuedMs: number
}

export class Recorder {
  readonly #parts: RecorderParts
  readonly #waiters = new IdleWaiters()
  readonly #awaitingProof: AwaitingProof
  #pending = 0

  constructor(parts: RecorderParts) {
    this.#parts = parts
    this.#awaitingProof = new AwaitingProof(parts.isProven, parts.clock, () =>
      this.#waiters.check(),
    )
  }

  /** Writes whose acknowledgement has not settled what it stands for. */
  get pendingCount(): number {
    return this.#pending
  }

  /** Resolves when everything recorded is acknowledged and settled, or after the budget. */
  idle(budgetMs: number): Promise<void> {
    return this.#waiters.wait(() => this.#isIdle(), budgetMs, this.#parts.clock)
  }

  /** An attempt was answered, failed or was aborted. */
  attempt(work: Work, made: AttemptMade): void {
    this.#awaitingProof.whenKnown(work.origin, () => this.#recordAttempt(work, made))
  }

  /** A run ended without an attempt. */
  end(
    work: Work,
    ending: { readonly verdict: Verdict; readonly configVersion: string | undefined },
  ): void {
    const { verdict, configVersion } = ending
    const at = this.#parts.clock.now()
    this.#whenLive(work.origin, () =>
      this.#record(work, { verdict, configVersion, at, attempt: undefined }),
    )
  }

  /** A run waits on another tier. No result: nothing happened to it. */
  hop(work: Work): void {
    this.#whenLive(work.origin, () => {
      const record = this.#tierRecord({ ...work.run, hop: work.run.hop + 1 })
      this.#parts.emit({ kind: 'run.hopped', tier: record.topic })
      this.#write(work, [record], 'goes-on')
    })
  }

  /** A delivery of a half-done event goes on from a record of its own. No result: nothing happened to it. */
  split(work: Work): void {
    this.#whenLive(work.origin, () => {
      this.#parts.emit({ kind: 'run.split' })
      this.#write(work, [this.#splitRecord(work.run)], 'goes-on')
    })
  }

  /** A record that cannot be handled goes to the rejected topic as it came. */
  reject(record: InboundRecord, rejection: Rejection, origin: Origin): void {
    this.#whenLive(origin, () => this.#recordRejection(record, rejection, origin))
  }

  #isIdle(): boolean {
    return this.#pending === 0 && this.#awaitingProof.isEmpty
  }

  /** For what an ended epoch leaves to the new owner altogether. */
  #whenLive(origin: Origin, record: () => void): void {
    this.#awaitingProof.whenKnown(origin, () => {
      if (origin.epoch.isLive) record()
    })
  }

  #recordAttempt(work: Work, made: AttemptMade): void {
    const { schedule, tiers, clock, random, keeping } = this.#parts
    const maxAttempts = maxAttemptsOf(schedule, made.hook, work.run)
    const smallestTierMs = tiers[0]?.delayMs ?? 0
    const moment = { now: clock.now(), random: random() }
    const rules = { schedule, smallestTierMs, maxAttempts }
    const decided = decide(made.result, work.run, rules, moment)
    const isOurs = work.origin.epoch.isLive || decided.kind === 'delivered'
    const verdict: Verdict = isOurs ? decided : { kind: 'interrupted' }
    this.#record(work, {
      verdict,
      configVersion: made.hook.configVersion,
      at: made.startedAt,
      attempt: {
        result: made.result,
        kept: keptAnswer(made.result, { ...made, event: work.run.event }, keeping),
        url: made.hook.url,
        maxAttempts,
        queuedMs: made.queuedMs,
      },
    })
  }

  #recordRejection(record: InboundRecord, rejection: Rejection, origin: Origin): void {
    const { topics, emit } = this.#parts
    const source = sourceOf(origin)
    const field = shownName(rejection.field)
    emit({ kind: 'record.rejected', source, ...rejection, field })
    const headers = rejectedHeaders(record, rejection)
    const rejected = { topic: topics.rejected, key: record.key, value: record.value, headers }
    const reference = {
      ...rejected,
      key: null,
      value: null,
      headers: rejectedHeaders({ ...record, headers: [] }, rejection),
    }
    this.#acknowledge([rejected], () => this.#parts.sink.write([reference])).then(
      () => this.#finish(() => settle(origin, undefined)),
      this.#fail,
    )
  }

  #record(work: Work, facts: Omit<ResultFacts, 'run' | 'source' | 'instance'>): void {
    const { run, origin } = work
    const { verdict } = facts
    const result = { ...facts, run, source: sourceOf(origin), instance: this.#parts.instance }
    // A run that is deferred over and over is told of once.
    const isTold = verdict.kind !== 'deferred' || run.deferrals === 0
    const told = isTold ? [this.#resultRecord(result)] : []
    const attempt = run.attempt + (facts.attempt === undefined ? 0 : 1)
    const status = facts.attempt === undefined ? undefined : statusOf(facts.attempt.result)
    const isMovedOn = verdict.kind === 'interrupted' && work.isMovedOn
    const onward = origin.epoch.isLive
      ? isMovedOn
        ? this.#splitRecord(run)
        : this.#onwardRecord({ ...run, attempt }, verdict, status)
      : undefined
    if (isTold) this.#tell(work, facts)
    this.#write(work, inOrder(told, onward, verdict), isMovedOn ? 'goes-on' : progressBy(verdict))
  }

  #onwardRecord(
    run: Run,
    verdict: Verdict,
    status: number | undefined,
  ): OutboundRecord | undefined {
    if (verdict.kind === 'retry') {
      const { dueAt, earlyMs } = verdict
      return this.#tierRecord({ ...run, hop: run.hop + 1, dueAt, earlyMs })
    }
    if (verdict.kind === 'deferred') {
      const { dueAt, earlyMs } = verdict
      const { hop, deferrals } = run
      const next = { ...run, hop: hop + 1, deferrals: deferrals + 1, dueAt, earlyMs }
      const record = this.#tierRecord(next)
      this.#parts.emit({ kind: 'run.deferred', tier: record.topic })
      return record
    }
    if (verdict.kind !== 'dead' && verdict.kind !== 'expired') return undefined
    // Nothing of worth is lost with a test, and a replay of dead letters must not send it.
    if (run.trigger === 'test') return undefined
    const reason = verdict.kind === 'dead' ? verdict.reason : 'max-age'
    return this.#deadLetter(run, { reason, status, value: run.event.body })
  }

  /** The request topic's readers call for it at once. */
  #splitRecord(run: Run): OutboundRecord {
    return {
      topic: this.#parts.topics.requests,
      key: run.deliveryId,
      value: run.event.body,
      headers: splitHeaders({ ...run, hop: run.hop + 1 }),
    }
  }

  #tierRecord(run: Run): OutboundRecord {
    const tier = tierFor(this.#parts.tiers, run.dueAt - this.#parts.clock.now())
    return {
      topic: tier.topic,
      key: run.deliveryId,
      value: run.event.body,
      headers: runHeaders(run),
    }
  }

  #deadLetter(
    run: Run,
    death: {
      readonly reason: Parameters<typeof deadLetterHeaders>[1]['reason']
      readonly status: number | undefined
      readonly value: Buffer | null
    },
  ): OutboundRecord {
    const { reason, status, value } = death
    const headers = deadLetterHeaders(run, { reason, status, diedAt: this.#parts.clock.now() })
    return { topic: this.#parts.topics.deadLetters, key: run.deliveryId, value, headers }
  }

  #resultRecord(facts: ResultFacts): OutboundRecord {
    const { encoder, topics } = this.#parts
    const value = encoder.encode(resultOf(facts))
    return { topic: topics.results, key: facts.run.deliveryId, value, headers: [] }
  }

  /** @param progress unless it is interrupted, the run's repeat is dropped, and its offset may complete */
  #write(work: Work, records: readonly OutboundRecord[], progress: Progress): void {
    this.#acknowledge(records, () => this.#writeReference(work)).then(
      () =>
        this.#finish(() => {
          if (progress === 'interrupted') return
          this.#parts.handled.add(work, progress === 'ended')
          if (work.origin.epoch.isLive) settle(work.origin, work.run.hookId)
        }),
      this.#fail,
    )
  }

  /**
   * Writes records, and what stands for them where one is too large for its topic. Nothing can stand for a result: they
   * are far smaller than what the topic was checked to take at the start, so its limit was lowered since.
   */
  async #acknowledge(
    records: readonly OutboundRecord[],
    writeReference: () => Promise<void>,
  ): Promise<void> {
    this.#pending += 1
    try {
      await this.#parts.sink.write(records)
    } catch (error) {
      const { results } = this.#parts.topics
      if (!(error instanceof TooLargeError)) throw error
      if (error.records.some(({ topic }) => topic === results)) {
        const message = `a result exceeds what topic ${results} accepts: raise its max.message.bytes`
        throw new Error(message, { cause: error })
      }
      await writeReference()
    }
  }

  #finish(settleAll: () => void): void {
    this.#pending -= 1
    settleAll()
    this.#waiters.check()
    this.#parts.onAcknowledged()
  }

  /** The run's record fits nowhere: its end is recorded, with a dead letter that only refers to the source. */
  #writeReference(work: Work): Promise<void> {
    if (!work.origin.epoch.isLive) return Promise.resolve()
    const verdict: Verdict = { kind: 'dead', reason: 'too-large' }
    const facts = {
      verdict,
      configVersion: undefined,
      at: this.#parts.clock.now(),
      attempt: undefined,
    }
    const event = { ...work.run.event, headers: [] }
    const result = this.#resultRecord({
      ...facts,
      run: work.run,
      source: sourceOf(work.origin),
      instance: this.#parts.instance,
    })
    this.#tell(work, facts)
    const death = { reason: verdict.reason, status: undefined, value: null } as const
    return this.#parts.sink.write([this.#deadLetter({ ...work.run, event }, death), result])
  }

  #tell(work: Work, facts: Pick<ResultFacts, 'verdict' | 'attempt' | 'at'>): void {
    const { run, origin } = work
    const { verdict, attempt, at } = facts
    const ending = endingOf(verdict, attempt?.result)
    this.#parts.emit({
      kind: 'delivery.recorded',
      deliveryId: run.deliveryId,
      run: run.run,
      event: run.event.event,
      hookId: run.hookId,
      tenantId: run.event.tenantId,
      outcome: ending.outcome,
      reason: ending.reason,
      attempt: attempt === undefined ? undefined : run.attempt + 1,
      maxAttempts: attempt?.maxAttempts,
      status: attempt === undefined ? undefined : statusOf(attempt.result),
      errorClass: ending.errorClass,
      blame: ending.blame,
      totalMs: attempt?.result.phases.totalMs,
      sinceEventMs: attempt === undefined ? undefined : sinceEvent(work, at),
      nextDueAt: 'dueAt' in verdict ? verdict.dueAt : undefined,
      source: sourceOf(origin),
    })
  }

  readonly #fail = (error: unknown): void => {
    this.#parts.onFailed(error instanceof Error ? error : new Error(String(error)))
  }
}

/**
 * In the order of writing, of which a crash or a full batch may leave the beginning: whoever reads that a delivery ended
 * finds its dead letter, and whoever reads of a second attempt has read of the first.
 */
function inOrder(
  told: readonly OutboundRecord[],
  onward: OutboundRecord | undefined,
  verdict: Verdict,
): readonly OutboundRecord[] {
  if (onward === undefined) return told
  const isEnd = verdict.kind === 'dead' || verdict.kind === 'expired'
  return isEnd ? [onward, ...told] : [...told, onward]
}

/** What becomes of a run by what was written of it. */
type Progress = 'goes-on' | 'ended' | 'interrupted'

function progressBy({ kind }: Verdict): Progress {
  if (kind === 'interrupted') return kind
  return kind === 'retry' || kind === 'deferred' ? 'goes-on' : 'ended'
}
