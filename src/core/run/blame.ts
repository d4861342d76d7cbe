/** Who has to act on a failure (docs/results.md). */
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
  // The owner has chosen the token endpoint and the client.
  token: 'owner',
  // The operator runs the proxy, as they run Kafka. Neither the endpoint nor the hook's owner can repair it.
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

/** Who has to act on it; `undefined` when nothing went wrong. */
export function blameOf(
  verdict: Verdict,
  errorClass: ErrorClass | undefined,
  reason: Reason | undefined,
): Blame | undefined {
  if (verdict.kind === 'delivered') return undefined
  if (verdict.kind === 'deferred') return verdict.isBlocked ? 'endpoint' : undefined
  // If no attempt was due before the end, the endpoint asked for more time than was left, or failed until then.
  if (verdict.kind === 'expired') return verdict.isLate ? 'hooktide' : 'endpoint'
  if (reason !== undefined && blameOfReason[reason] !== undefined) return blameOfReason[reason]
  return errorClass === undefined ? 'hooktide' : blameOfClass[errorClass]
}
