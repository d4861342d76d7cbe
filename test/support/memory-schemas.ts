/** A schema registry behind the `SchemaSource` port. Schemas arrive when the test says so. */
import type { Schema } from '../../src/core/event/framed-value.ts'
import type { SchemaSource } from '../../src/ports.ts'

export interface MemorySchemas {
  readonly source: SchemaSource
  /** The ids of all calls of `find`. */
  readonly looks: readonly number[]
  /** Makes the id known, and notifies everything that waits for it. */
  arrive(id: number, schema: Schema): void
  /** Answers the id as a registry does: soon after the first request. */
  answer(id: number, schema: Schema): void
  setTrouble(trouble: string | undefined): void
}

export function createMemorySchemas(): MemorySchemas {
  const schemas = new Map<number, Schema>()
  const listeners: (() => void)[] = []
  const looks: number[] = []
  const answers = new Map<number, Schema>()
  let trouble: string | undefined
  const arrive = (id: number, schema: Schema) => {
    schemas.set(id, schema)
    for (const again of listeners) again()
  }
  return {
    source: {
      find(id) {
        looks.push(id)
        const answer = answers.get(id)
        if (answer !== undefined && answers.delete(id)) queueMicrotask(() => arrive(id, answer))
        return schemas.get(id)
      },
      onAgain: (again) => void listeners.push(again),
      trouble: () => trouble,
      stop: () => undefined,
    },
    looks,
    arrive,
    answer: (id, schema) => void answers.set(id, schema),
    setTrouble(text) {
      trouble = text
    },
  }
}

/** A value in a registry's frame. */
export function framed(id: number, payload: Buffer | string): Buffer {
  const frame = Buffer.alloc(5)
  frame.writeUInt32BE(id, 1)
  return Buffer.concat([frame, Buffer.from(payload)])
}
