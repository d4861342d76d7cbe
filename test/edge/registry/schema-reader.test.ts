import { describe, expect, it } from 'vitest'
import { createSchemaReader } from '../../../src/edge/registry/schema-source.ts'
import { schemaNotFound, startRegistry } from '../../support/scripted-registry.ts'

async function startReader() {
  const ids = new Set<number>()
  let now = 0
  const settings = await startRegistry((path) => {
    const isThere = ids.has(Number(path.split('/').at(-1)))
    return isThere ? [200, { schemaType: 'JSON', schema: '{}' }] : schemaNotFound
  })
  const reader = createSchemaReader(settings, () => now)
  return { ...reader, ids, pass: (ms: number) => void (now += ms) }
}

describe('a reader of schemas', () => {
  it('asks again for an id that was unknown half a minute ago', async () => {
    const { find, ask, ids, pass } = await startReader()
    expect(find(7)).toBeUndefined()
    await ask(7)
    expect(find(7)).toEqual({ kind: 'unknown' })
    ids.add(7)
    pass(30_000)
    expect(find(7)).toBeUndefined()
    await ask(7)
    pass(3_600_000)
    expect(find(7)).toEqual({ kind: 'json' })
  })

  it('remembers the last thousand ids, whoever writes others', async () => {
    const { find, ask } = await startReader()
    for (let id = 0; id < 1_010; id += 1) await ask(id)
    expect(find(9)).toBeUndefined()
    expect(find(10)).toEqual({ kind: 'unknown' })
    expect(find(1_009)).toEqual({ kind: 'unknown' })
  })
})
