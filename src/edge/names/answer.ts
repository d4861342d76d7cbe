/**
 * What name servers say of a host name, and what is made of it: the two families of addresses together, bounded and in
 * the order in which they are tried.
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
 * What was said of one family. `no-name` and `none` are certain: there is no such name, or it has no address of that
 * family. `refused` is a name server that answered and could not say (SERVFAIL, REFUSED, NOTIMP, FORMERR, nonsense); `silent` is one that
 * did not answer.
 */
export type FamilyAnswer =
  | { readonly kind: 'addresses'; readonly records: readonly AddressRecord[] }
  | { readonly kind: 'no-name' }
  | { readonly kind: 'none' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'silent' }

/** Why a name has no address: `no-name` is certain, the others say nothing of the name. */
export type NameFailure = 'no-name' | 'refused' | 'silent'

export type NameAnswer =
  | {
      readonly kind: 'addresses'
      readonly addresses: readonly NameAddress[]
      readonly ttlMs: number
    }
  | { readonly kind: NameFailure }

/** Which addresses this machine has itself, and so which it can connect to: those of others of the same kind. */
export interface Reach {
  /** Beside that of its loopback interface. */
  readonly ipv4: boolean
  readonly globalIpv6: boolean
}

const minTtlMs = 1_000
const maxTtlMs = 60 * 60_000
/** Half an answer, where one family was not told, is asked for again soon. */
const maxPartialTtlMs = 30_000
/** A call tries addresses one after the other, a second each, and has no time for more. */
const maxPerFamily = 8

/**
 * Both families together. A family that fails hides none of the other's addresses, unless these lead nowhere: then nothing
 * of use was told, and what was told before is the better answer.
 */
export function answerOf(four: FamilyAnswer, six: FamilyAnswer, reach: Reach): NameAnswer {
  const addresses = [...addressesOf(six, 6), ...addressesOf(four, 4)]
  const kinds = [four.kind, six.kind]
  const isWhole = !kinds.includes('silent') && !kinds.includes('refused')
  const isOfUse = isReachable(recordsOf(four), 4, reach) || isReachable(recordsOf(six), 6, reach)
  if (addresses.length > 0 && (isWhole || isOfUse)) {
    return { kind: 'addresses', addresses, ttlMs: ttlOf(four, six) }
  }
  // RFC 8020: it says so of the name as a whole. Of AAAA alone some say so in error (RFC 4074 section 4.2).
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
 * Whether one of a family's addresses can be connected to, as far as this machine knows. Private IPv6 addresses count: what
 * leads to them cannot be told from the machine's own. So does IPv4 where the machine has no address at all but its own.
 */
export function isReachable(
  records: readonly Pick<AddressRecord, 'address'>[],
  family: 4 | 6,
  { ipv4, globalIpv6 }: Reach,
): boolean {
  if (family === 4) return records.length > 0 && (ipv4 || !globalIpv6)
  return records.some(({ address }) => globalIpv6 || !isGlobalIpv6(address))
}

/** RFC 2181 section 8: a time to live with its highest bit set counts as 0. Resolvers hand that on as a negative number. */
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
 * In the order in which to try them: the default policy of RFC 6724, by what matters of it to a client that tries one
 * after the other. Global IPv6 goes first where this machine has such an address itself, else it would lead nowhere.
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

/** 2000::/3, all that is given out to the public internet. */
export function isGlobalIpv6(address: string): boolean {
  return /^[23][\da-f]{3}:/i.test(address)
}

/**
 * The same addresses with another one of each family first, by turns: a name with several means that its calls be spread
 * over them, and an answer that is kept would send all to the first.
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
