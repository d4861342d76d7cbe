import { describe, expect, it } from 'vitest'
import {
  judgeAddress,
  judgeHost,
  judgeUrlLiteral,
  parseCidr,
} from '../../../src/edge/http/destination.ts'
import type { AddressVerdict, Cidr } from '../../../src/edge/http/destination.ts'

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
      `"${text}" needs a prefix length: write a range as in 10.0.0.0/8, and this one address as ${one}`,
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
