import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { describe, expect, it } from 'vitest'
import { judgeAddress, judgeHost, judgeUrlLiteral, parseCidr } from '../../src/core/destination.ts'
import type { AddressVerdict, Cidr } from '../../src/core/destination.ts'

function ranges(...texts: readonly string[]): Cidr[] {
  return texts.map((text) => {
    const result = parseCidr(text)
    if (result.kind === 'problem') throw new Error(result.message)
    return result.cidr
  })
}

function problemOf(text: string): string {
  const result = parseCidr(text)
  return result.kind === 'problem' ? result.message : ''
}

const everything = ranges('0.0.0.0/0', '::/0')

describe('an address', () => {
  const verdicts: readonly (readonly [
    ip: string,
    bySelf: AddressVerdict,
    opened: AddressVerdict,
  ])[] = [
    ['8.8.8.8', 'ok', 'ok'],
    ['172.15.255.255', 'ok', 'ok'],
    ['172.32.0.0', 'ok', 'ok'],
    ['100.63.255.255', 'ok', 'ok'],
    ['100.128.0.0', 'ok', 'ok'],
    ['2606:4700::1111', 'ok', 'ok'],
    ['127.0.0.1', 'refused', 'ok'],
    ['127.255.255.254', 'refused', 'ok'],
    ['10.0.0.1', 'refused', 'ok'],
    ['172.16.0.1', 'refused', 'ok'],
    ['172.31.255.255', 'refused', 'ok'],
    ['192.168.1.1', 'refused', 'ok'],
    ['100.64.0.1', 'refused', 'ok'],
    ['192.0.0.8', 'refused', 'ok'],
    ['192.0.2.1', 'refused', 'ok'],
    ['198.18.0.1', 'refused', 'ok'],
    ['198.19.255.255', 'refused', 'ok'],
    ['198.51.100.1', 'refused', 'ok'],
    ['203.0.113.1', 'refused', 'ok'],
    ['240.0.0.1', 'refused', 'ok'],
    ['::1', 'refused', 'ok'],
    ['fc00::1', 'refused', 'ok'],
    ['fdff::1', 'refused', 'ok'],
    ['fec0::1', 'refused', 'ok'],
    ['100::1', 'refused', 'ok'],
    ['2001:db8::1', 'refused', 'ok'],
    ['3fff::1', 'refused', 'ok'],
    ['4000::1', 'refused', 'ok'],
    ['64:ff9b:1::a00:1', 'refused', 'ok'],
    ['0.0.0.0', 'never', 'never'],
    ['0.1.2.3', 'never', 'never'],
    ['169.254.169.254', 'never', 'never'],
    ['169.254.0.1', 'never', 'never'],
    ['100.100.100.200', 'never', 'never'],
    ['168.63.129.16', 'never', 'never'],
    ['192.0.0.192', 'never', 'never'],
    ['224.0.0.1', 'never', 'never'],
    ['239.255.255.255', 'never', 'never'],
    ['255.255.255.255', 'never', 'never'],
    ['::', 'never', 'never'],
    ['fe80::1', 'never', 'never'],
    ['fe80::1%eth0', 'never', 'never'],
    ['febf::1', 'never', 'never'],
    ['ff02::1', 'never', 'never'],
    ['fd00:ec2::254', 'never', 'never'],
    ['fd00:ec2::23', 'never', 'never'],
    ['fd20:ce::254', 'never', 'never'],
    ['fd00:c1::a9fe:a9fe', 'never', 'never'],
    ['fd00:a9fe:a9fe::1', 'never', 'never'],
    ['::%1', 'never', 'never'],
    ['::1%lo', 'refused', 'ok'],
    ['2606:4700::1111%eth0', 'ok', 'ok'],
    ['169.254.169.254%eth0', 'never', 'never'],
  ]
  it.each(verdicts)('%s is %s, and %s when every range is opened', (ip, bySelf, opened) => {
    expect(judgeAddress(ip, [])).toBe(bySelf)
    expect(judgeAddress(ip, everything)).toBe(opened)
  })

  const embedded: readonly (readonly [
    form: string,
    ip: string,
    bySelf: AddressVerdict,
    opened: AddressVerdict,
  ])[] = [
    ['IPv4-mapped', '::ffff:8.8.8.8', 'ok', 'ok'],
    ['IPv4-mapped', '::ffff:127.0.0.1', 'refused', 'ok'],
    ['IPv4-mapped', '::ffff:a9fe:a9fe', 'never', 'never'],
    ['NAT64', '64:ff9b::8.8.8.8', 'ok', 'ok'],
    ['NAT64', '64:ff9b::10.0.0.1', 'refused', 'ok'],
    ['NAT64', '64:ff9b::169.254.169.254', 'never', 'never'],
    ['IPv4-compatible', '::8.8.8.8', 'refused', 'ok'],
    ['IPv4-compatible', '::169.254.169.254', 'never', 'never'],
    ['IPv4-translated', '::ffff:0:169.254.169.254', 'never', 'never'],
    ['6to4', '2002:808:808::1', 'refused', 'ok'],
    ['6to4', '2002:a9fe:a9fe::1', 'never', 'never'],
    ['Teredo server', '2001:0:a9fe:a9fe::f7f7:f7f7', 'never', 'never'],
    ['Teredo client', '2001:0:808:808::5601:5601', 'never', 'never'],
    ['NAT64 local', '64:ff9b:1::8.8.8.8', 'refused', 'ok'],
    ['NAT64 local', '64:ff9b:1:fffe::8.8.8.8', 'refused', 'ok'],
    ['NAT64 local', '64:ff9b:1::169.254.169.254', 'never', 'never'],
    ['NAT64 local', '64:ff9b:1:abcd::169.254.1.2', 'never', 'never'],
    ['NAT64 local', '64:ff9b:1::0.1.2.3', 'never', 'never'],
    ['NAT64 local', '64:ff9b:1::224.0.0.1', 'never', 'never'],
    ['NAT64 local', '64:ff9b:1::', 'never', 'never'],
    ['NAT64 local with a suffix', '64:ff9b:1:a9fe:a9:fe00:0:1', 'never', 'never'],
    ['NAT64 own', '2606:4700:64::169.254.169.254', 'never', 'never'],
    ['6rd', '2606:4700:a9fe:a9fe::1', 'never', 'never'],
    ['ISATAP', 'fd00::5efe:8.8.8.8', 'refused', 'ok'],
    ['ISATAP', '2606:4700::5efe:10.0.0.1', 'refused', 'ok'],
    ['ISATAP', 'fd00::200:5efe:169.254.7.8', 'never', 'never'],
    ['ISATAP', '2606:4700::300:5efe:224.0.0.1', 'never', 'never'],
  ]
  it.each(embedded)('in the %s form %s is %s, and %s when opened', (_form, ip, bySelf, opened) => {
    expect(judgeAddress(ip, [])).toBe(bySelf)
    expect(judgeAddress(ip, everything)).toBe(opened)
  })

  it('is opened by the range that holds it and no other', () => {
    const allowed = ranges('10.1.0.0/16', 'fd12::/16')
    expect(judgeAddress('10.1.255.255', allowed)).toBe('ok')
    expect(judgeAddress('::ffff:10.1.0.1', allowed)).toBe('ok')
    expect(judgeAddress('10.2.0.0', allowed)).toBe('refused')
    expect(judgeAddress('fd12::1', allowed)).toBe('ok')
    expect(judgeAddress('fd13::1', allowed)).toBe('refused')
  })

  it('stays refused behind a NAT64 whose range is opened while the address inside is not', () => {
    const allowed = ranges('64:ff9b:1::/48')
    expect(judgeAddress('64:ff9b:1::8.8.8.8', allowed)).toBe('ok')
    expect(judgeAddress('64:ff9b:1:808:8:800::', allowed)).toBe('ok')
    expect(judgeAddress('64:ff9b:1::10.0.0.1', allowed)).toBe('refused')
    expect(judgeAddress('64:ff9b:1:a00:0:100::', allowed)).toBe('refused')
    expect(judgeAddress('64:ff9b:1:a00:0:100::', [...allowed, ...ranges('10.0.0.0/8')])).toBe('ok')
  })

  it('stays refused in a tunnel whose range is opened while the address inside is not', () => {
    expect(judgeAddress('2002:7f00:1::1', ranges('2002::/16'))).toBe('refused')
  })

  it.each([
    '',
    'localhost',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '256.1.1.1',
    '0x7f.0.0.1',
    '1::2::3',
  ])('that cannot be read ("%s") is never called', (text) => {
    expect(judgeAddress(text, everything)).toBe('never')
  })

  it.each([
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '::12345',
    '1:2:3:4:5:6:7::8:9',
    '1.2.3.4::',
    '::1.2.3.4:5',
  ])('that is no IPv6 ("%s") is never called', (text) => {
    expect(judgeAddress(text, everything)).toBe('never')
  })
})

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

