/**
 * The records that follow from what happened to a run: its result, and the tier record, dead letter or split record by which
 * it goes on or ends. A function of the run, of what happened, and of the moment.
 */
import type {
  EpochMs,
  Hook,
  OutboundRecord,
  RecordPlace,
  Run,
  Tier,
  Topics,
  Verdict,
} from '../model/model.ts'
import type { DeliveryResult } from '../model/records.ts'
import type { DeliveryRecorded, Signal } from '../signal/signal.ts'
import { deadLetterHeaders, runHeaders, splitHeaders } from './delivery-headers.ts'
import { keptAnswer, type KeepingRules } from './kept-answer.ts'
import { endingOf, resultOf, statusOf, type AttemptFacts, type Ending } from './result.ts'
import { tierFor } from './schedule.ts'
import { decide, maxAttemptsOf, type Answer, type Moment } from './verdict.ts'

/** A run, and the record that it is handled for. */
export interface RunAtHand {
  readonly run: Run
  readonly source: RecordPlace
  /** When that record was written. */
  readonly writtenAt: EpochMs
  /** Whether this process owns the record's partition. If not, its new owner writes how the run goes on. */
  readonly isOwned: boolean
  /** Whether its call was aborted so that the run goes on from the requests topic, whoever owns the partition then. */
  readonly isMovedOn: boolean
}

/** What happened to a run. */
export type Happening =
  | Attempted
  /** It ended without an attempt. */
  | {
      readonly kind: 'ended'
      readonly verdict: Verdict
      /** Of the hook; `undefined` when there is none. */
      readonly configVersion: string | undefined
    }
  /** It came from its tier before it is due, and waits on another. */
  | { readonly kind: 'hopped' }
  /** It has not begun, while others of its event have ended: it goes on from a record of its own. */
  | { readonly kind: 'split' }
  /** A record that it goes on by is larger than its topic accepts. */
  | { readonly kind: 'too-large' }

/** A call was answered, failed or was aborted. */
export interface Attempted extends Answer {
  readonly kind: 'attempted'
  /** As it was when the call started. */
  readonly hook: Hook
  /** The hook's URL without secrets. */
  readonly shownUrl: string
  /** As they were sent. */
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
   * In the order of writing, of which a crash or a full batch may leave the beginning: whoever reads that a delivery ended
   * finds its dead letter, and whoever reads of a second attempt has read of the first.
   */
  readonly records: readonly OutboundRecord[]
  readonly signals: readonly Signal[]
  readonly progress: Progress
}

/** What the records mean for the run once they are acknowledged. */
export type Progress =
  | 'goes-on'
  | 'ended'
  /** Nothing was decided: the run is repeated. */
  | 'interrupted'

/** Why a run ended, and when. */
interface Conclusion {
  readonly verdict: Verdict
  readonly configVersion: string | undefined
  /** When the attempt started, or when the run ended without one. */
  readonly at: EpochMs
  readonly attempt: AttemptFacts | undefined
}

export function recordingOf(
  hand: RunAtHand,
  happening: Happening,
  rules: RecordingRules,
  moment: Moment,
): Recording {
  const { run } = hand
  const { now } = moment
  switch (happening.kind) {
    case 'attempted':
      return concluded(hand, conclusionOf(hand, happening, rules, moment), rules, now)
    case 'ended': {
      const { verdict, configVersion } = happening
      const conclusion = { verdict, configVersion, at: now, attempt: undefined }
      return concluded(hand, conclusion, rules, now)
    }
    case 'hopped': {
      const record = tierRecord({ ...run, hop: run.hop + 1 }, rules, now)
      const signal: Signal = { kind: 'run.hopped', tier: record.topic }
      return { records: [record], signals: [signal], progress: 'goes-on' }
    }
    case 'split':
      return {
        records: [splitRecord(run, rules)],
        signals: [{ kind: 'run.split' }],
        progress: 'goes-on',
      }
    case 'too-large':
      return tooLarge(hand, rules, now)
  }
}

