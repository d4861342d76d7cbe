/** What every source of schemas promises, whether there is a registry or not. */
import { describe, expect, it } from 'vitest'
import type { Schema } from '../../src/core/event/framed-value.ts'
import type { SchemaSource } from '../../src/ports.ts'

export interface SchemaWorld {
  readonly source: SchemaSource
  /** Registers a schema of that kind and returns its id. */
  register(type: 'AVRO' | 'JSON' | 'PROTOBUF'): Promise<number>
  /** An id that nothing was registered under. */
  readonly unknownId: number
}

/** What waiting heads do: look, and look again whenever they are told to. */
function found(source: SchemaSource, id: number): Promise<Schema> {
  return new Promise((resolve) => {
    const look = () => {
      const schema = source.find(id)
      if (schema !== undefined) resolve(schema)
    }
    source.onAgain(look)
    look()
  })
}

export function describeSchemaSource(name: string, start: () => Promise<SchemaWorld>): void {
  describe(name, () => {
    it.each<['AVRO' | 'JSON' | 'PROTOBUF', Schema['kind']]>([
      ['AVRO', 'avro'],
      ['JSON', 'json'],
      ['PROTOBUF', 'unusable'],
    ])('gives a schema of %s, later and then at once', async (type, kind) => {
      const { source, register } = await start()
      const id = await register(type)
      expect(source.find(id)).toBeUndefined()
      expect(await found(source, id)).toMatchObject({ kind })
      expect(source.find(id)).toMatchObject({ kind })
      expect(source.trouble()).toBeUndefined()
      source.stop()
    })

    it('reports an unknown id', async () => {
      const { source, unknownId } = await start()
      expect(await found(source, unknownId)).toEqual({ kind: 'unknown' })
      source.stop()
    })

    it('does not report a change from within find', async () => {
      const { source, register } = await start()
      const id = await register('JSON')
      let isLooking = false
      let wasToldMeanwhile = false
      source.onAgain(() => (wasToldMeanwhile ||= isLooking))
      isLooking = true
      source.find(id)
      isLooking = false
      await found(source, id)
      expect(wasToldMeanwhile).toBe(false)
      source.stop()
    })
  })
}
