import { describe, expect, it } from 'vitest'
import { hiddenMark } from '../../../src/core/text/hidden-text.ts'
import { event, headers, keptOf, secrets } from '../../support/kept-answers.ts'

describe('in an answer with the whole request in an encoding', () => {
  const block = [
    'POST /hooks/T0J3?team=7&token=q%2Fr%2Bs3cret%C3%A9 HTTP/1.1',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '',
    event.body.toString(),
  ].join('\r\n')
  const bytesOf = (text: string) => [...Buffer.from(text)]
  const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64')
  const hex = (text: string) => Buffer.from(text).toString('hex')
  const pairs = (text: string) => hex(text).match(/../g) ?? []
  const octal = (text: string) =>
    bytesOf(text)
      .map((byte) => `\\${byte.toString(8).padStart(3, '0')}`)
      .join('')
  const quoted = (text: string) =>
    text.replaceAll(/[^\w ]/gu, (unit) =>
      pairs(unit)
        .map((pair) => `=${pair.toUpperCase()}`)
        .join(''),
    )

  const encodings: readonly (readonly [how: string, show: (text: string) => string])[] = [
    ['base64', base64],
    ['base64 behind one more byte', (text) => base64(`.${text}`)],
    ['base64 behind two more bytes', (text) => base64(`..${text}`)],
    ['base64 behind letters', (text) => `body${base64(text)}`],
    ['base64 behind a letter', (text) => `b${base64(text)}`],
    ['base64 of URLs', (text) => Buffer.from(text).toString('base64url')],
    ['base64 in lines', (text) => base64(text).replaceAll(/.{76}/g, '$&\r\n')],
    [
      'base64 in lines of JSON',
      (text) => JSON.stringify({ body: base64(text).replaceAll(/.{60}/g, '$&\n') }),
    ],
    ['a list of base64', (text) => JSON.stringify(base64(text).match(/.{1,64}/g))],
    ['base64, percent-encoded', (text) => encodeURIComponent(base64(text))],
    ['base64 with escaped slashes', (text) => base64(text).replaceAll('/', '\\/')],
    ['base64 of UTF-16', (text) => base64(Buffer.from(text, 'utf16le'))],
    ['base64 of base64', (text) => base64(base64(text))],
    ['base64 of JSON with base64', (text) => base64(JSON.stringify({ at: 1, body: base64(text) }))],
    [
      'base64 among bytes of no text',
      (text) => base64(Buffer.concat([Buffer.from([8, 255, 0, 146]), Buffer.from(text)])),
    ],
    ['hex', hex],
    ['hex in capitals', (text) => hex(text).toUpperCase()],
    ['hex behind a letter', (text) => `sent: a${hex(text)}`],
    ['hex with spaces', (text) => pairs(text).join(' ')],
    ['hex with colons', (text) => pairs(text).join(':')],
    ['hex of PostgreSQL', (text) => `\\x${hex(text)}`],
    [
      'a list of hex',
      (text) =>
        pairs(text)
          .map((pair) => `0x${pair}`)
          .join(', '),
    ],
    ['hex of base64', (text) => hex(base64(text))],
    ['a list of bytes', (text) => JSON.stringify(bytesOf(text))],
    ['a list of bytes in lines', (text) => JSON.stringify(bytesOf(text), null, 6)],
    ['a list of bytes of a buffer', (text) => JSON.stringify(Buffer.from(text))],
    ['bytes by their index', (text) => JSON.stringify(new Uint8Array(Buffer.from(text)))],
    ['bytes with signs', (text) => JSON.stringify([...new Int8Array(Buffer.from(text))])],
    ['bytes between spaces', (text) => `[${bytesOf(text).join(' ')}]`],
    ['octal escapes', octal],
    ['octal escapes in JSON', (text) => JSON.stringify(octal(text))],
    ['quoted-printable', quoted],
    [
      'quoted-printable in lines',
      (text) => quoted(text).replaceAll(/(?:=..|[^=]){40}/g, '$&=\r\n'),
    ],
  ]

  it.each(encodings)('no secret remains: %s', (_, show) => {
    const lines = block.split('\r\n')
    for (const sent of [lines.slice(0, 9), lines.slice(9)].map((some) => some.join('\r\n'))) {
      const shown = show(sent).slice(0, 4_096)
      const kept = keptOf(shown) ?? ''
      expect(kept).toContain(hiddenMark)
      const pieces = [...secrets.map(([, secret]) => secret), 'bo+news@ward', 'k3v9tq2mzx7a']
        .filter((secret) => sent.includes(secret))
        .flatMap((secret) => [secret.slice(0, 12), secret.slice(-12)])
      expect(pieces.length).toBeGreaterThan(1)
      expect(pieces.filter((piece) => decodedOnceMore(kept).includes(piece))).toEqual([])
    }
  })

  /** Whatever is left in pieces between marks, read by means that are not ours. */
  function decodedOnceMore(kept: string): string {
    const pieces = kept.split(hiddenMark)
    const once = pieces.flatMap((piece) => [
      piece,
      ...[0, 1, 2, 3].map((from) => Buffer.from(piece.slice(from), 'base64').toString('latin1')),
      ...[0, 1].map((from) =>
        Buffer.from(piece.replaceAll(/0x|[^\da-f]/gi, '').slice(from), 'hex').toString('latin1'),
      ),
      Buffer.from([...piece.matchAll(/-?\d+/g)].map(([digits]) => Number(digits))).toString(
        'latin1',
      ),
      piece.replaceAll(/=([\dA-F]{2})/g, (_whole, pair: string) =>
        String.fromCharCode(Number.parseInt(pair, 16)),
      ),
    ])
    return once.flatMap((one) => [one, Buffer.from(one, 'base64').toString('latin1')]).join('\n')
  }

  it.each<readonly [what: string, show: (text: string) => string]>([
    ['base64', base64],
    ['hex', hex],
    ['a list of bytes', (text) => JSON.stringify(bytesOf(text))],
  ])('what stands around %s of one secret stays', (_, show) => {
    const kept = keptOf(
      `{"error":"no such token","seen":"${show('tok_J8s"d\\k2&Lq<9')}","n":[1,2]}`,
    )
    expect(kept).toMatch(/^\{"error":"no such token","seen":"\[?\(hidden\).{0,2}","n":\[1,2\]\}$/)
  })

  it('no beginning of a secret remains in an answer that is cut within base64', () => {
    const filler = 'x '.repeat(2_000)
    const body = (filler + base64('seen: lavender-harbour-31').slice(0, 20)).padEnd(20)
    const cut = 'y '.repeat((4_096 - body.length) / 2) + body
    expect(cut.length).toBe(4_096)
    const left = Buffer.from((keptOf(cut) ?? '').split(' ').at(-1) ?? '', 'base64').toString()
    expect(left).not.toContain('lave')
  })

  it.each<readonly [what: string, body: string]>([
    ['a page', '<html><body><h1>502 Bad Gateway</h1><hr>nginx/1.27.1</body></html>'],
    ['numbers', JSON.stringify({ sums: Array.from({ length: 300 }, (_, at) => at) })],
    ['a digest', `{"digest":"${'9f86d081884c7d659a2feaa0c55ad015'.repeat(2)}"}`],
    [
      'base64 of something else',
      base64('a page of our own, about nothing that was sent. '.repeat(9)),
    ],
    ['a stack', 'TypeError: cannot read "user" at handle (/srv/app/dist/hooks.js:117:23)'],
  ])('%s stays as it is', (_, body) => {
    expect(keptOf(body)).toBe(body)
  })

  it('an answer that can be decoded in more ways than are searched is not kept', () => {
    expect(keptOf('U5VV'.repeat(1_000))).toBeNull()
  })
})
