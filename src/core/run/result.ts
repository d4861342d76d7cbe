/** The result record of an attempt, or of an end without one. It has everything that a dashboard needs without a join. */
import type {
  AttemptResult,
  Blame,
  EpochMs,
  ErrorClass,
  Outcome,
  Reason,
  RecordPlace,
  Run,
  Verdict,
} from '../model/model.ts'
import type { KeptAnswer } from './kept-answer.ts'
import type { DeliveryResult } from '../model/records.ts'
import { shownParts } from '../text/plain-words.ts'
import { blameOf } from './blame.ts'

/** The facts for a result. `attempt` is `undefined` for an end without one. */
export interface ResultFacts {
  readonly run: Run
  readonly verdict: Verdict
  readonly configVersion: string | undefined
  readonly source: RecordPlace
  readonly instance: string
  /** When the attempt started, or when the run ended without one. */
  readonly at: EpochMs
  readonly attempt: AttemptFacts | undefined
}

export interface AttemptFacts {
  readonly result: AttemptResult
  /** What the result keeps of the answer. */
  readonly kept: KeptAnswer
  /** The URL without secrets. */
  readonly shownUrl: string
  readonly maxAttempts: number
  /** Time from admission, or from the release by the tier, to the start of the call. */
  readonly queuedMs: number
}

/** Outcome, reason and blame of a verdict. Results, signals and dead letters all use these. */
export interface Ending {
  readonly outcome: Outcome
  readonly reason: Reason | undefined
  readonly errorClass: ErrorClass | undefined
  readonly blame: Blame | undefined
  readonly isFinal: boolean
}

export function endingOf(verdict: Verdict, result: AttemptResult | undefined): Ending {
  const reason = reasonOf(verdict)
  const errorClass = result === undefined ? undefined : errorClassOf(result)
  return {
    outcome: outcomeOf(verdict),
    reason,
    errorClass,
    blame: blameOf(verdict, errorClass),
    isFinal: progressOf(verdict) === 'ended',
  }
}

/** @param ending the {@link endingOf} of the same verdict */
export function resultOf(facts: ResultFacts, ending: Ending): DeliveryResult {
  const { run, verdict, attempt, source } = facts
  return {
    deliveryId: run.deliveryId,
    run: run.run,
    eventId: run.event.eventId,
    eventKey: run.event.event,
    hookId: run.hookId,
    tenantId: run.event.tenantId,
    userId: run.event.userId ?? null,
    configVersion: facts.configVersion ?? null,
    attempt: attempt === undefined ? null : run.attempt + 1,
    trigger: run.trigger,
    outcome: ending.outcome,
    reason: ending.reason ?? null,
    unmatchedHooks: null,
    final: ending.isFinal,
    errorClass: ending.errorClass ?? null,
    blame: ending.blame ?? null,
    ...(attempt === undefined ? noAttempt : attemptFields(attempt)),
    nextDueAt: 'dueAt' in verdict ? verdict.dueAt : null,
    sourceTopic: source.topic,
    sourcePartition: source.partition,
    sourceOffset: source.offset,
    sourceKey: run.event.sourceKey ?? null,
    eventAt: run.event.createdAt,
    attemptedAt: facts.at,
    instance: facts.instance,
  }
}

type AttemptFields = Pick<
  DeliveryResult,
  | 'maxAttempts'
  | 'statusCode'
  | 'errorMessage'
  | 'url'
  | 'queuedMs'
  | 'connectMs'
  | 'firstByteMs'
  | 'totalMs'
  | 'responseBody'
>

export const noAttempt: AttemptFields = {
  maxAttempts: null,
  statusCode: null,
  errorMessage: null,
  url: null,
  queuedMs: null,
  connectMs: null,
  firstByteMs: null,
  totalMs: null,
  responseBody: null,
}

function attemptFields(attempt: AttemptFacts): AttemptFields {
  const { result, kept, shownUrl, maxAttempts, queuedMs } = attempt
  return {
    maxAttempts,
    statusCode: statusOf(result) ?? null,
    errorMessage: kept.errorMessage,
    url: shownUrl,
    queuedMs,
    ...result.phases,
    responseBody: kept.responseBody,
  }
}

/** Status of the answer, if one was received. */
export function statusOf(result: AttemptResult): number | undefined {
  return result.kind === 'response' || result.kind === 'error' ? result.status : undefined
}

function errorClassOf(result: AttemptResult): ErrorClass | undefined {
  if (result.kind === 'error') return result.errorClass
  const isFailure = result.kind === 'response' && (result.status < 200 || result.status >= 300)
  return isFailure ? 'http' : undefined
}

/** The state of a run once the records of a step are acknowledged. */
export type Progress =
  | 'continues'
  | 'ended'
  /** Nothing was decided, so the run is repeated. */
  | 'interrupted'

export function progressOf({ kind }: Verdict): Progress {
  switch (kind) {
    case 'retry':
    case 'deferred':
      return 'continues'
    case 'interrupted':
      return 'interrupted'
    case 'delivered':
    case 'dead':
    case 'expired':
    case 'discarded':
      return 'ended'
  }
}

function outcomeOf(verdict: Verdict): Outcome {
  return verdict.kind === 'retry' ? 'retrying' : verdict.kind
}

function reasonOf(verdict: Verdict): Reason | undefined {
  if (verdict.kind === 'expired') return 'max-age'
  return verdict.kind === 'dead' || verdict.kind === 'discarded' ? verdict.reason : undefined
}

const maxUrlLength = 2_048

/**
 * A URL as results may show it: without credentials, query, fragment, and segments of the path that look like a token, and
 * of bounded length. Empty when the text is not a URL.
 */
export function urlWithoutSecrets(url: string): string {
  const parsed = URL.parse(url)
  return parsed === null
    ? ''
    : `${parsed.protocol}//${parsed.host}${shownParts(parsed.pathname)}`.slice(0, maxUrlLength)
}
