import { describe, expect, it } from 'vitest'
import { hiddenFields, hookWithoutSecrets } from '../../../src/commands/hooks/hidden-secrets.ts'
import { clientCertificate, clientKey } from '../../support/kafka-certificates.ts'

const oauth = {
  tokenUrl: 'https://id.example/token?key=hush',
  clientId: 'crm-4711',
  clientSecret: 'swordfish',
  scope: 'webhooks:write',
  parameters: { audience: 'x-81qLm' },
  authMethod: 'client_secret_post',
}
const hookWith = (clientCertificate: object) => ({
  id: 'a',
  delivery: { oauth, clientCertificate },
})
const shown = (certificate: object) => JSON.stringify(hookWithoutSecrets(hookWith(certificate)))

describe('what a hook logs in with', () => {
  it('is shown without its secrets, which cannot be written back', () => {
    const hook = hookWithoutSecrets(
      hookWith({ certificate: clientCertificate, privateKey: clientKey }),
    )
    expect(hook).toMatchObject({
      delivery: {
        oauth: {
          tokenUrl: 'https://id.example/token?(hidden)',
          clientId: 'crm-4711',
          clientSecret: '(hidden)',
          scope: 'webhooks:write',
          parameters: { audience: '(hidden)' },
          authMethod: 'client_secret_post',
        },
        clientCertificate: { certificate: clientCertificate, privateKey: '(hidden)' },
      },
    })
    expect(hiddenFields(hook).map(({ field }) => field)).toEqual([
      'delivery.oauth.tokenUrl',
      'delivery.oauth.clientSecret',
      'delivery.oauth.parameters.audience',
      'delivery.clientCertificate.privateKey',
    ])
  })

  it('is hidden where a key stands in the place of the certificate', () => {
    for (const certificate of [clientKey, clientCertificate + clientKey, 'sword-81qLm-fish']) {
      expect(shown({ certificate })).not.toMatch(/MIGHAg|sword-81/)
    }
  })
})
