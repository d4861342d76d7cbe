/**
 * Which addresses a webhook may be sent to (docs/operating.md, Destinations). Hook owners choose the URL. So addresses that
 * only this process can reach must not be destinations: its own machine, its network, the metadata service of its cloud.
 *
 * - **Never**: metadata services, link-local, multicast, unspecified, broadcast. No setting allows them.
 * - **Refused**: all other ranges outside the public internet. A setting can allow them by CIDR.
 *
 * Sources: the IANA registries of IPv4 and IPv6 special-purpose addresses, and the cloud providers' pages on instance
 * metadata.
 */
import ipaddr from 'ipaddr.js'

const { IPv4, IPv6 } = ipaddr

export type AddressVerdict = 'ok' | 'refused' | 'never'

/** A parsed range. `prefix` is its first `length` bits, as a number. */
export interface Cidr {
  readonly family: 4 | 6
  readonly length: number
  readonly prefix: bigint
}

export type CidrResult =
  | { readonly kind: 'cidr'; readonly cidr: Cidr }
  | { readonly kind: 'problem'; readonly message: string }

interface Address {
  readonly family: 4 | 6
  readonly bits: bigint
}

/** Ranges with the metadata services of clouds, which give out credentials. In `169.254.0.0/16`: AWS, Google, Azure, … */
const metadataServices: readonly Cidr[] = [
  '169.254.0.0/16', // link-local, and with it most metadata services
  '100.100.100.200/32', // Alibaba Cloud
  '168.63.129.16/32', // Azure's wire server
  '192.0.0.192/32', // Oracle Cloud
].map(knownRange)

/** Single addresses of metadata services. An IPv6 address that embeds one, under any prefix, is never called. */
const metadataAddresses: readonly Cidr[] = [
  '169.254.169.254/32', // AWS, Google, Azure, Oracle, and most others
  '169.254.170.2/32', // AWS, containers of ECS
  '169.254.170.23/32', // AWS, pods of EKS
  '169.254.0.23/32', // Tencent Cloud
  '169.254.42.42/32', // Scaleway
  '100.100.100.200/32',
  '168.63.129.16/32',
  '192.0.0.192/32',
].map(knownRange)

const neverAllowed: readonly Cidr[] = [
  ...metadataServices,
  ...[
    '0.0.0.0/8', // "this network": connecting to 0.0.0.0 reaches this machine
    '224.0.0.0/4', // multicast
    '255.255.255.255/32', // broadcast
    '::/128', // unspecified
    'fe80::/10', // link-local
    'ff00::/8', // multicast
    'fd00:ec2::254/128', // metadata, AWS
    'fd00:ec2::23/128', // the same, pods of EKS
    'fd20:ce::254/128', // metadata, Google Cloud
    'fd00:c1::a9fe:a9fe/128', // metadata, Oracle Cloud
    'fd00:a9fe:a9fe::1/128', // metadata, Linode
    'fd00:42::42/128', // metadata, Scaleway
  ].map(knownRange),
]

const refusedByDefault: readonly Cidr[] = [
  '10.0.0.0/8', // private
  '172.16.0.0/12',
  '192.168.0.0/16',
  '127.0.0.0/8', // loopback
  '100.64.0.0/10', // shared by carriers
  '192.0.0.0/24', // protocol assignments
  '192.88.99.0/24', // 6to4 relays
  '198.18.0.0/15', // benchmarks
  '192.0.2.0/24', // documentation
  '198.51.100.0/24',
  '203.0.113.0/24',
  '240.0.0.0/4', // reserved
  '2001::/23', // protocol assignments, Teredo among them
  '2001:db8::/32', // documentation
  '3fff::/20',
  '2002::/16', // 6to4
].map(knownRange)

/** The only range of IPv6 that is assigned to the public internet. All others are refused by default. */
const globalUnicast = knownRange('2000::/3')

/** Where an IPv6 form holds an IPv4 address. */
type Place = (bits: bigint) => bigint

/** The 32 bits that begin `shift` bits above the lowest bit. */
function placeAt(shift: bigint): Place {
  return (bits) => (bits >> shift) & 0xffff_ffffn
}

/**
 * The 32 bits after a prefix of `length` bits, by RFC 6052 section 2.2: the ninth octet is not part of the IPv4 address,
 * unless the prefix includes it.
 */
function placeAfter(length: number): Place {
  if (length > 64) return placeAt(BigInt(96 - length))
  const place = placeAt(BigInt(88 - length))
  return (bits) => place(((bits >> 64n) << 56n) | (bits & 0xff_ffff_ffff_ffffn))
}

/**
 * IPv6 forms that embed an IPv4 address. For a translated form only the IPv4 address counts: networks without IPv4 see
 * every IPv4 host as `64:ff9b::…`.
 */
