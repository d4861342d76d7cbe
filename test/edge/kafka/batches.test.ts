import { createRequire } from 'node:module'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  compressionTypes,
  type Compression,
  maxBatchBytes,
} from '../../../src/edge/kafka/batches.ts'
import type { FetchedMessage } from '../../../src/edge/kafka/inner.ts'
import { nextOffsetOf } from '../../../src/edge/kafka/records.ts'
import type { KafkaHeader } from '../../../src/core/model/model.ts'
import {
  Batch,
  batchOf,
  batchWith,
  encodeForeignBatch,
  encodeRecord,
  headersRead,
  Long,
  read,
} from '../../support/kafka-batch.ts'

const requireFrom = createRequire(import.meta.url)
const valuesOf = (messages: readonly FetchedMessage[]) => messages.map(({ value }) => String(value))

describe('record batches', () => {
  it.each(Object.keys(compressionTypes) as Compression[])('are read with %s', async (codec) => {
    const messages = await read(
      await batchOf(codec, 7, ['one', 'two']),
      await batchOf(codec, 9, ['three']),
    )
    expect(valuesOf(messages)).toEqual(['one', 'two', 'three'])
    expect(messages.map(({ offset }) => offset)).toEqual(['7', '8', '9'])
  })

  it('that unfold beyond the bound become one empty record, and the next ones are read', async () => {
    const bomb = await batchOf('zstd', 3, ['first', Buffer.alloc(maxBatchBytes)])
    const messages = await read(bomb, await batchOf('lz4', 5, ['after']))
    expect(messages).toMatchObject([
      {
        offset: '4',
        key: null,
        value: null,
        unreadable: { records: 2 },
        batchContext: { firstOffset: '3', lastOffsetDelta: 1 },
      },
      { offset: '5' },
    ])
  })

  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'of %s that are broken become one empty record',
    async (codec) => {
      const broken = await batchOf(codec, 3, ['a value', 'a value', 'a value'])
      broken.fill(0xff, 70)
      const messages = await read(broken, await batchOf(codec, 6, ['after']))
      expect(messages).toMatchObject([{ offset: '5', value: null }, { offset: '6' }])
    },
  )

  it('with more records than a call can have arguments become one empty record', async () => {
    const many = await batchOf('none', 0, ['one of many'])
    const [lastOffsetDeltaAt, countAt] = [23, 57]
    many.writeInt32BE(100_000, lastOffsetDeltaAt)
    many.writeInt32BE(100_001, countAt)
    const messages = await read(many, await batchOf('none', 100_001, ['after']))
    expect(messages).toMatchObject([
      { offset: '100000', unreadable: { records: 100_001 } },
      { offset: '100001' },
    ])
  })

  it.each(Object.keys(compressionTypes) as Compression[])(
    'of %s that compaction left nothing of are no records, and reading goes on behind them',
    async (codec) => {
      const emptied = await batchOf('none', 3, [])
      const [attributesAt, lastOffsetDeltaAt] = [21, 23]
      emptied.writeInt16BE(compressionTypes[codec], attributesAt)
      emptied.writeInt32BE(4, lastOffsetDeltaAt)
      const answer = { partition: 0, highWatermark: '20', messages: await read(emptied) }
      const batch = new Batch('hooks', '5', answer)
      expect(batch.messages).toEqual([])
      expect(nextOffsetOf(batch)).toBe(8)
    },
  )

  it('that are broken are one record also for who begins to read in their middle', async () => {
    const broken = await batchOf('zstd', 3, ['a value', 'a value', 'a value'])
    broken.fill(0xff, 70)
    const answer = { partition: 0, highWatermark: '20', messages: await read(broken) }
    const batch = new Batch('events', '4', answer)
    expect(batch.messages).toMatchObject([{ offset: '5', value: null }])
    expect(nextOffsetOf(batch)).toBe(6)
  })

  it('are not taken for broken where the codec cannot be loaded', async () => {
    const batch = await batchOf('lz4', 3, ['a value'])
    const path = requireFrom.resolve('lz4-napi')
    const loaded = requireFrom.cache[path]
    const absent = {
      get exports() {
        throw new Error('Cannot find native binding')
      },
    }
    Object.assign(requireFrom.cache, { [path]: absent })
    onTestFinished(() => void Object.assign(requireFrom.cache, { [path]: loaded }))
    await expect(read(batch)).rejects.toMatchObject({
      message: expect.stringContaining('lz4-napi'),
      retriable: false,
    })
  })

  it('are left to the next fetch once much of a partition was unfolded', async () => {
    const large = await batchOf('zstd', 0, [Buffer.alloc(9 * 1024 * 1024)])
    const messages = await read(large, await batchOf('zstd', 1, ['after']))
    expect(messages.map(({ offset }) => offset)).toEqual(['0'])
  })

  it('that the broker cut off are left to the next fetch', async () => {
    const next = await batchOf('lz4', 1, ['after', 'and more'])
    const messages = await read(await batchOf('lz4', 0, ['whole']), next.subarray(0, -3))
    expect(valuesOf(messages)).toEqual(['whole'])
  })
})

