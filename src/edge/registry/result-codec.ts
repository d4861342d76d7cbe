/** Results as bytes: Avro framed for a schema registry, or plain JSON where none is set. The only file that knows avsc. */
import { readFile } from 'node:fs/promises'
import avro from 'avsc'
import { asError, UserError } from '../../core/model/errors.ts'
import type { MonotonicMs } from '../../core/model/model.ts'
import { frameBytes } from '../../core/event/framed-value.ts'
import type { DeliveryResult } from '../../core/model/records.ts'
import type { Clock, ResultEncoder } from '../../ports.ts'
import {
  RegistryClient,
  type RegistrySettings,
  untilAnswered,
  type WaitForRegistry,
} from './client.ts'

/** An id that the registry does not have is asked for again after that: it may be registered by then. */
const refusedForMs = 30_000
const maxRefused = 1_000
/** Results have one schema and its former versions. */
const maxTypes = 100

const schemaUrl = new URL('../../../schemas/delivery-result.avsc', import.meta.url)

export const jsonResultEncoder: ResultEncoder<DeliveryResult> = {
  encode: (result) => Buffer.from(JSON.stringify(result)),
}

/** The subject of a topic's values, by the registry's own naming rule. */
export function subjectOf(topic: string): string {
  return `${topic}-value`
}

/**
 * An encoder that frames results with the registered schema's id. Waits for a registry that is away, and says so once
 * for each reason.
 *
 * @throws UserError when the registry answers that the schema is not registered, or refuses access
 */
export async function connectResultEncoder(options: {
  readonly settings: RegistrySettings
  readonly topic: string
  readonly clock: Clock
  readonly onWaiting: (message: string) => void
}): Promise<ResultEncoder<DeliveryResult>> {
  const { settings, topic, clock, onWaiting } = options
  const text = await readFile(schemaUrl, 'utf8')
  const client = new RegistryClient(settings)
  const subject = subjectOf(topic)
  let lastReason: string | undefined
  const answer = await untilAnswered(
    () => client.lookUp(subject, { type: 'AVRO', text }),
    (reason, waitMs) => {
      if (reason !== lastReason) onWaiting(reason)
      lastReason = reason
      return new Promise((resolve) => clock.after(waitMs, resolve))
    },
  )
  if (answer.kind === 'found') return framedEncoder(text, answer.value)
  throw new UserError(schemaUnknown(client, subject))
}

/** Why results could not be written, a sentence with what to do; `undefined` where the registry has their schema. */
export async function resultSchemaFault(
  settings: RegistrySettings,
  topic: string,
): Promise<string | undefined> {
  const client = new RegistryClient(settings)
  const subject = subjectOf(topic)
  const text = await readFile(schemaUrl, 'utf8')
  const answer = await client.lookUp(subject, { type: 'AVRO', text })
  if (answer.kind === 'found') return undefined
  return answer.kind === 'unavailable' ? answer.message : schemaUnknown(client, subject)
}

function schemaUnknown({ url }: RegistryClient, subject: string): string {
  return `The registry at ${url} does not know this version's schema under ${subject}: run "hooktide init".`
}

/** Confluent wire format: a zero byte, the schema id in four bytes, the Avro body. */
function framedEncoder(schema: string, id: number): ResultEncoder<DeliveryResult> {
  const type = typeOf(schema)
  const scratch = Buffer.alloc(32 * 1024)
  scratch.writeUInt32BE(id, 1)
  return {
    encode(result) {
      const end = type.encode(result, scratch, frameBytes)
      if (end >= 0) return Buffer.from(scratch.subarray(0, end))
      return Buffer.concat([scratch.subarray(0, frameBytes), type.toBuffer(result)])
    },
  }
}

/**
 * Reads results of either form. Fields that a former version did not write are null. A record that is neither gives an Error that says so.
 *
 * @param wait for a registry that is away; without it that is an error, too
 * @throws UserError when the registry is not set, refuses access, or is away and not waited for
 */
export function createResultReader(
  settings: RegistrySettings | undefined,
  wait: WaitForRegistry = waitForNone,
  now: () => MonotonicMs = () => performance.now(),
): (value: Buffer) => Promise<DeliveryResult> {
  const client = settings === undefined ? undefined : new RegistryClient(settings)
  const types = new Map<number, avro.Type>()
  const refused = new Map<number, { readonly error: Error; readonly until: MonotonicMs }>()
  return async (value) => {
    if (value[0] !== 0) return completed(JSON.parse(value.toString('utf8')))
    if (client === undefined) {
      throw new UserError(
        'A result is framed for a schema registry: set SCHEMA_REGISTRY_URL to read it.',
      )
    }
    if (value.length < frameBytes) throw new Error('it ends within its frame')
    const id = value.readUInt32BE(1)
    const known = refused.get(id)
    if (known !== undefined && now() < known.until) throw known.error
    const type = types.get(id) ?? (await askType(client, id, wait))
    if (type instanceof Error) {
      // Ids come from whoever may write: no more than the last ones are remembered.
      if (refused.size >= maxRefused) refused.clear()
      refused.set(id, { error: type, until: now() + refusedForMs })
      throw type
    }
    if (types.size >= maxTypes && !types.has(id)) types.clear()
    types.set(id, type)
    return completed(type.fromBuffer(value.subarray(frameBytes)))
  }
}

/** Fields that came after the first version, in which a record of it is complete. */
const laterFields = {
  userId: null,
  sourceKey: null,
  unmatchedHooks: null,
} satisfies Partial<DeliveryResult>

/** What is no object is left as it is: whoever reads it says that it is no result. */
function completed(value: unknown): DeliveryResult {
  const isRecord = typeof value === 'object' && value !== null
  // What is there keeps its order.
  return (isRecord ? { ...value, ...laterFields, ...value } : value) as DeliveryResult
}

/** @returns the error of an id that the registry does not have, or whose schema cannot be used */
async function askType(
  client: RegistryClient,
  id: number,
  wait: WaitForRegistry,
): Promise<avro.Type | Error> {
  const answer = await untilAnswered(() => client.schemaById(id), wait)
  if (answer.kind !== 'found') {
    return new Error(`the registry has no schema ${id} (${answer.message})`)
  }
  try {
    return typeOf(answer.value.text)
  } catch (error) {
    return asError(error)
  }
}

const waitForNone: WaitForRegistry = (reason) => Promise.reject(new UserError(reason))

function typeOf(schema: string): avro.Type {
  return avro.Type.forSchema(JSON.parse(schema) as avro.Schema)
}
