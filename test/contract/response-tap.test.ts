/** What undici is given of the bytes of a response, and how many. */
import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { maxHeadBytes, maxRawBytes, ResponseTap } from '../../src/edge/http/response-tap.ts'

/** As undici reads: whatever is there, until nothing is. */
function useTap() {
  // All that a test writes is there to be read at once.
  const socket = new PassThrough({ highWaterMark: 1024 * 1024 })
  const tap = new ResponseTap(socket)
  const told: string[] = []
  const passed: Buffer[] = []
  // The call ends with either.
  const tell = (what: string): void => {
    told.push(what)
    tap.end()
  }
  const reader = { onFault: tell, onTooLong: () => tell('too long') }
  const read = (): void => {
    for (let chunk = socket.read(); chunk !== null && told.length === 0; chunk = socket.read()) {
      passed.push(chunk)
    }
  }
  return {
    tap,
    socket,
    told,
    begin: () => tap.begin(reader),
    /** @returns all that was passed on so far, in Latin-1 */
    bring(...chunks: readonly (Buffer | string)[]): string {
      for (const chunk of chunks) {
        if (told.length > 0) break
        socket.write(Buffer.from(chunk as string, 'latin1'))
        read()
      }
      return Buffer.concat(passed).toString('latin1')
    },
  }
}

const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
const hints = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'

function cut(text: string, places: readonly number[]): readonly string[] {
  const sorted = [...new Set(places.map((place) => place % (text.length + 1)))].sort(
    (a, b) => a - b,
  )
  return [0, ...sorted].map((from, index) => text.slice(from, sorted[index] ?? text.length))
}

describe('a response', () => {
  it('is passed on unchanged, in the buffer in which it arrived', () => {
    const { bring, begin, tap, told } = useTap()
    begin()
    expect(bring(answer)).toBe(answer)
    expect(told).toEqual([])
    expect(tap.answerBytes).toBe(answer.length)
    expect(tap.isClean).toBe(true)
  })

  it('is passed on without informational responses, however it is split', () => {
    const head = fc.constantFrom(
      'HTTP/1.1 200 OK\r\n',
      'HTTP/1.0 500 \r\nx: y\r\nX-Long: ' + 'a'.repeat(50) + '\r\n',
      '\r\nHTTP/1.1 404\r\n',
    )
    const framed = fc.constantFrom(
      'content-length: 5\r\n\r\nHTTP/',
      'content-length: 0\r\n\r\n',
      'connection: close\r\n\r\nHTTP/1.1 103 x\r\n\r\n',
    )
    const informational = fc.array(
      fc.constantFrom(hints, 'HTTP/1.1 100\r\n\r\n', 'HTTP/1.1 199 x\r\na:b\r\n\r\n'),
    )
    fc.assert(
      fc.property(
        informational,
        head,
        framed,
        fc.array(fc.nat()),
        (before, begun, rest, places) => {
          const { bring, begin, tap, told } = useTap()
          begin()
          const text = before.join('') + begun + rest
          expect(bring(...cut(text, places))).toBe(begun + rest)
          expect(told).toEqual([])
          expect(tap.answerBytes).toBe(text.length)
          expect(tap.isClean).toBe(true)
        },
      ),
    )
  })

  it('is read in the same way in one piece and in single bytes, whatever it contains', () => {
    const piece = fc.constantFrom(
      ...[
        'HTTP/1.1 ',
        'HTTP/1.0 ',
        '200',
        '103',
        '099',
        ' OK',
        '\r\n',
        '\r',
        '\n',
        ': ',
        'x',
        ' ',
        '\0',
        ',',
      ],
      ...['content-length', 'transfer-encoding', 'chunked', '5', '\r\n\r\n', answer, hints],
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = 'HTTP/1.1 200' + pieces.join('')
        const one = useTap()
        one.begin()
        const many = useTap()
        many.begin()
        const together = one.bring(text)
        expect(many.bring(...text.split(''))).toBe(together)
        expect(many.told).toEqual(one.told)
      }),
      { numRuns: 1_000 },
    )
  })

  it('has blanks after its length moved in front of it, because undici reads them as digits', () => {
    const { bring, begin } = useTap()
    begin()
    const padded = 'HTTP/1.1 200 OK\r\ncontent-length: 2 \t\r\n\r\nok'
    expect(bring(padded)).toBe(
      'HTTP/1.1 200 OK\r\ncontent-length:   2\r\n\r\nok'.padEnd(padded.length),
    )
  })

  it.each([
    ['within its length', 'content-length: 2\r\n\r\nok', true],
    ['beyond its length', 'content-length: 2\r\n\r\nok\r\n', false],
    ['beyond no length', 'content-length: 0\r\n\r\nx', false],
  ])('leaves its connection usable, or not: %s', (_, rest, isClean) => {
    for (const pieces of [
      [`HTTP/1.1 200 OK\r\n${rest}`],
      ['HTTP/1.1 200 OK\r\n', ...rest.split('')],
    ]) {
      const { bring, begin, tap } = useTap()
      begin()
      bring(...pieces)
      expect(tap.isClean).toBe(isClean)
    }
  })

  it('of status 204 leaves its connection usable only without a body', () => {
    const { bring, begin, tap } = useTap()
    begin()
    bring('HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\n')
    expect(tap.isClean).toBe(true)
    bring('ok')
    expect(tap.isClean).toBe(false)
  })
})

