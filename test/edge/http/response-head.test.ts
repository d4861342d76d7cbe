import { describe, expect, it } from 'vitest'
import {
  lengthsUnpadded,
  longestStart,
  ResponseHead,
} from '../../../src/edge/http/response-head.ts'

interface Outcome {
  readonly step: string
  readonly head: ResponseHead
}

/** Takes the lines of a head, the last of them empty unless something was wrong before. */
function read(...lines: readonly string[]): Outcome {
  const head = new ResponseHead()
  let step = 'more'
  for (const line of [...lines, ''].map((text) => `${text}\r`)) {
    step = head.take(line)
    if (step !== 'more') break
  }
  return { step, head }
}

const ok = 'HTTP/1.1 200 OK'

describe('a response head', () => {
  it.each([
    ['HTTP/1.1 200 OK', 200],
    ['HTTP/1.1 200', 200],
    ['HTTP/1.1 200 ', 200],
    ['HTTP/1.0 404 Not Found', 404],
    ['HTTP/1.1 503 \tr\xe9sum\xe9', 503],
    ['HTTP/1.1 600 Own', 600],
    ['HTTP/1.1 999 Own', 999],
  ])('has the status of its first line: %j', (line, status) => {
    expect(read(line)).toMatchObject({ step: 'final', head: { status } })
  })

  it.each([100, 102, 103, 199])('is informational below 200, whatever it says: %d', (status) => {
    const head = [`HTTP/1.1 ${status} x`, 'content-length: x', 'content-length: 5']
    expect(read(...head).step).toBe('informational')
  })

  it('may follow empty lines', () => {
    expect(read('', '', ok)).toMatchObject({ step: 'final', head: { status: 200 } })
  })

  it.each([
    ['Content-Length: 5', 5],
    ['content-length:5', 5],
    ['content-length: \t 5 \t', 5],
    ['content-length: 0', 0],
    ['content-length: 0005', 5],
    ['transfer-encoding: chunked', Infinity],
    ['Transfer-Encoding: \t CHUNKED \t', Infinity],
    ['transfer-encoding: identity', Infinity],
    ['content-type: text/plain', Infinity],
    ['x-content-length: 5', Infinity],
    ['x: "\xe9\t~"', Infinity],
    ["!#$%&'*+-.^_`|~: x", Infinity],
  ])('says how long the body is: %j', (line, bodyBytes) => {
    expect(read(ok, line)).toMatchObject({ step: 'final', head: { bodyBytes } })
  })

  it.each([204, 304])('has no body with status %d', (status) => {
    const { head } = read(`HTTP/1.1 ${status} x`, 'content-length: 5')
    expect(head.bodyBytes).toBe(0)
  })

  it.each([
    ['no status line', ['SSH-2.0-x']],
    ['no status line', ['<html>']],
    ['no status line', ['http/1.1 200 OK']],
    ['no status line', ['RTSP/1.0 200 OK']],
    ['no status line', ['ICY 200 OK']],
    ['version', ['HTTP/0.9 200 OK']],
    ['version', ['HTTP/1.2 200 OK']],
    ['version', ['HTTP/2 200']],
    ['version', ['HTTP/2.0 200 OK']],
    ['version', ['HTTP/11 200 OK']],
    ['status', ['HTTP/1.1 099 x']],
    ['status', ['HTTP/1.1 000 x']],
    ['status', ['HTTP/1.1 1000 x']],
    ['status', ['HTTP/1.1 20 x']],
    ['status', ['HTTP/1.1 2x0 x']],
    ['status', ['HTTP/1.1 -20 x']],
    ['status', ['HTTP/1.1  200 x']],
    ['status', ['HTTP/1.1 ']],
    ['reason phrase', ['HTTP/1.1 200 a\0b']],
    ['reason phrase', ['HTTP/1.1 200 a\rb']],
    ['switches protocols', ['HTTP/1.1 101 Switching Protocols']],
    ['more than one Content-Length', [ok, 'content-length: 5', 'Content-Length: 5']],
    ['more than one Content-Length', [ok, 'content-length: 5', 'content-length: 6']],
    ['more than one Content-Length', [ok, 'content-length: 5, 5']],
    [
      'both Content-Length and Transfer-Encoding',
      [ok, 'content-length: 5', 'transfer-encoding: chunked'],
    ],
    [
      'both Content-Length and Transfer-Encoding',
      [ok, 'transfer-encoding: x', 'content-length: x'],
    ],
    ['not a number', [ok, 'content-length:']],
    ['not a number', [ok, 'content-length: -5']],
    ['not a number', [ok, 'content-length: +5']],
    ['not a number', [ok, 'content-length: 0x5']],
    ['not a number', [ok, 'content-length: 5e0']],
    ['not a number', [ok, 'content-length: 5 5']],
    ['not a number', [ok, 'content-length: \xb2']],
    ['too large', [ok, 'content-length: 9007199254740992']],
    ['too large', [ok, `content-length: ${'9'.repeat(400)}`]],
    ['not chunked alone', [ok, 'transfer-encoding: gzip']],
    ['not chunked alone', [ok, 'transfer-encoding: gzip, chunked']],
    ['not chunked alone', [ok, 'transfer-encoding: chunked, gzip']],
    ['not chunked alone', [ok, 'transfer-encoding: chunked', 'transfer-encoding: chunked']],
    ['not chunked alone', [ok, 'transfer-encoding: chunked;q=1']],
    ['not chunked alone', [ok, 'transfer-encoding:']],
    ['HTTP/1.0 and has a Transfer-Encoding', ['HTTP/1.0 200 OK', 'transfer-encoding: chunked']],
    ['folded', [ok, 'x: a', ' b']],
    ['folded', [ok, '\tb']],
    ['no header', [ok, 'x']],
    ['name', [ok, 'x : a']],
    ['name', [ok, ': a']],
    ['name', [ok, 'x\0: a']],
    ['name', [ok, '\xe9: a']],
    ['value', [ok, 'x: a\0']],
    ['value', [ok, 'x: a\rb']],
    ['value', [ok, 'x: a\x1b[2J']],
    ['value', [ok, 'x: a\x7f']],
  ] as const)('is refused with the reason: %s, of %j', (reason, lines) => {
    const { step, head } = read(...lines)
    expect(step).toBe('faulty')
    expect(head.fault).toContain(reason === 'no status line' ? 'a status line' : reason)
  })

  it('is refused for a line that ends without a carriage return', () => {
    const head = new ResponseHead()
    expect(head.take(ok)).toBe('faulty')
    expect(head.fault).toContain('without a carriage return')
  })

  it('never has anything of the response in its reason', () => {
    const canary = 'canary\x1b\0'
    const heads = [
      [canary],
      [`HTTP/${canary}`],
      [`HTTP/1.1 200 ${canary}`],
      [ok, canary],
      [ok, `a: ${canary}`],
    ]
    for (const lines of [
      ...heads,
      [ok, `content-length: ${canary}`],
      [ok, 'transfer-encoding: canary'],
    ]) {
      const { step, head } = read(...lines)
      expect(step).toBe('faulty')
      expect(head.fault).toMatch(/^[a-zA-Z0-9./ -]{1,120}$/)
      expect(head.fault).not.toContain('canary')
    }
  })

  it('is known for none by its first characters', () => {
    const mayGoOn = (begun: string): boolean =>
      new ResponseHead().mayGoOn(begun.slice(0, longestStart))
    for (const begun of ['', 'H', 'HTTP', 'HTTP/', 'HTTP/1.1 200', '\r', '\rHT'])
      expect(mayGoOn(begun)).toBe(true)
    for (const begun of ['\x15\x03', 'SSH-2.0', 'h', 'HTTQ', '\0', ' HTTP/'])
      expect(mayGoOn(begun)).toBe(false)
    const head = new ResponseHead()
    head.take(`${ok}\r`)
    expect(head.mayGoOn('anything')).toBe(true)
  })

  it('can have the blanks behind its length moved in front, and nothing else', () => {
    const head = `${ok}\r\nContent-Length:\t12 \t\r\nx: 5 \r\n\r\n`
    const unpadded = lengthsUnpadded(head)
    expect(unpadded).toHaveLength(head.length)
    expect(unpadded).toBe(`${ok}\r\nContent-Length:   12\r\nx: 5 \r\n\r\n`)
  })
})
