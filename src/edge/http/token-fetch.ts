/**
 * Tokens of hooks. A hook's owner has chosen the token endpoint, as the endpoint: the request goes the same way, by the same
 * guard and proxy and under the same time limit, and nothing of its answer is shown.
 */
import type { AttemptResult, ClientCredentials, ErrorClass } from '../../core/model/model.ts'
import { readTokenAnswer, tokenRequest, type Token } from '../../core/oauth/token-request.ts'
import type { Clock, HttpRequest } from '../../ports.ts'
import { TokenSource } from '../oauth/token-source.ts'

/** Why there is no token. The message is for results. */
export class TokenFailure extends Error {
  readonly errorClass: Extract<ErrorClass, 'token' | 'proxy'>
  constructor(errorClass: TokenFailure['errorClass'], message: string) {
    super(message)
    this.errorClass = errorClass
  }
}

/** How long a failed request counts for all calls of its hook. */
const failureMs = 1_000

export interface HookTokensParts {
  readonly clock: Clock
  /** Makes a call, and keeps as much of its answer as the answer of a token endpoint may have. */
  readonly send: (request: HttpRequest) => Promise<AttemptResult>
}

/** Returns the tokens of a hook: those of one record of it, which has its credentials as one object. */
export function createHookTokens(
  parts: HookTokensParts,
): (credentials: ClientCredentials, request: HttpRequest) => TokenSource {
  const sources = new WeakMap<ClientCredentials, TokenSource>()
  return (credentials, request) => {
    const known = sources.get(credentials)
    if (known !== undefined) return known
    const own = requestFor(credentials, request)
    const source = new TokenSource({
      now: () => parts.clock.monotonic(),
      failureMs,
      fetch: () => fetchToken(parts, own),
    })
    sources.set(credentials, source)
    return source
  }
}

function requestFor(
  credentials: ClientCredentials,
  { poolKey, tenantId, timeoutMs, headers: { 'user-agent': agent } }: HttpRequest,
): HttpRequest {
  const { headers, body } = tokenRequest(credentials)
  return {
    url: credentials.tokenUrl,
    // Its connections show no certificate of the hook, and have nothing in common with those of its calls.
    poolKey: `${poolKey} token`,
    tenantId,
    connections: 1,
    headers: { ...headers, ...(agent === undefined ? {} : { 'user-agent': agent }) },
    body: Buffer.from(body),
    timeoutMs,
    oauth: undefined,
    clientCertificate: undefined,
  }
}

async function fetchToken({ clock, send }: HookTokensParts, request: HttpRequest): Promise<Token> {
  const askedAt = clock.monotonic()
  const result = await send(request)
  switch (result.kind) {
    case 'response': {
      const answer = readTokenAnswer(result.status, result.body, askedAt)
      if (answer.kind === 'token') return answer.token
      const said = answer.kind === 'refused' ? `gives no token (${answer.error})` : answer.message
      throw new TokenFailure('token', `the token endpoint ${said}`)
    }
    case 'error':
      if (result.errorClass === 'proxy') throw new TokenFailure('proxy', result.message)
      throw new TokenFailure(
        'token',
        `the token endpoint cannot be reached (${result.errorClass}): ${result.message}`,
      )
    case 'invalid-url':
      throw new TokenFailure('token', `the token endpoint cannot be called: ${result.message}`)
    case 'aborted':
      throw new TokenFailure('token', 'the request for a token was given up')
  }
}
