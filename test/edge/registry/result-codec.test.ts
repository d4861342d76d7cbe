import { readFileSync } from 'node:fs'
import avro from 'avsc'
import { describe, expect, it } from 'vitest'
import type { DeliveryResult } from '../../../src/core/model/records.ts'
import { endingOf, resultOf } from '../../../src/core/run/result.ts'
import { createResultReader, jsonResultEncoder } from '../../../src/edge/registry/result-codec.ts'
import { eventOf, runOf } from '../../support/model-builders.ts'
import { schemaNotFound, startRegistry } from '../../support/scripted-registry.ts'

const typeIn = (path: string): avro.types.RecordType => {
  const text = readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
  return avro.Type.forSchema(JSON.parse(text) as avro.Schema) as avro.types.RecordType
}
const present = typeIn('schemas/delivery-result.avsc')
const former = typeIn('test/former-schemas/delivery-result.avsc')

const verdict = { kind: 'delivered' } as const
const result: DeliveryResult = resultOf(
  {
    run: runOf({ event: eventOf({ userId: 'u-1', sourceKey: 'k-1' }) }),
    verdict,
    configVersion: '0-0',
    source: { topic: 'auth.events', partition: 0, offset: 7 },
    instance: 'one',
    at: 1,
    attempt: undefined,
  },
  endingOf(verdict, undefined),
)
const isFormer = (name: string) => former.field(name) !== undefined
const formerResult = Object.fromEntries(Object.entries(result).filter(([name]) => isFormer(name)))
/** The fields that a former version did not have. */
const later = Object.fromEntries(
  Object.keys(result).flatMap((name) => (isFormer(name) ? [] : [[name, null]])),
)

describe('results of a former version', () => {
  it('are read with the present schema, in which later fields are null', () => {
    const bytes = former.toBuffer(formerResult)
    const read: unknown = present.fromBuffer(bytes, present.createResolver(former))
    expect({ ...(read as object) }).toEqual({ ...result, ...later })
  })

  it('are read as JSON with every field of the present version', async () => {
    const bytes = Buffer.from(JSON.stringify(formerResult))
    expect(await createResultReader(undefined)(bytes)).toEqual({ ...result, ...later })
  })
})

describe('results of this version', () => {
  it('are read by a former one with its own schema', () => {
    const bytes = present.toBuffer(result)
    const read: unknown = former.fromBuffer(bytes, former.createResolver(present))
    expect({ ...(read as object) }).toEqual(formerResult)
  })

  it('have the hooks that an event did not go to, which a former reader leaves out', () => {
    const hooks = [{ hookId: 'a', reason: 'filter-false' }]
    const bytes = present.toBuffer({ ...result, unmatchedHooks: hooks })
    const read = present.fromBuffer(bytes) as DeliveryResult
    expect(read.unmatchedHooks?.map((hook) => ({ ...hook }))).toEqual(hooks)
    const before: unknown = former.fromBuffer(bytes, former.createResolver(present))
    expect({ ...(before as object) }).toEqual(formerResult)
  })

  it('are read as they were written, in the order of the schema', async () => {
    const read = await createResultReader(undefined)(jsonResultEncoder.encode(result))
    expect(JSON.stringify(read)).toBe(JSON.stringify(result))
    expect(read).toMatchObject({ userId: 'u-1', sourceKey: 'k-1' })
  })
})

describe('a reader of results whose schema the registry does not have', () => {
  it('asks for it once in half a minute, however many results there are', async () => {
    const asked: string[] = []
    const settings = await startRegistry((path) => {
      asked.push(path)
      return schemaNotFound
    })
    let now = 0
    const read = createResultReader(settings, undefined, () => now)
    const of = (id: number) => Buffer.from([0, 0, 0, 0, id, 1, 2])
    for (const id of [7, 7, 8, 7, 8]) await expect(read(of(id))).rejects.toThrow(`no schema ${id}`)
    expect(asked).toEqual(['/schemas/ids/7', '/schemas/ids/8'])
    now = 30_001
    await expect(read(of(7))).rejects.toThrow('no schema 7')
    expect(asked).toHaveLength(3)
  })
})

describe('a reader of results that have many schemas', () => {
  it('remembers some of them, however many there are', async () => {
    const asked: string[] = []
    const settings = await startRegistry((path) => {
      asked.push(path)
      return [200, { schema: '"string"' }]
    })
    const read = createResultReader(settings)
    const of = (id: number) => Buffer.from([0, 0, 0, id >> 8, id & 255, 2, 120])
    for (let id = 0; id < 150; id += 1) await read(of(id))
    for (const id of [149, 149, 0, 0]) await read(of(id))
    expect(asked).toHaveLength(151)
  })
})
