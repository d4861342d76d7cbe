/** Where webhooks come in: a path, whose events they are, and the keys that sign them. */
import { signingKeyFault } from '../hook/signature.ts'
import { isTenantId, tenantIdForm } from '../model/identity.ts'
import { defaultTenant, type FieldProblem, type TenantId } from '../model/model.ts'
import { isJsonObject, parseJson, type JsonObject } from '../text/json-text.ts'
import { isPlainWords } from '../text/plain-words.ts'

/** One webhook of Logto's, or several that share a path: the new and the old one while a key is replaced. */
export interface Source {
  /** As the request line has it, without a query. */
  readonly path: string
  readonly tenantId: TenantId
  readonly topic: string
  /** A webhook is taken when one of them signed it. At least one. */
  readonly signingKeys: readonly string[]
}

/** A source as its file has it. */
export interface SourceEntry {
  readonly path: string
  readonly tenantId: TenantId
  /** `undefined`: the only event topic there is. */
  readonly topic: string | undefined
  /** Either of the two. */
  readonly signingKeys: readonly string[]
  readonly signingKeysFile: string | undefined
}

export type ReadSources =
  | { readonly kind: 'sources'; readonly entries: readonly SourceEntry[] }
  | { readonly kind: 'problems'; readonly problems: readonly FieldProblem[] }

/** More paths than an operator keeps by hand, and few enough for a label of metrics. */
const maxSources = 200
export const maxSigningKeys = 10
/** Logto's keys have 32 characters. One that can be guessed lets anybody send events to every customer. */
const leastKeyLength = 16
const pathForm = /^\/[\w.~/-]{0,199}$/
const topicForm = /^[\w.-]{1,249}$/

export function isSourcePath(path: string): boolean {
  return pathForm.test(path)
}

/** What {@link isSourcePath} asks for. */
export const sourcePathForm = 'a path such as /logto: "/", letters, digits, "-", ".", "_" and "~"'

/** Why a key cannot be used to check signatures, as the end of a sentence; `undefined` when it can. Shows nothing of it. */
export function sourceKeyFault(key: string): string | undefined {
  if (key.length < leastKeyLength) {
    return `has ${key.length} characters, fewer than ${leastKeyLength}: copy the signing key from Logto's console`
  }
  return signingKeyFault(key)
}

/** The keys of a text, apart by commas or line breaks; none is a list too. */
export function splitKeys(text: string): readonly string[] {
  return text
    .split(/[,\n]/)
    .map((key) => key.trim())
    .filter((key) => key !== '')
}

/** Reads the file of sources: a list of objects. Says everything that is wrong with it, and nothing of its secrets. */
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
        message: 'is the path of another one: one has all of its keys',
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

/** What has another type is told of by {@link problemsOf}. */
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

/** What a member must be, and whether a value of it is that. `path` alone has to be there. */
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
    // It may be a secret that stands in the wrong place.
    isPlainWords(name)
      ? { field: `.${name}`, message: `is not known: there are ${members.join(', ')}` }
      : { field: '', message: `has a member that is not known: there are ${members.join(', ')}` },
  )
}

function keyProblems({ signingKeys, signingKeysFile }: JsonObject): readonly FieldProblem[] {
  const field = '.signingKeys'
  if (signingKeys === undefined && signingKeysFile === undefined) {
    return [{ field, message: 'is missing, and so is signingKeysFile: one of them is needed' }]
  }
  if (signingKeys === undefined) return []
  if (signingKeysFile !== undefined) {
    return [{ field, message: 'is there, and so is signingKeysFile: leave one of them out' }]
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
