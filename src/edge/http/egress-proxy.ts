/** The proxy that calls go through if one is set. The environment's proxy variables are ignored. */
import { connect as connectTcp, isIP } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { UserError, asError } from '../../core/model/errors.ts'
import { ResponseHead } from './response-head.ts'
import { ConnectFailure, authorityOf, endpointOf } from './connecting.ts'
import type { Endpoint } from './connecting.ts'
import type { ConnectionLookup } from './guarded-lookup.ts'
import { maxHeadBytes } from './response-tap.ts'

export interface EgressProxy extends Endpoint {
  readonly isTls: boolean
  /** `proxy-authorization`, when its URL has credentials. */
  readonly headers: Readonly<Record<string, string>>
}

/** @throws {UserError} for anything but an `http:` or `https:` URL */
export function parseEgressProxy(text: string): EgressProxy {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new UserError('the egress proxy must be an http: or https: URL', 2)
  }
  return { ...endpointOf(url), isTls: url.protocol === 'https:', headers: credentialsOf(url) }
}

/** How long the proxy may take to accept a connection. It is near, so it counts as away after that. */
const acceptMs = 3_000

/** The message goes into results, so it leaves out the address of the proxy. Its `cause` has it. */
export function proxyFailure(thrown: unknown): ConnectFailure {
  const error: NodeJS.ErrnoException = asError(thrown)
  const code = /^[A-Z][A-Z\d_]*$/.test(error.code ?? '') ? ` (${error.code})` : ''
  return new ConnectFailure('proxy', `the egress proxy cannot be reached${code}`, error)
}

/** Destroys a connection to the proxy that takes too long to be accepted. */
export function limitAccepting(socket: Socket, { isTls }: Pick<EgressProxy, 'isTls'>): void {
  const limit = setTimeout(() => {
    const message = `no connection within ${acceptMs} ms`
    socket.destroy(Object.assign(new Error(message), { code: 'ETIMEDOUT' }))
  }, acceptMs)
  socket.once(isTls ? 'secureConnect' : 'connect', () => clearTimeout(limit))
  socket.once('close', () => clearTimeout(limit))
}

/**
 * Asks the proxy for a tunnel to `endpoint` (CONNECT), over a socket that is connecting to the proxy. Calls `done` once.
 * Without a failure the socket is then the tunnel, and is not read here any more.
 */
export function askForTunnel(
  socket: Socket,
  { isTls, headers }: EgressProxy,
  endpoint: Endpoint,
  done: (failure: ConnectFailure | undefined) => void,
): void {
  let isReached = false
  let isDone = false
  let fault: unknown = new Error('the connection was closed')
  const answer = new TunnelAnswer()
  const end = (failure: ConnectFailure | undefined): void => {
    if (isDone) return
    isDone = true
    socket.off('data', take)
    done(failure)
  }
  const take = (chunk: Buffer): void => {
    const step = answer.take(chunk)
    if (step.kind === 'more') return
    if (step.kind === 'refused') return end(step.failure)
    socket.pause()
    end(undefined)
  }
  socket.once(isTls ? 'secureConnect' : 'connect', () => {
    isReached = true
    socket.write(connectRequest(authorityOf(endpoint), headers))
  })
  socket.on('data', take)
  // This listener stays, so that an error of the open tunnel does not throw. Its user listens for `close`.
  socket.on('error', (error) => {
    fault = error
  })
  socket.once('close', () => {
    // Some proxies close the connection without an answer when they cannot reach the endpoint.
    const ended = () => new ConnectFailure('connect', 'the proxy ended the connection', fault)
    end(isReached ? ended() : proxyFailure(fault))
  })
}

function connectRequest(authority: string, headers: EgressProxy['headers']): string {
  const lines = Object.entries({ host: authority, ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  return `CONNECT ${authority} HTTP/1.1\r\n${lines.join('')}\r\n`
}

type TunnelStep =
  | { readonly kind: 'more' }
  | { readonly kind: 'open' }
  | { readonly kind: 'refused'; readonly failure: ConnectFailure }

/** The answer of a proxy to CONNECT. Any number of informational answers may come first (RFC 9110 section 15.2). */
class TunnelAnswer {
  #head = new ResponseHead()
  #bytes = 0
  /** The incomplete line, in Latin-1. */
  #line = ''
  #hasChallenge = false

  take(chunk: Buffer): TunnelStep {
    const left = maxHeadBytes - this.#bytes
    const text = this.#line + chunk.toString('latin1', 0, left)
    this.#bytes += chunk.length
    let lineAt = 0
    for (let feedAt = text.indexOf('\n'); feedAt !== -1; feedAt = text.indexOf('\n', lineAt)) {
      const line = text.slice(lineAt, feedAt)
      lineAt = feedAt + 1
      const step = this.#takeLine(line)
      if (step.kind === 'more') continue
      // In TLS the client speaks first, so bytes that come before belong to no TLS connection.
      if (step.kind === 'open' && lineAt < text.length)
        return refused('tls', 'the proxy sent more than its answer')
      return step
    }
    if (chunk.length >= left) {
      return refused('connect', `no answer of the proxy within the first ${maxHeadBytes} bytes`)
    }
    this.#line = text.slice(lineAt)
    return { kind: 'more' }
  }

  #takeLine(line: string): TunnelStep {
    const hadStatus = this.#head.status !== 0
    const step = this.#head.take(line)
    if (/^proxy-authenticate:/i.test(line)) this.#hasChallenge = true
    // Lengths are ignored in an answer to CONNECT (RFC 9110 section 9.3.6).
    if (line === '\r' && hadStatus && this.#head.status >= 200)
      return this.#outcome(this.#head.status)
    if (step === 'faulty') return refused('connect', 'the answer of the proxy cannot be read')
    if (step === 'informational') this.#head = new ResponseHead()
    return { kind: 'more' }
  }

  /** A proxy that refuses the credentials fails for all endpoints. Any other answer is about this endpoint. */
  #outcome(status: number): TunnelStep {
    if (status < 300) return { kind: 'open' }
    return status === 407 && this.#hasChallenge
      ? refused('proxy', 'the egress proxy refuses its credentials')
      : refused('connect', `the proxy answered ${status}`)
  }
}

function refused(errorClass: 'connect' | 'tls' | 'proxy', message: string): TunnelStep {
  return { kind: 'refused', failure: new ConnectFailure(errorClass, message) }
}

/** Checks whether the proxy accepts connections. */
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
