/**
 * A schema registry, asked by the API client of KafkaJS's registry library. The only file that knows it.
 *
 * Of the library only that client is used. What stands above it reports a registry that is down as its answer 400, drops
 * the registry's own code with the answer, never gives up a call, and compiles whatever schema it meets. Here every call
 * has a deadline, and only what a registry says in its own words counts as its answer: a 404 of a proxy or of a wrong
 * path is none.
 */
import { createRequire } from 'node:module'
import type apiModule from '@kafkajs/confluent-schema-registry/dist/api/index.js'
import { asError, UserError } from '../../core/model/errors.ts'
import { hiddenMark } from '../../core/text/hidden-text.ts'
import { isJsonObject, parseJson, type JsonObject } from '../../core/text/json.ts'

type CreateApi = typeof apiModule.default
type ApiSettings = Parameters<CreateApi>[0]
type Api = ReturnType<CreateApi>

const folder = '@kafkajs/confluent-schema-registry/dist/api'
const requireFrom = createRequire(import.meta.url)
const library = requireFrom(folder) as { readonly default: CreateApi }
const errors = requireFrom(`${folder}/middleware/errorMiddleware`) as { default: Middleware }

type Middleware = NonNullable<ApiSettings['middlewares']>[number]

/** Every request carries the query of the registry's URL: some ask for a key there. Of a name that is twice, the last. */
function withQuery(query: URLSearchParams): Middleware {
  const given = Object.fromEntries(query)
  return () => ({
    prepareRequest: (next) =>
      next().then((request) => request.enhance({ params: { ...given, ...request.params() } })),
  })
}

/** Stands where the library has one that keeps neither a registry's code nor what a failed call met. */
const failuresAsTheyAre: Middleware = () => ({
  response: (next) => next().catch((failed: Awaited<ReturnType<typeof next>>) => failed),
})

function createApi(settings: ApiSettings): Api {
  const replaced = errors.default
  errors.default = failuresAsTheyAre
  try {
    return library.default(settings)
  } finally {
    errors.default = replaced
  }
}

export interface RegistrySettings {
  readonly url: string
  readonly username: string | undefined
  readonly password: string | undefined
}

export type RegistryAnswer<Value> =
  | { readonly kind: 'found'; readonly value: Value }
  /** The registry has no such subject, version, schema or id. */
  | { readonly kind: 'missing'; readonly message: string }
  /** The registry does not take the schema; `message` is what it said. */
  | { readonly kind: 'refused'; readonly message: string; readonly isIncompatible: boolean }
  /** No answer that counts: it may come later. `message` is a sentence with what to look at. */
  | { readonly kind: 'unavailable'; readonly message: string; readonly isDenied: boolean }

export type SchemaType = 'AVRO' | 'JSON'

export interface SchemaText {
  readonly type: SchemaType
  readonly text: string
}

export interface RegisteredSchema {
  /** `AVRO`, `JSON`, or whatever else the registry knows. */
  readonly type: string
  readonly text: string
  readonly references: readonly SchemaReference[]
}

export interface SchemaReference {
  readonly subject: string
  readonly version: number
}

const callTimeoutMs = 5_000
/** A registry's messages can hold whole schemas. */
const maxMessageLength = 500
/** Codes of a registry's own 404s: no such subject, no such version, no such schema. */
const missingCodes: readonly unknown[] = [40_401, 40_402, 40_403]

export class RegistryClient {
  /** The registry's address, without credentials and query. */
  readonly url: string
  readonly #api: Api
  readonly #stop = new AbortController()
  readonly #timeoutMs: number
  /** What a registry, or a proxy before it, may quote of a request. */
  readonly #secrets: readonly string[]

