/** Servers that require secrets: a registry behind a login, and an egress proxy. */
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http'

export interface GuardedServer {
  readonly server: Server
  /** Requests that had all secrets. */
  readonly passed: () => number
}

/** Passes requests on to a registry, by the path of its URL, if they have the login and the key in their query. */
export function guardedRegistry(
  registryUrl: string,
  { login, key }: { readonly login: string; readonly key: string },
): GuardedServer {
  let passed = 0
  const server = createServer((request, response) => {
    const asked = new URL(request.url ?? '', registryUrl)
    const hasKey = asked.searchParams.get('apikey') === key
    asked.searchParams.delete('apikey')
    if (!hasKey || request.headers.authorization !== basic(login)) {
      // Some proxies do this.
      response.writeHead(401).end(JSON.stringify({ message: `no entry for ${request.url}` }))
      return
    }
    passed += 1
    const { authorization: _, host: __, ...headers } = request.headers
    const onward = httpRequest(asked, { method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  })
  return { server, passed: () => passed }
}

/** Passes plain HTTP requests on to their host, if they have the login. */
export function guardedProxy(login: string): GuardedServer {
  let passed = 0
  const server = createServer((request, response) => {
    if (request.headers['proxy-authorization'] !== basic(login)) {
      response.writeHead(407).end()
      return
    }
    passed += 1
    const onward = httpRequest(request.url ?? '', forwarded(request), (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  })
  return { server, passed: () => passed }
}

function forwarded({ method, headers }: IncomingMessage) {
  const { 'proxy-authorization': _, ...rest } = headers
  return { method, headers: rest }
}

function basic(login: string): string {
  return `Basic ${Buffer.from(login).toString('base64')}`
}
