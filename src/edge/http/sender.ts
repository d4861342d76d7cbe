/** The HTTP port, by undici. What a call may reach is decided in guarded-connect.ts, how it ends in call.ts. */
import type { Dispatcher } from 'undici'
import { parseCidr } from './destination.ts'
import type { Cidr } from './destination.ts'
import { parseEndpointUrl } from '../../core/hook/endpoint-url.ts'
import { UserError } from '../../core/model/errors.ts'
import type { Clock, HttpRequest, HttpSender } from '../../ports.ts'
import type { Names } from '../names/names.ts'
import { parseEgressProxy, reachProxy } from './egress-proxy.ts'
import type { EgressProxy } from './egress-proxy.ts'
import { createConnect, proxyLookup } from './guarded-connect.ts'
import { HttpCall } from './call.ts'
import type { CallSurroundings } from './call.ts'
import { ConnectionPools } from './pools.ts'
import { ProxyWatch } from './proxy-watch.ts'

export interface HttpSenderOptions {
  readonly clock: Clock
  /** Stopped with the sender. */
  readonly names: Names
  readonly allowHttp: boolean
  /** Ranges of addresses that may be called though they are not public; see edge/http/destination.ts. */
  readonly allowCidrs: readonly string[]
  /** `http:` or `https:` URL of the only proxy used, with its credentials if it wants any. */
  readonly egressProxy?: string | undefined
  /** Over all hooks. */
  readonly maxIdleSockets: number
  /** Called for each call that goes on on a new connection, since a kept one had ended. */
  readonly onStale?: () => void
  /** The proxy serves nobody, or does again: for the operator. */
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
  | { readonly kind: 'target'; readonly url: URL }
  | { readonly kind: 'invalid'; readonly message: string }
  | { readonly kind: 'refused'; readonly message: string }

/**
 * Throws a `UserError` when a range or the proxy cannot be read. The caller sees to it that a pool key never has more
 * calls in flight than `connections`; then the key has no more connections than that either.
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
  const surroundings: CallSurroundings = { clock, pools, onStale: options.onStale ?? (() => {}) }

  return {
    send(request, done) {
      const call = new HttpCall(surroundings, done)
      const target = parseTarget(request.url, allowHttp)
      if (pools.isStopped) queueMicrotask(() => call.abort())
      else if (target.kind === 'invalid') queueMicrotask(() => call.refuseUrl(target.message))
      else if (target.kind === 'refused') queueMicrotask(() => call.fail('blocked', target.message))
      else {
        const { poolKey, tenantId, timeoutMs } = request
        const { origin } = target.url
        const options = dispatchOptions(request, target.url, proxy)
        call.start({ poolKey, tenantId, origin, options }, timeoutMs)
      }
      return call
    },
    trouble: () => watch?.trouble,
    async stop() {
      watch?.stop()
      await pools.stop()
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

/** What can be said of a URL before anything is sent. */
export function parseTarget(text: string, allowHttp: boolean): Target {
  const parsed = parseEndpointUrl(text)
  if (parsed.kind === 'fault') return { kind: 'invalid', message: `the URL ${parsed.message}` }
  const { url } = parsed
  if (url.protocol === 'http:' && !allowHttp) {
    return { kind: 'refused', message: 'plain HTTP is not allowed' }
  }
  return { kind: 'target', url }
}

function dispatchOptions(
  { headers, body }: HttpRequest,
  url: URL,
  proxy: EgressProxy | undefined,
): Dispatcher.DispatchOptions {
  const path = url.pathname + url.search
  if (proxy === undefined || url.protocol === 'https:') {
    return { method: 'POST', path, headers, body }
  }
  return {
    method: 'POST',
    path: url.origin + path,
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
