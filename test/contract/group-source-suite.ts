import { describe, expect, it } from 'vitest'
import type { GroupSource, TopicPartition } from '../../src/ports.ts'
import { createListener, started, valuesOf } from './group-listener.ts'

/** One topic and one group, on whatever stands behind the port. */
export interface GroupWorld {
  readonly topic: string
  /** A new member of the group, with a session of 3 s. Stopped when the test ends. */
  source(): GroupSource
  /** Appends records with these values. */
  produce(partition: number, values: readonly string[]): Promise<void>
  /** Sets the group's offset from outside, before it has members. */
  setCommitted(partition: number, offset: number, metadata: string): Promise<void>
  committed(
    partition: number,
  ): Promise<{ readonly offset: number; readonly metadata: string } | undefined>
  /** Makes the group expel the member, who learns of it later and joins again by itself. */
  expel(source: GroupSource): Promise<void>
  /** Lets time pass. */
  elapse(ms: number): Promise<void>
}

export type MakeGroupWorld = (partitions: number) => Promise<GroupWorld>

export function describeGroupSource(name: string, makeWorld: MakeGroupWorld): void {
  describe(`a group source: ${name}`, () => {
    describe('alone in its group', () => alone(makeWorld))
    describe('with a second member', () => together(makeWorld))
    describe('expelled by its group', () => expelled(makeWorld))
  })
}

function alone(makeWorld: MakeGroupWorld): void {
  it('reports committed offsets and their metadata before the first record', async () => {
    const world = await makeWorld(2)
    await world.produce(0, ['a', 'b', 'c'])
    await world.produce(1, ['x'])
    await world.setCommitted(0, 1, 'completed: é')
    const listener = createListener()
    let recordsAtAssignment = -1
    await world.source().start({
      ...listener,
      onAssigned(partitions) {
        recordsAtAssignment = listener.records.length
        listener.onAssigned(partitions)
      },
    })
    await listener.until(() => listener.records.length === 3)

    const { topic } = world
    expect(recordsAtAssignment).toBe(0)
    expect(listener.assignments).toEqual([
      [
        {
          topic,
          partition: 0,
          isKept: false,
          committedOffset: 1,
          committedMetadata: 'completed: é',
        },
        { topic, partition: 1, isKept: false, committedOffset: undefined, committedMetadata: '' },
      ],
    ])
    expect(valuesOf(listener, 0)).toEqual(['b', 'c'])
    expect(valuesOf(listener, 1)).toEqual(['x'])
  })

  it('keeps the order of a partition over many records', async () => {
    const world = await makeWorld(1)
    const values = Array.from({ length: 2500 }, (_, index) => String(index))
    await world.produce(0, values.slice(0, 2000))
    const listener = await started(world.source())
    await world.produce(0, values.slice(2000))
    await listener.until(() => listener.records.length >= values.length)

    expect(valuesOf(listener, 0)).toEqual(values)
    expect(listener.records.map((record) => record.offset)).toEqual(values.map(Number))
  })

  it('commits offset and metadata', async () => {
    const world = await makeWorld(2)
    const source = world.source()
    await started(source)
    const { topic } = world
    const outcome = await source.commit([
      { topic, partition: 0, offset: 7, metadata: 'seven' },
      { topic, partition: 1, offset: 9, metadata: '' },
    ])

    expect(outcome).toBe('committed')
    expect(await world.committed(0)).toEqual({ offset: 7, metadata: 'seven' })
    expect(await world.committed(1)).toEqual({ offset: 9, metadata: '' })
  })

  it('commits nothing for a partition that it does not own', async () => {
    const world = await makeWorld(1)
    const source = world.source()
    await started(source)
    const elsewhere = { topic: world.topic, partition: 5, offset: 7, metadata: '' }

    expect(await source.commit([elsewhere])).toBe('stale')
  })

  it('delivers nothing of a paused partition, and continues at its position when resumed', async () => {
    const world = await makeWorld(2)
    const source = world.source()
    const listener = await started(source)
    const paused: TopicPartition = { topic: world.topic, partition: 0 }
    source.pause(paused)
    await world.produce(0, ['held'])
    await world.produce(1, ['flows'])
    await listener.until(() => valuesOf(listener, 1).length === 1)
    expect(valuesOf(listener, 0)).toEqual([])

    source.resume(paused)
    await listener.until(() => valuesOf(listener, 0).length === 1)
    expect(valuesOf(listener, 0)).toEqual(['held'])
  })

  it('reports the end of each partition, even if it has no records to read', async () => {
    const world = await makeWorld(3)
    await world.produce(0, ['a', 'b', 'c'])
    await world.produce(1, ['x'])
    await world.setCommitted(1, 1, '')
    const listener = await started(world.source())
    await listener.until(() => listener.ends.size === 3 && listener.records.length === 3)

    expect([0, 1, 2].map((partition) => listener.ends.get(partition))).toEqual([3, 1, 0])
    expect(listener.nexts).toEqual(listener.ends)
    await world.produce(2, ['later'])
    await listener.until(() => listener.ends.get(2) === 1)
  })

  it('reports the end of a paused partition as it grows', async () => {
    const world = await makeWorld(2)
    const source = world.source()
    const listener = await started(source)
    await listener.until(() => listener.ends.size === 2)
    source.pause({ topic: world.topic, partition: 0 })
    for (const end of [2, 4]) {
      await world.produce(0, ['held', 'held'])
      await listener.until(() => listener.ends.get(0) === end)
    }

    expect(listener.records).toEqual([])
    expect(listener.nexts.get(0)).toBe(0)
  })

  it('proves its membership repeatedly', async () => {
    const world = await makeWorld(1)
    const source = world.source()
    expect(source.provenAt()).toBeUndefined()
    await started(source)
    const atStart = source.provenAt() ?? Number.NaN
    await world.elapse(2500)

    expect(source.provenAt()).toBeGreaterThanOrEqual(atStart + 1000)
  })

  it('delivers nothing after it was stopped', async () => {
    const world = await makeWorld(1)
    const source = world.source()
    const listener = await started(source)
    await source.stop()
    await world.produce(0, ['late'])
    const successor = await started(world.source())
    await successor.until(() => successor.records.length === 1)

    expect(listener.records).toEqual([])
  })
}

