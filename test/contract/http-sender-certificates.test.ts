/** Calls that show a client certificate, to a server that asks for one. */
import { createServer } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { send, useSender } from '../support/http-calls.ts'
import {
  authority,
  clientCertificate as certificate,
  clientKey as privateKey,
  serverCertificate,
  serverKey,
} from '../support/kafka-certificates.ts'
import { listening } from '../support/listening.ts'
import {
  certificate as ownCertificate,
  privateKey as ownKey,
  trustFixture,
} from '../support/tls-fixture.ts'

const processor = { certificate, privateKey }
/** Signed by itself: the server knows nobody who did. */
const stranger = { certificate: ownCertificate, privateKey: ownKey }

/** Answers with the name in the client's certificate, and whether the session was resumed. */
async function useServer(isRequired: boolean): Promise<string> {
  const server = createServer(
    {
      cert: ownCertificate,
      key: ownKey,
      ca: authority,
      requestCert: true,
      rejectUnauthorized: isRequired,
    },
    (request, response) => {
      const socket = request.socket as TLSSocket
      const { subject } = socket.getPeerCertificate()
      response.setHeader('connection', request.url === '/close' ? 'close' : 'keep-alive')
      response.end(JSON.stringify([subject?.CN ?? null, socket.isSessionReused()]))
    },
  )
  trustFixture()
  return `https://localhost:${await listening(server)}`
}

describe('a client certificate', () => {
  it('is sent to the endpoint', async () => {
    const url = await useServer(true)
    const sender = useSender()
    const shown = await send(sender, url, { clientCertificate: processor })
    expect(shown).toMatchObject({ status: 200, body: '["processor",false]' })
    for (const refused of [undefined, stranger]) {
      const result = await send(sender, url, { poolKey: 'other', clientCertificate: refused })
      expect(result).toMatchObject({ errorClass: expect.stringMatching(/^(tls|reset)$/) })
    }
  })

  it('belongs to one hook: its connections and TLS sessions are not used for another', async () => {
    const url = await useServer(false)
    const sender = useSender()
    const bodyOf = async (
      poolKey: string,
      clientCertificate = undefined as typeof processor | undefined,
      path = '',
    ) => {
      const result = await send(sender, `${url}${path}`, { poolKey, clientCertificate })
      return result.kind === 'response' ? result.body : result
    }
    expect(await bodyOf('a', processor, '/close')).toBe('["processor",false]')
    expect(await bodyOf('a', processor, '/close')).toBe('["processor",false]')
    expect(await bodyOf('b', undefined, '/close')).toBe('[null,false]')
    expect(await bodyOf('a', processor)).toBe('["processor",false]')
    expect(await bodyOf('b')).toMatch(/^\[null,/)
    expect(await bodyOf('c', processor, '/close')).toBe('["processor",false]')
  })

  it('that cannot be used fails the call with class tls, and the error has nothing of its key', async () => {
    const url = await useServer(false)
    const wrong = { certificate: serverCertificate, privateKey }
    expect(await send(useSender(), url, { clientCertificate: wrong })).toMatchObject({
      errorClass: 'tls',
      message: 'the client certificate of the hook cannot be used',
    })
    const right = { certificate: serverCertificate, privateKey: serverKey }
    expect(await send(useSender(), url, { clientCertificate: right })).toMatchObject({
      status: 200,
    })
  })
})
