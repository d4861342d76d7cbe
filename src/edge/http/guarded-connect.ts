/**
 * Opens the connections of webhook calls, and refuses addresses that may not be called (destination.ts). The address is
 * judged here, just before connecting to it, because a name can resolve to another address each time. Every failure has
 * the step at which it happened.
 */
import { hostname } from 'node:os'
import { connect as connectTcp, isIP } from 'node:net'
import type { Socket, TcpNetConnectOpts } from 'node:net'
import { TLSSocket, connect as connectTls, createSecureContext } from 'node:tls'
import type { ConnectionOptions, SecureContext } from 'node:tls'
import { judgeHost } from './destination.ts'
import type { Cidr } from './destination.ts'
import type { ClientCertificate, TenantId } from '../../core/model/model.ts'
import type { Names } from '../names/names.ts'
import { ConnectFailure, asConnectFailure, authorityOf, refusedAddress } from './connecting.ts'
import type { ConnectCallback, Endpoint } from './connecting.ts'
import { askForTunnel, limitAccepting, proxyFailure } from './egress-proxy.ts'
import type { EgressProxy } from './egress-proxy.ts'
import { guardedLookup } from './guarded-lookup.ts'
import type { ConnectionLookup } from './guarded-lookup.ts'

export interface ConnectTarget extends Endpoint {
  readonly isTls: boolean
}

/**
 * Begins to connect. `callback` is called once, after the function has returned. The returned function cancels it; then
 * `callback` is not called.
 */
export type Connect = (target: ConnectTarget, callback: ConnectCallback) => () => void

/**
 * Returns how to open the connections of a tenant's hooks.
 *
 * @param certificate the client certificate to show in TLS
 */
export type ConnectOf = (tenantId: TenantId, certificate?: ClientCertificate) => Connect

export interface ConnectOptions {
  readonly names: Names
  readonly allowed: readonly Cidr[]
  /** `undefined`: connect directly. */
  readonly proxy: EgressProxy | undefined
  /** A call could not reach the proxy, or the proxy refused its credentials. */
  readonly onProxyFailed: (failure: ConnectFailure) => void
  /** A call was given up before it had a connection through the proxy. */
  readonly onProxySlow: () => void
}

/** How long Node tries one address before it tries the next. Its default of 250 ms can be less than a round trip. */
const addressAttemptMs = 1000
const maxTlsSessions = 1000

/** Lookups of the egress proxy's name belong to no tenant. */
const noTenant: TenantId = ''

/** Lookups of the egress proxy's name. Its address is the operator's choice, so it is not judged. */
export function proxyLookup(names: Names): ConnectionLookup {
  return guardedLookup(names, noTenant, undefined)
}

export function createConnect(options: ConnectOptions): ConnectOf {
  const { names, allowed, proxy, onProxyFailed, onProxySlow } = options
  const sessions = createTlsSessions()
  const identityOf = createIdentities()
  const machine = hostname()

  /** Judges hosts that `lookup` never sees: addresses in URLs, and names that a proxy resolves. */
  const isRefused = (host: string): boolean => {
    if (proxy === undefined && isIP(host) === 0) return false
    const verdict = judgeHost(host, allowed, machine)
    return verdict === 'refused' || verdict === 'never'
  }

  return (tenantId, certificate) => (target, callback) => {
    const connecting = new Connecting((...result) => {
      if (result[0]?.errorClass === 'proxy') onProxyFailed(result[0])
      callback(...result)
    })
    const identity =
      certificate !== undefined && target.isTls ? identityOf(certificate) : { sessions }
    if (isRefused(target.host)) {
      setImmediate(() => connecting.fail(refusedAddress()))
    } else if (identity instanceof ConnectFailure) {
      setImmediate(() => connecting.fail(identity))
    } else if (proxy === undefined) {
      const lookup = guardedLookup(names, tenantId, allowed)
      connecting.own(target.isTls ? openTls(target, { lookup }, identity) : openTcp(target, lookup))
    } else if (target.isTls) {
      const socket = openToProxy(proxy, names)
      connecting.endBy(() => socket.destroy())
      askForTunnel(socket, proxy, target, (failure) => {
        if (failure === undefined) connecting.own(openTls(target, { socket }, identity))
        else connecting.fail(failure)
      })
    } else {
      // Plain HTTP needs no tunnel: its request names the whole URL instead.
      connecting.own(openToProxy(proxy, names), proxyFailure)
    }
    return () => {
      if (connecting.cancel() && proxy !== undefined) onProxySlow()
    }
  }
}

/** One attempt to connect. It ends when it succeeds, fails or is cancelled, whichever comes first. */
class Connecting {
  readonly #callback: ConnectCallback
  #isEnded = false
  #close: () => void = () => {}

  constructor(callback: ConnectCallback) {
    this.#callback = callback
  }

