/**
 * Who may ask. Without a token the monitor listens on this machine only, and any page that its user visits could ask it
 * too: so the name by which it is called must be one of its own (DNS rebinding), and what another site asks for is
 * refused (CSRF). With a token, which no browser adds by itself, that token decides.
 */
import { hash, timingSafeEqual } from 'node:crypto'

export interface GuardOptions {
  /** `undefined`: none is asked for. */
  readonly token: string | undefined
  /** Names by which it may be called, without port, in lower case. `undefined`: any. */
  readonly hosts: ReadonlySet<string> | undefined
}

/** Headers of a request, by names in lower case. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

/** Logto's codes: of a request without the header, with another kind of token, and with a token that is not valid. */
type TokenFault =
  | 'auth.authorization_header_missing'
  | 'auth.authorization_token_type_not_supported'
  | 'auth.unauthorized'

export type Refusal =
  | { readonly status: 401; readonly code: TokenFault; readonly message: string }
  | { readonly status: 403; readonly code: 'auth.forbidden'; readonly message: string }
  | { readonly status: 421; readonly code: 'request.unknown_host'; readonly message: string }

/** Names of this machine for itself. */
export const loopbackNames: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Of every request, be it for a page. */
export function refusedHost(headers: Headers, { hosts }: GuardOptions): Refusal | undefined {
  const name = hostName(headers['host'])
  if (hosts === undefined || hosts.has(name)) return undefined
  const message = `this is not ${name}: call it by one of ${[...hosts].join(', ')}, or name it in HOOKTIDE_MONITOR_HOSTS`
  return { status: 421, code: 'request.unknown_host', message }
}

/** Of a request for data. */
export function refusedCaller(headers: Headers, options: GuardOptions): Refusal | undefined {
  if (options.token !== undefined) {
    if (isToken(headers['authorization'], options.token)) return undefined
    const message = 'send the token of HOOKTIDE_MONITOR_TOKEN: "authorization: Bearer <token>"'
    return { status: 401, code: tokenFault(headers['authorization']), message }
  }
  if (!isOfAnotherSite(headers)) return undefined
  const message = 'a page of another site asked for this'
  return { status: 403, code: 'auth.forbidden', message }
}

/**
 * By which the caller reached it; empty where the headers do not tell. A proxy that ends TLS says so in
 * `X-Forwarded-Proto`. Whoever forges that deceives only themselves: answers are not kept.
 */
export function originOf(headers: Headers): string {
  const { host, 'x-forwarded-proto': scheme } = headers
  if (typeof host !== 'string') return ''
  return URL.parse(`${scheme === 'https' ? 'https' : 'http'}://${host}`)?.origin ?? ''
}

/** Browsers say where a request comes from; other programs say nothing. */
function isOfAnotherSite(headers: Headers): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true
  const origin = headers['origin']
  if (origin === undefined) return false
  return typeof origin !== 'string' || URL.parse(origin)?.host !== headers['host']
}

function tokenFault(authorization: Headers[string]): TokenFault {
  if (typeof authorization !== 'string' || authorization === '') {
    return 'auth.authorization_header_missing'
  }
  const isBearer = /^bearer(?: |$)/i.test(authorization)
  return isBearer ? 'auth.unauthorized' : 'auth.authorization_token_type_not_supported'
}

function isToken(authorization: Headers[string], token: string): boolean {
  if (typeof authorization !== 'string') return false
  const given = /^bearer +(\S+) *$/i.exec(authorization)?.[1]
  if (given === undefined) return false
  // Of equal length, whatever was given, and compared in constant time.
  return timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', token, 'buffer'))
}

function hostName(host: Headers[string]): string {
  return typeof host === 'string' ? host.toLowerCase().replace(/:\d{1,5}$/, '') : ''
}
