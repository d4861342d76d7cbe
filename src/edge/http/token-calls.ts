/** All calls that carry tokens, and where these come from. */
import type { AttemptResult, ClientCredentials } from '../../core/model/model.ts'
import type { Call, Clock, HttpRequest, HttpSender } from '../../ports.ts'
import type { TokenSource } from '../oauth/token-source.ts'
import { TokenCall } from './token-call.ts'
import { createHookTokens } from './token-fetch.ts'

export interface TokenCallsParts {
  readonly clock: Clock
  /** Makes a call as it is. */
  readonly send: HttpSender['send']
  /** The same, and keeps as much of the answer as that of a token endpoint may have. */
  readonly fetch: (request: HttpRequest) => Promise<AttemptResult>
}

export class TokenCalls {
  readonly #parts: TokenCallsParts
  readonly #tokensOf: (credentials: ClientCredentials, request: HttpRequest) => TokenSource
  /** Those that wait for a token have no connection that ends with the sender. */
  readonly #open = new Set<TokenCall>()

  constructor(parts: TokenCallsParts) {
    this.#parts = parts
    this.#tokensOf = createHookTokens({ clock: parts.clock, send: parts.fetch })
  }

  send(
    credentials: ClientCredentials,
    request: HttpRequest,
    done: (result: AttemptResult) => void,
  ): Call {
    const { clock, send } = this.#parts
    const parts = { clock, send, tokens: this.#tokensOf(credentials, request) }
    const call = new TokenCall(parts, request, (result) => {
      this.#open.delete(call)
      done(result)
    })
    this.#open.add(call)
    return call
  }

  stop(): void {
    for (const call of this.#open) call.abort()
  }
}
