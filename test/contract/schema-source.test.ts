import { randomBytes } from 'node:crypto'
import { compileAvro } from '../../src/core/avro/avro.ts'
import type { Schema } from '../../src/core/event/framed-value.ts'
import { RegistryClient } from '../../src/edge/registry/client.ts'
import { createSchemaSource } from '../../src/edge/registry/schema-source.ts'
import { systemClock } from '../../src/edge/system-clock.ts'
import { createMemorySchemas } from '../support/memory-schemas.ts'
import { surroundings } from '../support/sandbox.ts'
import { describeSchemaSource } from './schema-source-suite.ts'

const texts = {
  AVRO: '{"type":"record","name":"A","fields":[{"name":"a","type":"string"}]}',
  JSON: '{"$schema":"http://json-schema.org/draft-07/schema#","type":"object"}',
  PROTOBUF: 'syntax = "proto3"; message M { string a = 1; }',
} as const

const schemas: Readonly<Record<keyof typeof texts, Schema>> = {
  AVRO: compileAvro([texts.AVRO]),
  JSON: { kind: 'json' },
  PROTOBUF: { kind: 'unusable', message: 'it is Protobuf' },
}

describeSchemaSource('in memory', () => {
  const memory = createMemorySchemas()
  memory.answer(99, { kind: 'unknown' })
  let ids = 0
  return Promise.resolve({
    source: memory.source,
    register(type) {
      ids += 1
      memory.answer(ids, schemas[type])
      return Promise.resolve(ids)
    },
    unknownId: 99,
  })
})

describeSchemaSource('of a registry', () => {
  const { registryUrl } = surroundings()
  const registry = { url: registryUrl, username: undefined, password: undefined }
  const nothing = () => undefined
  return Promise.resolve({
    source: createSchemaSource({
      client: new RegistryClient(registry),
      clock: systemClock,
      onTrouble: nothing,
      onRecovered: nothing,
    }),
    async register(type) {
      const subject = `test-${randomBytes(6).toString('hex')}`
      const response = await fetch(`${registryUrl}/subjects/${subject}/versions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ schemaType: type, schema: texts[type] }),
      })
      const { id } = (await response.json()) as { readonly id: number }
      return id
    },
    unknownId: 2_000_000_000,
  })
})
