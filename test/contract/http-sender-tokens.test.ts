/** Calls that carry a token, and the requests for it, on real sockets. */
import { createServer } from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { AttemptResult, ClientCredentials } from '../../src/core/model/model.ts'
import type { HttpSenderOptions } from '../../src/edge/http/sender.ts'
import { systemClock } from '../../src/edge/system-clock.ts'
import type { HttpRequest } from '../../src/ports.ts'
import { requestTo, send, startCall, useSender } from '../support/http-calls.ts'
import { type IdentityProvider, json, startIdentityProvider } from '../support/identity-provider.ts'
import { listening } from '../support/listening.ts'

interface Rig {
  readonly provider: IdentityProvider
  /** What the endpoint was called with. */
  readonly tokens: readonly string[]
  /** Whether the endpoint takes a token, by the place of its request; it takes all at first. */
  refuse(isRefused: (turn: number) => boolean): void
  /** The clock of the sender goes ahead. */
  pass(ms: number): void
  call(fields?: Partial<HttpRequest>): Promise<AttemptResult>
  readonly credentials: ClientCredentials
  readonly url: string
}

async function useRig(options: Partial<HttpSenderOptions> = {}): Promise<Rig> {
  const provider = await startIdentityProvider()
  onTestFinished(() => provider.stop())
  const tokens: string[] = []
  let isRefused: (turn: number) => boolean = () => false
  const endpoint = createServer((request, response) => {
    tokens.push(request.headers.authorization ?? '')
    request.resume()
    response.statusCode = isRefused(tokens.length - 1) ? 401 : 204
    response.end()
  })
  const url = `http://127.0.0.1:${await listening(endpoint)}/`
  let passedMs = 0
  const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + passedMs }
  const sender = useSender({ clock, ...options })
  const credentials: ClientCredentials = {
    tokenUrl: provider.tokenUrl,
    clientId: 'hook',
    clientSecret: provider.secret,
    scope: 'webhooks',
    parameters: { audience: 'endpoint' },
    authMethod: 'client_secret_basic',
  }
  return {
    provider,
    tokens,
    credentials,
    url,
    refuse: (how) => void (isRefused = how),
    pass: (ms) => void (passedMs += ms),
    call: (fields) => send(sender, url, { oauth: credentials, ...fields }),
  }
}

const delivered = { kind: 'response', status: 204 }

describe('a call that carries a token', () => {
  it('gets one by client credentials, and shares it with all calls of its hook', async () => {
    const { provider, tokens, call } = await useRig()
    const results = await Promise.all([call(), call(), call()])
    expect(results).toMatchObject([delivered, delivered, delivered])
    await call()
    expect(provider.questions).toEqual([
      {
        authorization: `Basic ${Buffer.from('hook:provider-secret').toString('base64')}`,
        form: { grant_type: 'client_credentials', scope: 'webhooks', audience: 'endpoint' },
      },
    ])
    expect(tokens).toHaveLength(4)
    expect(new Set(tokens).size).toBe(1)
    expect(tokens[0]).toMatch(/^Bearer ey/)
  })

  it('returns the token with the answer, so that it can be masked in what is kept', async () => {
    const { tokens, call } = await useRig()
    expect(await call()).toMatchObject({ ...delivered, accessToken: expect.any(String) })
    expect(await call()).toMatchObject({ accessToken: tokens[0]?.replace('Bearer ', '') })
  })

  it('gets the next one shortly before the previous one expires', async () => {
    const { provider, tokens, call, pass } = await useRig()
    provider.lifeSeconds = 100
    await call()
    pass(79_000)
    await call()
    expect(provider.questions).toHaveLength(1)
    pass(2_000)
    await call()
    expect(provider.questions).toHaveLength(2)
    expect(new Set(tokens).size).toBe(2)
  })

  it('gets another one after a new hook record with other credentials', async () => {
    const { provider, credentials, call } = await useRig()
    await call()
    await call({ oauth: { ...credentials, clientId: 'other' } })
    expect(provider.questions).toHaveLength(2)
  })

  it('is made once more with a new token if the endpoint answers 401, as one attempt', async () => {
    const { provider, tokens, call, pass, refuse } = await useRig()
    await call()
    pass(5_000)
    refuse((turn) => turn === 1)
    expect(await call()).toMatchObject(delivered)
    expect(tokens).toHaveLength(3)
    expect(tokens[2]).not.toBe(tokens[1])
    expect(provider.questions).toHaveLength(2)
  })

  it('ends with 401 if the endpoint refuses the new token too, or a token that is new', async () => {
    const { provider, tokens, call, pass, refuse } = await useRig()
    refuse(() => true)
    expect(await call()).toMatchObject({ kind: 'response', status: 401 })
    expect(tokens).toHaveLength(1)
    pass(5_000)
    expect(await call()).toMatchObject({ kind: 'response', status: 401 })
    expect(tokens).toHaveLength(3)
    expect(provider.questions).toHaveLength(2)
  })

  it('shares its connections neither with other hooks nor with the request for the token', async () => {
    const { call, provider } = await useRig()
    expect(await call({ poolKey: 'one' })).toMatchObject(delivered)
    expect(await call({ poolKey: 'two' })).toMatchObject(delivered)
    expect(provider.questions).toHaveLength(1)
  })
})

