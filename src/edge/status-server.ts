/**
 * `/healthz`, `/readyz` and `/metrics` of a running process. Clients may be slow, broken or hostile: only the method and
 * the path of a request are read, and no client can hold a connection for long.
 */
import type { ServerResponse } from 'node:http'
import { asError } from '../core/model/errors.ts'
import { printable } from '../core/text/printable-text.ts'
import { createBoundedServer } from './bounded-server.ts'
import { listening } from './listening.ts'
import { boundConnections } from './status-connections.ts'

export interface StatusPages {
  /** Why the process is not ready; empty when it is. */
  readonly unready: () => readonly string[]
  readonly metrics: { readonly render: () => Promise<string>; readonly contentType: string }
  /** A page could not be made. */
  readonly onFailed: (error: Error) => void
}

export interface StatusServer {
  readonly port: number
  stop(): Promise<void>
}

/**
 * More connections than probes and scrapers need. Each takes a file descriptor, and webhook calls need many of these. A
 * second is longer than a request takes over any network, and limits clients that reconnect at once to one connection a
 * second.
 */
const connectionBounds = { usual: 64, most: 1_024, graceMs: 1_000 } as const

export interface StatusServerOptions {
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  /** How long a client may take to send its request, and to read the answer. Default 5 s. */
  readonly clientTimeoutMs?: number
}

/** @throws {UserError} when the port cannot be listened on */
export async function startStatusServer(
  where: StatusServerOptions,
  pages: StatusPages,
): Promise<StatusServer> {
  const { clientTimeoutMs = 5_000 } = where
  const server = createBoundedServer(
    {
      headersTimeout: clientTimeoutMs,
      requestTimeout: clientTimeoutMs,
      keepAliveTimeout: clientTimeoutMs,
      connectionsCheckingInterval: Math.min(clientTimeoutMs, 1_000),
      maxHeaderSize: 8 * 1024,
    },
    ({ method, url }, response) => {
      answer(method, url ?? '/', pages, response).catch((error: unknown) => {
        pages.onFailed(asError(error))
        if (response.headersSent) response.destroy()
        else send(response, 500, 'failed\n')
      })
    },
  )
  boundConnections(server, { ...connectionBounds, readTimeoutMs: clientTimeoutMs })
  server.setTimeout(clientTimeoutMs)
  const port = await listening(server, where, 'HOOKTIDE_HTTP_PORT')
  return {
    port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(
  method: string | undefined,
  url: string,
  pages: StatusPages,
  response: ServerResponse,
): Promise<void> {
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    // What is left of the request is not read.
    response.setHeader('connection', 'close')
    send(response, 405, 'only GET and HEAD\n')
    return
  }
  const [path = '/'] = url.split('?')
  switch (path) {
    case '/healthz':
      send(response, 200, 'ok\n')
      return
    case '/readyz': {
      const unready = pages.unready()
      if (unready.length === 0) send(response, 200, 'ready\n')
      else send(response, 503, `not ready: ${printable(unready.join('; '))}\n`)
      return
    }
    case '/metrics':
      send(response, 200, await pages.metrics.render(), pages.metrics.contentType)
      return
    default:
      send(response, 404, 'pages: /healthz /readyz /metrics\n')
  }
}

function send(
  response: ServerResponse,
  status: number,
  text: string,
  type = 'text/plain; charset=utf-8',
): void {
  const length = Buffer.byteLength(text)
  response
    .writeHead(status, {
      'content-type': type,
      'content-length': length,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    })
    .end(text)
}
