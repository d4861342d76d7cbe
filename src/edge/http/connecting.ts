/** What all steps of connecting share: the endpoint, and how connecting fails. */
import { isIP } from 'node:net'
import type { Socket } from 'node:net'
import { asError } from '../../core/model/errors.ts'
import type { ErrorClass } from '../../core/model/model.ts'

export interface Endpoint {
  /** A name or an address, IPv6 without brackets. */
  readonly host: string
  readonly port: number
}

type ConnectClass = Extract<ErrorClass, 'blocked' | 'dns' | 'connect' | 'tls' | 'timeout' | 'proxy'>

/** Connecting failed. `errorClass` is the step that failed. */
export class ConnectFailure extends Error {
  readonly errorClass: ConnectClass
  constructor(errorClass: ConnectClass, message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'ConnectFailure'
    this.errorClass = errorClass
  }
}

export type ConnectCallback = (...result: [ConnectFailure, null] | [null, Socket]) => void

interface UrlParts {
  readonly hostname: string
  readonly protocol: string
  /** Empty for the default port of the scheme. */
  readonly port: string
}

export function endpointOf({ hostname, protocol, port }: UrlParts): Endpoint {
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port) || (protocol === 'https:' ? 443 : 80),
  }
}

/** `host:port` as in a URL and in the `host` header. */
export function authorityOf({ host, port }: Endpoint): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`
}

/** The message leaves out the address: hook owners must not learn what names resolve to inside the network. */
export function refusedAddress(): ConnectFailure {
  return new ConnectFailure('blocked', 'the address of the host may not be called')
}

/** Classifies the error of a socket that was being connected. `isHandshake`: TCP was connected, TLS was not. */
export function asConnectFailure(thrown: unknown, isHandshake: boolean): ConnectFailure {
  if (thrown instanceof ConnectFailure) return thrown
  const error: NodeJS.ErrnoException & { readonly reason?: string } = asError(thrown)
  // A name with several addresses fails with the errors of all of them.
  const causes: readonly NodeJS.ErrnoException[] =
    error instanceof AggregateError ? error.errors : [error]
  const message = error.reason ?? messageOf(causes[0])
  if (causes.every(({ code }) => code === 'ETIMEDOUT')) {
    return new ConnectFailure('timeout', 'connecting timed out', error)
  }
  return new ConnectFailure(isHandshake ? 'tls' : 'connect', message, error)
}

/** Node's own messages end with the remote and local address, which hook owners must not learn. */
function messageOf(error: NodeJS.ErrnoException | undefined): string {
  if (error?.syscall !== undefined && error.code !== undefined)
    return `${error.syscall} ${error.code}`
  return error?.message || 'the connection failed'
}
