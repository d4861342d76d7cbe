/** An OIDC provider for tests: a token endpoint for client credentials, and the keys that sign its tokens. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'

export interface TokenQuestion {
  readonly authorization: string
  readonly form: Readonly<Record<string, string>>
}

/** How a request for a token fails; `undefined`: it gets a token. */
export type TokenReply = (response: ServerResponse) => void

export interface IdentityProvider {
  readonly issuer: string
  readonly tokenUrl: string
  readonly jwksUrl: string
  /** Requests for tokens, in order. */
  readonly questions: readonly TokenQuestion[]
  /** The lifetime of the next tokens in seconds. */
  lifeSeconds: number
  /** Claims of the next tokens, which replace the usual ones. */
  claims: Readonly<Record<string, unknown>>
  /** Given instead of a token. */
  reply: TokenReply | undefined
  /** The secret of every client. */
  secret: string
  stop(): Promise<void>
}

export const json =
  (status: number, content: unknown): TokenReply =>
  (response) =>
    void response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(JSON.stringify(content))

export async function startIdentityProvider(): Promise<IdentityProvider> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const keys = [{ ...publicKey.export({ format: 'jwk' }), kid: 'one', use: 'sig', alg: 'RS256' }]
  const questions: TokenQuestion[] = []
  const server = createServer((request, response) => {
    if (request.url === '/jwks') return json(200, { keys })(response)
    void answer(request).then((reply) => reply(response))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the provider has no port')
  const issuer = `http://127.0.0.1:${address.port}`
  const provider: IdentityProvider = {
    issuer,
    tokenUrl: `${issuer}/token`,
    jwksUrl: `${issuer}/jwks`,
    questions,
    lifeSeconds: 3600,
    claims: {},
    reply: undefined,
    secret: 'provider-secret',
    async stop() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }

  async function answer(request: IncomingMessage): Promise<TokenReply> {
    const form = Object.fromEntries(new URLSearchParams(await text(request)))
    const { authorization = '' } = request.headers
    questions.push({ authorization, form })
    if (provider.reply !== undefined) return provider.reply
    const [clientId = '', secret] = loginOf(authorization)
    if (secret !== provider.secret) return json(401, { error: 'invalid_client' })
    const { lifeSeconds } = provider
    const iat = Math.floor(Date.now() / 1_000)
    const usual = { iss: issuer, aud: 'kafka', sub: clientId, scope: 'kafka', iat }
    const claims = { ...usual, exp: iat + lifeSeconds, jti: String(questions.length) }
    const token = signed({ ...claims, ...provider.claims }, privateKey)
    return json(200, { access_token: token, token_type: 'Bearer', expires_in: lifeSeconds })
  }
  return provider
}

function loginOf(authorization: string): readonly string[] {
  const login = Buffer.from(authorization.replace(/^Basic /, ''), 'base64').toString()
  return login.split(':').map((part) => new URLSearchParams(`a=${part}`).get('a') ?? '')
}

function signed(claims: Readonly<Record<string, unknown>>, key: KeyObject): string {
  const head = encoded({ alg: 'RS256', typ: 'JWT', kid: 'one' })
  const content = `${head}.${encoded(claims)}`
  return `${content}.${sign('sha256', Buffer.from(content), key).toString('base64url')}`
}

function encoded(content: unknown): string {
  return Buffer.from(JSON.stringify(content)).toString('base64url')
}
