import { describe, expect, it } from 'vitest'
import {
  answerOf,
  inConnectOrder,
  rotated,
  isReachable,
  type FamilyAnswer,
  type NameAddress,
  type Reach,
} from '../../../src/edge/names/answer.ts'

const none: FamilyAnswer = { kind: 'none' }
const noName: FamilyAnswer = { kind: 'no-name' }
const refused: FamilyAnswer = { kind: 'refused' }
const silent: FamilyAnswer = { kind: 'silent' }

function records(ttl: number, ...addresses: readonly string[]): FamilyAnswer {
  return { kind: 'addresses', records: addresses.map((address) => ({ address, ttl })) }
}

const dual: Reach = { ipv4: true, globalIpv6: true }
const onlyFour: Reach = { ipv4: true, globalIpv6: false }
const onlySix: Reach = { ipv4: false, globalIpv6: true }
const alone: Reach = { ipv4: false, globalIpv6: false }

const four = (address: string): NameAddress => ({ address, family: 4 })
const six = (address: string): NameAddress => ({ address, family: 6 })

describe('the answer for both families', () => {
  it('has the addresses of both', () => {
    const answer = answerOf(
      records(60, '192.0.2.1', '192.0.2.2'),
      records(60, '2001:db8::1'),
      onlyFour,
    )
    expect(answer).toEqual({
      kind: 'addresses',
      addresses: [six('2001:db8::1'), four('192.0.2.1'), four('192.0.2.2')],
      ttlMs: 60_000,
    })
  })

  it.each([
    ['none and none', none, none, 'no-name'],
    ['none and refused', none, refused, 'refused'],
    ['silent and none', silent, none, 'silent'],
    ['silent and refused', silent, refused, 'silent'],
    ['addresses and none', records(9, '192.0.2.1'), none, 'addresses'],
    ['addresses and refused', records(9, '192.0.2.1'), refused, 'addresses'],
    ['silent and addresses', silent, records(9, '2001:db8::1'), 'addresses'],
    ['no records at all', records(9), none, 'no-name'],
    ['no such name and silent', noName, silent, 'no-name'],
    ['no such name and refused', noName, refused, 'no-name'],
    // RFC 4074 section 4.2: some name servers say of AAAA that there is no such name where there is an IPv4 address.
    ['silent and no such name', silent, noName, 'silent'],
    ['refused and no such name', refused, noName, 'refused'],
    ['addresses and no such name', records(9, '192.0.2.1'), noName, 'addresses'],
  ] as const)(
    'of %s is certain only where both are, or IPv4 knows no such name',
    (_, a, b, kind) => {
      expect(answerOf(a, b, dual).kind).toBe(kind)
    },
  )

  it.each([
    ['IPv6 without IPv6', [silent, records(9, '2606:4700::1')], onlyFour, 'silent'],
    ['IPv6 beside a refusal', [refused, records(9, '2606:4700::1')], onlyFour, 'refused'],
    ['IPv6 without any network', [silent, records(9, '2606:4700::1')], alone, 'silent'],
    ['IPv4 without IPv4', [records(9, '192.0.2.1'), silent], onlySix, 'silent'],
    ['private IPv6', [silent, records(9, 'fd00::1')], onlyFour, 'addresses'],
    ['IPv4 without any network', [records(9, '127.0.0.1'), silent], alone, 'addresses'],
    ['IPv6 for certain', [none, records(9, '2606:4700::1')], onlyFour, 'addresses'],
    ['IPv4 for certain', [records(9, '192.0.2.1'), none], onlySix, 'addresses'],
  ] as const)('that is %s alone is one where it leads somewhere, or is all', (...row) => {
    const [, [a, b], reach, kind] = row
    expect(answerOf(a, b, reach).kind).toBe(kind)
  })

  it.each([
    ['the least of all', records(60, '192.0.2.1'), records(20, '2001:db8::1'), 20_000],
    ['a second at least', records(0, '192.0.2.1'), none, 1_000],
    ['an hour at most', records(2 ** 31 - 1, '192.0.2.1'), none, 3_600_000],
    ['a second for the highest bit, as a number', records(2 ** 31, '192.0.2.1'), none, 1_000],
    ['a second for the highest bit, as a sign', records(-(2 ** 31), '192.0.2.1'), none, 1_000],
    ['half a minute at most where a family failed', records(900, '192.0.2.1'), silent, 30_000],
    ['no more for that', records(5, '192.0.2.1'), refused, 5_000],
    ['its own where the other family has none', records(900, '192.0.2.1'), none, 900_000],
  ])('is kept for %s', (_, a, b, ttlMs) => {
    expect(answerOf(a, b, dual)).toMatchObject({ kind: 'addresses', ttlMs })
  })

  it('keeps a bounded part of thousands of addresses, and of each family', () => {
    const many = Array.from({ length: 4_000 }, (_, at) => `10.0.${at >> 8}.${at & 255}`)
    const answer = answerOf(records(60, ...many), records(60, '2001:db8::1'), dual)
    expect(answer.kind === 'addresses' && answer.addresses).toHaveLength(9)
  })
})

describe('addresses', () => {
  it('lead somewhere where one of them is of a family that this machine has', () => {
    const six = [{ address: '2606:4700::1' }, { address: '2606:4700::2' }]
    expect(isReachable(six, 6, dual)).toBe(true)
    expect(isReachable(six, 6, onlyFour)).toBe(false)
    expect(isReachable([...six, { address: '::1' }], 6, onlyFour)).toBe(true)
    expect(isReachable([{ address: '192.0.2.1' }], 4, onlySix)).toBe(false)
    expect(isReachable([], 4, dual)).toBe(false)
  })

  it('are tried as RFC 6724 has it: global IPv6 first where this machine has it', () => {
    const addresses = [six('fd00::1'), six('2606:4700::1'), six('::1'), four('192.0.2.1')]
    expect(inConnectOrder(addresses, true).map(({ address }) => address)).toEqual([
      '::1',
      '2606:4700::1',
      '192.0.2.1',
      'fd00::1',
    ])
    expect(inConnectOrder(addresses, false).map(({ address }) => address)).toEqual([
      '::1',
      '192.0.2.1',
      'fd00::1',
      '2606:4700::1',
    ])
  })

  it('of each family take turns in being the first', () => {
    const addresses = [six('::a'), six('::b'), four('1'), four('2'), four('3')]
    const turns = [0, 1, 2, 3].map((turn) =>
      rotated(addresses, turn)
        .map(({ address }) => address)
        .join(' '),
    )
    expect(turns).toEqual(['::a ::b 1 2 3', '::b ::a 2 3 1', '::a ::b 3 1 2', '::b ::a 1 2 3'])
  })

  it('take no turns where there is one of each, or none', () => {
    expect(rotated([six('::a'), four('1')], 7)).toEqual([six('::a'), four('1')])
    expect(rotated([four('1')], 7)).toEqual([four('1')])
    expect(rotated([], 7)).toEqual([])
  })
})
