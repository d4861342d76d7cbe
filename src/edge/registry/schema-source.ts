/**
 * The `SchemaSource` port on a registry. An id is, at any time:
 * - *unasked*: `find` begins to ask for it.
 * - *asked for*: tries follow one another, further apart while the registry is away, for as long as somebody waits.
 * - *kept*: what it stands for never changes, so it is asked for once, unless a thousand others came after it.
 * - *refused*: the registry has it not, or what it has cannot be used. That may change: it is forgotten after a while.
 *
 * Ids come from whoever may write to a topic. What is remembered of them is bounded, and those that nobody registered
 * cost a request each at most, not the patience that a schema registered a moment ago deserves.
 */
import { compileAvro } from '../../core/avro/avro.ts'
import { UserError } from '../../core/model/errors.ts'
import type { FindSchema, Schema } from '../../core/event/framed-value.ts'
import type { MonotonicMs } from '../../core/model/model.ts'
import type { Clock, SchemaSource } from '../../ports.ts'
import {
  askAgainMs,
  RegistryClient,
  type RegistryAnswer,
  type RegistrySettings,
  type SchemaReference,
} from './client.ts'

const maxKept = 1_000
const maxRefused = 1_000
const refusedForMs = 30_000
/** A registry of several nodes may not know everywhere yet what it took a moment ago. */
const triesBeforeUnknown = 3
const tryAgainMs = 150
/** So many refused ids are no new schemas: each further one is believed to be unknown at once. */
const patientRefusals = 16
/** Schemas that one schema is made of. */
const maxReferences = 100

export interface SchemaSourceOptions {
  readonly client: Pick<RegistryClient, 'schemaById' | 'version' | 'stop'>
  readonly clock: Clock
  /** Schemas that are waited for do not come: once for each reason, not for each try. */
  readonly onTrouble: (message: string) => void
  /** They come again. */
  readonly onRecovered: () => void
}

export function createSchemaSource(options: SchemaSourceOptions): SchemaSource {
  return new RegistrySchemaSource(options)
}

/** Stands where no registry is set. @param onAsked called with the first framed value */
export function createAbsentRegistry(onAsked: () => void): SchemaSource {
  const schema: Schema = { kind: 'no-registry' }
  let isAsked = false
  return {
    find() {
      if (!isAsked) onAsked()
      isAsked = true
      return schema
    },
    onAgain: () => undefined,
    trouble: () => undefined,
    stop: () => undefined,
  }
}

interface Asking {
  /** Somebody called `find` since the last try. */
  isWanted: boolean
  trouble: string | undefined
}

class RegistrySchemaSource implements SchemaSource {
  readonly #options: SchemaSourceOptions
  readonly #kept = new Map<number, Schema>()
  readonly #refused = new Map<number, { readonly schema: Schema; readonly until: MonotonicMs }>()
  readonly #asking = new Map<number, Asking>()
  readonly #listeners: (() => void)[] = []
  #lastTrouble: string | undefined
  #isStopped = false

  constructor(options: SchemaSourceOptions) {
    this.#options = options
  }