  /**
   * @param timeoutMs from a question to the end of its answer
   * @throws {UserError} when the credentials in the URL cannot be read
   */
  constructor({ url, username, password }: RegistrySettings, timeoutMs = callTimeoutMs) {
    this.#timeoutMs = timeoutMs
    const base = new URL(url)
    const auth =
      username === undefined
        ? credentialsOf(base)
        : { auth: { username, password: password ?? '' } }
    this.url = `${base.protocol}//${base.host}${base.pathname}`.replace(/\/+$/, '')
    this.#secrets = [auth.auth?.password, ...base.searchParams.values()].filter(isTelling)
    this.#api = createApi({
      host: this.url,
      clientId: 'hooktide',
      ...auth,
      ...(base.search === '' ? {} : { middlewares: [withQuery(base.searchParams)] }),
      // Whoever waits knows how long: see `askAgainMs`.
      retry: { retries: 0 },
    })
  }

  async schemaById(id: number): Promise<RegistryAnswer<RegisteredSchema>> {
    return this.#read(await this.#call('Schema', 'find', { id }), registeredSchema)
  }

  /** Deleted ones too: what was written with them is still to be read. */
  async version(reference: SchemaReference): Promise<RegistryAnswer<RegisteredSchema>> {
    const asked = { ...reference, deleted: true }
    return this.#read(await this.#call('Subject', 'version', asked), registeredSchema)
  }

  /** The id of a schema that is registered under the subject. */
  async lookUp(subject: string, schema: SchemaText): Promise<RegistryAnswer<number>> {
    const body = bodyOf(schema)
    return this.#read(await this.#call('Subject', 'registered', { subject, body }), idOf)
  }

  /**
   * Why the newest schema of the subject and this one cannot stand side by side, by the subject's own rule, in the registry's
   * words; `undefined` where they can, or where the subject has none.
   */
  async conflict(subject: string, schema: SchemaText): Promise<RegistryAnswer<string | undefined>> {
    const asked = { subject, version: 'latest', verbose: true, body: bodyOf(schema) }
    const answer = await this.#call('Subject', 'compatible', asked)
    if (answer.kind === 'missing') return { kind: 'found', value: undefined }
    const read = this.#read(answer, compatibilityAnswer)
    if (read.kind !== 'found') return read
    const { isCompatible, messages } = read.value
    const message = this.#shown(messages.join('; ')) || 'it does not say why'
    return { kind: 'found', value: isCompatible ? undefined : message }
  }

  /**
   * Registers the schema under the subject, or finds that it is. A new subject of a registry that checks nothing by
   * itself is told to take only versions that can read what was written before.
   */
  async register(subject: string, schema: SchemaText): Promise<RegistryAnswer<number>> {
    const before = await this.#call('Subject', 'latestVersion', { subject })
    const body = bodyOf(schema)
    const registered = this.#read(await this.#call('Subject', 'register', { subject, body }), idOf)
    if (registered.kind !== 'found' || before.kind !== 'missing') return registered
    const config = await this.#call('Subject', 'config', { subject, defaultToGlobal: true })
    if (config.kind === 'found' && compatibilityOf(config.value) !== 'NONE') return registered
    const guarded = await this.#call('Subject', 'updateConfig', {
      subject,
      body: { compatibility: 'BACKWARD' },
    })
    return guarded.kind === 'found' ? registered : guarded
  }

  /** Gives up all calls. */
  stop(): void {
    this.#stop.abort()
  }

  #read<Value>(
    answer: RegistryAnswer<unknown>,
    read: (value: JsonObject) => Value | undefined,
  ): RegistryAnswer<Value> {
    if (answer.kind !== 'found') return answer
    const value = isJsonObject(answer.value) ? read(answer.value) : undefined
    return value === undefined
      ? this.#unavailable('answers what no registry does')
      : { kind: 'found', value }
  }

  async #call<Resource extends 'Schema' | 'Subject'>(
    resource: Resource,
    method: keyof Api[Resource],
    parameters: Readonly<Record<string, unknown>>,
  ): Promise<RegistryAnswer<unknown>> {
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(this.#timeoutMs)])
    try {
      // The client does not tell of an answer that is cut off by the signal.
      const call = this.#api[resource][method]({ ...parameters, signal })
      const response = await Promise.race([call, rejectionOf(signal)])
      const failure: unknown = response.error()
      if (failure !== null) throw asError(failure)
      return this.#judge(response.status(), parseJson(response.rawData() ?? ''))
    } catch (error) {
      return this.#unavailable(
        `cannot be reached (${this.#reasonOf(signal.reason ?? error)})`,
        'and that it runs',
      )
    }
  }

  #judge(status: number, content: unknown): RegistryAnswer<unknown> {
    const { error_code: code, message: text } = isJsonObject(content) ? content : {}
    const message = this.#shown(typeof text === 'string' ? text : `status ${status}`)
    if (status >= 200 && status < 300) return { kind: 'found', value: content }
    if (status === 404 && missingCodes.includes(code)) return { kind: 'missing', message }
    if (status === 409 || status === 422) {
      return { kind: 'refused', message, isIncompatible: status === 409 }
    }
    if (status === 401 || status === 403) return this.#denied()
    return status === 404
      ? this.#unavailable(
          'has no such page (status 404)',
          "and that it ends in the interface's path",
        )
      : this.#unavailable(`answers with status ${status}`, 'and its logs')
  }

  /** What a registry said, as it may be shown. */
  #shown(text: string): string {
    return this.#withoutSecrets(text).replace(/\s+/g, ' ').slice(0, maxMessageLength)
  }

  #withoutSecrets(text: string): string {
    const forms = this.#secrets.flatMap((secret) => [secret, encodeURIComponent(secret)])
    return forms.reduce((shown, form) => shown.replaceAll(form, hiddenMark), text)
  }

  #reasonOf(thrown: unknown): string {
    const error = asError(thrown)
    if (error.name === 'TimeoutError') return `no answer within ${this.#timeoutMs / 1_000} s`
    const code: unknown = 'code' in error ? error.code : undefined
    return typeof code === 'string' ? code : this.#withoutSecrets(error.message)
  }

  #unavailable(what: string, look = ''): RegistryAnswer<never> {
    const advice = look === '' ? '' : `, ${look}`
    const message = `The registry at ${this.url} ${what}: check SCHEMA_REGISTRY_URL${advice}.`
    return { kind: 'unavailable', message, isDenied: false }
  }

  #denied(): RegistryAnswer<never> {
    const message = `The registry at ${this.url} refuses access: check SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD.`
    return { kind: 'unavailable', message, isDenied: true }
  }
}

