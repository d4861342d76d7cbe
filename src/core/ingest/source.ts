/** Sources of webhooks: a path with the tenant and topic of its events and the keys that sign them. */
import { signingKeyFault } from '../hook/signature.ts'
import { isTenantId, tenantIdForm } from '../model/identity.ts'
import { defaultTenant, type FieldProblem, type TenantId } from '../model/model.ts'
import { isJsonObject, parseJson, type JsonObject } from '../text/json-text.ts'
import { isPlainWords } from '../text/plain-words.ts'

/** A webhook of Logto. Several may share a path, such as the old one and the new one while a key is replaced. */
export interface Source {
  /** As in the request line, without a query. */
  readonly path: string
  readonly tenantId: TenantId
  readonly topic: string
  /** At least one. A webhook is accepted if any of them has signed it. */
  readonly signingKeys: readonly string[]
}

/** A source as read from the sources file. */
export interface SourceEntry {
  readonly path: string
  readonly tenantId: TenantId
  /** `undefined` for the only event topic. */
  readonly topic: string | undefined
  /** Either the keys or the file is set. */
  readonly signingKeys: readonly string[]
  readonly signingKeysFile: string | undefined
}

export type ReadSources =
  | { readonly kind: 'sources'; readonly entries: readonly SourceEntry[] }
  | { readonly kind: 'problems'; readonly problems: readonly FieldProblem[] }

/** More paths than an operator maintains by hand, and few enough for a metric label. */
const maxSources = 200
export const maxSigningKeys = 10
/** Logto's keys have 32 characters. With a key that can be guessed, anybody could send events to all receivers. */
const leastKeyLength = 16
const pathForm = /^\/[\w.~/-]{0,199}$/
const topicForm = /^[\w.-]{1,249}$/

export function isSourcePath(path: string): boolean {
  return pathForm.test(path)
}

/** Describes what {@link isSourcePath} accepts. */
export const sourcePathForm = 'a path such as /logto: "/", letters, digits, "-", ".", "_" and "~"'

/** Why a key is refused, as the end of a sentence; `undefined` if it is accepted. Never quotes the key. */
export function sourceKeyFault(key: string): string | undefined {
  if (key.length < leastKeyLength) {
    return `has ${key.length} characters, fewer than ${leastKeyLength}: copy the signing key from Logto's console`
  }
  return signingKeyFault(key)
}

/** The keys in a text, separated by commas or line breaks. The list may be empty. */
export function splitKeys(text: string): readonly string[] {
  return text
    .split(/[,\n]/)
    .map((key) => key.trim())
    .filter((key) => key !== '')
}

/** Reads the sources file: a list of objects. Reports all problems, and never quotes a secret. */
export function readSources(text: string): ReadSources {
  const list = parseJson(text)
  if (list === undefined) return refused({ field: '', message: 'is not JSON' })
  if (!Array.isArray(list) || list.length === 0 || list.length > maxSources) {
    return refused({ field: '', message: `must be a list of 1 to ${maxSources} objects` })
  }
  const problems: FieldProblem[] = []
  const paths = new Set<string>()
  const entries = list.map((item: unknown, index): SourceEntry => {
    const at = `[${index}]`
    if (!isJsonObject(item)) {
      problems.push({ field: at, message: 'must be an object' })
      return entryOf({})
    }
    problems.push(...problemsOf(item).map(({ field, message }) => ({ field: at + field, message })))
    const entry = entryOf(item)
    if (isSourcePath(entry.path) && paths.has(entry.path)) {
      problems.push({
        field: `${at}.path`,
        message: 'is used twice: put all keys of a path into one object',
      })
    }
    paths.add(entry.path)
    return entry
  })
  return problems.length > 0 ? { kind: 'problems', problems } : { kind: 'sources', entries }
}

function refused(problem: FieldProblem): ReadSources {
  return { kind: 'problems', problems: [problem] }
}

/** Members of another type are left out: {@link problemsOf} reports them. */
function entryOf(item: JsonObject): SourceEntry {
  const { path, tenantId, topic, signingKeys, signingKeysFile } = item
  return {
    path: textOf(path) ?? '',
    tenantId: textOf(tenantId) ?? defaultTenant,
    topic: textOf(topic),
    signingKeys: Array.isArray(signingKeys) ? signingKeys.flatMap((key) => textOf(key) ?? []) : [],
    signingKeysFile: textOf(signingKeysFile),
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** The members that are text: a description and a check of their form. Only `path` is required. */
const forms: Readonly<Record<string, readonly [form: string, isRight: (text: string) => boolean]>> =
  {
    path: [sourcePathForm, isSourcePath],
    tenantId: [tenantIdForm, isTenantId],
    topic: ['the name of a topic', (text) => topicForm.test(text)],
    signingKeysFile: ['the path of a file', (text) => text !== ''],
  }
const members = [...Object.keys(forms), 'signingKeys']

function problemsOf(item: JsonObject): readonly FieldProblem[] {
  const wrong = Object.entries(forms).flatMap(([name, [form, isRight]]) => {
    const value = item[name]
    if (value === undefined && name !== 'path') return []
    if (typeof value === 'string' && isRight(value)) return []
    return [{ field: `.${name}`, message: `must be ${form}` }]
  })
  return [...wrong, ...keyProblems(item), ...unknownMembers(item)]
}

function unknownMembers(item: JsonObject): readonly FieldProblem[] {
  const unknown = Object.keys(item).filter((name) => !members.includes(name))
  return unknown.map((name) =>
    // The name may be a secret in the wrong place.
    isPlainWords(name)
      ? { field: `.${name}`, message: `is not a known member. Known are ${members.join(', ')}` }
      : { field: '', message: `has a member that is not known. Known are ${members.join(', ')}` },
  )
}

function keyProblems({ signingKeys, signingKeysFile }: JsonObject): readonly FieldProblem[] {
  const field = '.signingKeys'
  if (signingKeys === undefined && signingKeysFile === undefined) {
    return [{ field, message: 'is missing, and so is signingKeysFile: set one of them' }]
  }
  if (signingKeys === undefined) return []
  if (signingKeysFile !== undefined) {
    return [{ field, message: 'is set, and so is signingKeysFile: remove one of them' }]
  }
  const isList = Array.isArray(signingKeys)
  if (!isList || signingKeys.length === 0 || signingKeys.length > maxSigningKeys) {
    return [{ field, message: `must be a list of 1 to ${maxSigningKeys} keys` }]
  }
  return signingKeys.flatMap((key: unknown, index) => {
    const fault = typeof key === 'string' ? sourceKeyFault(key) : 'must be text'
    return fault === undefined ? [] : [{ field: `${field}[${index}]`, message: fault }]
  })
}