function together(makeWorld: MakeGroupWorld): void {
  it('shares the partitions, and the first keeps its half without reading it again', async () => {
    const world = await makeWorld(4)
    for (const partition of [0, 1, 2, 3]) await world.produce(partition, [`p${partition}`])
    const first = await started(world.source())
    await first.until(() => first.records.length === 4)
    const second = await started(world.source())
    await first.until(() => first.assignments.length === 2)
    await second.until(() => second.records.length === 2)

    expect(first.owned()).toHaveLength(2)
    expect(first.owned().every((partition) => partition.endsWith('+'))).toBe(true)
    expect(second.owned()).toHaveLength(2)
    expect(second.owned().some((partition) => partition.endsWith('+'))).toBe(false)
    for (const partition of [0, 1, 2, 3]) await world.produce(partition, [`q${partition}`])
    await first.until(() => first.records.length === 6)
    await second.until(() => second.records.length === 4)
    expect(first.records.filter((record) => String(record.value).startsWith('p'))).toHaveLength(4)
  })

  it('waits for the drain, stays a member during it, and hands over what was committed in it', async () => {
    const world = await makeWorld(2)
    await world.produce(0, ['a0', 'a1'])
    await world.produce(1, ['b0', 'b1'])
    const source = world.source()
    const first = await started(source)
    await first.until(() => first.records.length === 4)
    const drained = Promise.withResolvers<void>()
    first.drain = () => drained.promise
    const secondSource = world.source()
    const second = createListener()
    const starting = secondSource.start(second)
    await first.until(() => first.drains === 1)
    // Longer than the session: a member that is silent this long is expelled.
    await world.elapse(4500)
    expect(second.assignments).toEqual([])
    const { topic } = world
    const entries = [0, 1].map((partition) => ({
      topic,
      partition,
      offset: 1,
      metadata: `m${partition}`,
    }))
    const outcome = await source.commit(entries)
    drained.resolve()
    await starting
    await first.until(() => first.assignments.length === 2)

    expect(outcome).toBe('committed')
    expect(first.owned()).toHaveLength(1)
    expect(first.owned()[0]).toMatch(/\+$/)
    const [gained] = second.assignments.at(-1) ?? []
    expect(gained).toMatchObject({ committedOffset: 1, committedMetadata: `m${gained?.partition}` })
    await second.until(() => second.records.length === 1)
    expect(second.records.map((record) => record.offset)).toEqual([1])
  })

  it('goes on until it is prepared, and commits, before it rejoins', async () => {
    const world = await makeWorld(2)
    const firstSource = world.source()
    const first = await started(firstSource)
    const prepared = Promise.withResolvers<void>()
    first.prepare = () => prepared.promise
    const starting = started(world.source())
    await first.until(() => first.rebalances.length === 1)
    await world.produce(0, ['a'])
    await first.until(() => first.records.length === 1)
    const { topic } = world
    const entry = { topic, partition: 0, offset: 1, metadata: '' }
    expect(await firstSource.commit([entry])).toBe('committed')
    expect(first.drains).toBe(0)
    prepared.resolve()
    await starting
    expect(first.drains).toBe(1)
    expect(valuesOf(first, 0)).toEqual(['a'])
  })

  it('is told whether it may lose partitions: when the other joins, but not when it leaves', async () => {
    const world = await makeWorld(2)
    const first = await started(world.source())
    const secondSource = world.source()
    await started(secondSource)
    await first.until(() => first.assignments.length === 2)
    await world.elapse(1_000)
    await secondSource.stop()
    await first.until(() => first.assignments.length === 3)
    expect(first.rebalances).toEqual([true, false])
  })

  it('takes over all partitions when the other leaves, from the offsets that it committed', async () => {
    const world = await makeWorld(2)
    await world.produce(0, ['a0', 'a1'])
    await world.produce(1, ['b0', 'b1'])
    const first = await started(world.source())
    const secondSource = world.source()
    const second = await started(secondSource)
    await first.until(() => first.assignments.length === 2)
    const partition = second.assignments.at(-1)?.[0]?.partition ?? -1
    const entry = { topic: world.topic, partition, offset: 1, metadata: 'left' }
    expect(await secondSource.commit([entry])).toBe('committed')
    await secondSource.stop()
    await first.until(() => first.assignments.length === 3)

    expect(first.assignments.at(-1)?.find((one) => one.partition === partition)).toEqual({
      topic: world.topic,
      partition,
      isKept: false,
      committedOffset: 1,
      committedMetadata: 'left',
    })
    expect(first.owned().filter((one) => one.endsWith('+'))).toHaveLength(1)
  })

  it('starts a partition unpaused when it gets it back', async () => {
    const world = await makeWorld(2)
    const source = world.source()
    const first = await started(source)
    for (const partition of [0, 1]) source.pause({ topic: world.topic, partition })
    const secondSource = world.source()
    const second = await started(secondSource)
    await first.until(() => first.assignments.length === 2)
    const moved = second.assignments.at(-1)?.[0]?.partition ?? -1
    await secondSource.stop()
    await first.until(() => first.assignments.length === 3)
    await world.produce(moved, ['back'])
    await first.until(() => first.records.length === 1)

    expect(valuesOf(first, moved)).toEqual(['back'])
  })
}

function expelled(makeWorld: MakeGroupWorld): void {
  it('commits nothing, and keeps no partition when it comes back', async () => {
    const world = await makeWorld(2)
    await world.produce(0, ['a0'])
    await world.produce(1, ['b0'])
    const source = world.source()
    const first = await started(source)
    await first.until(() => first.records.length === 2)
    const secondSource = world.source()
    const second = await started(secondSource)
    await first.until(() => first.assignments.length === 2)
    const held = Promise.withResolvers<void>()
    // While the other one drains, the expelled cannot get back.
    second.drain = () => held.promise
    const partition = first.assignments.at(-1)?.[0]?.partition ?? -1
    await world.expel(source)
    const outcome = await source.commit([
      { topic: world.topic, partition, offset: 1, metadata: '' },
    ])
    held.resolve()
    await first.until(() => first.assignments.length === 3)

    expect(outcome).toBe('stale')
    expect(await world.committed(partition)).toBeUndefined()
    expect(first.owned()).toHaveLength(1)
    expect(first.owned()[0]).not.toMatch(/\+$/)
    const reread = first.assignments.at(-1)?.[0]?.partition ?? -1
    await first.until(() => valuesOf(first, reread).length === 2)
  })
}
