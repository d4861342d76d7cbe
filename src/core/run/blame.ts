/** Who has to look at what went wrong (docs/results.md). */
import type { Blame, ErrorClass, Reason, Verdict } from '../model/model.ts'

const blameOfClass: Readonly<Record<ErrorClass, Blame>> = {
  http: 'endpoint',
  timeout: 'endpoint',
  reset: 'endpoint',
  protocol: 'endpoint',
  tls: 'endpoint',
  dns: 'network',
  connect: 'network',
  blocked: 'owner',
  // The operator's, as Kafka is: no endpoint and no owner of a hook can do anything about it.
  proxy: 'hooktide',
}

const blameOfReason: Partial<Readonly<Record<Reason, Blame>>> = {
  'endpoint-disabled': 'endpoint',
  'endpoint-down': 'endpoint',
  overflow: 'endpoint',
  'invalid-url': 'owner',
  'hook-invalid': 'owner',
  'hook-deleted': 'owner',
  'hook-disabled': 'owner',
}

/** Who has to look at it. `undefined` when nothing went wrong. */
export function blameOf(
  verdict: Verdict,
  errorClass: ErrorClass | undefined,
  reason: Reason | undefined,
): Blame | undefined {
  if (verdict.kind === 'delivered') return undefined
  if (verdict.kind === 'deferred') return verdict.isBlocked ? 'endpoint' : undefined
  // Its endpoint asked for more time than there is, or failed for as long.
  if (verdict.kind === 'expired') return verdict.isLate ? 'hooktide' : 'endpoint'
  if (reason !== undefined && blameOfReason[reason] !== undefined) return blameOfReason[reason]
  return errorClass === undefined ? 'hooktide' : blameOfClass[errorClass]
}
