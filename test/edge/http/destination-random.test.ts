/** Addresses of any kind, against an independent reading of them. */
import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { describe, expect, it } from 'vitest'
import { judgeAddress, parseCidr } from '../../../src/edge/http/destination.ts'
import type { Cidr } from '../../../src/edge/http/destination.ts'

function ranges(...texts: readonly string[]): Cidr[] {
  return texts.map((text) => {
    const result = parseCidr(text)
    if (result.kind === 'problem') throw new Error(result.message)
    return result.cidr
  })
}

const everything = ranges('0.0.0.0/0', '::/0')

describe('any address', () => {
  const bytes4 = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 4, maxLength: 4 })
  const octet = fc.integer({ min: 0, max: 255 })
  const bytes2 = [octet, octet] as const
  const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }))
  const groups8 = fc.array(group, { minLength: 8, maxLength: 8 })

  it('of IPv4 is public only if the independent classification says so too', () => {
    fc.assert(
      fc.property(bytes4, (bytes) => {
        const ip = bytes.join('.')
        const isPublic = ipaddr.parse(ip).range() === 'unicast'
        if (judgeAddress(ip, []) === 'ok') expect(isPublic, ip).toBe(true)
      }),
      { numRuns: 5000 },
    )
  })

  const metadata = fc.constantFrom(
    [169, 254, 169, 254],
    [169, 254, 170, 2],
    [169, 254, 170, 23],
    [100, 100, 100, 200],
    [168, 63, 129, 16],
    [192, 0, 0, 192],
  )
  const octets16 = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 16, maxLength: 16 })

  /** As RFC 6052 section 2.2 draws it: the ninth octet stays free. */
  function placed(base: readonly number[], inner: readonly number[], prefixLength: number): string {
    const octets = [...base]
    let at = prefixLength / 8
    for (const octet of inner) {
      if (at === 8) octets[at++] = 0
      octets[at++] = octet
    }
    return new ipaddr.IPv6(octets).toString()
  }

  it('of a metadata service is never called at any place where NAT64 can have it', () => {
    const lengths = fc.constantFrom(32, 40, 48, 56, 64, 96)
    fc.assert(
      fc.property(octets16, metadata, lengths, (base, inner, length) => {
        const ip = placed(base, inner, length)
        expect(judgeAddress(ip, everything), ip).toBe('never')
      }),
      { numRuns: 5000 },
    )
  })

  it('of a link-local network is never called behind a NAT64 of the local range', () => {
    const local = [0, 0x64, 0xff, 0x9b, 0, 1]
    const lengths = fc.constantFrom(48, 56, 64, 96)
    fc.assert(
      fc.property(octets16, fc.tuple(...bytes2), lengths, (rest, host, length) => {
        const ip = placed([...local, ...rest.slice(6)], [169, 254, ...host], length)
        expect(judgeAddress(ip, everything), ip).toBe('never')
      }),
    )
  })

  it('that may never be called may not be called by ISATAP either, under any prefix', () => {
    const flags = fc.constantFrom(0, 1, 2, 3)
    fc.assert(
      fc.property(octets16, flags, bytes4, (base, flag, inner) => {
        const ip = placed([...base.slice(0, 8), flag, 0, 0x5e, 0xfe, 0, 0, 0, 0], inner, 96)
        const isNever = judgeAddress(inner.join('.'), everything) === 'never'
        if (isNever) expect(judgeAddress(ip, everything), ip).toBe('never')
        if (judgeAddress(ip, []) === 'ok') expect(judgeAddress(inner.join('.'), []), ip).toBe('ok')
      }),
      { numRuns: 5000 },
    )
  })

  it('of IPv4 is judged the same when it is mapped or translated by the well-known prefix', () => {
    fc.assert(
      fc.property(bytes4, (bytes) => {
        const mapped = ipaddr.IPv4.parse(bytes.join('.')).toIPv4MappedAddress().toString()
        const translated = placed([0, 0x64, 0xff, 0x9b, ...Array<number>(12).fill(0)], bytes, 96)
        for (const allowed of [[], ranges('10.0.0.0/8'), everything]) {
          const verdict = judgeAddress(bytes.join('.'), allowed)
          expect(judgeAddress(mapped, allowed), mapped).toBe(verdict)
          expect(judgeAddress(translated, allowed), translated).toBe(verdict)
        }
      }),
    )
  })

  it('of IPv6 is public only if the independent classification says so too', () => {
    fc.assert(
      fc.property(octets16, (octets) => {
        const ip = new ipaddr.IPv6(octets)
        if (judgeAddress(ip.toString(), []) !== 'ok') return
        expect(ip.range(), ip.toString()).toMatch(/^unicast$/)
      }),
      { numRuns: 5000 },
    )
  })

  it('of IPv6 gets the same verdict however it is written', () => {
    fc.assert(
      fc.property(groups8, (groups) => {
        const long = groups.map((part) => part.toString(16)).join(':')
        const short = new ipaddr.IPv6(groups).toString()
        const rfc5952 = new ipaddr.IPv6(groups).toRFC5952String()
        expect(judgeAddress(short, [])).toBe(judgeAddress(long, []))
        expect(judgeAddress(rfc5952, [])).toBe(judgeAddress(long, []))
      }),
    )
  })

  it('is held by a range exactly when the independent matching says so', () => {
    const length = fc.integer({ min: 0, max: 32 })
    fc.assert(
      fc.property(bytes4, bytes4, length, (base, bytes, prefixLength) => {
        const network = ipaddr.IPv4.networkAddressFromCIDR(`${base.join('.')}/${prefixLength}`)
        const result = parseCidr(`${network.toString()}/${prefixLength}`)
        const [near, far] = [nearby(base, prefixLength), bytes].map((parts) => parts.join('.'))
        for (const ip of [near, far]) {
          if (ip === undefined || result.kind === 'problem' || judgeAddress(ip, []) !== 'refused')
            continue
          const isHeld = ipaddr.IPv4.parse(ip).match(network, prefixLength)
          expect(judgeAddress(ip, [result.cidr]), ip).toBe(isHeld ? 'ok' : 'refused')
        }
      }),
      { numRuns: 5000 },
    )
  })

  /** Differs from `bytes` in the last bit of the prefix: just outside of it. */
  function nearby(bytes: readonly number[], prefixLength: number): number[] {
    const at = Math.max(prefixLength - 1, 0)
    return bytes.map((byte, index) => (index === at >> 3 ? byte ^ (0x80 >> (at & 7)) : byte))
  }
})