/** Whether it says something that a value of a letter or two would not, such as the `1` of `?verbose=1`. */
function isTelling(secret: string | undefined): secret is string {
  return secret !== undefined && secret.length > 3
}

/** Waits before a registry that is away is asked again; throws when nobody waits any more. */
export type WaitForRegistry = (reason: string, waitMs: number) => Promise<void>

/**
 * Asks until the registry answers.
 *
 * @throws UserError when it refuses access; what `wait` throws
 */
export async function untilAnswered<Value>(
  ask: () => Promise<RegistryAnswer<Value>>,
  wait: WaitForRegistry,
): Promise<Exclude<RegistryAnswer<Value>, { readonly kind: 'unavailable' }>> {
  for (let failures = 1; ; failures += 1) {
    const answer = await ask()
    if (answer.kind !== 'unavailable') return answer
    if (answer.isDenied) throw new UserError(answer.message)
    await wait(answer.message, askAgainMs(failures))
  }
}

/** How long to wait before a registry that did not answer is asked again. @param failures in a row, from 1 */
export function askAgainMs(failures: number): number {
  return Math.min(30_000, 500 * 2 ** Math.min(failures - 1, 10))
}

function credentialsOf({ username, password }: URL): Partial<Pick<ApiSettings, 'auth'>> {
  if (username === '') return {}
  try {
    return {
      auth: { username: decodeURIComponent(username), password: decodeURIComponent(password) },
    }
  } catch {
    throw new UserError(
      'SCHEMA_REGISTRY_URL: its credentials are not percent-encoded properly: ' +
        'use SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD',
      2,
    )
  }
}

function rejectionOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(asError(signal.reason)), { once: true })
  })
}

/** Avro is what a registry takes a schema without a type for, and some take it only so. */
function bodyOf({ type, text }: SchemaText): Readonly<Record<string, unknown>> {
  return type === 'AVRO' ? { schema: text } : { schemaType: type, schema: text }
}

function registeredSchema({
  schema,
  schemaType = 'AVRO',
  references = [],
}: JsonObject): RegisteredSchema | undefined {
  if (typeof schema !== 'string' || typeof schemaType !== 'string') return undefined
  if (!Array.isArray(references)) return undefined
  const read = references.flatMap((reference: unknown) => {
    if (!isJsonObject(reference)) return []
    const { subject, version } = reference
    return typeof subject === 'string' && typeof version === 'number' ? [{ subject, version }] : []
  })
  return { type: schemaType, text: schema, references: read }
}

function idOf({ id }: JsonObject): number | undefined {
  return typeof id === 'number' ? id : undefined
}

interface CompatibilityAnswer {
  readonly isCompatible: boolean
  readonly messages: readonly string[]
}

/** Confluent's says why in `messages`, Apicurio's in `reason`. */
function compatibilityAnswer({
  is_compatible: isCompatible,
  messages,
  reason,
}: JsonObject): CompatibilityAnswer | undefined {
  if (typeof isCompatible !== 'boolean') return undefined
  const said: readonly unknown[] = Array.isArray(messages) ? messages : [reason]
  const texts = said.filter((text) => typeof text === 'string')
  return { isCompatible, messages: texts }
}

function compatibilityOf(content: unknown): unknown {
  return isJsonObject(content) ? content['compatibilityLevel'] : undefined
}