describe('bytes', () => {
  it('that no call waits for close the connection', () => {
    const { bring, begin, tap, socket } = useTap()
    begin()
    bring(answer)
    tap.end()
    expect(socket.destroyed).toBe(false)
    expect(bring('\r\n')).toBe(answer)
    expect(socket.destroyed).toBe(true)
  })

  it('are counted for each call separately, and show whether it was the first of its connection', () => {
    const { bring, begin, tap } = useTap()
    begin()
    expect([tap.isReused, tap.answerBytes]).toEqual([false, 0])
    bring(answer)
    tap.end()
    begin()
    expect([tap.isReused, tap.answerBytes]).toEqual([true, 0])
    bring(hints)
    expect(tap.answerBytes).toBe(hints.length)
  })

  it.each([
    ['informational responses', hints],
    ['a body', `${'HTTP/1.1 200 OK\r\n\r\n'}${'x'.repeat(60_000)}`],
    [
      'chunk extensions',
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;${'x'.repeat(60_000)}`,
    ],
  ])('are passed on and counted up to 128 KiB: %s', (_, repeated) => {
    const { bring, begin, tap, told } = useTap()
    begin()
    while (told.length === 0) bring(repeated)
    expect(told).toEqual(['too long'])
    expect(tap.answerBytes).toBe(maxRawBytes)
    expect(bring('').length).toBeLessThanOrEqual(maxRawBytes)
    expect(tap.isClean).toBe(false)
  })

  it.each([
    ['a reason phrase', 'HTTP/1.1 200 ', 'x'],
    ['empty lines', '', '\r\n'],
    ['a header', 'HTTP/1.1 200 OK\r\nx: ', 'x'],
    ['headers', 'HTTP/1.1 200 OK\r\n', 'x: y\r\n'],
    ['an informational head', 'HTTP/1.1 103 Hints\r\n', 'x: y\r\n'],
  ])('of a head are accepted up to 16 KiB: %s', (_, begun, repeated) => {
    for (const times of [1, 7, 40_000]) {
      const { bring, begin, tap, told } = useTap()
      begin()
      bring(begun)
      while (told.length === 0) bring(repeated.repeat(times))
      expect(told).toEqual([`the response head is longer than ${maxHeadBytes} bytes`])
      expect(tap.answerBytes).toBeLessThanOrEqual(maxRawBytes)
      expect(bring('')).toBe('')
    }
  })

  it('of another protocol are refused at once, even before the end of a line', () => {
    for (const begun of ['\x15\x03\x01\0\x02\x02P', 'SSH-2.0-x', '220 mail', '\0\0\x12\x04', '<']) {
      const { bring, begin, told } = useTap()
      begin()
      expect(bring(begun)).toBe('')
      expect(told).toEqual([expect.stringContaining('a status line')])
    }
  })
})
