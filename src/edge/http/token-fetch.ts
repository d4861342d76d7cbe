/**
 * Gets the access tokens of hooks. The owner of a hook chooses its token endpoint. So the request is subject to the same address
 * guard, proxy and time limit as a call, and its answer is not shown.
 */
import type { AttemptResult, ClientCredentials, ErrorClass } from '../../core/model/model.ts'
import { readTokenAnswer, tokenRequest, type Token } from '../../core/oauth/token-request.ts'
import type { Clock, HttpRequest } from '../../ports.ts'
import { TokenSource } from '../oauth/token-source.ts'

/** There is no token. The message goes into results. */
export class TokenFailure extends Error {
  readonly errorClass: Extract<ErrorClass, 'token' | 'proxy'>
  constructor(errorClass: TokenFailure['errorClass'], message: string) {
    super(message)
    this.errorClass = errorClass
  }
}

/** How long after a failed request no call of the hook begins another one. */
const failureMs = 1_000

export interface HookTokensParts {
  readonly clock: Clock
  /** Calls a token endpoint, and keeps its whole answer up to `maxTokenAnswerBytes`. */
  readonly send: (request: HttpRequest) => Promise<AttemptResult>
}

/** Returns the token source of a hook. A new record of the hook has a new `credentials` object, and so a new source. */
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
      // The endpoint decides. If it refuses the token, the call is repeated with a new one.
      leastLeftMs: 0,
      fetch: () => fetchToken(parts, own, credentials),
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
    // A pool of its own: the client certificate of the hook is not shown to the token endpoint.
    poolKey: `token ${poolKey}`,
    tenantId,
    headers: { ...headers, ...(agent === undefined ? {} : { 'user-agent': agent }) },
    body: Buffer.from(body),
    timeoutMs,
    oauth: undefined,
    clientCertificate: undefined,
  }
}

async function fetchToken(
  { clock, send }: HookTokensParts,
  request: HttpRequest,
  credentials: ClientCredentials,
): Promise<Token> {
  const askedAt = clock.monotonic()
  const result = await send(request)
  switch (result.kind) {
    case 'response': {
      const answer = readTokenAnswer(
        { status: result.status, text: result.body },
        askedAt,
        credentials,
      )
      if (answer.kind === 'token') return answer.token
      const said =
        answer.kind === 'refused' ? `refused the client (${answer.error})` : answer.message
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