describe('a range setting', () => {
  it.each(['10.0.0.0/8', '127.0.0.1/32', '0.0.0.0/0', 'fd00::/8', '::1/128', '::/0'])(
    'may be %s',
    (text) => {
      expect(problemOf(text)).toBe('')
    },
  )

  it.each([
    ['10.0.0.0', '10.0.0.0/32'],
    ['fd00::', 'fd00::/128'],
  ])('is refused without a length, which its writer has forgotten: %s', (text, one) => {
    expect(problemOf(text)).toBe(
      `"${text}" needs a prefix length: a range is written such as 10.0.0.0/8, this one address as ${one}`,
    )
  })

  it.each([
    '',
    '10.0.0.0/',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/8/8',
    'example.com/8',
    '10.0.0.0/-1',
    'fe80::1%eth0',
  ])('is refused when it is not a range: "%s"', (text) => {
    expect(problemOf(text)).not.toBe('')
  })

  it('is refused when bits are set after its prefix, since its writer meant another one', () => {
    expect(problemOf('10.0.0.1/8')).toMatch(/bits set after its first 8/)
  })

  it.each(['169.254.0.0/16', '169.254.169.254/32', 'fe80::/10', '224.0.0.0/8', '0.0.0.0/32'])(
    'is refused when it would open nothing: %s',
    (text) => {
      expect(problemOf(text)).toMatch(/never allowed/)
    },
  )

  it('names IPv4 by IPv4 ranges, since mapped addresses are judged by what they hold', () => {
    expect(problemOf('::ffff:10.0.0.0/104')).toMatch(/name their IPv4 range/)
  })
})

