/**
 * The secrets of a hook: its signing keys, the values of its headers, its OAuth client secret, and the private key of its client
 * certificate.
 */
import {
  encrypt,
  isEncrypted,
  leaveEncrypted,
  type Decrypt,
  type Decrypted,
  type EncryptionKey,
  type SecretPlace,
  type SecretUse,
} from './encrypted-text.ts'
import { isHookId, isTenantId } from '../model/identity.ts'
import { isJsonObject, type JsonObject } from '../text/json.ts'
import { memberPath } from '../text/plain-words.ts'
import { defaultTenant } from '../model/model.ts'

/** What a secret is for, by the header's name as it is written. */
export function headerUse(name: string): SecretUse {
  return `header:${name.toLowerCase()}`
}

/** Whose secrets those of a hook object are; `undefined` where that cannot be read, which suspends the hook anyway. */
export type SecretOwner = Pick<SecretPlace, 'tenantId' | 'hookId'>

export function ownerOf(hook: JsonObject): SecretOwner | undefined {
  const hookId = hook['id']
  const tenantId = hook['tenantId'] ?? defaultTenant
  return isHookId(hookId) && isTenantId(tenantId) ? { hookId, tenantId } : undefined
}

/** Decrypts a secret of one hook. */
export type OpenSecret = (text: string, use: SecretUse) => Decrypted

export function openerOf(hook: JsonObject, decrypt: Decrypt): OpenSecret {
  const owner = ownerOf(hook)
  return (text, use) =>
    owner === undefined ? leaveEncrypted(text) : decrypt(text, { ...owner, use })
}

/** The hook with each secret as `change` gives it, all else as it was. Empty ones are none. */
export function mapSecrets(
  hook: JsonObject,
  change: (text: string, use: SecretUse, field: string) => string,
): JsonObject {
  const secret = (use: SecretUse, field: string) => (value: unknown) =>
    isSecret(value) ? change(value, use, field) : value
  const key = (field: string) => secret('signing-key', field)
  const clientSecret = secret('oauth-client-secret', 'delivery.oauth.clientSecret')
  const privateKey = secret('client-certificate-key', 'delivery.clientCertificate.privateKey')
  const header = (value: unknown, name: string, place: number) =>
    isSecret(value)
      ? change(value, headerUse(name), memberPath('config.headers', name, place))
      : value
  const previous = (keys: unknown) =>
    Array.isArray(keys)
      ? keys.map((one: unknown, index) =>
          changedIn(one, { key: key(`delivery.previousSigningKeys[${index}].key`) }),
        )
      : keys
  return changed(hook, {
    signingKey: key('signingKey'),
    config: (config) => changedIn(config, { headers: (headers) => mapValues(headers, header) }),
    delivery: (delivery) =>
      changedIn(delivery, {
        previousSigningKeys: previous,
        oauth: (oauth) => changedIn(oauth, { clientSecret }),
        clientCertificate: (certificate) => changedIn(certificate, { privateKey }),
      }),
  })
}

function isSecret(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** The hook with its secrets in clear; one that cannot be decrypted stays as it is. */
export function withDecryptedSecrets(hook: JsonObject, decrypt: Decrypt): JsonObject {
  const open = openerOf(hook, decrypt)
  return mapSecrets(hook, (text, use) => {
    const opened = open(text, use)
    return opened.kind === 'text' ? opened.text : text
  })
}

/**
 * The hook with those of its secrets encrypted that are in clear.
 *
 * @param newIv gives 12 random bytes
 */
export function withEncryptedSecrets(
  hook: JsonObject,
  key: EncryptionKey,
  newIv: () => Buffer,
): JsonObject {
  const owner = ownerOf(hook)
  if (owner === undefined) return hook
  return mapSecrets(hook, (text, use) =>
    isEncrypted(text) ? text : encrypt(text, { ...owner, use }, key, newIv()),
  )
}

export interface HookSecret {
  /** Dotted path. */
  readonly field: string
  readonly text: string
}

export function secretsOf(hook: JsonObject): readonly HookSecret[] {
  const secrets: HookSecret[] = []
  mapSecrets(hook, (text, _, field) => {
    secrets.push({ field, text })
    return text
  })
  return secrets
}

type Change = (value: unknown, name: string, place: number) => unknown

function changedIn(value: unknown, changes: Readonly<Record<string, Change>>): unknown {
  return isJsonObject(value) ? changed(value, changes) : value
}

/** Members stay in their order; those that are not there are not made. */
function changed(object: JsonObject, changes: Readonly<Record<string, Change>>): JsonObject {
  return mapMembers(object, (value, name, place) =>
    Object.hasOwn(changes, name) ? changes[name]?.(value, name, place) : value,
  )
}

function mapValues(value: unknown, change: Change): unknown {
  return isJsonObject(value) ? mapMembers(value, change) : value
}

function mapMembers(object: JsonObject, change: Change): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([name, value], place) => [name, change(value, name, place)]),
  )
}
