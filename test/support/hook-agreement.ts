/** A hook with every member that is allowed, and the rules that its schema cannot express. */
import type { FieldProblem } from '../../src/core/model/model.ts'
import { isJsonObject, type JsonObject } from '../../src/core/text/json.ts'
import { clientCertificate, clientKey } from './kafka-certificates.ts'

export const goodHook = {
  tenantId: 'acme',
  id: 't5r1v9b3n7m2q8w4e6y0u',
  name: 'CRM sync',
  event: 'PostSignIn',
  events: ['PostRegister', 'User.Created'],
  config: { url: 'https://crm.acme.example/logto', headers: { 'X-Team': 'identity' }, retries: 3 },
  signingKey: 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii',
  enabled: true,
  createdAt: 1_789_376_531_019,
  delivery: {
    timeoutMs: 10_000,
    maxRetries: 9,
    concurrency: 16,
    ratePerSecond: 2.5,
    previousSigningKeys: [{ key: 'old', expiresAt: 1_789_376_531_019 }],
    oauth: {
      tokenUrl: 'https://id.acme.example/token',
      clientId: 'hooktide',
      clientSecret: 'Zb81qLm-harbour',
      scope: 'a b',
      parameters: { audience: 'crm' },
      authMethod: 'client_secret_post',
    },
    clientCertificate: { certificate: clientCertificate, privateKey: clientKey },
  },
}

/** The schema cannot express what a URL or PEM is. */
export function isExpressible(problem: FieldProblem, hook: unknown): boolean {
  const { field, message } = problem
  if (isPemText(problem, hook)) return false
  if (field === 'delivery.oauth.tokenUrl' && /URL|credentials/.test(message)) return false
  if (message === 'is not the key of the certificate') return false
  if (field === 'delivery.filter') return !message.startsWith('cannot be used')
  // Nor how large several texts are together.
  if (message.startsWith('has more than 8192 bytes')) return false
  return field !== 'config.url' || !/URL|credentials/.test(message)
}

/** Text in place of PEM. The schema accepts any text. */
function isPemText({ field }: FieldProblem, hook: unknown): boolean {
  const { certificate, privateKey } = memberOf(memberOf(hook, 'delivery'), 'clientCertificate')
  const [, name] = /^delivery\.clientCertificate\.(certificate|privateKey)$/.exec(field) ?? []
  const found = name === 'certificate' ? certificate : privateKey
  return name !== undefined && typeof found === 'string' && found !== ''
}

function memberOf(value: unknown, name: string): JsonObject {
  const member = isJsonObject(value) ? value[name] : undefined
  return isJsonObject(member) ? member : {}
}
