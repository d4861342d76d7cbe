/**
 * The records that follow from one step of a run: its result, and the tier record, split record or dead letter with which it
 * continues or ends. They depend only on the run, the step and the moment.
 */
import type {
  EpochMs,
  Hook,
  OutboundRecord,
  RecordPlace,
  Run,
  Tier,
  Topics,
  UnattemptedVerdict,
  Verdict,
} from '../model/model.ts'
import type { DeliveryResult } from '../model/records.ts'
import type { DeliveryRecorded, Signal } from '../signal/signal.ts'
import { deadLetterHeaders, runHeaders, splitHeaders } from './delivery-headers.ts'
import { keptAnswer, type KeepingRules } from './kept-answer.ts'
import {
  endingOf,
  progressOf,
  resultOf,
  statusOf,
  type AttemptFacts,
  type Ending,
  type Progress,
} from './result.ts'
import { tierFor } from './schedule.ts'
import { decide, maxAttemptsOf, type Answer, type Moment } from './verdict.ts'

/** A run, with the record from which it is handled. */
export interface RunContext {
  readonly run: Run
  readonly source: RecordPlace
  /** When that record was written. */
  readonly writtenAt: EpochMs
  /** Whether this process owns the record's partition. If not, the new owner writes the records that continue the run. */
  readonly isOwned: boolean
  /** Whether its call was aborted to hand the run over: it continues from a record on the requests topic. */
  readonly isHandedOver: boolean
}

/** One step of a run. */
export type RunStep =
  | Attempted
  /** The run ended or was deferred without an attempt. */
  | {
      readonly kind: 'ended'
      readonly verdict: UnattemptedVerdict
      /** The hook's; `undefined` when there is no hook. */
      readonly configVersion: string | undefined
    }
  /** Its tier released the run before it is due, so it waits on another tier. */
  | { readonly kind: 'hopped' }
  /** The run has not started while others of its event have ended, so it continues from a record of its own. */
  | { readonly kind: 'split' }
  /** The record that continues the run is larger than its topic accepts. */
  | { readonly kind: 'too-large' }

/** A call was answered, failed or was aborted. */
export interface Attempted extends Answer {
  readonly kind: 'attempted'
  /** The hook as it was when the call started. */
  readonly hook: Hook
  /** The hook's URL without secrets. */
  readonly shownUrl: string
  /** The request headers as they were sent. */
  readonly headers: Readonly<Record<string, string>>
  readonly startedAt: EpochMs
  /** How long the run waited for its call, in milliseconds. */
  readonly queuedMs: number
}

export interface RecordingRules {
  readonly topics: Topics
  /** Configured tiers, ascending by delay. */
  readonly tiers: readonly Tier[]
  /** The wait after each attempt, in milliseconds. */
  readonly schedule: readonly number[]
  readonly keeping: KeepingRules
  /** Names this process in results. */
  readonly instance: string
  readonly encode: (result: DeliveryResult) => Buffer
}

export interface Recording {
  /**
   * In the order of writing. A crash or a full batch may cut the list, so the order matters: a reader of the result of a
   * dead delivery finds its dead letter, and the result of a first attempt is there before the second attempt is made.
   */
  readonly records: readonly OutboundRecord[]
  readonly signals: readonly Signal[]
  readonly progress: Progress
}

/** Why a run ended, and when. */
interface Conclusion {
  readonly verdict: Verdict
  readonly configVersion: string | undefined
  /** When the attempt started, or when the run ended without one. */
  readonly at: EpochMs
  readonly attempt: AttemptFacts | undefined
}