describe('offset and time of a record', () => {
  const [maxTimestampAt, firstTimestampAt] = [35, 27]

  /** Of the record of a batch whose head has these. */
  async function placed(firstOffset: bigint, firstTimestamp: bigint, timestampDelta: number) {
    const { buffer } = await encodeForeignBatch({
      compression: compressionTypes.none,
      firstOffset: Long.fromValue('0'),
      firstTimestamp: 0,
      maxTimestamp: 0,
      lastOffsetDelta: 5,
      records: [encodeRecord({ key: 'k', value: 'v', offsetDelta: 5, timestampDelta })],
    })
    buffer.writeBigInt64BE(firstOffset)
    buffer.writeBigInt64BE(firstTimestamp, firstTimestampAt)
    buffer.writeBigInt64BE(firstTimestamp, maxTimestampAt)
    const [message] = await read(buffer)
    return [message?.offset, message?.timestamp]
  }

  it.each<[bigint, bigint, number, string, string]>([
    [0n, 1_789_376_531_019n, 0, '5', '1789376531019'],
    [7n, 1_789_376_531_019n, 1, '12', '1789376531020'],
    [7n, 1_789_376_531_019n, -1, '12', '1789376531018'],
    [7n, 1_789_376_531_019n, 2 ** 27 - 1, '12', '1789510748746'],
    [7n, 1_789_376_531_019n, -(2 ** 27), '12', '1789242313291'],
    [7n, 1_789_376_531_019n, 2 ** 27, '12', '1789510748747'],
    [7n, 0n, 2 ** 31, '12', '2147483648'],
    [7n, 0n, 2 ** 50, '12', '1125899906842624'],
    [2n ** 53n - 6n, -1n, 0, '9007199254740991', '-1'],
    [2n ** 53n, 2n ** 53n, 3, '9007199254740997', '9007199254740995'],
    [2n ** 62n, 2n ** 63n - 1n, 1, '4611686018427387909', '-9223372036854775808'],
  ])(
    'of a batch at %d and %d with the time %d after it are exact',
    async (offset, time, delta, ...expected) => {
      expect(await placed(offset, time, delta)).toEqual(expected)
    },
  )
})

describe('headers of records', () => {
  it('are written and read as they stand: repeated ones apart, null values, names that objects have', async () => {
    const headers: readonly KafkaHeader[] = [
      ['a', Buffer.from('one')],
      ['__proto__', Buffer.from('two')],
      ['b', null],
      ['a', null],
      ['a', Buffer.alloc(0)],
      ['constructor', Buffer.from('three')],
      ['', Buffer.alloc(70, 'x')],
    ]
    expect(await headersRead(await batchWith(headers))).toEqual(headers)
  })

  it('are read as KafkaJS writes them, of whom tools and tests are made', async () => {
    const { buffer } = await encodeForeignBatch({
      compression: compressionTypes.none,
      firstOffset: Long.fromValue('3'),
      lastOffsetDelta: 0,
      records: [encodeRecord({ key: 'k', value: 'v', headers: { a: ['one', 'two'], b: '' } })],
    })
    expect((await headersRead(buffer)).map(([name, value]) => [name, String(value)])).toEqual([
      ['a', 'one'],
      ['a', 'two'],
      ['b', ''],
    ])
  })

  it('that are broken make one empty record of their batch, and the next one is read', async () => {
    const broken = await batchWith([['name', Buffer.from('value')]])
    // The length of the value.
    broken[broken.length - 6] = 20
    const messages = await read(broken, await batchOf('none', 4, ['after']))
    expect(messages).toMatchObject([
      { offset: '3', value: null, unreadable: { records: 1 } },
      { offset: '4' },
    ])
  })
})
