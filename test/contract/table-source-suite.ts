import { queryObjects } from 'node:v8'
import { describe, expect, it } from 'vitest'
import type { InboundRecord } from '../../src/core/model/model.ts'
import type { TableSource } from '../../src/ports.ts'

/** One topic, on whatever stands behind the port. */
export interface TableWorld {
  /** Stopped when the test ends. */
  table(): TableSource
  /** Appends records, `null` being a tombstone. */
  produce(
    partition: number,
    records: readonly (readonly [key: string, value: string | null])[],
  ): Promise<void>
  /** Deletes the topic and creates it anew with records in partition 0, all before a table looks again. */
  recreate(records: readonly (readonly [key: string, value: string | null])[]): Promise<void>
}

/** What a table told. */
export interface TableView {
  readonly records: readonly InboundRecord[]
  readonly failures: readonly Error[]
  /** `key=value` in order of arrival. */
  texts(): readonly string[]
  until(check: () => boolean): Promise<void>
}

export async function loaded(table: TableSource): Promise<TableView> {
  const records: InboundRecord[] = []
  const failures: Error[] = []
  const waiting = new Set<() => void>()
  const changed = (): void => {
    for (const look of [...waiting]) look()
  }
  await table.start(
    (record) => {
      records.push(record)
      changed()
    },
    (error) => {
      failures.push(error)
      changed()
    },
  )
  return {
    records,
    failures,
    texts: () => records.map((record) => `${String(record.key)}=${String(record.value)}`),
    until: (check) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!check()) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
  }
}

export function describeTableSource(
  name: string,
  makeWorld: (partitions: number) => Promise<TableWorld>,
): void {
  describe(`a table source: ${name}`, () => {
    it('has applied everything when it is loaded, including tombstones', async () => {
      const world = await makeWorld(2)
      await world.produce(0, [
        ['a', '1'],
        ['a', '2'],
        ['b', '1'],
        ['b', null],
      ])
      await world.produce(1, [['c', '1']])
      const view = await loaded(world.table())

      expect(view.texts().filter((text) => !text.startsWith('c'))).toEqual([
        'a=1',
        'a=2',
        'b=1',
        'b=null',
      ])
      expect(view.texts()).toContain('c=1')
      expect(
        view.records.find((record) => String(record.key) === 'b' && record.offset === 3)?.value,
      ).toBeNull()
    })

    it('is loaded at once when the topic is empty', async () => {
      const world = await makeWorld(1)
      expect((await loaded(world.table())).records).toEqual([])
    })

    it('applies further changes as they arrive', async () => {
      const world = await makeWorld(1)
      await world.produce(0, [['a', '1']])
      const view = await loaded(world.table())
      await world.produce(0, [['a', '2']])
      await world.produce(0, [['a', null]])
      await view.until(() => view.records.length === 3)

      expect(view.texts()).toEqual(['a=1', 'a=2', 'a=null'])
    })

    // A table is followed for as long as its process runs, with several reads a second.
    it('keeps nothing of the reads that are over', async () => {
      const world = await makeWorld(1)
      const view = await loaded(world.table())
      const change = async (count: number) => {
        await world.produce(0, [['a', String(count)]])
        await view.until(() => view.records.length === count)
      }
      await change(1)
      const before = queryObjects(Promise, { format: 'count' })
      for (let count = 2; count <= 200; count += 1) await change(count)

      expect(queryObjects(Promise, { format: 'count' }) - before).toBeLessThan(100)
    })

    it('lets several tables read the same topic', async () => {
      const world = await makeWorld(1)
      await world.produce(0, [['a', '1']])
      const views = await Promise.all([loaded(world.table()), loaded(world.table())])

      expect(views.map((view) => view.texts())).toEqual([['a=1'], ['a=1']])
    })

    it('applies nothing after it was stopped', async () => {
      const world = await makeWorld(1)
      const table = world.table()
      const view = await loaded(table)
      await table.stop()
      await world.produce(0, [['a', '1']])
      const other = await loaded(world.table())

      expect(other.texts()).toEqual(['a=1'])
      expect(view.records).toEqual([])
    })

    it.each([
      ['empty', []],
      ['with as many records as before', ['c', 'd']],
      ['with more records than before', ['c', 'd', 'e']],
    ])('fails when the topic was recreated %s, and does not mix both topics', async (_, keys) => {
      const world = await makeWorld(1)
      await world.produce(0, [
        ['a', '1'],
        ['b', '1'],
      ])
      const view = await loaded(world.table())
      await world.recreate(keys.map((key) => [key, '1'] as const))
      await view.until(() => view.failures.length === 1)

      expect(view.failures[0]?.message).toContain('was recreated')
      expect(view.texts().slice(0, 2)).toEqual(['a=1', 'b=1'])
    })
  })
}
