/** The one proxy that calls may go through. The environment's proxy variables are never looked at. */
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { UserError } from '../../core/errors.ts'
import { ConnectFailure, authorityOf, endpointOf } from './connecting.ts'
import type { ConnectCallback, Endpoint } from './connecting.ts'

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

/** Asks the proxy for a way to `endpoint`. What it returns gives up. */
export function openTunnel(
  { host, port, isTls, headers }: EgressProxy,
  endpoint: Endpoint,
  callback: ConnectCallback,
): () => void {
  const authority = authorityOf(endpoint)
  const request = (isTls ? httpsRequest : httpRequest)({
    host,
    port,
    method: 'CONNECT',
    path: authority,
    agent: false,
    headers: { host: authority, ...headers },
    rejectUnauthorized: true,
  })
  request.once('connect', ({ statusCode = 0 }, socket) => {
    // Whoever uses the tunnel hears of its end by its `close`.
    socket.on('error', () => {})
    if (statusCode >= 200 && statusCode < 300) return callback(null, socket)
    socket.destroy()
    callback(new ConnectFailure('connect', `the proxy answered ${statusCode}`), null)
  })
  request.on('error', (error) => {
    const message = `no way through the proxy: ${error.message}`
    callback(new ConnectFailure('connect', message, error), null)
  })
  request.end()
  return () => request.destroy()
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
