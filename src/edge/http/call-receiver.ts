/**
 * A server that takes calls and hands them over, for `hooktide listen`. It stands on a developer's machine, and yet no
 * client may hold it up or fill its memory: bodies, connections and times have bounds.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createBoundedServer } from '../bounded-server.ts'
import { listening } from '../listening.ts'

export interface ReceivedCall {
  readonly method: string
  /** With its query. */
  readonly path: string
  /** Lower-case names; values of headers that were sent several times are joined. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export interface CallReceiverOptions {
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  /** What each call is answered with. */
  readonly status: number
  readonly onCall: (call: ReceivedCall) => void
}

export interface CallReceiver {
  readonly port: number
  /** Lets answers that are on their way end, and cuts what is open after a second. */
  stop(): Promise<void>
}

/** In bytes. Bodies of Logto's events are far smaller. */
const maxBody = 1024 * 1024
const maxConnections = 64
const clientTimeoutMs = 10_000

/** @throws {UserError} when the port cannot be listened on */
export async function startCallReceiver(options: CallReceiverOptions): Promise<CallReceiver> {
  const { host, port, status, onCall } = options
  const server = createBoundedServer(
    {
      headersTimeout: clientTimeoutMs,
      requestTimeout: clientTimeoutMs,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: 64 * 1024,
    },
    (incoming, response) => {
      bodyOf(incoming).then(
        (body) => {
          if (body === undefined) {
            refuse(response)
            return
          }
          onCall({ ...headOf(incoming), body })
          response.writeHead(status).end()
        },
        // The caller went away before its body was whole: nothing has arrived.
        () => response.destroy(),
      )
    },
  )
  server.maxConnections = maxConnections
  const listeningPort = await listening(server, { host, port }, '--port')
  return {
    port: listeningPort,
    stop: () =>
      new Promise((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), 1_000)
        server.close(() => {
          clearTimeout(cut)
          resolve()
        })
      }),
  }
}

/** `undefined` when it is too large. */
async function bodyOf(incoming: IncomingMessage): Promise<Buffer | undefined> {
  const pieces: Buffer[] = []
  let total = 0
  for await (const piece of incoming as AsyncIterable<Buffer>) {
    total += piece.length
    if (total > maxBody) return undefined
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

function refuse(response: ServerResponse): void {
  // What is left of the body is not read.
  response.writeHead(413, { connection: 'close' }).end()
}

function headOf(incoming: IncomingMessage): Omit<ReceivedCall, 'body'> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers[name] = typeof value === 'string' ? value : value.join(', ')
  }
  return { method: incoming.method ?? '', path: incoming.url ?? '', headers }
}