export function recordingOf(
  context: RunContext,
  step: RunStep,
  rules: RecordingRules,
  moment: Moment,
): Recording {
  const { run } = context
  const { now } = moment
  switch (step.kind) {
    case 'attempted':
      return concluded(context, conclusionOf(context, step, rules, moment), rules, now)
    case 'ended': {
      const { verdict, configVersion } = step
      const conclusion = { verdict, configVersion, at: now, attempt: undefined }
      return concluded(context, conclusion, rules, now)
    }
    case 'hopped': {
      const record = tierRecord({ ...run, hop: run.hop + 1 }, rules, now)
      const signal: Signal = { kind: 'run.hopped', tier: record.topic }
      return { records: [record], signals: [signal], progress: 'continues' }
    }
    case 'split':
      return {
        records: [splitRecord(run, rules)],
        signals: [{ kind: 'run.split' }],
        progress: 'continues',
      }
    case 'too-large':
      return tooLarge(context, rules, now)
  }
}

/** If another process owns the run by now, only a success counts, because it ends the run for every owner. */
function conclusionOf(
  { run, isOwned }: RunContext,
  attempted: Attempted,
  { schedule, tiers, keeping }: RecordingRules,
  moment: Moment,
): Conclusion {
  const { result, hook, shownUrl, queuedMs } = attempted
  const maxAttempts = maxAttemptsOf(schedule, hook, run)
  const smallestTierMs = tiers[0]?.delayMs ?? 0
  const decided = decide(attempted, run, { schedule, smallestTierMs, maxAttempts }, moment)
  const kept = keptAnswer(result, { ...attempted, event: run.event }, keeping)
  return {
    verdict: isOwned || decided.kind === 'delivered' ? decided : { kind: 'interrupted' },
    configVersion: hook.configVersion,
    at: attempted.startedAt,
    attempt: { result, kept, shownUrl, maxAttempts, queuedMs },
  }
}

function concluded(
  context: RunContext,
  conclusion: Conclusion,
  rules: RecordingRules,
  now: EpochMs,
): Recording {
  const { run } = context
  const { verdict } = conclusion
  const ending = endingOf(verdict, conclusion.attempt?.result)
  const isHandedOver = verdict.kind === 'interrupted' && context.isHandedOver
  const next = nextRecord(context, conclusion, rules, now)
  const signals: Signal[] = []
  if (verdict.kind === 'deferred' && next !== undefined) {
    signals.push({ kind: 'run.deferred', tier: next.topic })
  }
  // Only the first deferral of a run has a result.
  const isReported = verdict.kind !== 'deferred' || run.deferrals === 0
  if (isReported) signals.push(signalOf(context, conclusion, ending))
  const results = isReported ? [resultRecord(context, conclusion, ending, rules)] : []
  return {
    records: inOrder(results, next, verdict),
    signals,
    progress: isHandedOver ? 'continues' : progressOf(verdict),
  }
}

/** The record that continues the run, or its dead letter. */
function nextRecord(
  { run, isOwned, isHandedOver }: RunContext,
  { verdict, attempt }: Conclusion,
  rules: RecordingRules,
  now: EpochMs,
): OutboundRecord | undefined {
  if (!isOwned) return undefined
  const attemptsMade = run.attempt + (attempt === undefined ? 0 : 1)
  switch (verdict.kind) {
    case 'interrupted':
      return isHandedOver ? splitRecord(run, rules) : undefined
    case 'retry': {
      const { dueAt, earlyMs } = verdict
      const next = { ...run, attempt: attemptsMade, hop: run.hop + 1, dueAt, earlyMs }
      return tierRecord(next, rules, now)
    }
    case 'deferred': {
      const { dueAt, earlyMs } = verdict
      const { hop, deferrals } = run
      const next = { ...run, hop: hop + 1, deferrals: deferrals + 1, dueAt, earlyMs }
      return tierRecord(next, rules, now)
    }
    case 'dead':
    case 'expired':
      return deadLetterAtEnd({ ...run, attempt: attemptsMade }, { verdict, attempt }, rules, now)
    case 'delivered':
    case 'discarded':
      return undefined
  }
}

