/**
 * What is kept of an endpoint's answer. Endpoints echo what they were sent, on purpose or in a page about a failure, and
 * more people read results than may know a hook's secrets. So whatever was secret in the call is taken out, and so is the
 * event, which is about people.
 */
import { foldedText, hide, type Hidden } from '../text/hidden-text.ts'
import type { AttemptResult, AuthEvent, Hook } from '../model/model.ts'
import { standardSecret } from '../hook/signature.ts'

/** Of which answers the body is kept. */
export const resultBodies = ['failures', 'always', 'never'] as const
export type ResultBodies = (typeof resultBodies)[number]

export interface KeptAnswer {
  readonly responseBody: string | null
  readonly errorMessage: string | null
}

/** A call, as far as its answer may repeat it. */
export interface CallMade {
  readonly hook: Pick<
    Hook,
    'url' | 'headers' | 'signingKey' | 'previousSigningKeys' | 'keepResponse'
  >
  /** As sent, names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly event: Pick<AuthEvent, 'event' | 'body'>
}

export interface KeepingRules {
  readonly bodies: ResultBodies
  /** The proxy that calls go through: its address and credentials are nobody's business. */
  readonly egressProxy: string | undefined
}

/** Of a body, as the HTTP port cuts it. Marks may be longer than what they stand for, so the result is cut once more. */
export const keptBytes = 4 * 1024
/** So much of an event is looked for: answers are cut, and repeat its beginning if anything. In bytes. */
const eventBytes = 64 * 1024
/** Secrets of more characters are not looked for. Then nothing of an answer is kept, since it may hold them. */
const maxSecretsLength = 128 * 1024

/**
 * Values below these lengths are not hidden: whoever wants one guesses it, and hiding it would hide the words of which
 * answers are made. What is named as a credential may be shorter than what only might be one, but not where it has letters
 * alone: `true` and `none` are such values.
 */
const shortest = { credential: 4, other: 6 }
const credentialName = /auth|cookie|token|secret|key|pass|credential|sig|code/i
/** These say how a message is to be read. */
const openHeaders = new Set(['content-type', 'accept', 'accept-encoding', 'accept-language'])

/** Costs nothing for an answer of which nothing is kept; else it is linear in what is looked through, which is bounded. */
export function keptAnswer(result: AttemptResult, call: CallMade, rules: KeepingRules): KeptAnswer {
  const body = keptBody(result, call, rules)
  const message = 'message' in result ? result.message : null
  if (!body && message === null) return { responseBody: body, errorMessage: null }
  const secrets = secretsOf(call, rules.egressProxy)
  if (secrets === undefined) return { responseBody: null, errorMessage: null }
  return {
    responseBody: body ? withoutSecrets(body, { secrets, ...eventIn(call.event) }) : body,
    // Made by us of what the network or the answer's framing brought: the event is no part of it.
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

const nothing: Hidden = { secrets: [], wholes: [], sources: [] }

function withoutSecrets(text: string, hidden: Hidden): string | null {
  const isCut = Buffer.byteLength(text) >= keptBytes
  return hide(text, hidden, isCut)?.slice(0, keptBytes) ?? null
}

// --- what a call holds ---------------------------------------------------------------------------------

/** Folded; `undefined` when they are too long to be looked for. */
function secretsOf(
  { hook, headers }: CallMade,
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
  if (egressProxy !== undefined) addProxy(URL.parse(egressProxy), add)
  return length > maxSecretsLength ? undefined : [...found]
}

/** A single word, as messages have it too. */
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
  // Cookies, and parameters of a scheme (RFC 9110, 11.4), of which an answer may repeat one.
  for (const [, parameter = ''] of value.matchAll(/="?([^\s,;"]+)/g)) add(parameter)
}

function addBasic(credentials: string, add: Add): void {
  const text = Buffer.from(credentials, 'base64').toString()
  add(text)
  const [user = ''] = text.split(':', 1)
  addLogin(user, text.slice(user.length + 1), add)
}

/** Some services take their key as the user. One that is a word is none, or it would hide the word in all messages. */
function addLogin(user: string, password: string, add: Add): void {
  if (password === '' || !isWord(user)) add(user)
  add(password)
}

/** As text, as libraries of Standard Webhooks take it, and the bytes that it stands for there. */
function addKey(key: string, add: Add): void {
  if (key === '') return
  const secret = standardSecret(key)
  const encoded = secret.slice(secret.indexOf('_') + 1)
  for (const form of [key, secret, encoded, Buffer.from(encoded, 'base64').toString('hex')])
    add(form)
}

/** Also as whoever prints a digest in the other encoding has them. */
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

/** A part of a path that was made by chance: the URLs of many services hold their secret there. */
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
    // As it stands there, with its escapes torn apart.
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
 * The event: its text, and each of its values by itself, for those who print it in another order.
 * A value that is a word of letters alone stays, as does its key, which results hold anyway: `Register` and `username` are
 * words of messages too.
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

/** The strings of a JSON text, or of its beginning, that are no names of members. Escapes are let be. */
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
