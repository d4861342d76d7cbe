/** Who has to act on a failure (docs/results.md). */
import type { Blame, ErrorClass, Verdict } from '../model/model.ts'

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

/** For each reason of an end. `by-answer`: how the last attempt failed decides. */
const blameOfReason: Readonly<Record<DeathReason, Blame | 'by-answer'>> = {
  gone: 'by-answer',
  exhausted: 'by-answer',
  'endpoint-disabled': 'endpoint',
  'endpoint-down': 'endpoint',
  overflow: 'endpoint',
  'invalid-url': 'owner',
  'hook-invalid': 'owner',
  'hook-deleted': 'owner',
  'hook-disabled': 'owner',
  // The operator sets how large records of the topics may be.
  'too-large': 'hooktide',
}

type DeathReason = (Verdict & { readonly kind: 'dead' | 'discarded' })['reason']

/**
 * Who has to act on it; `undefined` when nothing went wrong.
 *
 * @param errorClass how the attempt failed; `undefined` if none was made, or it did not fail
 */
export function blameOf(verdict: Verdict, errorClass: ErrorClass | undefined): Blame | undefined {
  switch (verdict.kind) {
    case 'delivered':
      return undefined
    case 'deferred':
      return verdict.isBlocked ? 'endpoint' : undefined
    case 'expired':
      // If no attempt was due before the end, the endpoint asked for more time than was left, or failed until then.
      return verdict.isLate ? 'hooktide' : 'endpoint'
    case 'retry':
    case 'interrupted':
      return blameOfAnswer(errorClass)
    case 'dead':
    case 'discarded': {
      const blame = blameOfReason[verdict.reason]
      return blame === 'by-answer' ? blameOfAnswer(errorClass) : blame
    }
  }
}

function blameOfAnswer(errorClass: ErrorClass | undefined): Blame {
  return errorClass === undefined ? 'hooktide' : blameOfClass[errorClass]
}