const embeddings: readonly {
  readonly range: Cidr
  readonly place: Place
  readonly isTranslated?: true
}[] = [
  { range: knownRange('::ffff:0:0/96'), place: placeAt(0n), isTranslated: true }, // IPv4-mapped
  { range: knownRange('64:ff9b::/96'), place: placeAt(0n), isTranslated: true }, // NAT64, RFC 6052
  { range: knownRange('::ffff:0:0:0/96'), place: placeAt(0n) }, // IPv4-translated
  { range: knownRange('::/96'), place: placeAt(0n) }, // IPv4-compatible
  { range: knownRange('2002::/16'), place: placeAt(80n) }, // 6to4
  { range: knownRange('2001::/32'), place: placeAt(64n) }, // Teredo, its server
  { range: knownRange('2001::/32'), place: (bits) => ~bits & 0xffff_ffffn }, // Teredo, its client
]

/**
 * NAT64 with a prefix that the network chose within this range (RFC 8215). The address does not show how long that prefix
 * is, so the IPv4 address can be at any of these places. All of them are judged.
 */
const localNat64 = knownRange('64:ff9b:1::/48')
const localPlaces: readonly Place[] = [48, 56, 64, 96].map(placeAfter)

/** Where the IPv4 address can be under any other prefix that a network chose: NAT64 (RFC 6052) and 6rd (RFC 5969). */
const anyPlaces: readonly Place[] = [32, 40, 48, 56, 64, 96].map(placeAfter)

/** ISATAP (RFC 5214): `0:5efe:` and the IPv4 address, under any prefix. Two bits of the `0` may be set. */
function isIsatap(bits: bigint): boolean {
  return ((bits >> 32n) & 0xfcff_ffffn) === 0x5efen
}

/**
 * Whether a connection to `ip` may be made. `allowed` allows refused ranges, but not those that are never allowed. Text
 * that is not an address is `never`.
 */
export function judgeAddress(ip: string, allowed: readonly Cidr[]): AddressVerdict {
  const address = parseAddress(ip)
  return address === undefined ? 'never' : judge(address, allowed)
}

/**
 * Judges a URL whose host is an address, or a name with a fixed meaning, such as `localhost`. Any other name is `name`:
 * it is judged once it is resolved. Text that is no URL is `invalid`.
 */
export function judgeUrlLiteral(
  url: string,
  allowed: readonly Cidr[],
): AddressVerdict | 'name' | 'invalid' {
  const parsed = URL.parse(url)
  return parsed === null ? 'invalid' : judgeHost(parsed.hostname.replace(/^\[|\]$/g, ''), allowed)
}

/**
 * Judges a host before its name is resolved. That is all that can be judged where a proxy resolves names.
 *
 * @param host as in a URL, IPv6 without brackets
 * @param machine the host name of this machine
 */
export function judgeHost(
  host: string,
  allowed: readonly Cidr[],
  machine = '',
): AddressVerdict | 'name' {
  const address = parseAddress(host)
  if (address !== undefined) return judge(address, allowed)
  const name = withoutLastDots(host.toLowerCase())
  if (metadataNames.has(name)) return 'never'
  if (!isOwnName(name, machine.toLowerCase())) return 'name'
  const isOpened = ['127.0.0.1', '::1'].some((own) => judgeAddress(own, allowed) === 'ok')
  return isOpened ? 'ok' : 'refused'
}

/** `localhost` is from RFC 6761. The others are those that systems write into `/etc/hosts`. */
const loopbackNames: ReadonlySet<string> = new Set([
  'localhost',
  'localhost.localdomain',
  'localhost4',
  'localhost4.localdomain4',
  'localhost6',
  'localhost6.localdomain6',
  'ip6-localhost',
  'ip6-loopback',
  'loopback',
])

/** The names of metadata services of clouds. */
const metadataNames: ReadonlySet<string> = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'instance-data',
  'instance-data.ec2.internal',
  'metadata.tencentyun.com',
])

function isOwnName(name: string, machine: string): boolean {
  if (loopbackNames.has(name) || name.endsWith('.localhost')) return true
  return name !== '' && (name === machine || name === machine.split('.')[0])
}

function withoutLastDots(name: string): string {
  let end = name.length
  while (name[end - 1] === '.') end -= 1
  return name.slice(0, end)
}

/** Parses text such as `10.0.0.0/8` or `fd00::/8`. Refuses ranges that would have no effect, or not the one intended. */
export function parseCidr(text: string): CidrResult {
  const [ip = '', lengthText, ...rest] = text.split('/')
  const address = parseAddress(ip)
  if (address === undefined || rest.length > 0 || ip.includes('%')) {
    return problem(`"${text}" is not an address range such as 10.0.0.0/8 or fd00::/8`)
  }
  const width = widthOf(address)
  if (lengthText === undefined) {
    return problem(
      `"${text}" needs a prefix length: write a range as in 10.0.0.0/8, and this one address as ${text}/${width}`,
    )
  }
  const length = Number(lengthText)
  if (!/^\d{1,3}$/.test(lengthText) || length > width) {
    return problem(`"${text}" needs a prefix length from 0 to ${width}`)
  }
  const hostBits = BigInt(width - length)
  if ((address.bits >> hostBits) << hostBits !== address.bits) {
    return problem(`"${text}" has bits set after its first ${length}`)
  }
  const cidr: Cidr = { family: address.family, length, prefix: address.bits >> hostBits }
  if (embeddings.some(({ range, isTranslated }) => isTranslated && isWithin(cidr, range))) {
    return problem(`"${text}" stands for IPv4 addresses: name their IPv4 range`)
  }
  if (neverAllowed.some((range) => isWithin(cidr, range))) {
    return problem(
      `"${text}" is a link-local, metadata, multicast or unspecified range, which is never allowed`,
    )
  }
  return { kind: 'cidr', cidr }
}

