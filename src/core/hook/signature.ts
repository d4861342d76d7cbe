/**
 * Both signatures of a call (docs/receivers.md): Logto's own, and that of Standard Webhooks.
 *
 * HMAC is made of two one-shot hashes (RFC 2104): a key's two pads are prepared once, and the HMAC objects of
 * `node:crypto`, which cost about five times as much for bodies of webhook size, are not needed.
 */
import { hash } from 'node:crypto'
import type { EpochMs, SigningKey } from '../model/model.ts'

const blockBytes = 64
const digestBytes = 32
const secretPrefix = 'whsec_'
/** The prefix in whatever case, also behind white space, quotes and characters that nobody sees. */
const standardBeginning = /^[\s\p{Cf}"'`]*[Ww][Hh][Ss][Ee][Cc]_/u

interface HmacKey {
  readonly inner: Uint8Array
  readonly outer: Uint8Array
}

/** A signing key, ready to sign. */
export interface PreparedKey {
  /** The key's own text, for Logto's signature. */
  readonly text: HmacKey
  /** For Standard Webhooks. */
  readonly secret: HmacKey
  readonly expiresAt: EpochMs | undefined
}

/**
 * Why calls cannot be signed with a key, as the end of a sentence that names its field; `undefined` for one that can be
 * used, and for the empty one.
 *
 * Receivers give a `whsec_` key to libraries of Standard Webhooks. Those of Go, Rust, Java, C# and Python want base64 by
 * RFC 4648, section 4, most of them with its padding and nothing else; what only some of them take, or read differently,
 * would verify nowhere. Quotes and unseen characters before the prefix come from copying. Zero bytes sign as no key does
 * (RFC 2104 fills keys up with them), which anybody can.
 */
export function signingKeyFault(key: string): string | undefined {
  if (key === '') return undefined
  if (!key.isWellFormed()) return 'has half of a character, which UTF-8 cannot have'
  if (standardBeginning.test(key) && !isStandardSecret(key)) {
    return `begins as a secret of Standard Webhooks and is none: ${secretPrefix} and base64 of the standard alphabet, with its padding`
  }
  return secretOf(key).every((byte) => byte === 0) ? 'has zero bytes alone' : undefined
}

function isStandardSecret(key: string): boolean {
  if (!key.startsWith(secretPrefix)) return false
  const bytes = secretOf(key)
  return bytes.length > 0 && secretPrefix + bytes.toString('base64') === key
}

/** How many bytes a key signs Standard Webhooks with. */
export function secretLength(key: string): number {
  return secretOf(key).length
}

/**
 * `undefined` for an empty key: it signs nothing, as in Logto.
 *
 * @param signingKey one that {@link signingKeyFault} has nothing against
 */
export function prepareKey({ key, expiresAt }: SigningKey): PreparedKey | undefined {
  if (key === '') return undefined
  return { text: hmacKey(Buffer.from(key)), secret: hmacKey(secretOf(key)), expiresAt }
}

/** Value of `logto-signature-sha-256`: lower-case hex over the exact body. */
export function logtoSignature(body: Buffer, key: PreparedKey): string {
  return hmac(key.text, '', body, 'hex')
}

/**
 * Value of `webhook-signature`: one signature per key, in the order given, separated by spaces; empty without keys.
 *
 * @param message.id value of `webhook-id`
 * @param message.timestampSeconds value of `webhook-timestamp`
 */
export function standardSignature(message: {
  readonly id: string
  readonly timestampSeconds: number
  readonly body: Buffer
  readonly keys: readonly PreparedKey[]
}): string {
  const signed = `${message.id}.${message.timestampSeconds}.`
  let signatures = ''
  for (const { secret } of message.keys) {
    if (signatures !== '') signatures += ' '
    signatures += `v1,${hmac(secret, signed, message.body, 'base64')}`
  }
  return signatures
}

/** The key in the form that receivers give to Standard Webhooks libraries. */
export function standardSecret(key: string): string {
  return key.startsWith(secretPrefix) ? key : secretPrefix + Buffer.from(key).toString('base64')
}

/** Bytes that a key signs Standard Webhooks with. */
function secretOf(key: string): Buffer {
  return key.startsWith(secretPrefix)
    ? Buffer.from(key.slice(secretPrefix.length), 'base64')
    : Buffer.from(key)
}

function hmacKey(secret: Buffer): HmacKey {
  const block = Buffer.alloc(blockBytes)
  block.set(secret.length > blockBytes ? hash('sha256', secret, 'buffer') : secret)
  return { inner: block.map((byte) => byte ^ 0x36), outer: block.map((byte) => byte ^ 0x5c) }
}

function hmac(key: HmacKey, prefix: string, body: Buffer, encoding: 'hex' | 'base64'): string {
  const prefixBytes = Buffer.byteLength(prefix)
  const inner = Buffer.allocUnsafe(blockBytes + prefixBytes + body.length)
  inner.set(key.inner)
  inner.write(prefix, blockBytes)
  inner.set(body, blockBytes + prefixBytes)
  const outer = Buffer.allocUnsafe(blockBytes + digestBytes)
  outer.set(key.outer)
  // As text of one character per byte, a digest costs half of what it costs as a buffer of its own.
  outer.write(hash('sha256', inner, 'binary'), blockBytes, 'binary')
  return hash('sha256', outer, encoding)
}
