import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { listening } from '../support/listening.ts'
import { chance } from '../support/chance.ts'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

/** A server that sends everything back, and a proxy before it. */
async function proxiedEcho(): Promise<{ readonly proxy: TcpProxy; readonly accepted: Socket[] }> {
  const accepted: Socket[] = []
  const server = createServer((socket) => {
    accepted.push(socket)
    socket.on('error', () => undefined)
    socket.pipe(socket)
  })
  const port = await listening(server)
  const proxy = await startTcpProxy({ target: { host: '127.0.0.1', port } })
  onTestFinished(() => proxy[Symbol.asyncDispose]())
  return { proxy, accepted }
}

function open({ port }: TcpProxy): Socket {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  return socket
}

/** Resolves with this many bytes that come back. */
async function read(
  socket: Socket,
  length: number,
): Promise<{ readonly bytes: Buffer; readonly pieces: number }> {
  const pieces: Buffer[] = []
  let count = 0
  while (count < length) {
    const [piece] = (await once(socket, 'data')) as [Buffer]
    pieces.push(piece)
    count += piece.length
  }
  return { bytes: Buffer.concat(pieces), pieces: pieces.length }
}

const text = (length: number) => Buffer.from(Array.from({ length }, (_, index) => index % 251))

it('passes bytes on as they are, whole or in slices', async () => {
  const { proxy } = await proxiedEcho()
  const socket = open(proxy)
  const sent = text(300_000)
  socket.write(sent)
  expect((await read(socket, sent.length)).bytes.equals(sent)).toBe(true)
  const random = chance(7)
  proxy.pass({ kind: 'sliced', bytes: () => 1 + Math.floor(random() * 2_000), everyMs: 0 })
  socket.write(sent)
  const { bytes, pieces } = await read(socket, sent.length)
  expect(bytes.equals(sent)).toBe(true)
  expect(pieces).toBeGreaterThan(50)
})

it('ends a connection when either side does, once all has passed', async () => {
  const { proxy } = await proxiedEcho()
  proxy.pass({ kind: 'sliced', bytes: () => 10, everyMs: 0 })
  const socket = open(proxy)
  const sent = text(1_000)
  socket.end(sent)
  expect((await read(socket, sent.length)).bytes.equals(sent)).toBe(true)
  await once(socket, 'close')
})

it('holds bytes and gives them when it passes again', async () => {
  const { proxy, accepted } = await proxiedEcho()
  const socket = open(proxy)
  socket.write('first')
  await read(socket, 5)
  proxy.pass({ kind: 'held' })
  socket.write('second')
  const other = open(proxy)
  await once(other, 'connect')
  expect(accepted.at(0)?.bytesRead).toBe(5)
  proxy.pass({ kind: 'whole' })
  expect((await read(socket, 6)).bytes.toString()).toBe('second')
})

it('lets connections go dead without a word, and new ones work', async () => {
  const { proxy, accepted } = await proxiedEcho()
  const dead = open(proxy)
  dead.write('first')
  await read(dead, 5)
  expect(proxy.makeHalfOpen()).toBe(1)
  let isHeard = false
  dead.once('data', () => (isHeard = true)).once('close', () => (isHeard = true))
  dead.write('into nowhere')
  const living = open(proxy)
  living.write('again')
  expect((await read(living, 5)).bytes.toString()).toBe('again')
  expect(isHeard).toBe(false)
  expect(accepted.at(0)?.bytesRead).toBe(5)
  expect(proxy.makeHalfOpen()).toBe(1)
})
