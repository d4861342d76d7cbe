/** The headers of a call (docs/receivers.md). */
import { hash } from 'node:crypto'
import type { EpochMs, Hook, Run, TraceContext } from '../model/model.ts'
import {
  logtoSignature,
  prepareKey,
  standardSignature,
  type PreparedKey,
} from '../hook/signature.ts'
import { urlWithoutSecrets } from './result.ts'

/** The parts of a request that are the same for all calls of a hook. Made once per hook record. */
export interface PreparedHook {
  /** The hook's own headers that may be sent, names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Newest first; empty when the hook's calls are not signed. */
  readonly keys: readonly PreparedKey[]
  /** The hook's URL as results show it. */
  readonly shownUrl: string
  /** {@link poolKeyOf} */
  readonly poolKey: string
}

export interface CallFacts {
  readonly run: Pick<Run, 'deliveryId' | 'run' | 'attempt' | 'event'>
  readonly body: Buffer
  readonly now: EpochMs
  readonly userAgent: string
  /** Of the attempt's span; `undefined` where hooktide makes none. */
  readonly trace: TraceContext | undefined
}

/** Headers that a hook cannot set: the HTTP client sets those about the transport, and hooktide those that are signed. */
const reserved = new Set([
  'host',
  'content-length',
  'expect',
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'logto-signature-sha-256',
  'webhook-id',
  'webhook-timestamp',
  'webhook-signature',
  'hooktide-attempt',
  'traceparent',
  'tracestate',
])

export function prepareHook(
  hook: Pick<
    Hook,
    | 'id'
    | 'tenantId'
    | 'url'
    | 'headers'
    | 'signingKey'
    | 'previousSigningKeys'
    | 'oauth'
    | 'clientCertificate'
  >,
): PreparedHook {
  const isTokenSet = hook.oauth !== undefined
  const headers = Object.entries(hook.headers)
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .filter(([name]) => !isReservedHeader(name) && !(isTokenSet && name === 'authorization'))
  return {
    headers: Object.fromEntries(headers),
    keys: keysOf(hook),
    shownUrl: urlWithoutSecrets(hook.url),
    poolKey: poolKeyOf(hook),
  }
}

/**
 * The pool of the hook's connections. Hooks of a tenant share one: an event for many hooks of one origin needs only as many
 * connections as it has calls at once. A hook with a client certificate has a pool of its own, and one for each certificate.
 */
function poolKeyOf({
  id,
  tenantId,
  clientCertificate,
}: Pick<Hook, 'id' | 'tenantId' | 'clientCertificate'>): string {
  if (clientCertificate === undefined) return `tenant ${tenantId}`
  const { certificate, privateKey } = clientCertificate
  return `hook ${id} ${hash('sha256', certificate + privateKey, 'base64url')}`
}

/** Whether a hook's header of this name, in lower case, is not sent. */
export function isReservedHeader(name: string): boolean {
  return reserved.has(name) || name.startsWith('proxy-')
}

/** Of two previous keys, the one that expires later is the newer. */
function keysOf(hook: Pick<Hook, 'signingKey' | 'previousSigningKeys'>): readonly PreparedKey[] {
  const newest = prepareKey({ key: hook.signingKey, expiresAt: undefined })
  if (newest === undefined) return []
  const previous = hook.previousSigningKeys
    .toSorted((one, other) => (other.expiresAt ?? 0) - (one.expiresAt ?? 0))
    .flatMap((key) => prepareKey(key) ?? [])
  return [newest, ...previous]
}

/** Headers of one attempt, names in lower case. `run.attempt` counts the attempts before this one. */
export function requestHeaders(
  hook: PreparedHook,
  call: CallFacts,
): Readonly<Record<string, string>> {
  const { run, body, now, userAgent } = call
  const timestampSeconds = Math.floor(now / 1_000)
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'user-agent': userAgent,
    ...hook.headers,
    'webhook-id': run.deliveryId,
    'webhook-timestamp': String(timestampSeconds),
    'hooktide-attempt': String(run.attempt + 1),
  }
  const [newest] = hook.keys
  if (newest !== undefined) {
    headers['logto-signature-sha-256'] = logtoSignature(body, newest)
    const keys = hook.keys.filter(({ expiresAt }) => expiresAt === undefined || now < expiresAt)
    const signature = standardSignature({ id: run.deliveryId, timestampSeconds, body, keys })
    headers['webhook-signature'] = signature
  }
  const trace = call.trace ?? continued(run)
  if (trace !== undefined) headers['traceparent'] = trace.traceparent
  if (trace?.tracestate !== undefined) headers['tracestate'] = trace.tracestate
  return headers
}

/**
 * Continues the producer's trace with a span for this attempt. The span's id is computed, so that a call that is repeated
 * after a crash has the same id. The version is hooktide's own, whatever the producer's is.
 */
function continued(run: CallFacts['run']): TraceContext | undefined {
  const { trace } = run.event
  if (trace === undefined) return undefined
  const [, traceId, , flags] = trace.traceparent.split('-')
  const span = hash('sha256', `${run.deliveryId} ${run.run} ${run.attempt}`, 'hex').slice(0, 16)
  return { ...trace, traceparent: `00-${traceId}-${span}-${flags}` }
}
