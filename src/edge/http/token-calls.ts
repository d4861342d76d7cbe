/** The calls of a sender that need access tokens. */
import type { AttemptResult, ClientCredentials } from '../../core/model/model.ts'
import type { Call, Clock, HttpRequest, HttpSender } from '../../ports.ts'
import type { TokenSource } from '../oauth/token-source.ts'
import { TokenCall } from './token-call.ts'
import { createHookTokens } from './token-fetch.ts'

export interface TokenCallsParts {
  readonly clock: Clock
  /** Calls the endpoint without getting a token. */
  readonly send: HttpSender['send']
  /** Calls a token endpoint, and keeps its whole answer up to `maxTokenAnswerBytes`. */
  readonly fetch: (request: HttpRequest) => Promise<AttemptResult>
}

export class TokenCalls {
  readonly #parts: TokenCallsParts
  readonly #tokensOf: (credentials: ClientCredentials, request: HttpRequest) => TokenSource
  /** To abort at `stop`: a call that waits for a token has no connection of its own. */
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