const failures: readonly (readonly [string, (rig: Rig) => void, RegExp])[] = [
  [
    'refuses the client',
    ({ provider }) => (provider.secret = 'another'),
    /^the token endpoint refused the client \(invalid_client\)$/,
  ],
  [
    'answers with a status',
    ({ provider }) => (provider.reply = json(500, { error: 'provider-secret' })),
    /^the token endpoint answers with status 500$/,
  ],
  [
    'redirects',
    ({ provider }) =>
      (provider.reply = (response) =>
        void response.writeHead(307, { location: '/elsewhere' }).end()),
    /^the token endpoint answers with status 307$/,
  ],
  [
    'gives no token',
    ({ provider }) => (provider.reply = json(200, { token_type: 'Bearer' })),
    /^the token endpoint answers without an access_token$/,
  ],
  [
    'gives what ends a header',
    ({ provider }) =>
      (provider.reply = json(200, { access_token: 'a\r\nx: y', token_type: 'Bearer' })),
    /^the token endpoint gives a token that is too long, or has characters/,
  ],
  [
    'answers without end',
    ({ provider }) =>
      (provider.reply = (response) => {
        response.writeHead(200)
        const more = () => void (response.destroyed || response.write('x'.repeat(65_536), more))
        more()
      }),
    /^the token endpoint answers what is no JSON object$/,
  ],
  [
    'ends the connection',
    ({ provider }) => (provider.reply = (response) => void response.destroy()),
    /^the token endpoint cannot be reached \(reset\): /,
  ],
]

describe('a token endpoint that', () => {
  it.each(failures)('%s fails the attempt with class token', async (_, arrange, message) => {
    const rig = await useRig()
    arrange(rig)
    expect(await rig.call()).toMatchObject({
      kind: 'error',
      errorClass: 'token',
      message: expect.stringMatching(message),
      status: undefined,
      phases: { connectMs: null, firstByteMs: null },
    })
    expect(rig.tokens).toEqual([])
  })

  it('is at an address that may not be called is not called', async () => {
    const { call, provider, credentials } = await useRig()
    const tokenUrl = credentials.tokenUrl.replace('127.0.0.1', '10.0.0.1')
    const refused = await call({ oauth: { ...credentials, tokenUrl } })
    expect(refused).toMatchObject({
      errorClass: 'token',
      message: expect.stringMatching(/cannot be reached \(blocked\)/),
    })
    expect(provider.questions).toEqual([])
  })

  it('is plain HTTP is not called where that is not allowed', async () => {
    const { call, provider } = await useRig({ allowHttp: false })
    expect(await call({ poolKey: 'x' })).toMatchObject({
      errorClass: 'token',
      message: 'the token endpoint cannot be reached (blocked): plain HTTP is not allowed',
    })
    expect(provider.questions).toEqual([])
  })

  it('hangs is given up at the deadline of the call, or when the call is aborted', async () => {
    const { call, provider, credentials, url } = await useRig()
    provider.reply = () => undefined
    expect(await call({ timeoutMs: 100 })).toMatchObject({
      errorClass: 'token',
      message: expect.stringMatching(/no token within 100 ms|no response within 100 ms/),
    })
    const sender = useSender()
    const given = startCall(sender, requestTo(url, { oauth: { ...credentials } }))
    given.call.abort()
    expect(await given.result).toMatchObject({ kind: 'aborted' })
    const stopped = startCall(sender, requestTo(url, { oauth: { ...credentials } }))
    await sender.stop()
    expect(await stopped.result).toMatchObject({ kind: 'aborted' })
  })

  it('is reached through the egress proxy, as the endpoint is', async () => {
    const asked: string[] = []
    const proxy = createServer((request, response) => {
      asked.push(request.url ?? '')
      request.resume()
      const isToken = request.url?.endsWith('/token') === true
      response.end(isToken ? '{"access_token":"abc","token_type":"bearer"}' : '{}')
    })
    const egressProxy = `http://127.0.0.1:${await listening(proxy)}`
    const { call, credentials } = await useRig({ egressProxy })
    expect(await call()).toMatchObject({ status: 200, accessToken: 'abc' })
    expect(asked[0]).toBe(credentials.tokenUrl)
    expect(asked).toHaveLength(2)
  })
})
