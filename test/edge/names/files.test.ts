import { isIP } from 'node:net'
import { describe, expect, it } from 'vitest'
import {
  candidatesOf,
  isLookupName,
  localAddressesOf,
  parseHosts,
  parseResolvConf,
} from '../../../src/edge/names/files.ts'

function rulesOf(text: string, hostname = 'machine') {
  return parseResolvConf(text, hostname)
}

describe('resolv.conf', () => {
  it('without options has those of a patient resolver that asks early again', () => {
    expect(rulesOf('')).toEqual({ search: [], ndots: 1, timeoutMs: 1_000, attempts: 3 })
  })

  it.each([
    ['search a.example B.Example.\n', ['a.example', 'b.example']],
    ['domain a.example b.example\n', ['a.example']],
    ['search a.example\ndomain b.example\n', ['b.example']],
    ['domain b.example\r\nsearch a.example\tc.example\r\n', ['a.example', 'c.example']],
    ['# search a.example\n; search a.example\n search a.example\n', []],
    ['search .\n', ['']],
    ['searching a.example\n', []],
  ])('%j says where to search', (text, search) => {
    expect(rulesOf(text).search).toEqual(search)
  })

  it('without a domain has that of the name of the host', () => {
    expect(rulesOf('nameserver 10.0.0.2\n', 'machine.corp.example').search).toEqual([
      'corp.example',
    ])
    expect(rulesOf('search a.example\n', 'machine.corp.example').search).toEqual(['a.example'])
  })

  it.each([
    ['options ndots:5 timeout:2 attempts:4', { ndots: 5, timeoutMs: 2_000, attempts: 4 }],
    ['options ndots:5\noptions timeout:2', { ndots: 5, timeoutMs: 2_000, attempts: 3 }],
    ['options ndots:99 timeout:99 attempts:99', { ndots: 15, timeoutMs: 2_500, attempts: 5 }],
    ['options ndots:0 timeout:0 attempts:0', { ndots: 0, timeoutMs: 1_000, attempts: 1 }],
    ['options rotate ndots:x timeout: attempts:-1 edns0', { ndots: 1, attempts: 3 }],
    [`options ndots:${'9'.repeat(100)}`, { ndots: 1 }],
  ])('%j is taken within bounds', (text, rules) => {
    expect(rulesOf(text)).toMatchObject(rules)
  })

  it('with any number of domains is searched in a bounded number', () => {
    const text = `search ${Array.from({ length: 10_000 }, (_, at) => `d${at}.example`).join(' ')}`
    expect(candidatesOf('name', rulesOf(text)).length).toBeLessThan(40)
  })
})

describe('the names asked for', () => {
  const rules = (search: readonly string[], ndots = 1) => ({
    ...rulesOf(''),
    search,
    ndots,
  })

  it.each([
    ['with enough dots is tried as it is first', 'a.b', rules(['s', 't']), 'a.b a.b.s a.b.t'],
    ['of one part is tried in the domains first', 'a', rules(['s', 't']), 'a.s a.t a'],
    ['with fewer dots than ndots is too', 'a.b.c', rules(['s'], 5), 'a.b.c.s a.b.c'],
    ['with as many dots as ndots is not', 'a.b.c', rules(['s'], 2), 'a.b.c a.b.c.s'],
    ['of one part is tried as it is where ndots is 0', 'a', rules(['s'], 0), 'a a.s'],
    ['that ends in a dot is tried as it is only', 'a.b.', rules(['s'], 5), 'a.b'],
    ['of one part that ends in a dot is too', 'a.', rules(['s'], 5), 'a'],
    ['without domains is tried as it is', 'a', rules([], 5), 'a'],
    ['in the root is asked for once', 'a', rules(['']), 'a'],
  ])('a name %s', (_, name, given, expected) => {
    expect(candidatesOf(name, given).join(' ')).toBe(expected)
  })

  it('are never longer than a name may be', () => {
    const long = `${'a'.repeat(60)}.`.repeat(4).slice(0, -1)
    expect(candidatesOf(long, rules(['much.too.long.example'], 9))).toEqual([long])
  })

  it.each([
    ['a', true],
    ['a.', true],
    ['under_score.example', true],
    ['', false],
    ['.', false],
    ['a..b', false],
    ['.a', false],
    [`${'a'.repeat(63)}.example`, true],
    [`${'a'.repeat(64)}.example`, false],
    [`${'ab.'.repeat(84)}a`, true],
    [`${'ab.'.repeat(84)}abc`, false],
    [`${'ab.'.repeat(84)}a.`, true],
  ])('%j can be one: %s', (name, can) => {
    expect(isLookupName(name)).toBe(can)
  })
})

describe('the hosts file', () => {
  const addressesOf = (text: string, name: string) =>
    localAddressesOf(name, parseHosts(text, isIP))?.map(({ address }) => address)

  it.each([
    ['10.0.0.1 a b.example\n', 'b.example', ['10.0.0.1']],
    ['10.0.0.1\tA.Example # b\n', 'a.example', ['10.0.0.1']],
    ['10.0.0.1 a # b\n', 'b', undefined],
    ['#10.0.0.1 a\n', 'a', undefined],
    ['  10.0.0.1   a\r\n', 'a', ['10.0.0.1']],
    ['10.0.0.1 a.example\n', 'a.example.', ['10.0.0.1']],
    ['10.0.0.1 a.example.\n', 'a.example', ['10.0.0.1']],
    ['10.0.0.1 a\nfd00::1 a\n10.0.0.1 a\n', 'a', ['10.0.0.1', 'fd00::1']],
    ['10.0.0.300 a\nnonsense a\n010.0.0.1 a\n', 'a', undefined],
    ['10.0.0.1 a.example', 'example', undefined],
    ['', '__proto__', undefined],
  ])('%j gives %j its addresses', (text, name, expected) => {
    expect(addressesOf(text, name)).toEqual(expected)
  })

  it('is asked before the rule that localhost is this machine, with all names below it', () => {
    for (const name of ['localhost', 'localhost.', 'a.localhost', 'a.b.localhost.']) {
      expect(addressesOf('', name)).toEqual(['127.0.0.1', '::1'])
    }
    expect(addressesOf('127.0.0.5 localhost\n', 'localhost')).toEqual(['127.0.0.5'])
    expect(addressesOf('', 'notlocalhost')).toBeUndefined()
    expect(addressesOf('', 'localhost.example')).toBeUndefined()
  })

  it('keeps a bounded number of addresses for a name', () => {
    const lines = Array.from({ length: 500 }, (_, at) => `10.0.${at >> 8}.${at & 255} a`)
    expect(addressesOf(lines.join('\n'), 'a')).toHaveLength(8)
  })
})
