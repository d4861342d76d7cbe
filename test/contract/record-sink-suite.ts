import { describe, expect, it } from 'vitest'
import { TooLargeError } from '../../src/core/model/errors.ts'
import type { InboundRecord, OutboundRecord } from '../../src/core/model/model.ts'
import type { RecordSink } from '../../src/ports.ts'

/** One topic, on whatever stands behind the port. */
export interface SinkWorld {
  readonly topic: string
  /** Stopped when the test ends. */
  sink(): RecordSink
  /** Everything in the topic, by partition in offset order. */
  read(): Promise<readonly InboundRecord[]>
}

export type MakeSinkWorld = (options: {
  readonly partitions: number
  readonly maxMessageBytes?: number
}) => Promise<SinkWorld>

export function describeRecordSink(name: string, makeWorld: MakeSinkWorld): void {
  describe(`a record sink: ${name}`, () => {
    it('has written a record unchanged when the write resolves', async () => {
      const world = await makeWorld({ partitions: 1 })
      await world.sink().write([
        {
          topic: world.topic,
          key: 'key',
          value: Buffer.from('value'),
          headers: [
            ['name', Buffer.from('one')],
            ['between', null],
            ['name', Buffer.of(0xff, 0)],
            ['other', Buffer.alloc(0)],
            ['constructor', Buffer.from('plain')],
            ['__proto__', Buffer.from('plain')],
          ],
        },
        { topic: world.topic, key: Buffer.of(0xff), value: null, headers: [] },
        { topic: world.topic, key: null, value: Buffer.from('keyless'), headers: [] },
      ])

      expect(
        (await world.read()).map(({ key, value, headers }) => ({
          key,
          value,
          headers: [...headers],
        })),
      ).toEqual([
        {
          key: Buffer.from('key'),
          value: Buffer.from('value'),
          headers: [
            ['name', Buffer.from('one')],
            ['between', null],
            ['name', Buffer.of(0xff, 0)],
            ['other', Buffer.alloc(0)],
            ['constructor', Buffer.from('plain')],
            ['__proto__', Buffer.from('plain')],
          ],
        },
        { key: Buffer.of(0xff), value: null, headers: [] },
        { key: null, value: Buffer.from('keyless'), headers: [] },
      ])
    })

    it('resolves an empty write', async () => {
      const world = await makeWorld({ partitions: 1 })
      await expect(world.sink().write([])).resolves.toBeUndefined()
    })

    it('keeps the order of each key over many writes, and writes each record once', async () => {
      const world = await makeWorld({ partitions: 3 })
      const sink = world.sink()
      const count = 5000
      const writes = Array.from({ length: count }, (_, index) =>
        sink.write([recordOf(world, `key-${index % 7}`, String(index))]),
      )
      await Promise.all(writes)
      const records = await world.read()

      expect(records).toHaveLength(count)
      for (const [, ofKey] of Map.groupBy(records, (record) => String(record.key))) {
        expect(new Set(ofKey.map((record) => record.partition)).size).toBe(1)
        const values = ofKey.map((record) => Number(record.value))
        expect(values).toEqual(values.toSorted((one, other) => one - other))
      }
    })

    it('counts the records that are not acknowledged', async () => {
      const world = await makeWorld({ partitions: 1 })
      const sink = world.sink()
      expect(sink.pendingCount()).toBe(0)
      const writing = sink.write([recordOf(world, 'a', '1'), recordOf(world, 'b', '2')])
      expect(sink.pendingCount()).toBe(2)

      await writing
      expect(sink.pendingCount()).toBe(0)
      expect(await world.read()).toHaveLength(2)
    })

    it('names the records that are too large and writes all others', async () => {
      const world = await makeWorld({ partitions: 2, maxMessageBytes: 20_000 })
      const sink = world.sink()
      const small = Array.from({ length: 20 }, (_, index) =>
        recordOf(world, `key-${index}`, String(index)),
      )
      const large = [1, 2].map((index) => recordOf(world, `large-${index}`, 'x'.repeat(30_000)))
      const mixed = sink.write([...small.slice(0, 5), ...large, ...small.slice(5, 10)])
      const other = sink.write(small.slice(10))
      const error: unknown = await mixed.catch((thrown: unknown) => thrown)
      await other

      expect(error).toBeInstanceOf(TooLargeError)
      expect(error instanceof TooLargeError ? error.records : []).toEqual(large)
      const values = (await world.read()).map((record) => String(record.value))
      expect(new Set(values)).toEqual(new Set(small.map((record) => String(record.value))))
    })
  })
}

export function recordOf(
  world: Pick<SinkWorld, 'topic'>,
  key: string,
  value: string,
): OutboundRecord {
  return { topic: world.topic, key, value: Buffer.from(value), headers: [] }
}
