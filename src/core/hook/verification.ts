/** What a receiver checks of a call (docs/receivers.md): Logto's signature, and that of Standard Webhooks. */
import { timingSafeEqual } from 'node:crypto'
import type { EpochMs } from '../model/model.ts'
import { logtoSignature, standardSignature, type PreparedKey } from './signature.ts'

/**
 * `absent`: the call has none. `unchecked`: there is no key to check it with. `stale`: it is right, and its time is too far
 * from now, as of a call that somebody has kept and makes again.
 */
export type SignatureCheck = 'valid' | 'invalid' | 'absent' | 'unchecked' | 'stale'

export interface SignedCall {
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Buffer
}

/** Standard Webhooks asks receivers to take no other times. */
const toleranceMs = 5 * 60_000

/** @param keys any of them may have signed it */
export function checkLogtoSignature(
  { headers, body }: SignedCall,
  keys: readonly PreparedKey[],
): SignatureCheck {
  const given = headers['logto-signature-sha-256']
  if (given === undefined) return 'absent'
  if (keys.length === 0) return 'unchecked'
  return isLogtoSignature(given, body, keys) ? 'valid' : 'invalid'
}

/** @param keys any of them may have signed it */
export function isLogtoSignature(
  given: string,
  body: Buffer,
  keys: readonly PreparedKey[],
): boolean {
  return keys.some((key) => isSame(logtoSignature(body, key), given))
}

/** @param keys any of them may have made any of the signatures */
export function checkStandardSignature(
  { headers, body }: SignedCall,
  keys: readonly PreparedKey[],
  now: EpochMs,
): SignatureCheck {
  const given = headers['webhook-signature']
  if (given === undefined) return 'absent'
  if (keys.length === 0) return 'unchecked'
  const id = headers['webhook-id']
  const timestamp = headers['webhook-timestamp'] ?? ''
  if (id === undefined || !/^\d{1,12}$/.test(timestamp)) return 'invalid'
  const timestampSeconds = Number(timestamp)
  const own = keys.map((key) => standardSignature({ id, timestampSeconds, body, keys: [key] }))
  const isSigned = given.split(' ').some((one) => own.some((signature) => isSame(signature, one)))
  if (!isSigned) return 'invalid'
  return Math.abs(now - timestampSeconds * 1_000) > toleranceMs ? 'stale' : 'valid'
}

/** In constant time, so that nobody finds a signature byte by byte. */
function isSame(own: string, given: string): boolean {
  const [one, other] = [Buffer.from(own), Buffer.from(given)]
  return one.length === other.length && timingSafeEqual(one, other)
}