function judge(address: Address, allowed: readonly Cidr[]): AddressVerdict {
  if (isIn(neverAllowed, address)) return 'never'
  const inner = address.family === 6 ? innerVerdict(address, allowed) : undefined
  if (inner !== undefined) return inner
  return isPublic(address) || isIn(allowed, address) ? 'ok' : 'refused'
}

/** The verdict by the IPv4 address within an IPv6 address; `undefined` where the IPv6 address itself has to be judged. */
function innerVerdict(address: Address, allowed: readonly Cidr[]): AddressVerdict | undefined {
  const { bits } = address
  if (anyPlaces.some((place) => isIn(metadataAddresses, ipv4(place(bits))))) return 'never'
  // `::1` is loopback, not the IPv4-compatible form of 0.0.0.1.
  const forms = bits === 1n ? [] : embeddings.filter(({ range }) => contains(range, address))
  const verdicts = [
    ...forms.map(({ place }) => judge(ipv4(place(bits)), allowed)),
    furtherVerdict(address, allowed),
  ]
  if (verdicts.includes('never')) return 'never'
  if (verdicts.includes('refused')) return 'refused'
  return forms.some(({ isTranslated }) => isTranslated) ? 'ok' : undefined
}

/** The verdict by the IPv4 address in forms that are not recognized by a fixed prefix. */
function furtherVerdict(address: Address, allowed: readonly Cidr[]): AddressVerdict {
  if (isIsatap(address.bits)) return judge(ipv4(address.bits & 0xffff_ffffn), allowed)
  if (!contains(localNat64, address)) return 'ok'
  const possible = localPlaces.map((place) => ipv4(place(address.bits)))
  if (possible.some((inner) => isIn(metadataServices, inner))) return 'never'
  // A wrong place holds zeros or a part of the address, which can look like 0.0.0.0. It counts only if all places do.
  const verdicts = possible.map((inner) => judge(inner, allowed)).filter((one) => one !== 'never')
  if (verdicts.length === 0) return 'never'
  return verdicts.includes('refused') ? 'refused' : 'ok'
}

function ipv4(bits: bigint): Address {
  return { family: 4, bits }
}

function isIn(ranges: readonly Cidr[], address: Address): boolean {
  return ranges.some((range) => contains(range, address))
}

function isPublic(address: Address): boolean {
  if (address.family === 6 && !contains(globalUnicast, address)) return false
  return !isIn(refusedByDefault, address)
}

function contains(range: Cidr, address: Address): boolean {
  return (
    range.family === address.family &&
    address.bits >> BigInt(widthOf(address) - range.length) === range.prefix
  )
}

function isWithin(inner: Cidr, outer: Cidr): boolean {
  return (
    inner.family === outer.family &&
    inner.length >= outer.length &&
    inner.prefix >> BigInt(inner.length - outer.length) === outer.prefix
  )
}

function widthOf(address: Address): 32 | 128 {
  return address.family === 4 ? 32 : 128
}

/** Parses text as resolvers and URL parsers write it. A zone (`%eth0`) names an interface and is ignored. */
function parseAddress(text: string): Address | undefined {
  if (IPv4.isValidFourPartDecimal(text)) return { family: 4, bits: joined(IPv4.parse(text)) }
  const six = withoutIpv4End(text.replace(/%.*$/, ''))
  return IPv6.isValid(six) ? { family: 6, bits: joined(IPv6.parse(six)) } : undefined
}

/**
 * Writes an IPv4 address at the end of an IPv6 address as two groups. The library would read `::8.8.8.8` as an IPv4-mapped
 * address, and would accept octal and hexadecimal parts. Any other end with a dot makes it no address.
 */
function withoutIpv4End(text: string): string {
  const at = text.lastIndexOf(':') + 1
  const end = text.slice(at)
  if (!IPv4.isValidFourPartDecimal(end)) return end.includes('.') ? '' : text
  const bits = Number(joined(IPv4.parse(end)))
  return `${text.slice(0, at)}${(bits >>> 16).toString(16)}:${(bits & 0xffff).toString(16)}`
}

function joined(address: ipaddr.IPv4 | ipaddr.IPv6): bigint {
  return address.toByteArray().reduce((bits, byte) => (bits << 8n) | BigInt(byte), 0n)
}

function knownRange(text: string): Cidr {
  const [ip = '', length = ''] = text.split('/')
  const address = parseAddress(ip)
  if (address === undefined) throw new Error(`bad range in the table of addresses: ${text}`)
  return {
    family: address.family,
    length: Number(length),
    prefix: address.bits >> BigInt(widthOf(address) - Number(length)),
  }
}

function problem(message: string): CidrResult {
  return { kind: 'problem', message }
}