/** A test leaves no dead letter: nothing is lost with it, and a replay of dead letters must not send it. */
function deadLetterAtEnd(
  run: Run,
  { verdict, attempt }: Pick<Conclusion, 'verdict' | 'attempt'>,
  rules: RecordingRules,
  diedAt: EpochMs,
): OutboundRecord | undefined {
  if (run.trigger === 'test') return undefined
  const reason = verdict.kind === 'dead' ? verdict.reason : 'max-age'
  const status = attempt === undefined ? undefined : statusOf(attempt.result)
  return deadLetter(run, run.event.body, { reason, status, diedAt }, rules)
}

/**
 * The end of a run whose record is too large for its topic. The dead letter has neither the body nor the headers of the
 * event, but it has the place of the event's record. For a run that another process owns, nothing is decided.
 */
function tooLarge(context: RunContext, rules: RecordingRules, now: EpochMs): Recording {
  if (!context.isOwned) return { records: [], signals: [], progress: 'interrupted' }
  const { run } = context
  const verdict = { kind: 'dead', reason: 'too-large' } as const
  const conclusion = { verdict, configVersion: undefined, at: now, attempt: undefined }
  const ending = endingOf(verdict, undefined)
  const death = { reason: verdict.reason, status: undefined, diedAt: now } as const
  const letter = deadLetter({ ...run, event: { ...run.event, headers: [] } }, null, death, rules)
  return {
    records: [letter, resultRecord(context, conclusion, ending, rules)],
    signals: [signalOf(context, conclusion, ending)],
    progress: 'ended',
  }
}

/** A record on the requests topic is due at once. */
function splitRecord(run: Run, { topics }: RecordingRules): OutboundRecord {
  const headers = splitHeaders({ ...run, hop: run.hop + 1 })
  return { topic: topics.requests, key: run.deliveryId, value: run.event.body, headers }
}

function tierRecord(run: Run, { tiers }: RecordingRules, now: EpochMs): OutboundRecord {
  const { topic } = tierFor(tiers, run.dueAt - now)
  return { topic, key: run.deliveryId, value: run.event.body, headers: runHeaders(run) }
}

function deadLetter(
  run: Run,
  value: Buffer | null,
  death: Parameters<typeof deadLetterHeaders>[1],
  { topics }: RecordingRules,
): OutboundRecord {
  const headers = deadLetterHeaders(run, death)
  return { topic: topics.deadLetters, key: run.deliveryId, value, headers }
}

function resultRecord(
  { run, source }: RunContext,
  conclusion: Conclusion,
  ending: Ending,
  { topics, instance, encode }: RecordingRules,
): OutboundRecord {
  const value = encode(resultOf({ ...conclusion, run, source, instance }, ending))
  return { topic: topics.results, key: run.deliveryId, value, headers: [] }
}

function signalOf(context: RunContext, { verdict, attempt, at }: Conclusion, ending: Ending) {
  const { run, source } = context
  return {
    kind: 'delivery.recorded',
    deliveryId: run.deliveryId,
    run: run.run,
    trigger: run.trigger,
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
    sinceEventMs: attempt === undefined ? undefined : sinceEvent(context, at),
    nextDueAt: 'dueAt' in verdict ? verdict.dueAt : undefined,
    source,
  } satisfies DeliveryRecorded
}

/**
 * The time from the event record's timestamp to the start of the run's first attempt, in milliseconds. It is `undefined`
 * when the run did not begin with this record, and never below 0, since producers' clocks may be ahead.
 */
function sinceEvent({ run, writtenAt }: RunContext, startedAt: EpochMs): number | undefined {
  const isFirst = run.trigger === 'event' && run.attempt === 0 && run.hop === 0
  return isFirst && writtenAt >= 0 ? Math.max(0, startedAt - writtenAt) : undefined
}

function inOrder(
  results: readonly OutboundRecord[],
  next: OutboundRecord | undefined,
  verdict: Verdict,
): readonly OutboundRecord[] {
  if (next === undefined) return results
  const isEnd = verdict.kind === 'dead' || verdict.kind === 'expired'
  return isEnd ? [next, ...results] : [...results, next]
}
