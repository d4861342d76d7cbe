/** Answers that are legal and rare, endless, or no HTTP: what is read of them, how they end, and what follows. */
import type { Socket } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { requestTo, send, startCall, useSender } from '../support/http-calls.ts'
import { useRawServer, whole, type RawRequest, type RawServer } from '../support/raw-server.ts'
import { trustFixture } from '../support/tls-fixture.ts'

const ok = 'HTTP/1.1 200 OK\r\n'
const chunked = `${ok}transfer-encoding: chunked\r\n\r\n`

/** A sender and a URL for each way to a server. */
const ways = {
  plain: ({ host }: RawServer) => ({ sender: useSender(), url: `http://${host}/` }),
  TLS: ({ port }: RawServer) => ({ sender: useSender(), url: `https://localhost:${port}/` }),
  proxied: ({ host }: RawServer) => ({
    sender: useSender({ egressProxy: `http://${host}` }),
    url: 'http://receiver.example/',
  }),
} as const
const wayNames = ['plain', 'TLS', 'proxied'] as const
type Way = (typeof wayNames)[number]

async function useWay(way: Way, answer: (request: RawRequest) => void) {
  if (way === 'TLS') trustFixture()
  const server = await useRawServer({ isTls: way === 'TLS', answer })
  return { server, ...ways[way](server) }
}

