/** The `HttpSender` port, with undici. guarded-connect.ts decides which addresses a call may reach, call.ts how it ends. */
import type { Dispatcher } from 'undici'
import { parseCidr } from './destination.ts'
import type { Cidr } from './destination.ts'
import { parseEndpointUrl } from '../../core/hook/endpoint-url.ts'
import { UserError } from '../../core/model/errors.ts'
import type { AttemptResult } from '../../core/model/model.ts'
import { maxTokenAnswerBytes } from '../../core/oauth/token-request.ts'
import type { Clock, HttpRequest, HttpSender } from '../../ports.ts'
import type { Names } from '../names/names.ts'
import { parseEgressProxy, reachProxy } from './egress-proxy.ts'
import type { EgressProxy } from './egress-proxy.ts'
import { createConnect, proxyLookup } from './guarded-connect.ts'
import { HttpCall } from './call.ts'
import type { CallSurroundings } from './call.ts'
import { ClosingEndpoints } from './closing-endpoints.ts'
import { ConnectionPools } from './pools.ts'
import { ProxyWatch } from './proxy-watch.ts'
import { TokenCalls } from './token-calls.ts'

export interface HttpSenderOptions {
  readonly clock: Clock
  /** Stopped with the sender. */
  readonly names: Names
  readonly allowHttp: boolean
  /** CIDRs of addresses that are refused by default and may be called; see destination.ts. */
  readonly allowCidrs: readonly string[]
  /** `http:` or `https:` URL of the egress proxy, with credentials if it needs any. */
  readonly egressProxy?: string | undefined
  /** Most idle connections of all hooks together. */
  readonly maxIdleSockets: number
  /** Called for each call that is made again on a new connection, since a kept one had ended. */
  readonly onStale?: () => void
  /** The egress proxy cannot be reached. `error` is for the operator: it may have the proxy's address. */
  readonly onProxyAway?: (error: string) => void
  readonly onProxyBack?: () => void
}

/** Counts of sockets, for metrics and tests. */
export interface SocketCounts {
  readonly idle: number
  readonly open: number
}

export interface PooledHttpSender extends HttpSender {
  socketCounts(): SocketCounts
}

type Target =
  | {
      readonly kind: 'target'
      readonly origin: string
      /** Path and query, as they stand in a request line. */
      readonly path: string
      readonly isTls: boolean
    }
  | { readonly kind: 'invalid'; readonly message: string }
  | { readonly kind: 'refused'; readonly message: string }

/**
 * A pool has as many connections as it had calls at once lately: each call takes an idle one, or opens one.
 *
 * @throws {UserError} when a CIDR or the URL of the proxy is not valid
 */
export function createHttpSender(options: HttpSenderOptions): PooledHttpSender {
  const { clock, allowHttp, names } = options
  const proxy =
    options.egressProxy === undefined ? undefined : parseEgressProxy(options.egressProxy)
  const watch = proxy === undefined ? undefined : watchOf(proxy, options)
  const connectOf = createConnect({
    names,
    allowed: parseCidrs(options.allowCidrs),
    proxy,
    onProxyFailed: (failure) => watch?.suspect(failure),
    onProxySlow: () => watch?.suspectSlow(),
  })
  const pools = new ConnectionPools(connectOf, options.maxIdleSockets)
  const { onStale = () => {} } = options
  const closing = new ClosingEndpoints()
  const surroundings: CallSurroundings = { clock, pools, onStale, closing }
  const targets = new Targets(allowHttp)

  const start = (call: HttpCall, request: HttpRequest): HttpCall => {
    const target = targets.of(request.url)
    if (pools.isStopped) queueMicrotask(() => call.abort())
    else if (target.kind === 'invalid') queueMicrotask(() => call.refuseUrl(target.message))
    else if (target.kind === 'refused') queueMicrotask(() => call.fail('blocked', target.message))
    else {
      const { poolKey, tenantId, clientCertificate, timeoutMs } = request
      const { origin } = target
      const options = dispatchOptions(request, target, proxy)
      call.start({ poolKey, tenantId, clientCertificate, origin, options }, timeoutMs)
    }
    return call
  }
  const send: HttpSender['send'] = (request, done) =>
    start(new HttpCall(surroundings, done), request)
  const fetch = (request: HttpRequest) =>
    new Promise<AttemptResult>((resolve) => {
      start(new HttpCall(surroundings, resolve, maxTokenAnswerBytes), request)
    })
  const tokenCalls = new TokenCalls({ clock, send, fetch })

  return {
    send(request, done) {
      const { oauth } = request
      return oauth === undefined ? send(request, done) : tokenCalls.send(oauth, request, done)
    },
    trouble: () => watch?.trouble,
    async stop() {
      watch?.stop()
      const stopped = pools.stop()
      tokenCalls.stop()
      await stopped
      names.stop()
    },
    socketCounts: () => ({ idle: pools.idleCount, open: pools.openCount }),
  }
}

function watchOf(proxy: EgressProxy, options: HttpSenderOptions): ProxyWatch {
  const { clock, names, onProxyAway = () => {}, onProxyBack = () => {} } = options
  return new ProxyWatch({
    clock,
    reach: (done) => reachProxy({ ...proxy, lookup: proxyLookup(names) }, done),
    onAway: onProxyAway,
    onBack: onProxyBack,
  })
}

/** Checks a URL as far as that is possible before anything is sent. */
export function parseTarget(text: string, allowHttp: boolean): Target {
  const parsed = parseEndpointUrl(text)
  if (parsed.kind === 'fault') return { kind: 'invalid', message: `the URL ${parsed.message}` }
  const { url } = parsed
  if (url.protocol === 'http:' && !allowHttp) {
    return { kind: 'refused', message: 'plain HTTP is not allowed' }
  }
  const { origin, pathname, search, protocol } = url
  return { kind: 'target', origin, path: pathname + search, isTls: protocol === 'https:' }
}

/** URLs that are remembered. Where more are called, all are parsed again from time to time. */
const mostTargets = 1_000

/** Parses each URL once: a hook's calls all have the same one. */
class Targets {
  readonly #allowHttp: boolean
  readonly #known = new Map<string, Target>()

  constructor(allowHttp: boolean) {
    this.#allowHttp = allowHttp
  }

  of(url: string): Target {
    const known = this.#known.get(url)
    if (known !== undefined) return known
    const target = parseTarget(url, this.#allowHttp)
    if (this.#known.size >= mostTargets) this.#known.clear()
    this.#known.set(url, target)
    return target
  }
}

function dispatchOptions(
  { headers, body }: HttpRequest,
  { origin, path, isTls }: Extract<Target, { readonly kind: 'target' }>,
  proxy: EgressProxy | undefined,
): Dispatcher.DispatchOptions {
  if (proxy === undefined || isTls) return { method: 'POST', path, headers, body }
  return {
    method: 'POST',
    path: origin + path,
    headers: { ...headers, ...proxy.headers },
    body,
  }
}

function parseCidrs(texts: readonly string[]): readonly Cidr[] {
  return texts.map((text) => {
    const result = parseCidr(text)
    if (result.kind === 'problem') throw new UserError(result.message, 2)
    return result.cidr
  })
}
