/**
 * Failed attempts of an endpoint since its last success, by whichever instance (docs/results.md, Endpoint health). Idle is not failing:
 * what counts is the time between failed attempts that follow one another.
 */
import type { Health } from './record.ts'
import type { EpochMs } from '../model/model.ts'

export interface Tally {
  /** Failed attempts since the last success of any instance, as far as it is known. */
  readonly failures: number
  readonly failingSince: EpochMs | undefined
  readonly lastFailureAt: EpochMs | undefined
  readonly lastSuccessAt: EpochMs | undefined
}

/** With fewer failed attempts nothing is disabled. */
const leastFailures = 20
/**
 * Failures that lie further apart are no evidence of one another: the longest step of the default schedule is 24 h and
 * a fifth. Without this bound an old failure and twenty quick ones would disable an endpoint that was idle between.
 */
const longestGapMs = 48 * 3_600_000

export const noAttempts: Tally = {
  failures: 0,
  failingSince: undefined,
  lastFailureAt: undefined,
  lastSuccessAt: undefined,
}

export function withFailure(
  { failures, failingSince, lastFailureAt, lastSuccessAt }: Tally,
  at: EpochMs,
): Tally {
  const isApart = lastFailureAt !== undefined && at - lastFailureAt > longestGapMs
  return {
    failures: isApart ? 1 : failures + 1,
    failingSince: isApart ? at : (failingSince ?? at),
    lastFailureAt: at,
    lastSuccessAt,
  }
}

export function withSuccess(at: EpochMs): Tally {
  return { ...noAttempts, lastSuccessAt: at }
}

/** Whether the failures are so many, and span so long, that the endpoint is to be disabled. */
export function spans(
  { failures, failingSince, lastFailureAt }: Tally,
  disableAfterMs: number,
): boolean {
  if (failures < leastFailures || failingSince === undefined) return false
  return (lastFailureAt ?? failingSince) - failingSince >= disableAfterMs
}

type ReportedTally = Pick<Health, keyof Tally>

/** As records have it. */
export function reportedTally({
  failures,
  failingSince,
  lastFailureAt,
  lastSuccessAt,
}: Tally): ReportedTally {
  return {
    failures,
    failingSince: failingSince ?? null,
    lastFailureAt: lastFailureAt ?? null,
    lastSuccessAt: lastSuccessAt ?? null,
  }
}

/** What others counted joins what was counted here; a success of any of them begins the count anew. */
export function mergedTally(own: Tally, report: ReportedTally): Tally {
  const lastSuccessAt = latest(own.lastSuccessAt, report.lastSuccessAt ?? undefined)
  const others = {
    failures: report.failures,
    failingSince: report.failingSince ?? undefined,
    lastFailureAt: report.lastFailureAt ?? undefined,
  }
  const rows = [own, others].filter(
    ({ failingSince }) =>
      failingSince !== undefined && (lastSuccessAt === undefined || failingSince > lastSuccessAt),
  )
  return rows.reduce<Tally>(
    (sum, row) => ({
      failures: Math.max(sum.failures, row.failures),
      failingSince: earliest(sum.failingSince, row.failingSince),
      lastFailureAt: latest(sum.lastFailureAt, row.lastFailureAt),
      lastSuccessAt,
    }),
    { ...noAttempts, lastSuccessAt },
  )
}

function earliest(one: EpochMs | undefined, other: EpochMs | undefined): EpochMs | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other)
}

function latest(one: EpochMs | undefined, other: EpochMs | undefined): EpochMs | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.max(one, other)
}