/** Only a success counts for a run that another process owns by now: it is over for every owner. */
function conclusionOf(
  { run, isOwned }: RunAtHand,
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
  hand: RunAtHand,
  conclusion: Conclusion,
  rules: RecordingRules,
  now: EpochMs,
): Recording {
  const { run } = hand
  const { verdict } = conclusion
  const ending = endingOf(verdict, conclusion.attempt?.result)
  const isMovedOn = verdict.kind === 'interrupted' && hand.isMovedOn
  const onward = onwardRecord(hand, conclusion, rules, now)
  const signals: Signal[] = []
  if (verdict.kind === 'deferred' && onward !== undefined) {
    signals.push({ kind: 'run.deferred', tier: onward.topic })
  }
  // A run that is deferred again and again is reported once.
  const isReported = verdict.kind !== 'deferred' || run.deferrals === 0
  if (isReported) signals.push(signalOf(hand, conclusion, ending))
  const results = isReported ? [resultRecord(hand, conclusion, ending, rules)] : []
  return {
    records: inOrder(results, onward, verdict),
    signals,
    progress: isMovedOn ? 'goes-on' : progressBy(verdict),
  }
}

/** The record by which the run goes on, or its dead letter. */
function onwardRecord(
  { run, isOwned, isMovedOn }: RunAtHand,
  { verdict, attempt }: Conclusion,
  rules: RecordingRules,
  now: EpochMs,
): OutboundRecord | undefined {
  if (!isOwned) return undefined
  const attemptsMade = run.attempt + (attempt === undefined ? 0 : 1)
  switch (verdict.kind) {
    case 'interrupted':
      return isMovedOn ? splitRecord(run, rules) : undefined
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
      return letterOfEnd({ ...run, attempt: attemptsMade }, { verdict, attempt }, rules, now)
    case 'delivered':
    case 'discarded':
      return undefined
  }
}

/** A test is no loss, and a replay of dead letters must not send it: it leaves none. */
function letterOfEnd(
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
 * The run's own record fits nowhere: its end is recorded, with a dead letter that has neither body nor headers of the event,
 * but says where the event stands.
 */
function tooLarge(hand: RunAtHand, rules: RecordingRules, now: EpochMs): Recording {
  if (!hand.isOwned) return { records: [], signals: [], progress: 'ended' }
  const { run } = hand
  const verdict = { kind: 'dead', reason: 'too-large' } as const
  const conclusion = { verdict, configVersion: undefined, at: now, attempt: undefined }
  const ending = endingOf(verdict, undefined)
  const death = { reason: verdict.reason, status: undefined, diedAt: now } as const
  const letter = deadLetter({ ...run, event: { ...run.event, headers: [] } }, null, death, rules)
  return {
    records: [letter, resultRecord(hand, conclusion, ending, rules)],
    signals: [signalOf(hand, conclusion, ending)],
    progress: 'ended',
  }
}

/** The requests topic's readers call for it at once. */
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
  { run, source }: RunAtHand,
  conclusion: Conclusion,
  ending: Ending,
  { topics, instance, encode }: RecordingRules,
): OutboundRecord {
  const value = encode(resultOf({ ...conclusion, run, source, instance }, ending))
  return { topic: topics.results, key: run.deliveryId, value, headers: [] }
}

function signalOf(hand: RunAtHand, { verdict, attempt, at }: Conclusion, ending: Ending) {
  const { run, source } = hand
  return {
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
    sinceEventMs: attempt === undefined ? undefined : sinceEvent(hand, at),
    nextDueAt: 'dueAt' in verdict ? verdict.dueAt : undefined,
    source,
  } satisfies DeliveryRecorded
}

/**
 * From the event record's timestamp to the start of the run's first attempt, in milliseconds; `undefined` when the run did
 * not begin with the record at hand. Producers' clocks may be ahead: it is never below 0.
 */
function sinceEvent({ run, writtenAt }: RunAtHand, startedAt: EpochMs): number | undefined {
  const isFirst = run.trigger === 'event' && run.attempt === 0 && run.hop === 0
  return isFirst && writtenAt >= 0 ? Math.max(0, startedAt - writtenAt) : undefined
}

function inOrder(
  results: readonly OutboundRecord[],
  onward: OutboundRecord | undefined,
  verdict: Verdict,
): readonly OutboundRecord[] {
  if (onward === undefined) return results
  const isEnd = verdict.kind === 'dead' || verdict.kind === 'expired'
  return isEnd ? [onward, ...results] : [...results, onward]
}

function progressBy({ kind }: Verdict): Progress {
  if (kind === 'interrupted') return kind
  return kind === 'retry' || kind === 'deferred' ? 'goes-on' : 'ended'
}