  find(id: number): Schema | undefined {
    const kept = this.#kept.get(id)
    if (kept !== undefined) return kept
    const refused = this.#refused.get(id)
    if (refused !== undefined && this.#options.clock.monotonic() < refused.until) {
      return refused.schema
    }
    const asking = this.#asking.get(id)
    if (asking !== undefined) asking.isWanted = true
    else if (!this.#isStopped) void this.#ask(id)
    return undefined
  }

  onAgain(again: () => void): void {
    this.#listeners.push(again)
  }

  trouble(): string | undefined {
    return this.#lastTrouble
  }

  stop(): void {
    this.#isStopped = true
    this.#options.client.stop()
  }

  /** Ends with an answer, with `stop`, or when nobody waits for it any more. */
  async #ask(id: number): Promise<void> {
    const asking: Asking = { isWanted: true, trouble: undefined }
    this.#asking.set(id, asking)
    let misses = 0
    let failures = 0
    while (asking.isWanted) {
      const answer = await loadSchema(this.#options.client, id)
      if (this.#isStopped) return
      if (answer.kind === 'unavailable' || answer.kind === 'refused') {
        failures += 1
        asking.trouble = answer.message
      } else {
        misses += 1
        failures = 0
        asking.trouble = undefined
      }
      this.#updateTrouble()
      const schema = answer.kind === 'found' ? answer.value : unknown
      if (failures === 0 && (schema !== unknown || misses >= this.#tries())) {
        this.#remember(id, schema)
        this.#asking.delete(id)
        this.#again()
        return
      }
      // Heads that still wait say so now; those whose partition is gone do not.
      asking.isWanted = false
      this.#again()
      await this.#soon()
      if (asking.isWanted) await this.#wait(failures > 0 ? askAgainMs(failures) : tryAgainMs)
    }
    this.#asking.delete(id)
    this.#updateTrouble()
  }

  #tries(): number {
    return this.#refused.size > patientRefusals ? 1 : triesBeforeUnknown
  }

  #remember(id: number, schema: Schema): void {
    if (isForGood(schema)) {
      this.#kept.set(id, schema)
      dropOldest(this.#kept, maxKept)
      return
    }
    const now = this.#options.clock.monotonic()
    for (const [old, { until }] of this.#refused) if (until <= now) this.#refused.delete(old)
    this.#refused.set(id, { schema, until: now + refusedForMs })
    dropOldest(this.#refused, maxRefused)
  }

  #again(): void {
    for (const again of this.#listeners) again()
  }

  /** Listeners may call `find` in what they let run soon. That runs before this resolves. */
  #soon(): Promise<void> {
    return new Promise((resolve) => this.#options.clock.soon(resolve))
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.clock.after(ms, resolve))
  }

  #updateTrouble(): void {
    const [current] = [...this.#asking.values()].flatMap(({ trouble }) => trouble ?? [])
    if (current === this.#lastTrouble) return
    this.#lastTrouble = current
    if (current === undefined) this.#options.onRecovered()
    else this.#options.onTrouble(current)
  }
}

const unknown: Schema = { kind: 'unknown' }

/** An id never gets another schema. But an unknown one may be registered later, and an unusable schema may refer to it. */
function isForGood({ kind }: Schema): boolean {
  return kind === 'json' || kind === 'avro'
}

function dropOldest(map: Map<number, unknown>, max: number): void {
  for (const id of map.keys()) {
    if (map.size <= max) return
    map.delete(id)
  }
}

/** Schemas for commands, which ask once and say at once when there is no answer. */
export interface SchemaReader {
  readonly find: FindSchema
  /** Makes `find` know the id. @throws UserError when the registry cannot be asked */
  ask(id: number): Promise<void>
}

export function createSchemaReader(
  settings: RegistrySettings | undefined,
  now: () => MonotonicMs = () => performance.now(),
): SchemaReader {
  // A monitor reads for as long as it runs, and ids come from whoever may write: the last ones are remembered.
  const known = new Map<number, { readonly schema: Schema; readonly until: MonotonicMs }>()
  if (settings === undefined) {
    return { find: () => ({ kind: 'no-registry' }), ask: () => Promise.resolve() }
  }
  const client = new RegistryClient(settings)
  return {
    find(id) {
      const found = known.get(id)
      return found !== undefined && now() < found.until ? found.schema : undefined
    },
    async ask(id) {
      const answer = await loadSchema(client, id)
      if (answer.kind === 'unavailable' || answer.kind === 'refused') {
        throw new UserError(answer.message)
      }
      const schema = answer.kind === 'found' ? answer.value : unknown
      known.delete(id)
      known.set(id, { schema, until: isForGood(schema) ? Infinity : now() + refusedForMs })
      dropOldest(known, maxKept)
    },
  }
}

type LoadingClient = Pick<RegistryClient, 'schemaById' | 'version'>

async function loadSchema(client: LoadingClient, id: number): Promise<RegistryAnswer<Schema>> {
  const answer = await client.schemaById(id)
  if (answer.kind !== 'found') return answer
  const { type, text, references } = answer.value
  if (type === 'JSON') return { kind: 'found', value: { kind: 'json' } }
  if (type !== 'AVRO') return unusable(`its type is ${type}, and only AVRO and JSON can be read`)
  const texts: string[] = []
  const failure = await loadReferences(client, references, texts)
  return failure ?? { kind: 'found', value: compileAvro([...texts, text]) }
}

/** Fills `texts`, each after those that it refers to itself. @param seen those that were asked for */
async function loadReferences(
  client: LoadingClient,
  references: readonly SchemaReference[],
  texts: string[],
  seen = new Set<string>(),
): Promise<RegistryAnswer<Schema> | undefined> {
  for (const reference of references) {
    const name = `version ${reference.version} of ${reference.subject}`
    if (seen.has(name)) continue
    if (seen.size === maxReferences)
      return unusable(`it refers to more than ${maxReferences} schemas`)
    seen.add(name)
    const answer = await client.version(reference)
    if (answer.kind === 'missing') return unusable(`it refers to ${name}, which is not there`)
    if (answer.kind !== 'found') return answer
    const failure = await loadReferences(client, answer.value.references, texts, seen)
    if (failure !== undefined) return failure
    texts.push(answer.value.text)
  }
  return undefined
}

function unusable(message: string): RegistryAnswer<Schema> {
  return { kind: 'found', value: { kind: 'unusable', message } }
}
