/** What a hook's calls log in with, from its record to the HTTP port, and a token that cannot be had. */
import { describe, expect, it } from 'vitest'
import { createRig } from '../support/flow-rig.ts'
import { clientCertificate, clientKey } from '../support/kafka-certificates.ts'

const oauth = { tokenUrl: 'https://id.example/token', clientId: 'me', clientSecret: 'hush-hush' }
const certificate = { certificate: clientCertificate, privateKey: clientKey }

describe('a hook whose endpoint asks for a login', () => {
  it('gives its calls one client, and a certificate with connections of its own', async () => {
    const rig = createRig()
    const config = { url: 'https://a.example/', headers: { Authorization: 'x', 'x-team': 'y' } }
    rig.putHook({ id: 'a', config, delivery: { oauth, clientCertificate: certificate } })
    const one = await rig.start()
    rig.sendEvent()
    rig.sendEvent()
    await rig.clock.advance(20)
    const requests = one.http.calls.map(({ request }) => request)
    expect(requests[0]).toMatchObject({ oauth, clientCertificate: certificate })
    for (const part of ['oauth', 'clientCertificate', 'poolKey'] as const) {
      expect(new Set(requests.map((request) => request[part])).size).toBe(1)
    }
    expect(requests[0]?.headers).toMatchObject({ 'x-team': 'y' })
    expect(requests[0]?.headers).not.toHaveProperty('authorization')

    for (const call of one.http.openCalls) call.answer(200)
    rig.putHook({ id: 'a', config })
    await rig.clock.advance(1_000)
    rig.sendEvent()
    await rig.clock.advance(20)
    const third = one.http.calls[2]?.request
    expect(third).toMatchObject({
      oauth: undefined,
      clientCertificate: undefined,
      poolKey: 'tenant default',
    })
    expect(third?.headers).toHaveProperty('authorization', 'x')
    expect(requests[0]?.poolKey).not.toBe('tenant default')
  })

  it('shares its connections with no other hook if it has a certificate, otherwise with hooks of its tenant', async () => {
    const rig = createRig()
    const config = { url: 'https://a.example/' }
    const delivery = { clientCertificate: certificate }
    for (const id of ['a', 'b']) rig.putHook({ id, config })
    for (const id of ['c', 'd']) rig.putHook({ id, config, delivery })
    rig.putHook({ id: 'e', config, tenantId: 'acme' })
    const one = await rig.start()
    rig.sendEvent()
    rig.sendEvent({}, { 'tenant-id': 'acme' })
    await rig.clock.advance(20)
    const pools = new Map(
      one.http.calls.map(({ request: { body, poolKey } }) => [
        (JSON.parse(body.toString()) as { readonly hookId: string }).hookId,
        poolKey,
      ]),
    )
    expect(pools.size).toBe(5)
    expect(pools.get('a')).toBe(pools.get('b'))
    expect(new Set(pools.values()).size).toBe(4)
  })

  it('is tried again by schedule where there is no token, and that is for its owner to mend', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a', delivery: { oauth } })
    const one = await rig.start()
    rig.sendEvent()
    await rig.clock.advance(20)
    one.http.openCalls[0]?.fail('token', 'the token endpoint answers with status 500 to hush-hush')
    await rig.clock.advance(20)
    expect(rig.results()).toMatchObject([
      {
        outcome: 'retrying',
        errorClass: 'token',
        blame: 'owner',
        errorMessage: 'the token endpoint answers with status 500 to (hidden)',
      },
    ])
    await rig.clock.advance(10_000)
    one.http.openCalls[0]?.answer(200)
    await rig.clock.advance(20)
    expect(rig.results().at(-1)).toMatchObject({ outcome: 'delivered', attempt: 2 })
  })
})
