/** The receiver that other tests rely on can tell right signatures from wrong ones. */
import { createHmac } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { standardSecretOf } from '../../examples/sandbox/sandbox.ts'
import { send, useSender } from '../support/http-calls.ts'
import { useReceiver } from '../support/receiver.ts'

const key = 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii'
const body = Buffer.from('{"event":"PostSignIn","name":"Zoë"}')

function signed(signingKey: string, content = body): Record<string, string> {
  const at = new Date()
  return {
    'logto-signature-sha-256': createHmac('sha256', signingKey).update(content).digest('hex'),
    'webhook-id': 'dlv_1',
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(standardSecretOf(signingKey)).sign('dlv_1', at, content),
  }
}

describe('the receiver', () => {
  it.each([
    ['right signatures', signed(key), 'valid', 'valid'],
    ['those of another key', signed('another'), 'invalid', 'invalid'],
    ['those of another body', signed(key, Buffer.from('{}')), 'invalid', 'invalid'],
    [
      'signatures of the wrong form',
      { 'logto-signature-sha-256': 'x', 'webhook-signature': 'x' },
      'invalid',
      'invalid',
    ],
    ['none', {}, 'absent', 'absent'],
  ])('given %s, says so', async (_, headers: Readonly<Record<string, string>>, logto, standard) => {
    const receiver = await useReceiver({ keyOf: (path) => (path === '/hook' ? key : undefined) })
    await send(useSender(), `${receiver.origin}/hook?x=1`, { headers, body })
    await send(useSender(), `${receiver.origin}/other`, { headers: signed(key), body })
    expect(receiver.requests).toMatchObject([
      { path: '/hook?x=1', logtoSignature: logto, standardSignature: standard },
      { path: '/other', logtoSignature: 'unchecked', standardSignature: 'unchecked' },
    ])
  })

  it('uses a key that already is a Standard Webhooks secret unchanged', () => {
    expect(standardSecretOf('whsec_c2VjcmV0')).toBe('whsec_c2VjcmV0')
    expect(standardSecretOf('secret')).toBe('whsec_c2VjcmV0')
  })

  it('resolves waits as soon as requests arrive, in order', async () => {
    const receiver = await useReceiver()
    const sender = useSender()
    const two = receiver.waitFor(2)
    const last = receiver.waitFor((requests) => requests.some(({ path }) => path === '/last'))
    await send(sender, `${receiver.origin}/first`)
    await send(sender, `${receiver.origin}/last`)
    expect((await two).map(({ path }) => path)).toEqual(['/first', '/last'])
    await last
  })

  it('rejects open waits when it stops', async () => {
    const receiver = await useReceiver()
    const waiting = receiver.waitFor(1)
    void receiver.stop()
    await expect(waiting).rejects.toThrow('stopped')
  })
})
