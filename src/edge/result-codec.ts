/**
 * Results as bytes: Avro framed for a schema registry, or plain JSON where none is set. The only file that knows the
 * registry's client.
 *
 * The client reports an unreachable registry as status 400 and never times out by itself, so every call here has a
 * deadline, and only what the registry itself answers counts as its answer.
 */
import { readFile } from 'node:fs/promises'
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import avro from 'avsc'
import { asError, UserError } from '../core/errors.ts'
import type { DeliveryResult } from '../core/records.ts'
import type { Clock, ResultEncoder } from '../ports.ts'

export interface RegistrySettings {
  readonly url: string
  readonly username: string | undefined
  readonly password: string | undefined
}

const schemaUrl = new URL('../../schemas/delivery-result.avsc', import.meta.url)
const frameBytes = 5
const callTimeoutMs = 5_000
const retryMs = 1_000

export const jsonResultEncoder: ResultEncoder<DeliveryResult> = {
  encode: (result) => Buffer.from(JSON.stringify(result)),
}

/** The subject of a topic's values, by the registry's own naming rule. */
export function subjectOf(topic: string): string {
  return `${topic}-value`
}

/** Registers the result schema and returns its id. @throws UserError when it is refused or the registry is not there */
export async function registerResultSchema(
  settings: RegistrySettings,
  topic: string,
): Promise<number> {
  const schema = await readFile(schemaUrl, 'utf8')
  const subject = subjectOf(topic)
  try {
    const registered = await withDeadline(
      clientOf(settings).register({ type: SchemaType.AVRO, schema }, { subject }),
    )
    return registered.id
  } catch (error) {
    throw explain(settings, subject, error)
  }
}

/**
 * An encoder that frames results with the registered schema's id. Waits for a registry that is away.
 *
 * @throws UserError when the registry answers that the schema is not registered
 */
export async function connectResultEncoder(options: {
  readonly settings: RegistrySettings
  readonly topic: string
  readonly clock: Clock
  readonly onWaiting: (message: string) => void
}): Promise<ResultEncoder<DeliveryResult>> {
  const { settings, topic, clock, onWaiting } = options
  const schema = await readFile(schemaUrl, 'utf8')
  const subject = subjectOf(topic)
  for (;;) {
    try {
      const client = clientOf(settings)
      const id = await withDeadline(
        client.getRegistryIdBySchema(subject, { type: SchemaType.AVRO, schema }),
      )
      return framedEncoder(schema, id)
    } catch (error) {
      if (isAnswer(error)) throw explain(settings, subject, error)
      onWaiting(explain(settings, subject, error).message)
      await new Promise<void>((resolve) => clock.after(retryMs, resolve))
    }
  }
}

/** Confluent wire format: a zero byte, the schema id in four bytes, the Avro body. */
function framedEncoder(schema: string, id: number): ResultEncoder<DeliveryResult> {
  const type = avro.Type.forSchema(JSON.parse(schema) as avro.Schema)
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

/** Reads results of either form. A record that is neither gives an Error that says so. */
export function createResultReader(
  settings: RegistrySettings | undefined,
): (value: Buffer) => Promise<DeliveryResult> {
  const client = settings === undefined ? undefined : clientOf(settings)
  return async (value) => {
    if (value[0] !== 0) return JSON.parse(value.toString('utf8')) as DeliveryResult
    if (client === undefined) {
      throw new UserError(
        'A result is framed for a schema registry: set SCHEMA_REGISTRY_URL to read it.',
      )
    }
    return (await withDeadline(client.decode(value))) as DeliveryResult
  }
}

function clientOf({ url, username, password }: RegistrySettings): SchemaRegistry {
  const auth = username === undefined ? {} : { auth: { username, password: password ?? '' } }
  return new SchemaRegistry({ host: url, retry: { retries: 1 }, ...auth })
}

async function withDeadline<Value>(call: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`no answer within ${callTimeoutMs / 1_000} s`)),
      callTimeoutMs,
    )
  })
  try {
    return await Promise.race([call, deadline])
  } finally {
    clearTimeout(timer)
  }
}

/** Whether the registry itself said no: 401, 403, 404, 409 and 422 are its words, everything else may pass. */
function isAnswer(error: unknown): boolean {
  return [401, 403, 404, 409, 422].includes(statusOf(error) ?? 0)
}

/**
 * The registry's status. The client throws away the one of a schema that is not there, and of a compatibility setting
 * that differs: only the name of the error tells them.
 */
function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined
  if (error.name === 'ConfluentSchemaRegistryError') return 404
  if (error.name === 'ConfluentSchemaRegistryCompatibilityError') return 409
  const status: unknown = 'status' in error ? error.status : undefined
  return typeof status === 'number' ? status : undefined
}

function explain(settings: RegistrySettings, subject: string, error: unknown): UserError {
  const url = settings.url.replace(/\/\/[^/@]*@/, '//')
  const status = statusOf(error)
  if (status === 404) {
    return new UserError(
      `The registry at ${url} does not know this version's schema under ${subject}: run "hooktide init".`,
    )
  }
  if (status === 409) {
    return new UserError(
      `The registry at ${url} refuses this version's schema under ${subject} as incompatible with the one there: ${asError(error).message}`,
    )
  }
  if (status === 401 || status === 403) {
    return new UserError(
      `The registry at ${url} refuses access: check SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD.`,
    )
  }
  return new UserError(
    `The registry at ${url} cannot be reached (${asError(error).message}): check SCHEMA_REGISTRY_URL and that it runs.`,
  )
}
