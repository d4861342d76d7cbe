/**
 * What results keep of an endpoint's answer. Endpoints echo requests, on purpose or in an error page, and more people read
 * results than may know a hook's secrets. So the secrets of the call are removed from the answer, and so is the event, which
 * holds personal data.
 */
import { foldedText, hide, type Hidden } from '../text/hidden-text.ts'
import type { AttemptResult, AuthEvent, Hook } from '../model/model.ts'
import { standardSecret } from '../hook/signature.ts'

/** For which answers the body is kept. */
export const resultBodies = ['failures', 'always', 'never'] as const
export type ResultBodies = (typeof resultBodies)[number]

export interface KeptAnswer {
  readonly responseBody: string | null
  readonly errorMessage: string | null
}

/** The parts of a call that its answer may repeat. */
export interface CallMade {
  readonly hook: Pick<
    Hook,
    | 'url'
    | 'headers'
    | 'signingKey'
    | 'previousSigningKeys'
    | 'keepResponse'
    | 'oauth'
    | 'clientCertificate'
  >
  /** The headers as sent, with names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly event: Pick<AuthEvent, 'event' | 'body'>
}

export interface KeepingRules {
  readonly bodies: ResultBodies
  /** The proxy for all calls. Results must not show its address and credentials. */
  readonly egressProxy: string | undefined
}

/**
 * The bytes kept of a body, as the HTTP port cuts it. A mark may be longer than the text it replaces, so the result is cut
 * again.
 */
export const keptBytes = 4 * 1024
/** How much of the event is searched for, in bytes. Answers are cut, so they can only repeat its beginning. */
const eventBytes = 64 * 1024
/** If the secrets have more characters than this, they are not searched for. Then nothing of the answer is kept. */
const maxSecretsLength = 128 * 1024

/**
 * Shorter values are not hidden: they are easy to guess, and hiding them would hide common words of answers. The limit is
 * lower for a value that is named as a credential, unless it has only letters, such as `true` and `none`.
 */
const shortest = { credential: 4, other: 6 }
const credentialName = /auth|cookie|token|secret|key|pass|credential|sig|code/i
/** Headers that describe the format of a message. They hold no secrets. */
const openHeaders = new Set(['content-type', 'accept', 'accept-encoding', 'accept-language'])

/** The cost is nothing for an answer that is not kept, and otherwise linear in the searched text, which is bounded. */
export function keptAnswer(result: AttemptResult, call: CallMade, rules: KeepingRules): KeptAnswer {
  const body = keptBody(result, call, rules)
  const message = 'message' in result ? result.message : null
  const isOwnMessage = message === null || isOfOwnWords(result)
  if (!body && isOwnMessage) return { responseBody: body, errorMessage: message }
  const secrets = secretsOf(call, result, rules.egressProxy)
  if (secrets === undefined) return { responseBody: null, errorMessage: null }
  return {
    responseBody: body ? withoutSecrets(body, { secrets, ...eventIn(call.event) }) : body,
    // hooktide makes this message from errors of the network or of the answer's framing, so it cannot contain the event.
    errorMessage: message === null ? null : withoutSecrets(message, { ...nothing, secrets }),
  }
}

function keptBody(
  result: AttemptResult,
  { hook }: CallMade,
  { bodies }: KeepingRules,
): string | null {
  if (result.kind !== 'response' || bodies === 'never' || hook.keepResponse === false) return null
  const isFailure = result.status < 200 || result.status >= 300
  return isFailure || bodies === 'always' ? result.body : null
}

/**
 * Whether the message has nothing of anybody else. Thousands of calls may time out at once, and to search a message for
 * secrets takes longer than everything else that follows from such a call.
 */
function isOfOwnWords(result: AttemptResult): boolean {
  return result.kind === 'error' && result.errorClass === 'timeout'
}

const nothing: Hidden = { secrets: [], wholes: [], sources: [] }

function withoutSecrets(text: string, hidden: Hidden): string | null {
  const isCut = Buffer.byteLength(text) >= keptBytes
  return hide(text, hidden, isCut)?.slice(0, keptBytes) ?? null
}

// --- what a call holds ---------------------------------------------------------------------------------

/** The secrets in folded form; `undefined` when they are too long to be searched for. */
function secretsOf(
  { hook, headers }: CallMade,
  result: AttemptResult,
  egressProxy: string | undefined,
): readonly string[] | undefined {
  const found = new Set<string>()
  let length = 0
  const add = (text: string, isCredential = true): void => {
    const folded = foldedText(text)
    const least = shortest[isCredential && !isWord(text) ? 'credential' : 'other']
    if (folded.length < least || found.has(folded)) return
    found.add(folded)
    length += folded.length
  }
  for (const [name, value] of Object.entries(hook.headers))
    addHeader(name.toLowerCase(), value, add)
  addSignatures(headers, add)
  addKey(hook.signingKey, add)
  for (const { key } of hook.previousSigningKeys) addKey(key, add)
  addUrl(URL.parse(hook.url), add)
  addLogins(hook, add)
  if ('accessToken' in result) add(result.accessToken)
  if (egressProxy !== undefined) addProxy(URL.parse(egressProxy), add)
  return length > maxSecretsLength ? undefined : [...found]
}

