/** A server below HTTP: tests write its answers byte by byte, and decide when its connections end. */
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { listening } from './listening.ts'
import { certificate, privateKey } from './tls-fixture.ts'

export interface RawRequest {
  readonly socket: Socket
  /** The number of its connection, counted from 0. */
  readonly connection: number
  /** Its number on its connection, counted from 0. */
  readonly turn: number
  /** Its head, and its body as Latin-1. */
  readonly text: string
  /** Ends its connection with RST. */
  readonly cut: () => void
}

export interface RawServer {
  /** The address, such as `127.0.0.1:40123`. */
  readonly host: string
  readonly port: number
  /** Complete requests, in order of arrival. */
  readonly requests: readonly RawRequest[]
  connectionCount(): number
}

export interface RawServerOptions {
  readonly isTls?: boolean
  /** Called for each request when it is complete. */
  readonly answer?: (request: RawRequest) => void
  /** Called for each connection. The test then has to read it. */
  readonly onConnection?: (socket: Socket, connection: number) => void
}

export const whole = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

export async function useRawServer(options: RawServerOptions): Promise<RawServer> {
  const { answer = ({ socket }) => socket.write(whole), onConnection } = options
  const requests: RawRequest[] = []
  /** Sockets below TLS, by the port of the other side. */
  const carriers = new Map<number, Socket>()
  let connectionCount = 0
  const accept = (socket: Socket): void => {
    const connection = connectionCount
    connectionCount += 1
    socket.on('error', () => {})
    socket.setNoDelay(true)
    if (onConnection !== undefined) return onConnection(socket, connection)
    let turn = 0
    readRequests(socket, (text) => {
      const carrier = carriers.get(socket.remotePort ?? 0) ?? socket
      const request = { socket, connection, turn, text, cut: () => carrier.resetAndDestroy() }
      turn += 1
      requests.push(request)
      answer(request)
    })
  }
  // A server that only ends its own side leaves a half-open connection.
  const server: Server = options.isTls
    ? createTlsServer({ cert: certificate, key: privateKey, allowHalfOpen: true }, accept)
    : createServer({ allowHalfOpen: true }, accept)
  server.on('connection', (socket: Socket) => carriers.set(socket.remotePort ?? 0, socket))
  const port = await listening(server)
  return { host: `127.0.0.1:${port}`, port, requests, connectionCount: () => connectionCount }
}

/** Calls `onRequest` for each request that has a length. */
function readRequests(socket: Socket, onRequest: (text: string) => void): void {
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
    for (;;) {
      const headEnd = text.indexOf('\r\n\r\n')
      if (headEnd === -1) return
      const length = Number(/^content-length: (\d+)\r$/m.exec(text.slice(0, headEnd + 2))?.[1] ?? 0)
      const end = headEnd + 4 + length
      if (text.length < end) return
      const request = text.slice(0, end)
      text = text.slice(end)
      onRequest(request)
    }
  })
}
