/** The one proxy that calls may go through. The environment's proxy variables are never looked at. */
import { request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect as connectTcp, isIP } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { UserError, asError } from '../../core/errors.ts'
import { ConnectFailure, authorityOf, endpointOf } from './connecting.ts'
import type { ConnectCallback, Endpoint } from './connecting.ts'
import type { ConnectionLookup } from './guarded-lookup.ts'

export interface EgressProxy extends Endpoint {
  readonly isTls: boolean
  /** `proxy-authorization`, when its URL has credentials. */
  readonly headers: Readonly<Record<string, string>>
}

/** Throws a `UserError` for anything but an `http:` or `https:` URL. */
export function parseEgressProxy(text: string): EgressProxy {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new UserError('the egress proxy must be an http: or https: URL', 2)
  }
  return { ...endpointOf(url), isTls: url.protocol === 'https:', headers: credentialsOf(url) }
}

/** How long the proxy, which is near, may take to accept a connection. After that it is away, whatever a call may take. */
const acceptMs = 3_000

/** Says nothing of where the proxy is: results are read by those who are not to know. Its `cause` does. */
export function proxyFailure(thrown: unknown): ConnectFailure {
  const error: NodeJS.ErrnoException = asError(thrown)
  const code = /^[A-Z][A-Z\d_]*$/.test(error.code ?? '') ? ` (${error.code})` : ''
  return new ConnectFailure('proxy', `the egress proxy cannot be reached${code}`, error)
}

/** Has a connection to the proxy destroyed that takes too long. */
export function limitAccepting(socket: Socket, { isTls }: Pick<EgressProxy, 'isTls'>): void {
  const limit = setTimeout(() => {
    const message = `no connection within ${acceptMs} ms`
    socket.destroy(Object.assign(new Error(message), { code: 'ETIMEDOUT' }))
  }, acceptMs)
  socket.once(isTls ? 'secureConnect' : 'connect', () => clearTimeout(limit))
  socket.once('close', () => clearTimeout(limit))
}

/** Asks the proxy for a way to `endpoint`. What it returns gives up. */
export function openTunnel(
  { host, port, isTls, headers, lookup }: EgressProxy & { readonly lookup: ConnectionLookup },
  endpoint: Endpoint,
  callback: ConnectCallback,
): () => void {
  const authority = authorityOf(endpoint)
  let isReached = false
  const request = (isTls ? httpsRequest : httpRequest)({
    host,
    port,
    lookup: lookup.lookup,
    method: 'CONNECT',
    path: authority,
    agent: false,
    headers: { host: authority, ...headers },
    rejectUnauthorized: true,
  })
  request.once('socket', (socket: Socket) => {
    limitAccepting(socket, { isTls })
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      isReached = true
    })
  })
  request.once('connect', (response, socket) => {
    // Whoever uses the tunnel hears of its end by its `close`.
    socket.on('error', () => {})
    const { statusCode = 0 } = response
    if (statusCode >= 200 && statusCode < 300) return callback(null, socket)
    socket.destroy()
    callback(refusedTunnel(statusCode, response.headers), null)
  })
  request.once('close', lookup.cancel)
  request.on('error', (error) => {
    // Some proxies answer nothing for an endpoint that they cannot reach.
    const ended = () => new ConnectFailure('connect', 'the proxy ended the connection', error)
    callback(isReached ? ended() : proxyFailure(error), null)
  })
  request.end()
  return () => request.destroy()
}

/** A proxy that wants a login serves nobody. Any other answer is about the endpoint. */
function refusedTunnel(status: number, headers: IncomingHttpHeaders): ConnectFailure {
  const isLogin = status === 407 && headers['proxy-authenticate'] !== undefined
  if (isLogin) return new ConnectFailure('proxy', 'the egress proxy refuses its credentials')
  return new ConnectFailure('connect', `the proxy answered ${status}`)
}

/** Finds out whether the proxy accepts connections. */
export function reachProxy(
  proxy: Pick<EgressProxy, 'host' | 'port' | 'isTls'> & { readonly lookup: ConnectionLookup },
  done: (failure: ConnectFailure | undefined) => void,
): void {
  const { host, port, isTls, lookup } = proxy
  const socket = isTls
    ? connectTls({
        host,
        port,
        lookup: lookup.lookup,
        ...(isIP(host) === 0 && { servername: host.replace(/\.$/, '') }),
        rejectUnauthorized: true,
      })
    : connectTcp({ host, port, lookup: lookup.lookup })
  limitAccepting(socket, proxy)
  let failure: unknown = new Error('the connection was closed')
  socket.once('error', (error: Error) => {
    failure = error
  })
  socket.once(isTls ? 'secureConnect' : 'connect', () => {
    failure = undefined
    socket.destroy()
  })
  socket.once('close', lookup.cancel)
  socket.once('close', () => done(failure === undefined ? undefined : proxyFailure(failure)))
}

function credentialsOf({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {}
  const text = `${unescaped(username)}:${unescaped(password)}`
  return { 'proxy-authorization': `Basic ${Buffer.from(text).toString('base64')}` }
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new UserError("the egress proxy's credentials are not percent-encoded properly", 2)
  }
}