/** The secrets that the hook's calls log in with. */
function addLogins({ oauth, clientCertificate }: CallMade['hook'], add: Add): void {
  if (oauth !== undefined) {
    const { tokenUrl, clientSecret, parameters } = oauth
    add(clientSecret)
    addUrl(URL.parse(tokenUrl), add)
    for (const value of Object.values(parameters)) add(value, false)
  }
  if (clientCertificate !== undefined) add(pemContent(clientCertificate.privateKey))
}

/** Without the first and the last line, which all keys have in common. */
function pemContent(text: string): string {
  return text.replace(/-----[A-Z ]+-----/g, '').trim()
}

/** Whether the text is a single word, which may also occur in messages. */
function isWord(text: string): boolean {
  return /^[a-z]*$/i.test(text)
}

type Add = (text: string, isCredential?: boolean) => void

function addHeader(name: string, value: string, add: Add): void {
  if (openHeaders.has(name)) return
  if (isSecretSegment(name)) add(name)
  const isCredential = credentialName.test(name)
  add(value, isCredential)
  if (!isCredential) return
  const [, scheme, credentials] = /^([A-Za-z][\w-]*) +(\S.*)$/.exec(value) ?? []
  if (credentials !== undefined) add(credentials)
  if (scheme?.toLowerCase() === 'basic') addBasic(credentials ?? '', add)
  // An answer may repeat a single cookie, or a single parameter of an authentication scheme (RFC 9110, 11.4).
  for (const [, parameter = ''] of value.matchAll(/="?([^\s,;"]+)/g)) add(parameter)
}

function addBasic(credentials: string, add: Add): void {
  const text = Buffer.from(credentials, 'base64').toString()
  add(text)
  const [user = ''] = text.split(':', 1)
  addLogin(user, text.slice(user.length + 1), add)
}

/** Some services take their key as the user name. A user name that is a word is not hidden: messages may contain it. */
function addLogin(user: string, password: string, add: Add): void {
  if (password === '' || !isWord(user)) add(user)
  add(password)
}

/** Adds the key as text, in the form of Standard Webhooks libraries, and as the bytes that it encodes there. */
function addKey(key: string, add: Add): void {
  if (key === '') return
  const secret = standardSecret(key)
  const encoded = secret.slice(secret.indexOf('_') + 1)
  for (const form of [key, secret, encoded, Buffer.from(encoded, 'base64').toString('hex')])
    add(form)
}

/** Adds the signatures as sent, and in the other encoding of a digest (hex or base64). */
function addSignatures(headers: CallMade['headers'], add: Add): void {
  const logto = headers['logto-signature-sha-256'] ?? ''
  const standard = headers['webhook-signature'] ?? ''
  add(logto)
  add(Buffer.from(logto, 'hex').toString('base64'))
  add(standard)
  for (const signature of standard.split(' ')) {
    const digest = signature.slice(signature.indexOf(',') + 1)
    add(digest)
    add(Buffer.from(digest, 'base64').toString('hex'))
  }
}

/** A random part of a path. The URLs of many services hold their secret there. */
const madeByChance = /^(?=.*\d)(?=.*[a-z])[a-z\d]{20,}$/i

/** Whether a segment of a URL's path is likely to be a secret. */
function isSecretSegment(segment: string): boolean {
  return (
    segment.length <= 4_096 && segment.split(/[^a-z\d]+/i).some((part) => madeByChance.test(part))
  )
}

function addUrl(url: URL | null, add: Add): void {
  if (url === null) return
  addLogin(decoded(url.username), decoded(url.password), add)
  for (const segment of url.pathname.split('/')) if (isSecretSegment(segment)) add(segment)
  const raw = url.search.slice(1)
  if (raw === '') return
  for (const part of raw.split('&')) {
    const at = part.indexOf('=')
    const isCredential = at >= 0 && credentialName.test(part.slice(0, at))
    add(part.slice(at + 1), isCredential)
    // The raw form, without the percent signs of its escapes.
    add(part.slice(at + 1).replaceAll('%', ''), isCredential)
  }
  for (const [name, value] of url.searchParams) add(value || name, credentialName.test(name))
}

function addProxy(url: URL | null, add: Add): void {
  if (url === null) return
  add(url.host, false)
  add(url.hostname, false)
  if (url.username === '' && url.password === '') return
  const [username, password] = [decoded(url.username), decoded(url.password)]
  addLogin(username, password, add)
  add(Buffer.from(`${username}:${password}`).toString('base64'))
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/**
 * The event: its text, and each of its values separately, since an answer may print them in another order. A value that is a
 * single word of letters is not hidden, and neither are keys: `Register` and `username` are also words of messages, and
 * results have the event key anyway.
 */
function eventIn({ event, body }: CallMade['event']): Pick<Hidden, 'wholes' | 'sources'> {
  const text = body.subarray(0, eventBytes).toString()
  const wholes = new Set<string>()
  for (const value of stringValues(text)) {
    if (value === event || isWord(value)) continue
    const folded = foldedText(value)
    if (folded.length >= shortest.other) wholes.add(folded)
  }
  return { wholes: [...wholes], sources: [text] }
}

/** The strings of a JSON text, or of its beginning, except the names of members. Escapes are not decoded. */
function* stringValues(json: string): Generator<string> {
  for (let at = json.indexOf('"'); at >= 0; at = json.indexOf('"', at)) {
    let end = at + 1
    while (end < json.length && json[end] !== '"') end += json[end] === '\\' ? 2 : 1
    const value = json.slice(at + 1, end)
    at = end + 1
    while (/[\t\n\r ]/.test(json.charAt(at))) at += 1
    if (json[at] !== ':') yield value
  }
}
