/**
 * From the answers of name servers to the addresses of a host name: both families together, bounded, and in the order in
 * which they are tried.
 */

export interface NameAddress {
  readonly address: string
  readonly family: 4 | 6
}

/** An A or AAAA record. `ttl` is in seconds, as it came: a hostile server may send any 32 bits. */
export interface AddressRecord {
  readonly address: string
  readonly ttl: number
}

/**
 * The answer for one family of addresses.
 *
 * - `no-name`: there is certainly no such name.
 * - `none`: the name certainly has no address of this family.
 * - `refused`: a name server answered, but not the question (SERVFAIL, REFUSED, NOTIMP, FORMERR, or an answer that cannot
 *   be read).
 * - `silent`: no name server answered.
 */
export type FamilyAnswer =
  | { readonly kind: 'addresses'; readonly records: readonly AddressRecord[] }
  | { readonly kind: 'no-name' }
  | { readonly kind: 'none' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'silent' }

/** Why there is no address. Only `no-name` is certain; after the others the name may have one. */
export type NameFailure = 'no-name' | 'refused' | 'silent'

export type NameAnswer =
  | {
      readonly kind: 'addresses'
      readonly addresses: readonly NameAddress[]
      readonly ttlMs: number
    }
  | { readonly kind: NameFailure }

/** Which kinds of addresses this machine has. It can connect to addresses of the same kinds. */
export interface Reach {
  /** Other than that of the loopback interface. */
  readonly ipv4: boolean
  readonly globalIpv6: boolean
}

const minTtlMs = 1_000
const maxTtlMs = 60 * 60_000
/** An answer that lacks one family is kept for a short time only. */
const maxPartialTtlMs = 30_000
/** A call tries addresses one after the other, for a second each, and has no time for more. */
const maxPerFamily = 8

/**
 * Combines both families. If one family fails, the addresses of the other are the answer, unless this machine cannot reach
 * them: then the lookup counts as failed, because the addresses of an earlier lookup are of more use.
 */
export function answerOf(four: FamilyAnswer, six: FamilyAnswer, reach: Reach): NameAnswer {
  const addresses = [...addressesOf(six, 6), ...addressesOf(four, 4)]
  const kinds = [four.kind, six.kind]
  const isWhole = !kinds.includes('silent') && !kinds.includes('refused')
  const isUsable = isReachable(recordsOf(four), 4, reach) || isReachable(recordsOf(six), 6, reach)
  if (addresses.length > 0 && (isWhole || isUsable)) {
    return { kind: 'addresses', addresses, ttlMs: ttlOf(four, six) }
  }
  // RFC 8020: it holds for the name as a whole. For AAAA alone some name servers answer it in error (RFC 4074 section 4.2).
  if (four.kind === 'no-name') return { kind: 'no-name' }
  if (kinds.includes('silent')) return { kind: 'silent' }
  return { kind: kinds.includes('refused') ? 'refused' : 'no-name' }
}

function addressesOf(answer: FamilyAnswer, family: 4 | 6): readonly NameAddress[] {
  return recordsOf(answer).map(({ address }) => ({ address, family }))
}

function recordsOf(answer: FamilyAnswer): readonly AddressRecord[] {
  return answer.kind === 'addresses' ? answer.records.slice(0, maxPerFamily) : []
}

/**
 * Whether this machine may be able to connect to one of a family's addresses. Private IPv6 addresses count, because the
 * machine's own addresses do not show whether there is a route to them. IPv4 counts also on a machine that has no other
 * address than loopback.
 */
export function isReachable(
  records: readonly Pick<AddressRecord, 'address'>[],
  family: 4 | 6,
  { ipv4, globalIpv6 }: Reach,
): boolean {
  if (family === 4) return records.length > 0 && (ipv4 || !globalIpv6)
  return records.some(({ address }) => globalIpv6 || !isGlobalIpv6(address))
}

/** RFC 2181 section 8: a time to live with its highest bit set counts as 0. Resolvers return it as a negative number. */
function ttlOf(...answers: readonly FamilyAnswer[]): number {
  let ttlMs = maxTtlMs
  for (const answer of answers) {
    if (answer.kind === 'refused' || answer.kind === 'silent') {
      ttlMs = Math.min(ttlMs, maxPartialTtlMs)
    } else if (answer.kind === 'addresses') {
      for (const { ttl } of recordsOf(answer)) {
        ttlMs = Math.min(ttlMs, ttl < 2 ** 31 ? ttl * 1_000 : 0)
      }
    }
  }
  return Math.max(ttlMs, minTtlMs)
}

/**
 * Sorts addresses by the order in which to try them. It is the default policy of RFC 6724, reduced to what matters to a
 * client that tries one address after the other. Global IPv6 goes first only where this machine has such an address itself.
 */
export function inConnectOrder(
  addresses: readonly NameAddress[],
  hasGlobalIpv6: boolean,
): readonly NameAddress[] {
  const rankOf = ({ address, family }: NameAddress): number => {
    if (family === 4) return 2
    if (address === '::1') return 0
    return hasGlobalIpv6 && isGlobalIpv6(address) ? 1 : 3
  }
  return addresses.toSorted((a, b) => rankOf(a) - rankOf(b))
}

/** 2000::/3, the only range that is assigned to the public internet. */
export function isGlobalIpv6(address: string): boolean {
  return /^[23][\da-f]{3}:/i.test(address)
}

/**
 * The same addresses, with another one of each family first for each turn. Without this all calls would go to the first
 * address for as long as an answer is kept.
 */
export function rotated(addresses: readonly NameAddress[], turn: number): readonly NameAddress[] {
  if (addresses.length < 2) return addresses
  const turned: NameAddress[] = []
  for (let start = 0; start < addresses.length;) {
    let end = start + 1
    while (addresses[end]?.family === addresses[start]?.family) end += 1
    const first = start + (turn % (end - start))
    turned.push(...addresses.slice(first, end), ...addresses.slice(start, first))
    start = end
  }
  return turned
}
