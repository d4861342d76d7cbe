import { describe, expect, it } from 'vitest'
import { hiddenMark } from '../../../src/core/text/hidden-text.ts'
import { event, keptOf } from '../../support/kept-answers.ts'
import { hookOf } from '../../support/model-builders.ts'

const secret = 'lavender-harbour-31'
const sent = `x-custom: ${secret}, by k3v9tq2mzx7a`
const bytes = (text: string) => [...Buffer.from(text)]
const hexOf = (byte: number, length = 2) => byte.toString(16).padStart(length, '0')
const parts = (text: string, length: number) => text.match(new RegExp(`.{1,${length}}`, 'gu')) ?? []

/** Like hexdump, xxd and od: 16 bytes per line, after their address. */
function dump(text: string, line: (row: readonly number[], at: string) => string): string {
  const rows = Array.from({ length: Math.ceil(text.length / 16) }, (_, row) => row * 16)
  return rows.map((from) => line(bytes(text.slice(from, from + 16)), hexOf(from, 8))).join('\n')
}
const shown = (row: readonly number[]) => String.fromCharCode(...row)

const layouts: readonly (readonly [how: string, show: (text: string) => string])[] = [
  ['with breaks for long words', (text) => Array.from(text).join('<wbr>')],
  ['in lines of HTML', (text) => parts(text, 8).join('<br />\n')],
  [
    'in coloured HTML',
    (text) =>
      parts(text, 5)
        .map((part) => `<b class="s">${part}</b>`)
        .join(''),
  ],
  ['with soft hyphens', (text) => parts(text, 5).join('\u00AD')],
  ['with references to soft hyphens', (text) => parts(text, 5).join('&shy;')],
  ['with spaces of no width', (text) => parts(text, 5).join('&ZeroWidthSpace;')],
  ['with marks of direction', (text) => parts(text, 4).join('\u200E')],
  ['in colours of a terminal', (text) => parts(text, 6).join('\u001B[0m\u001B[32m')],
  ['in colours of a terminal, as JSON', (text) => JSON.stringify(parts(text, 6).join('\u001B[1m'))],
  ['as a list of characters', (text) => JSON.stringify(Array.from(text), null, 2)],
  ['as a list of pieces', (text) => JSON.stringify(parts(text, 8))],
  [
    'as code that joins pieces',
    (text) =>
      parts(text, 8)
        .map((part) => `"${part}"`)
        .join(' . '),
  ],
  ['with dots', (text) => Array.from(text).join('.')],
  ['with signs before each line', (text) => parts(text, 8).join('\n>   ')],
  [
    'in numbered lines',
    (text) =>
      parts(text, 8)
        .map((part, at) => ` ${at + 9} | ${part}`)
        .join('\n'),
  ],
  ['with other signs', (text) => text.replaceAll(/\W/g, '.')],
  ['without signs', (text) => text.replaceAll(/\W/g, '')],
  ['in named references', (text) => text.replaceAll('-', '&hyphen;').replaceAll(':', '&colon;')],
  [
    'in references without their end',
    (text) =>
      bytes(text)
        .map((byte) => `&#${byte}`)
        .join(''),
  ],
  [
    'in hex ones without it',
    (text) =>
      bytes(text)
        .map((byte) => `&#x${hexOf(byte)}`)
        .join(''),
  ],
  [
    'in long escapes',
    (text) =>
      bytes(text)
        .map((byte) => `\\U${hexOf(byte, 8)}`)
        .join(''),
  ],
  [
    'in escapes of old scripts',
    (text) =>
      bytes(text)
        .map((byte) => `%u${hexOf(byte, 4)}`)
        .join(''),
  ],
  [
    'in short octal escapes',
    (text) =>
      bytes(text)
        .map((byte) => `\\${byte.toString(8)}`)
        .join(''),
  ],
  [
    'base64 in lines of HTML',
    (text) => parts(Buffer.from(text).toString('base64'), 20).join('<br>'),
  ],
  [
    'hex in a table',
    (text) =>
      bytes(text)
        .map((byte) => `<td>${hexOf(byte)}</td>`)
        .join('\n'),
  ],
  [
    'hex with bars',
    (text) =>
      bytes(text)
        .map((byte) => hexOf(byte))
        .join('|'),
  ],
  [
    'hex with lines under it',
    (text) =>
      bytes(text)
        .map((byte) => hexOf(byte))
        .join('_'),
  ],
  [
    'bytes in a table',
    (text) =>
      bytes(text)
        .map((byte) => `<td>${byte}</td>`)
        .join(''),
  ],
  [
    'bytes with their type',
    (text) =>
      bytes(text)
        .map((byte) => `(byte) ${byte}`)
        .join(', '),
  ],
  [
    'bytes with their size',
    (text) =>
      bytes(text)
        .map((byte) => `${byte}u8`)
        .join(', '),
  ],
  [
    'bytes of var_dump',
    (text) =>
      bytes(text)
        .map((byte, at) => `[${at}]=>\n  int(${byte})`)
        .join('\n'),
  ],
  [
    'bytes by an index beyond theirs',
    (text) =>
      bytes(text)
        .map((byte, at) => `[${at + 250}] => ${byte}`)
        .join('\n'),
  ],
  [
    'bytes in octal',
    (text) =>
      bytes(text)
        .map((byte) => `0${byte.toString(8)}`)
        .join(', '),
  ],
  [
    'bytes in octal of Python',
    (text) =>
      bytes(text)
        .map((byte) => `0o${byte.toString(8)}`)
        .join(', '),
  ],
  [
    'hexdump -C',
    (text) =>
      dump(text, (row, at) => {
        const hex = row.map((byte) => hexOf(byte))
        const columns = `${hex.slice(0, 8).join(' ')}  ${hex.slice(8).join(' ')}`
        return `${at}  ${columns.padEnd(48)}  |${shown(row)}|`
      }),
  ],
  [
    'xxd',
    (text) =>
      dump(text, (row, at) => {
        const hex = row.map((byte) => hexOf(byte)).join('')
        return `${at}: ${parts(hex, 4).join(' ').padEnd(39)}  ${shown(row)}`
      }),
  ],
  [
    'tcpdump',
    (text) =>
      dump(text, (row, at) => {
        const hex = row.map((byte) => hexOf(byte)).join('')
        return `\t0x${at.slice(4)}:  ${parts(hex, 4).join(' ').padEnd(39)}  ${shown(row)}`
      }),
  ],
  ['od -c', (text) => dump(text, (row, at) => `${at}${shown(row).replaceAll(/./g, '   $&')}`)],
  [
    'od -b',
    (text) =>
      dump(
        text,
        (row, at) => `${at} ${row.map((byte) => byte.toString(8).padStart(3, '0')).join(' ')}`,
      ),
  ],
  [
    'od -t u1',
    (text) => dump(text, (row, at) => `${at} ${row.map((byte) => ` ${byte}`).join(' ')}`),
  ],
]

