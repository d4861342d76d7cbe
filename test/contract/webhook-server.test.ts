/** The endpoint for webhooks on real sockets: what it takes for a request, and what it answers. */
import { describe, expect, it } from 'vitest'
import {
  maxBodyBytes,
  serve,
  head,
  lengthOf,
  whole,
  open,
  closeOf,
  talk,
  heard,
  statusesIn,
  post,
  headers,
  body,
} from '../support/webhook-rig.ts'

describe('the endpoint for webhooks', () => {
  it('passes on the unchanged body, and answers with JSON', async () => {
    const rig = await serve()
    const response = await post(rig)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toEqual({ eventId: `id of ${body.length} bytes` })
    expect(rig.bodies).toEqual([body])
    expect(rig.answered).toMatchObject([
      { source: 'source', event: 'PostSignIn', from: '127.0.0.1' },
    ])
  })

  it('refuses a request by its head at once, and reads nothing of its body', async () => {
    const rig = await serve()
    const statuses = [
      await talk(
        rig,
        head(['content-length: 50000', 'connection: close'], headers, 'POST /x HTTP/1.1'),
      ),
      await talk(rig, head(['connection: close'], headers, 'GET /logto HTTP/1.1')),
      await talk(rig, head(['connection: close'], { 'content-type': 'text/plain' })),
      await talk(rig, head(['connection: close'], { 'content-type': 'application/json' })),
      await talk(rig, head(['content-length: 100001', 'connection: close'])),
    ]
    expect(statuses.map((text) => statusesIn(text)[0])).toEqual(['404', '405', '415', '401', '413'])
    expect(rig.bodies).toEqual([])
    const sources = rig.answered.map(({ source }) => source)
    expect(sources).toEqual([undefined, ...Array.from({ length: 4 }, () => 'source')])
  })

  it('refuses a signature header that appears twice', async () => {
    const twice = head([
      lengthOf(body),
      'connection: close',
      `logto-signature-sha-256: ${headers['logto-signature-sha-256']}`,
    ])
    expect(await talk(await serve(), `${twice}${body}`)).toMatch(
      /^HTTP\/1\.1 401 [^]*appears twice/,
    )
  })

  it('passes on the trace context, with all of its headers', async () => {
    const rig = await serve()
    const given = ['traceparent: one', 'traceparent: two', 'tracestate: a=1', 'tracestate: b=2']
    await talk(rig, `${head([lengthOf(body), 'connection: close', ...given])}${body}`)
    await post(rig)
    expect(rig.traces).toEqual([
      { traceparent: 'one, two', tracestate: 'a=1, b=2' },
      { traceparent: undefined, tracestate: undefined },
    ])
  })

  it('keeps the connection after answers of 200, 401 and 404', async () => {
    const rig = await serve()
    const { socket, said } = open(rig)
    const wrong = `${head([lengthOf('wrong')])}wrong`
    for (const [at, text] of [
      whole,
      wrong,
      head([], headers, 'GET /x HTTP/1.1'),
      whole,
    ].entries()) {
      socket.write(text)
      await heard(said, new RegExp(`(?:HTTP/1.1 [^]*){${at + 1}}`))
    }
    expect(statusesIn(said())).toEqual(['200', '401', '404', '200'])
  })

  it('answers pipelined requests in order', async () => {
    const rig = await serve()
    const { socket, said } = open(rig)
    socket.write(`${whole}${head([lengthOf('wrong')])}wrong${whole}`)
    await heard(said, /(?:HTTP\/1.1 [^]*){3}/)
    expect(statusesIn(said())).toEqual(['200', '401', '200'])
    expect(rig.bodies).toEqual([body, 'wrong', body])
  })

  it('speaks HTTP/1.0', async () => {
    const rig = await serve()
    const request = head([lengthOf(body)], headers, 'POST /logto HTTP/1.0').replace(
      'host: x\r\n',
      '',
    )
    expect(await talk(rig, request + body)).toMatch(/^HTTP\/1\.1 200 OK/)
    expect(rig.bodies).toEqual([body])
  })

  it('accepts a body in pieces of any size', async () => {
    const rig = await serve()
    const text = `${body}${'é'.repeat(3_000)}`
    const pieces = [...Buffer.from(text)].map((byte) =>
      Buffer.concat([Buffer.from('1\r\n'), Buffer.from([byte]), Buffer.from('\r\n')]),
    )
    const { socket, said } = open(rig)
    socket.write(head(['transfer-encoding: chunked']))
    socket.write(Buffer.concat([...pieces, Buffer.from('0\r\n\r\n')]))
    await heard(said, /200 OK/)
    expect(rig.bodies).toEqual([text])
  })

  it('accepts a body of exactly the maximum size, and refuses one more byte', async () => {
    const rig = await serve()
    expect((await post(rig, 'x'.repeat(maxBodyBytes))).status).toBe(200)
    expect((await post(rig, 'x'.repeat(maxBodyBytes + 1))).status).toBe(413)
    expect(rig.bodies).toHaveLength(1)
  })

  it('refuses a body without a length once it is too large', async () => {
    const rig = await serve()
    const { socket, said } = open(rig)
    socket.write(head(['transfer-encoding: chunked']))
    const piece = `${(10_000).toString(16)}\r\n${'x'.repeat(10_000)}\r\n`
    socket.write(piece.repeat(11))
    expect(await heard(said, /\r\n\r\n\{/)).toMatch(/^HTTP\/1\.1 413 /)
    expect(rig.bodies).toEqual([])
  })

  it('lets a client that sends far too much read the answer, and then closes the connection', async () => {
    const rig = await serve()
    const { socket, said } = open(rig)
    const closed = closeOf(socket)
    socket.write(head(['content-length: 100000000']))
    await heard(said, /^HTTP\/1\.1 413 /)
    const timer = setInterval(() => socket.write('x'.repeat(50_000)), 1)
    socket.once('close', () => clearInterval(timer))
    await closed
    expect(socket.bytesWritten).toBeLessThan(20_000_000)
  })

  it.each([
    ['two lengths', ['content-length: 5', 'content-length: 6']],
    ['a length and chunks', ['content-length: 5', 'transfer-encoding: chunked']],
    ['a length that is none', ['content-length: -5']],
    ['chunks that are not the last coding', ['transfer-encoding: chunked, gzip']],
    ['a header without its end', ['x\0y: 1']],
    ['a header over two lines', ['x: 1', ' 2']],
    ['chunks without a size', ['transfer-encoding: chunked']],
    ['two codings', ['transfer-encoding: chunked', 'transfer-encoding: chunked']],
  ])('refuses a request with %s, and closes its connection', async (_, lines) => {
    const rig = await serve()
    const said = await talk(rig, `${head(lines)}hello\r\n0\r\n\r\n`)
    expect(said).toMatch(
      /^HTTP\/1\.1 400 [^]*\r\n\r\n\{"error":"This is not a valid HTTP\/1\.1 request\."\}\n$/,
    )
    expect(rig.bodies).toEqual([])
    await expect.poll(() => rig.answered).toMatchObject([{ answer: { name: 'malformed' } }])
  })

  it.each([
    ['is no HTTP', '\x16\x03\x01\x02', '400', 'malformed'],
    ['has no host', 'POST /logto HTTP/1.1\r\n\r\n', '400', 'malformed'],
    ['has two hosts', head(['host: y']), '400', 'malformed'],
    ['is for a tunnel', 'CONNECT x:443 HTTP/1.1\r\nhost: x\r\n\r\n', '405', 'wrong-method'],
    ['has headers beyond 16 KiB', head([`x: ${'x'.repeat(17_000)}`]), '431', 'head-too-large'],
    [
      'has chunk extensions beyond 16 KiB',
      `${head(['transfer-encoding: chunked'])}5;${'x'.repeat(17_000)}\r\nhello\r\n`,
      '400',
      'malformed',
    ],
    [
      'has trailers beyond 16 KiB',
      `${head(['transfer-encoding: chunked'])}0\r\nx: ${'x'.repeat(17_000)}\r\n\r\n`,
      '431',
      'head-too-large',
    ],
    ['expects something', head(['expect: it', 'connection: close']), '417', 'expectation-failed'],
  ])(
    'refuses a request that %s with a JSON answer, and counts it',
    async (_, text, status, name) => {
      const rig = await serve()
      const said = await talk(rig, text)
      expect(statusesIn(said)).toEqual([status])
      expect(said).toMatch(/^content-type: application\/json\r$/m)
      expect(said).toMatch(/^connection: close\r$/im)
      expect(said).toMatch(/\r\n\r\n\{"error":"[^"]+"\}\n$/)
      await expect.poll(() => rig.answered).toMatchObject([{ answer: { name }, from: '127.0.0.1' }])
    },
  )

  it('accepts a target in absolute form', async () => {
    const rig = await serve()
    const line = 'POST http://hooktide.example/logto HTTP/1.1'
    expect(
      await talk(rig, `${head([lengthOf(body), 'connection: close'], headers, line)}${body}`),
    ).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('answers the requests before bytes that are not a request, and then closes the connection', async () => {
    const rig = await serve({ clientTimeoutMs: 60_000 }, true)
    const { socket, said } = open(rig)
    const closed = closeOf(socket)
    socket.write(`${whole}${whole}and more\r\n\r\n`)
    await expect.poll(() => rig.bodies.length).toBe(2)
    socket.write('and more')
    rig.release()
    await closed
    expect(statusesIn(said())).toEqual(['200', '200'])
    expect(said()).toMatch(/connection: close/i)
  })

  it('keeps the order of answers if a refused request and then no request follow one that waits', async () => {
    const rig = await serve({ clientTimeoutMs: 60_000 }, true)
    const { socket, said } = open(rig)
    const closed = closeOf(socket)
    socket.write(`${whole}${head([], headers, 'GET /x HTTP/1.1')}and more\r\n\r\n`)
    await expect.poll(() => rig.bodies.length).toBe(1)
    socket.write('and more\r\n\r\n')
    rig.release()
    await closed
    expect(statusesIn(said())).toEqual(['200', '404'])
  })

  it('closes the connection without a second answer if the rest of a refused request is malformed', async () => {
    const rig = await serve({ clientTimeoutMs: 60_000 })
    const { socket, said } = open(rig)
    const closed = closeOf(socket)
    socket.write(head(['transfer-encoding: chunked'], { 'content-type': 'application/json' }))
    await heard(said, /^HTTP\/1\.1 401 [^]*\}/)
    socket.write('no chunk\r\n')
    await closed
    expect(statusesIn(said())).toEqual(['401'])
  })
})
