import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { joinHeaders, PackedHeaders } from '../../../src/core/event/packed-headers.ts'
import type { KafkaHeader } from '../../../src/core/model/model.ts'
import { batchLayout } from '../../../src/edge/kafka/batch-layout.ts'
import type { WrittenRecord } from '../../../src/edge/kafka/batch-encoding.ts'
import { compressionTypes, type Compression } from '../../../src/edge/kafka/batches.ts'
import { crc32c } from '../../../src/edge/kafka/crc32c.ts'
import {
  encodeForeignBatch,
  encodeRecord,
  Long,
  read,
  writtenBatch,
} from '../../support/kafka-batch.ts'

const requireFrom = createRequire(import.meta.url)
const foreignCrc = requireFrom('kafkajs/src/protocol/recordBatch/crc32C') as (b: Buffer) => number

const oddHeaders: readonly KafkaHeader[] = [
  ['a', Buffer.from('one')],
  ['a', null],
  ['', Buffer.alloc(0)],
  ['ü'.repeat(40), Buffer.alloc(20_000, 'x')],
]
const odd: readonly WrittenRecord[] = [
  { key: null, value: null, headers: [] },
  { key: '', value: Buffer.alloc(0), headers: oddHeaders },
  { key: 'κλειδί', value: Buffer.from('value'), headers: PackedHeaders.pack(oddHeaders) },
  {
    key: Buffer.from([0xff, 0]),
    value: Buffer.alloc(70_000, 'v'),
    headers: joinHeaders(PackedHeaders.pack(oddHeaders), oddHeaders),
  },
]

describe('an encoded batch', () => {
  it.each(Object.keys(compressionTypes) as Compression[])(
    'is read as what was written, compressed by %s',
    async (compression) => {
      const messages = await read(await writtenBatch(odd, compression))
      const seen = messages.map(({ key, value, headers }) => ({
        key,
        value,
        headers: [...(headers ?? [])],
      }))
      expect(seen).toEqual(
        odd.map(({ key, value, headers }) => ({
          key: typeof key === 'string' ? Buffer.from(key) : key,
          value,
          headers: [...headers],
        })),
      )
      expect(messages.map(({ offset }) => offset)).toEqual(['0', '1', '2', '3'])
      expect(messages.map(({ timestamp }) => timestamp)).toEqual(odd.map(() => '1789376531019'))
    },
  )

  it('is byte for byte what KafkaJS writes of records that it can write', async () => {
    const records = Array.from({ length: 300 }, (_, n) => ({
      key: `key ${n}`,
      value: Buffer.alloc(n * 3, n),
      headers: [['name', Buffer.from(`value ${n}`)]] as const,
    }))
    const { buffer } = await encodeForeignBatch({
      compression: compressionTypes.none,
      firstOffset: Long.fromValue('0'),
      firstTimestamp: Long.fromValue('1789376531019'),
      maxTimestamp: Long.fromValue('1789376531019'),
      lastOffsetDelta: 299,
      producerId: Long.fromValue('7'),
      producerEpoch: 1,
      firstSequence: 40,
      records: records.map(({ key, value, headers: [[name, content]] }, offsetDelta) =>
        encodeRecord({ key, value, headers: { [name]: content }, offsetDelta, timestampDelta: 0 }),
      ),
    })
    expect((await writtenBatch(records)).equals(buffer)).toBe(true)
  })

  it('has a checksum over everything behind it', async () => {
    const batch = await writtenBatch(odd, 'zstd')
    expect(batch.readUInt32BE(batchLayout.checksum)).toBe(
      foreignCrc(batch.subarray(batchLayout.attributes)),
    )
  })
})

describe('CRC-32C', () => {
  it('is that of the RFC for its examples', () => {
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa)
    expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43)
    expect(crc32c(Buffer.from(Array.from({ length: 32 }, (_, n) => n)))).toBe(0x46dd794e)
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
    expect(crc32c(Buffer.alloc(0))).toBe(0)
  })

  it('agrees with KafkaJS for every length and position', () => {
    const bytes = Buffer.from(Array.from({ length: 64 }, (_, n) => (n * 7_919) % 251))
    for (let start = 0; start < 9; start += 1) {
      for (let end = start; end < bytes.length; end += 1) {
        const part = bytes.subarray(start, end)
        expect(crc32c(part)).toBe(foreignCrc(part))
      }
    }
  })
})