  endBy(close: () => void): void {
    this.#close = close
    if (this.#isEnded) close()
  }

  /** @param asFailure turns an error of the socket into a failure */
  own(socket: Socket, asFailure = asConnectFailure): void {
    this.endBy(() => socket.destroy())
    const isTls = socket instanceof TLSSocket
    let isTcpReady = !socket.connecting
    const onError = (error: Error): void => this.fail(asFailure(error, isTls && isTcpReady))
    socket.setNoDelay(true)
    socket.on('error', onError)
    socket.once('close', () => this.fail(asFailure(closedEarly(isTls), isTls)))
    socket.once('connect', () => {
      isTcpReady = true
    })
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      if (!this.#end()) return
      socket.off('error', onError)
      this.#callback(null, socket)
    })
  }

  fail(error: ConnectFailure): void {
    if (!this.#end()) return
    this.#close()
    this.#callback(error, null)
  }

  /** @returns false when the attempt had already ended */
  cancel(): boolean {
    const isFirst = this.#end()
    if (isFirst) this.#close()
    return isFirst
  }

  #end(): boolean {
    const isFirst = !this.#isEnded
    this.#isEnded = true
    return isFirst
  }
}

/** A socket, such as the tunnel below a TLS connection, can be closed without an error. */
function closedEarly(isTls: boolean): ConnectFailure {
  return new ConnectFailure(
    isTls ? 'tls' : 'connect',
    'the connection was closed before it was ready',
  )
}

function openToProxy(proxy: EgressProxy, names: Names): Socket {
  const lookup = proxyLookup(names)
  const socket = proxy.isTls ? openTls(proxy, { lookup }) : openTcp(proxy, lookup)
  limitAccepting(socket, proxy)
  return socket
}

function openTcp({ host, port }: Endpoint, { lookup, cancel }: ConnectionLookup): Socket {
  const socket = connectTcp({
    host,
    port,
    lookup,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: addressAttemptMs,
  })
  return socket.once('close', cancel)
}

/**
 * How a TLS connection identifies its client. Without a certificate, sessions are kept and resumed. With a certificate they are
 * not: a session keeps the identity of its certificate, so another hook that resumed it would be taken for this one.
 */
interface TlsIdentity {
  readonly sessions?: TlsSessions
  readonly secureContext?: SecureContext
}

function openTls(
  endpoint: Endpoint,
  over: { readonly lookup: ConnectionLookup } | { readonly socket: Socket },
  { sessions, secureContext }: TlsIdentity = {},
): TLSSocket {
  const { host, port } = endpoint
  const key = authorityOf(endpoint)
  const session = sessions?.get(key)
  const options: ConnectionOptions & TcpNetConnectOpts = {
    host,
    port,
    ...('socket' in over ? over : { lookup: over.lookup.lookup }),
    // SNI takes names only, without a dot at the end.
    ...(isIP(host) === 0 && { servername: host.replace(/\.$/, '') }),
    ...(session && { session }),
    ...(secureContext && { secureContext }),
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: true, // overrides NODE_TLS_REJECT_UNAUTHORIZED
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: addressAttemptMs,
  }
  // Node emits `session` only after the certificate was verified, so resuming is as safe as verifying again.
  const socket = connectTls(options).on('session', (fresh) => sessions?.set(key, fresh))
  if ('lookup' in over) socket.once('close', over.lookup.cancel)
  return socket
}

/** Makes the secure context of each certificate once, because reading a key is slow. */
function createIdentities(): (one: ClientCertificate) => TlsIdentity | ConnectFailure {
  const identities = new WeakMap<ClientCertificate, TlsIdentity | ConnectFailure>()
  return (one) => {
    const known = identities.get(one)
    if (known !== undefined) return known
    const made = identityWith(one)
    identities.set(one, made)
    return made
  }
}

/** The message leaves out the reason that OpenSSL gives, which may quote the key. */
function identityWith({
  certificate,
  privateKey,
}: ClientCertificate): TlsIdentity | ConnectFailure {
  try {
    return { secureContext: createSecureContext({ cert: certificate, key: privateKey }) }
  } catch (error) {
    return new ConnectFailure('tls', 'the client certificate of the hook cannot be used', error)
  }
}

interface TlsSessions {
  get(key: string): Buffer | undefined
  set(key: string, session: Buffer): void
}

/** The newest TLS session of each recent server. A connection that resumes one skips most of the handshake. */
function createTlsSessions(): TlsSessions {
  const sessions = new Map<string, Buffer>()
  return {
    get: (key) => sessions.get(key),
    set(key, session) {
      sessions.delete(key)
      sessions.set(key, session)
      if (sessions.size <= maxTlsSessions) return
      const [oldest] = sessions.keys()
      if (oldest !== undefined) sessions.delete(oldest)
    },
  }
}