describe.each(wayNames)('informational responses, %s', (way) => {
  it.each([
    ['100', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['102', 'HTTP/1.1 102 Processing\r\n\r\n'],
    ['103 with headers', 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\ncontent-length: 7\r\n\r\n'],
    ['199', 'HTTP/1.1 199 Own\r\n\r\n'],
    [
      'a thousand',
      'HTTP/1.1 100 Continue\r\n\r\n'.repeat(500).concat('HTTP/1.1 103 \r\n\r\n'.repeat(500)),
    ],
  ])('may precede the answer, and the answer counts: %s', async (_, before) => {
    const { sender, url, server } = await useWay(way, ({ socket }) => socket.write(before + whole))
    for (let count = 0; count < 2; count += 1) {
      expect(await send(sender, url)).toMatchObject({ kind: 'response', status: 200, body: 'ok' })
    }
    expect(server.connectionCount()).toBe(1)
  })
})

/** Writes a text again and again, as long as the other side takes it. Tells the bytes that were written at the end. */
function writeEndlessly(socket: Socket, text: string): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>()
  const bytes = Buffer.from(text.repeat(Math.ceil(16_384 / text.length)), 'latin1')
  const more = (): void => {
    while (!socket.destroyed && socket.write(bytes));
  }
  socket.on('drain', more)
  socket.on('close', () => resolve(socket.bytesWritten))
  more()
  return promise
}

const status200 = { kind: 'response', status: 200 }
const protocol = { kind: 'error', errorClass: 'protocol', status: undefined }

describe.each(wayNames)('an endless answer, %s', (way) => {
  it.each([
    ['empty lines', '', '\r\n', protocol],
    ['a reason phrase', 'HTTP/1.1 200 ', 'x', protocol],
    ['a header', `${ok}x: `, 'x', protocol],
    ['headers', ok, 'x: y\r\n', protocol],
    ['informational responses', '', 'HTTP/1.1 103 Early Hints\r\n\r\n', protocol],
    ['a body', `${ok}\r\n`, 'x', status200],
    ['chunks of one byte', chunked, '1\r\nx\r\n', status200],
    ['a chunk extension', `${chunked}1;`, 'x', status200],
    ['chunk extensions', chunked, '1;x=y\r\nx\r\n', status200],
    ['zeros of a chunk size', chunked, '0', status200],
    ['trailers', `${chunked}0\r\n`, 'x: y\r\n', status200],
    ['a trailer', `${chunked}0\r\nx: `, 'y', status200],
  ])(
    'is read only as far as needed, and its connection is closed: %s',
    async (_, begun, more, expected) => {
      const written = Promise.withResolvers<number>()
      const { sender, url } = await useWay(way, ({ socket }) => {
        socket.write(begun)
        void writeEndlessly(socket, more).then(written.resolve)
      })
      expect(await send(sender, url)).toMatchObject(expected)
      // What was written lies in buffers on the way for the most part.
      expect(await written.promise).toBeLessThan(16 * 1024 * 1024)
      await sender.stop()
      expect(sender.socketCounts()).toEqual({ idle: 0, open: 0 })
    },
  )
})

it('an endless answer in small pieces ends at the deadline', async () => {
  const { host } = await useRawServer({
    answer({ socket }) {
      socket.write(`${chunked}1;`)
      const every = setInterval(() => socket.write('x'), 10)
      socket.on('close', () => clearInterval(every))
    },
  })
  const result = await send(useSender(), `http://${host}/`, { timeoutMs: 150 })
  expect(result).toMatchObject({ errorClass: 'timeout', status: 200 })
})

describe('an answer that can be read in several ways', () => {
  it.each([
    [
      'the same length twice',
      `${ok}content-length: 2\r\ncontent-length: 2\r\n\r\nok`,
      'more than one Content-Length',
    ],
    [
      'a length and chunks',
      `${ok}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n`,
      'both Content-Length',
    ],
    [
      'chunks and a length',
      `${ok}transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n`,
      'both Content-Length',
    ],
    ['a length that is none', `${ok}content-length: 0x2\r\n\r\nok`, 'not a number'],
    ['a length without bounds', `${ok}content-length: ${'9'.repeat(30)}\r\n\r\nok`, 'too large'],
    ['status 099', 'HTTP/1.1 099 Own\r\n\r\n', 'not a number from 100 to 999'],
    ['status 1000', 'HTTP/1.1 1000 Own\r\n\r\n', 'not a number from 100 to 999'],
    ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', 'switches protocols'],
    ['another version', 'HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n', 'a version of HTTP'],
    ['no status line', '<html></html>\r\n', 'a status line'],
    ['a TLS alert', '\x15\x03\x01\0\x02\x02P', 'a status line'],
    [
      'a transfer coding nobody asked for',
      `${ok}transfer-encoding: gzip, chunked\r\n\r\n`,
      'not chunked alone',
    ],
    ['bare line feeds', 'HTTP/1.1 200 OK\ncontent-length: 2\n\nok', 'without a carriage return'],
    ['a folded header', `${ok}x: a\r\n b\r\ncontent-length: 0\r\n\r\n`, 'folded'],
    [
      'a zero byte behind a length',
      `${ok}content-length: 2\r\nx: a\0b\r\n\r\nok`,
      'character in its value',
    ],
  ])('is of class protocol and says why: %s', async (_, bytes, reason) => {
    // The connection stays open: nothing ended within anything.
    const { host } = await useRawServer({
      answer: ({ socket }) => socket.write(Buffer.from(bytes, 'latin1')),
    })
    const result = await send(useSender(), `http://${host}/`)
    expect(result).toMatchObject({ ...protocol, message: expect.stringContaining(reason) })
  })

  it.each([
    ['a chunk size that is none', `${chunked}zz\r\nok\r\n0\r\n\r\n`],
    ['a negative chunk size', `${chunked}-2\r\nok\r\n0\r\n\r\n`],
    ['a chunk size without bounds', `${chunked}${'f'.repeat(20)}\r\nok\r\n0\r\n\r\n`],
    ['a chunk longer than it says', `${chunked}1\r\nok\r\n0\r\n\r\n`],
  ])('is of class protocol with the status of its head: %s', async (_, bytes) => {
    const { host } = await useRawServer({ answer: ({ socket }) => socket.write(bytes) })
    const result = await send(useSender(), `http://${host}/`)
    expect(result).toMatchObject({ kind: 'error', errorClass: 'protocol', status: 200 })
  })
})

describe('a connection', () => {
  it.each([
    ['a byte', 'x'],
    ['an empty line', '\r\n'],
    ['another answer', 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged'],
    ['an informational response', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
    ['half a head', 'HTTP/1.1 200 OK\r\ncontent-'],
  ])('that received more than the answer is not used again: %s', async (_, more) => {
    const kinds = [whole, `${chunked}2\r\nok\r\n0\r\n\r\n`, 'HTTP/1.1 204 No Content\r\n\r\n']
    // Empty lines behind chunks go unseen, and mean nothing.
    for (const answer of more === '\r\n' ? [whole] : kinds) {
      const { host, requests } = await useRawServer({
        answer: ({ socket, connection }) => socket.write(connection === 0 ? answer + more : whole),
      })
      const sender = useSender()
      const second = Promise.withResolvers<unknown>()
      sender.send(requestTo(`http://${host}/`), (first) => {
        expect(first).toMatchObject({ kind: 'response', body: answer === kinds[2] ? '' : 'ok' })
        sender.send(requestTo(`http://${host}/`), second.resolve)
      })
      expect(await second.promise).toMatchObject({ status: 200, body: 'ok' })
      expect(requests.map(({ connection }) => connection)).toEqual([0, 1])
    }
  })
})

describe('whatever an endpoint answers', () => {
  it('each call has one verdict, and the next call gets its own answer', async () => {
    let bytes = ''
    const { host, requests } = await useRawServer({
      answer: ({ socket, text }) => {
        if (text.startsWith('POST /bad ')) socket.write(Buffer.from(bytes, 'latin1'))
        else socket.write(`${ok}content-length: 6\r\n\r\nhonest`)
      },
    })
    const sender = useSender()
    await fc.assert(
      fc.asyncProperty(mutated, async (answer) => {
        bytes = answer
        const before = requests.length
        // Answers that do not end end at the deadline.
        const bad = startCall(sender, requestTo(`http://${host}/bad`, { timeoutMs: 40 }))
        await bad.result
        const good = startCall(sender, requestTo(`http://${host}/good`))
        expect(await good.result).toMatchObject({ kind: 'response', status: 200, body: 'honest' })
        expect([bad.results.length, good.results.length]).toEqual([1, 1])
        expect(requests.length - before).toBeLessThanOrEqual(4)
        expect(sender.socketCounts().idle).toBe(1)
      }),
      { numRuns: 200 },
    )
  })
})

const answers = [
  whole,
  `${ok}x: y\r\ncontent-length: 0\r\n\r\n`,
  `${chunked}2\r\nok\r\n1;a=b\r\n!\r\n0\r\nx: y\r\n\r\n`,
  `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${whole}`,
  `HTTP/1.1 204 No Content\r\n\r\n`,
  `HTTP/1.0 500 No\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nno`,
]

type Mutation = (text: string) => string
const snippets = [
  ...['\r\n', '\r', '\n', '\0', ' ', ':', ';', 'x', '0', 'f', '-', ','],
  ...[
    'content-length: 1\r\n',
    'transfer-encoding: chunked\r\n',
    'connection: close\r\n',
    'HTTP/1.1 ',
    '\r\n\r\n',
  ],
  ...answers,
]
const place = fc.double({ min: 0, max: 1, noNaN: true })
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(place, fc.constantFrom(...snippets)).map(([at, what]): Mutation => (text) => {
    const index = Math.floor(at * text.length)
    return text.slice(0, index) + what + text.slice(index)
  }),
  fc.tuple(place, fc.integer({ min: 1, max: 8 })).map(([at, count]): Mutation => (text) => {
    const index = Math.floor(at * text.length)
    return text.slice(0, index) + text.slice(index + count)
  }),
  fc.tuple(place, fc.integer({ min: 0, max: 255 })).map(([at, code]): Mutation => (text) => {
    const index = Math.floor(at * text.length)
    return text.slice(0, index) + String.fromCharCode(code) + text.slice(index + 1)
  }),
  fc.constantFrom(...answers).map(
    (answer): Mutation =>
      (text) =>
        text + answer,
  ),
)
const mutated = fc
  .tuple(fc.constantFrom(...answers), fc.array(mutation, { maxLength: 4 }))
  .map(([answer, mutations]) => mutations.reduce((text, change) => change(text), answer))