describe('the host of a URL', () => {
  it.each([
    ['https://example.com/x', 'name'],
    ['https://localhost.example.com/', 'name'],
    ['https://93.184.215.14/', 'ok'],
    ['https://[2606:4700::1111]:8443/', 'ok'],
    ['http://127.0.0.1:8080/', 'refused'],
    ['http://localhost:8080/', 'refused'],
    ['http://api.localhost./', 'refused'],
    ['http://[::1]/', 'refused'],
    ['http://2130706433/', 'refused'],
    ['http://0x7f.1/', 'refused'],
    ['http://0177.0.0.1/', 'refused'],
    ['http://127.0.0.1./', 'refused'],
    ['http://[::ffff:7f00:1]/', 'refused'],
    ['http://169.254.169.254/latest', 'never'],
    ['http://①②⑦.0.0.1/', 'refused'],
    ['nonsense', 'invalid'],
  ])('%s is judged before any connection: %s', (url, verdict) => {
    expect(judgeUrlLiteral(url, [])).toBe(verdict)
  })

  it('is ok when its range is opened', () => {
    expect(judgeUrlLiteral('http://localhost:1/', ranges('127.0.0.0/8'))).toBe('ok')
  })
})

describe('a host that a proxy would resolve', () => {
  it.each([
    'localhost',
    'LOCALHOST',
    'localhost.',
    'localhost..',
    'api.localhost',
    'a.b.LocalHost.',
    'localhost.localdomain',
    'localhost6',
    'ip6-localhost',
    'ip6-loopback',
    'worker-7.corp.example',
    'Worker-7.Corp.Example.',
    'worker-7',
  ])('is refused when it always means this machine: %s', (host) => {
    expect(judgeHost(host, [], 'worker-7.corp.example')).toBe('refused')
  })

  it.each(['localhost', 'api.localhost', 'ip6-localhost', 'worker-7'])(
    'may be called when its range is opened: %s',
    (host) => {
      expect(judgeHost(host, ranges('127.0.0.0/8'), 'worker-7')).toBe('ok')
      expect(judgeHost(host, ranges('::1/128'), 'worker-7')).toBe('ok')
      expect(judgeHost(host, ranges('10.0.0.0/8'), 'worker-7')).toBe('refused')
    },
  )

  it.each(['ｌｏｃａｌｈｏｓｔ', 'LOCALHOST', 'local\u00adhost', 'loc%61lhost', 'ⓛocalhost'])(
    'is what a URL makes of it: %s',
    (host) => {
      expect(judgeUrlLiteral(`http://${host}:3000/`, [])).toBe('refused')
    },
  )

  it.each(['metadata.google.internal', 'METADATA.google.internal.', 'instance-data'])(
    'is never called when it is what a cloud calls its metadata service: %s',
    (host) => {
      expect(judgeHost(host, everything)).toBe('never')
    },
  )

  it.each(['example.com', 'localhost.example.com', 'notlocalhost', 'worker-70', 'corp.example'])(
    'is left to the proxy otherwise: %s',
    (host) => {
      expect(judgeHost(host, [], 'worker-7')).toBe('name')
    },
  )

  it('is judged as the address that it is', () => {
    expect(judgeHost('10.0.0.1', [])).toBe('refused')
    expect(judgeHost('::ffff:169.254.169.254', everything)).toBe('never')
    expect(judgeHost('2606:4700::1111', [])).toBe('ok')
  })
})
