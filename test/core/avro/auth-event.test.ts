import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { compileAvro } from '../../../src/core/avro/avro.ts'
import { decodeEvent } from '../../../src/core/event/event.ts'
import { authEventAvro, encodeAuthEvent } from '../../support/avro-events.ts'
import { recordOf, samples } from '../../support/record-builders.ts'

type Json = Readonly<Record<string, unknown>>

const jsonSchema = JSON.parse(
  readFileSync(new URL('../../../schemas/auth-event.schema.json', import.meta.url), 'utf8'),
) as { readonly properties: Json; readonly definitions: Readonly<Record<string, Json>> }

interface AvroRecord {
  readonly name: string
  readonly fields: readonly { readonly name: string; readonly type: unknown }[]
}

/** All records of a schema, the outermost first. */
function recordsIn(part: unknown): readonly AvroRecord[] {
  if (Array.isArray(part)) return part.flatMap(recordsIn)
  if (typeof part !== 'object' || part === null) return []
  const inner = Object.values(part).flatMap(recordsIn)
  return 'fields' in part ? [part as AvroRecord, ...inner] : inner
}

const records = recordsIn(JSON.parse(authEventAvro))
const namesOf = (name: string) =>
  records.find((record) => record.name === name)?.fields.map((field) => field.name)

/** Without members that are null: Avro has no absent ones. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).flatMap(([name, member]: [string, unknown]) =>
    member === null ? [] : [[name, withoutNulls(member)] as const],
  )
  return Object.fromEntries(members)
}

describe('the Avro schema of events', () => {
  const compiled = compileAvro([authEventAvro])

  it('has every field of the JSON Schema, and no other', () => {
    const properties = Object.keys(jsonSchema.properties).filter((name) => name !== 'hookId')
    expect(namesOf('AuthEvent')?.toSorted()).toEqual(properties.toSorted())
  })

  it.each(['Application', 'User', 'AdaptiveMfaResult', 'AdaptiveMfaRule'])(
    'has every field of %s',
    (title) => {
      const definition = Object.values(jsonSchema.definitions).find((one) => one['title'] === title)
      expect(namesOf(title)).toEqual(Object.keys(definition?.['properties'] ?? {}))
    },
  )

  it('allows fields to be added and left out: all except event and createdAt may be null', () => {
    const needed = records.flatMap(({ name, fields }) =>
      fields
        .filter(({ type }) => !Array.isArray(type) || type[0] !== 'null')
        .map((field) => `${name}.${field.name}`),
    )
    expect(needed).toEqual(['AuthEvent.event', 'AuthEvent.createdAt'])
  })

  it.each(samples.map(({ name, payload }) => [name, payload] as const))(
    'gives %s back unchanged, apart from nulls',
    (_, { hookId: _id, ...event }) => {
      const rendered = compiled.kind === 'avro' ? compiled.render(encodeAuthEvent(event)) : compiled
      expect(rendered.kind).toBe('text')
      const text = rendered.kind === 'text' ? rendered.text : ''
      expect(withoutNulls(JSON.parse(text))).toEqual(withoutNulls(event))
      const decoded = decodeEvent(recordOf({ value: Buffer.from(text) }))
      expect(decoded).toMatchObject({ kind: 'event', event: { event: event['event'] } })
    },
  )
})
