/** Reads how the calls of a hook log in: with an access token of OAuth 2, and with a client certificate. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { ClientCertificate, ClientCredentials, Hook } from '../model/model.ts'
import { ownTokenParameters } from '../oauth/token-request.ts'
import { isEncrypted } from './encrypted-text.ts'
import { parseEndpointUrl } from './endpoint-url.ts'
import { isText, isTextUpTo, type Check, type Members } from './members.ts'
import { readSecret } from './secret-member.ts'
import type { OpenSecret } from './secrets.ts'

/** Limits of these fields. */
const bounds = {
  idLength: 256,
  secretLength: 1_024,
  scopeLength: 1_024,
  urlLength: 4_096,
  parameters: 10,
  /** Enough for a chain of certificates, and for an RSA key of 16,384 bits. */
  pemLength: 16_384,
} as const

const textForm = (most: number) => `text of at most ${most} characters, not empty`

function isFilledTextUpTo(most: number): Check<string> {
  const is = isTextUpTo(most)
  return (value): value is string => is(value) && value !== ''
}

export function readLogins(
  delivery: Members | undefined,
  open: OpenSecret,
): Pick<Hook, 'oauth' | 'clientCertificate'> {
  const oauth = delivery?.optionalObject('oauth')
  const certificate = delivery?.optionalObject('clientCertificate')
  return {
    oauth: oauth && readCredentials(oauth, open),
    clientCertificate: certificate && readCertificate(certificate, open),
  }
}

// --- OAuth 2 -----------------------------------------------------------------------------------------

const credentialFields = [
  'tokenUrl',
  'clientId',
  'clientSecret',
  'scope',
  'parameters',
  'authMethod',
] as const

const isUrlText = isFilledTextUpTo(bounds.urlLength)
const isClientId = isFilledTextUpTo(bounds.idLength)
const clientSecret = {
  use: 'oauth-client-secret',
  is: isFilledTextUpTo(bounds.secretLength),
  form: textForm(bounds.secretLength),
} as const
/** RFC 6749 section 3.3. */
const scopeForm = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/

function readCredentials(members: Members, open: OpenSecret): ClientCredentials | undefined {
  members.refuseOthers(credentialFields)
  const tokenUrl = members.required('tokenUrl', isUrlText, textForm(bounds.urlLength))
  const parsed = tokenUrl === undefined ? undefined : parseEndpointUrl(tokenUrl)
  if (parsed?.kind === 'fault') members.report('tokenUrl', parsed.message)
  const clientId = members.required('clientId', isClientId, textForm(bounds.idLength))
  const secret = readSecret(members, 'clientSecret', open, clientSecret)
  const scope = members.optional('scope', isScope, 'scopes apart by single spaces')
  const authMethod = members.optional('authMethod', isAuthMethod, authMethods.join(' or '))
  const parameters = readParameters(members)
  if (tokenUrl === undefined || clientId === undefined || secret === undefined) return undefined
  return {
    tokenUrl,
    clientId,
    clientSecret: secret,
    scope,
    parameters,
    authMethod: authMethod ?? 'client_secret_basic',
  }
}

const authMethods = ['client_secret_basic', 'client_secret_post'] as const

function isAuthMethod(value: unknown): value is ClientCredentials['authMethod'] {
  return authMethods.some((method) => method === value)
}

function isScope(value: unknown): value is string {
  return isText(value) && value.length <= bounds.scopeLength && scopeForm.test(value)
}

const isParameter = isTextUpTo(bounds.secretLength)

function readParameters(members: Members): ClientCredentials['parameters'] {
  const parameters = members.optionalObject('parameters')
  const names = parameters?.names ?? []
  if (names.length > bounds.parameters) {
    members.report('parameters', `has more than ${bounds.parameters} parameters`)
  }
  const entries = names.slice(0, bounds.parameters).flatMap((name) => {
    if (!/^[\w.-]{1,64}$/.test(name)) parameters?.report(name, 'is not the name of a parameter')
    if (ownTokenParameters.has(name)) parameters?.report(name, 'is set by other fields')
    const form = `text of at most ${bounds.secretLength} characters`
    const value = parameters?.required(name, isParameter, form)
    return value === undefined ? [] : [[name, value] as const]
  })
  return Object.fromEntries(entries)
}

// --- client certificates -----------------------------------------------------------------------------

const isPem = isFilledTextUpTo(bounds.pemLength)
const pemForm = (what: string) => `${what} in PEM, of at most ${bounds.pemLength} characters`
const privateKey = {
  use: 'client-certificate-key',
  is: (value: unknown): value is string => isPem(value) && readPrivateKey(value) !== undefined,
  form: `${pemForm('a private key')}, without a passphrase`,
} as const

function readCertificate(members: Members, open: OpenSecret): ClientCertificate | undefined {
  members.refuseOthers(['certificate', 'privateKey'])
  const form = pemForm('a certificate')
  const certificate = members.required('certificate', isCertificate, form)
  const key = readSecret(members, 'privateKey', open, privateKey)
  if (certificate === undefined || key === undefined) return undefined
  if (!isEncrypted(key) && !isKeyOf(certificate, key)) {
    members.report('privateKey', 'is not the key of the certificate')
  }
  return { certificate, privateKey: key }
}

/** A private key in this field is refused: it would not be treated as a secret here. */
function isCertificate(value: unknown): value is string {
  return isPem(value) && !value.includes('PRIVATE KEY') && readX509(value) !== undefined
}

function isKeyOf(certificate: string, key: string): boolean {
  const read = readPrivateKey(key)
  return read !== undefined && readX509(certificate)?.checkPrivateKey(read) === true
}

/** The first certificate of a PEM text, which is that of the client. */
export function readX509(text: string): X509Certificate | undefined {
  if (!text.includes('-----BEGIN')) return undefined
  try {
    return new X509Certificate(text)
  } catch {
    return undefined
  }
}

function readPrivateKey(text: string): KeyObject | undefined {
  try {
    return createPrivateKey({ key: text, format: 'pem' })
  } catch {
    return undefined
  }
}