describe('in an answer that is formatted for people', () => {
  it.each(layouts)('no secret remains: %s', (_, show) => {
    const echo = show(sent)
    const kept = keptOf(echo) ?? ''
    expect(kept).toContain(hiddenMark)
    // What is left is what was not secret, and layout: of the two secrets no more than some tenth.
    const rest = kept.split(hiddenMark).join('').length
    expect(rest / echo.length, kept).toBeLessThan(0.55)
    const bare = kept.toLowerCase().replaceAll(/[^a-z\d]/g, '')
    for (const piece of ['lavender', 'harbour', 'k3v9tq', 'mzx7a'])
      expect(bare).not.toContain(piece)
  })

  it('no value of the event remains in a page that colours its JSON', () => {
    const coloured = event.body
      .toString()
      .replaceAll(/"[^"]*"/g, (text) => `<span class="s">${text.replaceAll('"', '&#34;')}</span>`)
    expect(keptOf(coloured)).not.toMatch(/k3v9|news|Bo\b|Ward|2001/)
  })

  it('fields that a message names one after the other stay', () => {
    const body = `{"error":"unknown: 'createdAt', 'interactionEvent', 'userIp', 'primaryEmail', 'profile'"}`
    expect(keptOf(body)).toBe(body)
  })

  const listing = Array.from(
    { length: 40 },
    (_, at) =>
      `${at === 7 ? '>' : ' '} ${at + 90} |   if (cafe[${at}] === "bad") throw new Error("face")`,
  )
  it.each<readonly [what: string, body: string]>([
    ['a listing', listing.join('\n')],
    [
      'a page',
      `<html><body>${'<p>No <b>such</b> page: &bull; 404&nbsp;</p>\n'.repeat(80)}</body></html>`,
    ],
    ['a stack', '\tat org.example.Dispatcher.run(Dispatcher.java:1039)\n'.repeat(70)],
    [
      'a dump of something else',
      dump(
        'Not one word of what was sent. '.repeat(9),
        (row, at) => `${at}  ${row.map((byte) => hexOf(byte)).join(' ')}  |${shown(row)}|`,
      ),
    ],
    ['numbers', JSON.stringify(Array.from({ length: 600 }, (_, at) => at * at))],
  ])('%s stays as it is', (_, body) => {
    expect(keptOf(body)).toBe(body)
  })
})

describe('of values that are words', () => {
  it('a short one stays, even where a name says that it is a credential', () => {
    const hook = hookOf({
      url: 'https://crm.example/?keyword=error&passive=true',
      headers: { 'x-auth-required': 'true', 'x-bypass': 'none', cookie: 'theme=dark; mode=html' },
    })
    const body = '{"error":true,"cause":"none","page":"dark html"}'
    expect(keptOf(body, hook)).toBe(body)
  })

  it('the user of a login stays where it is one beside a password', () => {
    const hook = hookOf({
      url: 'https://webhook:Xq3Vb8@crm.example/',
      headers: { authorization: `Basic ${Buffer.from('service:Zc1Lk6').toString('base64')}` },
    })
    expect(keptOf('webhook service: Xq3Vb8 and Zc1Lk6 refused', hook)).toBe(
      `webhook service: ${hiddenMark} and ${hiddenMark} refused`,
    )
  })

  it.each(['Kq83xW:', 'Kq83xW:swordfish', 'swordfishes:'])(
    'the user of a Basic login is hidden where it may be a key: %s',
    (login) => {
      const authorization = `Basic ${Buffer.from(login).toString('base64')}`
      const [user = ''] = login.split(':')
      expect(keptOf(`no account ${user}`, hookOf({ headers: { authorization } }))).toBe(
        `no account ${hiddenMark}`,
      )
    },
  )

  it('each parameter of a scheme is hidden by itself', () => {
    const authorization = 'Digest username="relay", nonce=Zc1Lk6, response="Xq3Vb8"'
    expect(keptOf('Zc1Lk6 and Xq3Vb8 of relay', hookOf({ headers: { authorization } }))).toBe(
      `${hiddenMark} and ${hiddenMark} of relay`,
    )
  })
})
