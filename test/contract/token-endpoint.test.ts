/** Requests for the token of a login to Kafka, on real sockets. */
import { createServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { describe, expect, it } from 'vitest'
import type { ClientCredentials } from '../../src/core/model/model.ts'
import { askTokenEndpoint } from '../../src/edge/oauth/token-endpoint.ts'
import { authority, serverCertificate, serverKey } from '../support/kafka-certificates.ts'
import { listening } from '../support/listening.ts'

function credentialsFor(tokenUrl: string): ClientCredentials {
  return {
    tokenUrl,
    clientId: 'me',
    clientSecret: 'hush-hush',
    scope: undefined,
    parameters: {},
    authMethod: 'client_secret_basic',
  }
}

const giveToken: RequestListener = (_, response) =>
  void response.end('{"access_token":"abc","token_type":"Bearer","expires_in":60}')

async function asked(answer: RequestListener, timeoutMs = 5_000) {
  const url = `http://127.0.0.1:${await listening(createServer(answer))}/token`
  return await askTokenEndpoint(credentialsFor(url), undefined, timeoutMs)
}

describe('a token endpoint', () => {
  it('gets a form by POST, and its token is used', async () => {
    const seen: unknown[] = []
    const answer: RequestListener = (request, response) => {
      seen.push([request.method, request.url, request.headers['content-type']])
      giveToken(request, response)
    }
    expect(await asked(answer)).toMatchObject({ kind: 'token', token: { value: 'abc' } })
    expect(seen).toEqual([['POST', '/token', 'application/x-www-form-urlencoded']])
  })

  it('is verified with the named CA only', async () => {
    const server = createHttpsServer({ cert: serverCertificate, key: serverKey }, giveToken)
    const credentials = credentialsFor(`https://localhost:${await listening(server)}/token`)
    expect(await askTokenEndpoint(credentials, authority)).toMatchObject({ kind: 'token' })
    await expect(askTokenEndpoint(credentials, undefined)).rejects.toMatchObject({
      code: expect.stringMatching(/^(UNABLE_TO_|SELF_SIGNED_)/),
    })
  })

  it.each<readonly [string, RequestListener]>([
    ['never', () => undefined],
    ['never to its end', (_, response) => void response.writeHead(200).write('{')],
  ])('that answers %s is given up', async (_, answer) => {
    await expect(asked(answer, 50)).rejects.toMatchObject({ name: 'TimeoutError' })
  })

  it('that answers without end is given up', async () => {
    const endless: RequestListener = (_, response) => {
      const more = () => void (response.destroyed || response.write('x'.repeat(65_536), more))
      more()
    }
    await expect(asked(endless)).rejects.toThrow('more than 65536 bytes')
  })

  it('that redirects is not followed', async () => {
    let count = 0
    const redirect: RequestListener = (_, response) => {
      count += 1
      response.writeHead(307, { location: '/token' }).end()
    }
    expect(await asked(redirect)).toEqual({
      kind: 'unusable',
      message: 'answers with status 307',
    })
    expect(count).toBe(1)
  })
})
