/** JSON schemas of what the API answers. Each field that may be missing in the data is nullable, none is left out. */
import { readFileSync } from 'node:fs'
import { isJsonObject } from '../../core/text/json-text.ts'
import type { Schema } from './route.ts'

export const text: Schema = { type: 'string' }
export const count: Schema = { type: 'integer', minimum: 0 }
export const time: Schema = { type: 'integer', description: 'Milliseconds since 1970.' }
const truth: Schema = { type: 'boolean' }

export function nullable(schema: Schema): Schema {
  return { anyOf: [schema, { type: 'null' }] }
}

export function listOf(items: Schema): Schema {
  return { type: 'array', items }
}

/** All members are there, and no others. */
export function object(
  properties: Readonly<Record<string, Schema>>,
  optional: readonly string[] = [],
): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name))
  return { type: 'object', required, properties, additionalProperties: false }
}

export function reference(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` }
}

/** Fields of a result, as the Avro schema of results has them. */
function resultFields(): Readonly<Record<string, Schema>> {
  const url = new URL('../../../schemas/delivery-result.avsc', import.meta.url)
  const schema: unknown = JSON.parse(readFileSync(url, 'utf8'))
  const fields = isJsonObject(schema) && Array.isArray(schema['fields']) ? schema['fields'] : []
  return Object.fromEntries(
    fields.filter(isJsonObject).map(({ name, type, doc }) => {
      const isNullable = Array.isArray(type)
      const avro: unknown = isNullable ? type[1] : type
      const one = jsonTypes.get(avro) ?? 'string'
      return [String(name), { type: isNullable ? [one, 'null'] : one, description: String(doc) }]
    }),
  )
}

const jsonTypes = new Map<unknown, string>([
  ['string', 'string'],
  ['int', 'integer'],
  ['long', 'integer'],
  ['double', 'number'],
  ['boolean', 'boolean'],
])

const searchable = { userId: nullable(text), sourceKey: nullable(text) }

const percentiles = object({
  p50: { type: 'number' },
  p95: { type: 'number' },
  p99: { type: 'number' },
})
const failures = listOf(object({ class: text, count }))
const counts = {
  calls: count,
  delivered: count,
  ended: { ...count, description: 'Runs that ended without a delivery.' },
}
const open = { retrying: count, deferred: count }
const durations = {
  total: nullable(reference('Percentiles')),
  first: nullable(reference('Percentiles')),
}
const event = {
  eventId: text,
  eventKey: text,
  tenantId: text,
  eventAt: time,
  ...searchable,
}

export const endpoint = object({
  state: text,
  reason: nullable(text),
  since: nullable(time),
  until: nullable(time),
  failures: count,
})

export const schemas: Readonly<Record<string, Schema>> = {
  Error: object({ code: text, message: text, data: {} }, ['data']),
  Percentiles: percentiles,
  Result: object({
    id: count,
    ...resultFields(),
    unmatchedHooks: nullable(listOf(object({ hookId: text, reason: text }))),
  }),
  Hook: object(
    {
      id: text,
      tenantId: nullable(text),
      name: text,
      event: nullable(text),
      events: listOf(text),
      config: { type: 'object', description: 'As it was written; secrets are "(hidden)".' },
      signingKey: { type: 'string', description: '"(hidden)", but where it was made just now.' },
      enabled: truth,
      createdAt: nullable({ type: 'number' }),
      executionStats: object({ requestCount: count, successCount: count }),
      delivery: nullable({ type: 'object' }),
      state: { type: 'string', enum: ['active', 'suspended'] },
      problems: listOf(object({ field: text, message: text })),
      isCaptured: truth,
      configVersion: text,
      endpoint,
    },
    ['executionStats'],
  ),
  Log: object({
    id: text,
    key: text,
    payload: object(
      {
        key: text,
        result: { type: 'string', enum: ['Success', 'Error'] },
        hookId: text,
        deliveryId: text,
        attempt: nullable(count),
        response: object({ statusCode: count, body: {} }),
        error: text,
      },
      ['response', 'error'],
    ),
    createdAt: time,
  }),
  Statistics: object({ name: text, ...counts, ...open, ...durations, failures }),
  TrafficPoint: object({ at: time, ...counts, ...durations }),
  Letter: object({
    topic: text,
    partition: count,
    offset: count,
    diedAt: time,
    deliveryId: text,
    hookId: text,
    tenantId: text,
    eventId: text,
    eventKey: text,
    reason: text,
    statusCode: nullable(count),
    attempts: count,
    bytes: count,
  }),
  Event: object({ id: count, ...event, deliveries: listOf(reference('Result')) }),
  Explanation: object({
    event: reference('Event'),
    record: {
      ...nullable(text),
      description: "The event's record, `<topic>/<partition>/<offset>`; null if it is not kept.",
    },
    notCalled: nullable(
      listOf(object({ hookId: text, why: text, words: text, isChangedSince: truth })),
    ),
  }),
  Delivery: object({
    deliveryId: text,
    hookId: text,
    ...event,
    runs: listOf(
      object({
        run: text,
        trigger: text,
        outcome: text,
        final: truth,
        nextDueAt: nullable(time),
        results: listOf(reference('Result')),
      }),
    ),
    letters: listOf(reference('Letter')),
  }),
  Request: object({
    url: nullable(text),
    headers: { type: 'object', additionalProperties: text },
    body: text,
  }),
  WaitingPlace: object({ run: text, attempt: count, dueAt: time, place: text }),
  Replay: object({
    dryRun: truth,
    requests: count,
    byHook: listOf(object({ hookId: text, tenantId: nullable(text), deliveries: count })),
    leftOut: { type: 'object', additionalProperties: count },
    notes: listOf(text),
  }),
  Status: object({
    version: text,
    hasActions: truth,
    windowMs: count,
    results: count,
    newestAt: nullable(time),
    unreadable: count,
    readings: listOf(object({ topic: text, behind: nullable(count), trouble: nullable(text) })),
    now: time,
  }),
}
