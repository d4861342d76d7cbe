import { readFileSync } from 'node:fs'
import avro from 'avsc'
import { describe, expect, it } from 'vitest'
import type { DeliveryResult } from '../../../src/core/model/records.ts'
import { endingOf, resultOf } from '../../../src/core/run/result.ts'
import { createResultReader, jsonResultEncoder } from '../../../src/edge/registry/result-codec.ts'
import { eventOf, runOf } from '../../support/model-builders.ts'

const typeIn = (path: string) => {
  const text = readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
  return avro.Type.forSchema(JSON.parse(text) as avro.Schema)
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
const { userId: _user, sourceKey: _key, ...formerResult } = result

describe('results of a former version', () => {
  it('are read with the present schema, and have no user and no key', () => {
    const bytes = former.toBuffer(formerResult)
    const read: unknown = present.fromBuffer(bytes, present.createResolver(former))
    expect({ ...(read as object) }).toEqual({ ...result, userId: null, sourceKey: null })
  })

  it('are read as JSON with every field of the present version', async () => {
    const bytes = Buffer.from(JSON.stringify(formerResult))
    expect(await createResultReader(undefined)(bytes)).toEqual({
      ...result,
      userId: null,
      sourceKey: null,
    })
  })
})

describe('results of this version', () => {
  it('are read by a former one with its own schema', () => {
    const bytes = present.toBuffer(result)
    const read: unknown = former.fromBuffer(bytes, former.createResolver(present))
    expect({ ...(read as object) }).toEqual(formerResult)
  })

  it('are read as they were written, in the order of the schema', async () => {
    const read = await createResultReader(undefined)(jsonResultEncoder.encode(result))
    expect(JSON.stringify(read)).toBe(JSON.stringify(result))
    expect(read).toMatchObject({ userId: 'u-1', sourceKey: 'k-1' })
  })
})
