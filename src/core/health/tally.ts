/**
 * Failed attempts of an endpoint since its last success, by all instances (docs/results.md, Endpoint health). Idle time does
 * not count as failing: only the time between consecutive failed attempts counts.
 */
import type { Health } from './record.ts'
import type { EpochMs } from '../model/model.ts'

export interface Tally {
  /** Failed attempts since the last known success of any instance. */
  readonly failures: number
  readonly failingSince: EpochMs | undefined
  readonly lastFailureAt: EpochMs | undefined
  readonly lastSuccessAt: EpochMs | undefined
}

/** An endpoint with fewer failed attempts is not disabled. */
const minFailures = 20
/**
 * Failures that are further apart do not belong to one series. The longest step of the default schedule is 24 h and a fifth.
 * Without this bound, one old failure and twenty quick ones would disable an endpoint that was idle in between.
 */
const maxGapMs = 48 * 3_600_000

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
  const isApart = lastFailureAt !== undefined && at - lastFailureAt > maxGapMs
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

/** Whether the failures are numerous enough, and span enough time, to disable the endpoint. */
export function spans(
  { failures, failingSince, lastFailureAt }: Tally,
  disableAfterMs: number,
): boolean {
  if (failures < minFailures || failingSince === undefined) return false
  return (lastFailureAt ?? failingSince) - failingSince >= disableAfterMs
}

type ReportedTally = Pick<Health, keyof Tally>

/** The tally in the form of records. */
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

/** Merges the tally of a report into the own one. A success of either restarts the count. */
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
