/** `/healthz`, `/readyz` and `/metrics` of a running process. */
import { createServer, type Server, type ServerResponse } from 'node:http'
import { UserError } from '../core/errors.ts'

export interface StatusPages {
  /** Why the process is not ready; empty when it is. */
  readonly unready: () => readonly string[]
  readonly metrics: { readonly render: () => Promise<string>; readonly contentType: string }
}

export interface StatusServer {
  readonly port: number
  stop(): Promise<void>
}

/** @throws UserError when the port cannot be had */
export async function startStatusServer(
  where: { readonly host: string; readonly port: number },
  pages: StatusPages,
): Promise<StatusServer> {
  const server = createServer((request, response) => {
    // A failed page must not end the process: it answers 500 and the next request starts anew.
    answer(request.url ?? '/', pages, response).catch(() => response.writeHead(500).end())
  })
  await listen(server, where)
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : where.port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(url: string, pages: StatusPages, response: ServerResponse): Promise<void> {
  const [path = '/'] = url.split('?')
  switch (path) {
    case '/healthz':
      send(response, 200, 'ok\n')
      return
    case '/readyz': {
      const unready = pages.unready()
      if (unready.length === 0) send(response, 200, 'ready\n')
      else send(response, 503, `not ready: ${unready.join('; ')}\n`)
      return
    }
    case '/metrics':
      response.setHeader('content-type', pages.metrics.contentType)
      response.end(await pages.metrics.render())
      return
    default:
      send(response, 404, 'pages: /healthz /readyz /metrics\n')
  }
}

function send(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text)
}

function listen(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new UserError(
              `Port ${port} is in use: set HOOKTIDE_HTTP_PORT to a free one, or to 0 for any.`,
            )
          : new UserError(`Cannot listen on ${host}:${port}: ${error.message}`),
      )
    })
    server.listen(port, host, resolve)
  })
}
