import { describe, expect, it } from 'vitest'
import { inboundRecord } from '../../../src/edge/kafka/records.ts'
import { Batch, read, writtenBatch } from '../../support/kafka-batch.ts'

const value = Buffer.alloc(1_024, 'v')
const headers = [['tenant-id', Buffer.from('acme')]] as const

async function recordsOf(count: number) {
  const written = Array.from({ length: count }, (_, n) => ({ key: `user-${n}`, value, headers }))
  const messages = await read(await writtenBatch(written))
  const fetched = new Batch('events', '0', { partition: 0, highWatermark: '9', messages })
  return fetched.messages.map((message) => inboundRecord(fetched, message))
}

describe('a record that was fetched', () => {
  it('has key, value and headers of its message', async () => {
    const [, second] = await recordsOf(3)
    expect(second).toMatchObject({ topic: 'events', partition: 0, offset: 1, value })
    expect(second?.key?.toString()).toBe('user-1')
    expect([...(second?.headers ?? [])]).toEqual(headers)
  })

  it('keeps at most four KiB in memory if it waits and others of its fetch do not', async () => {
    const records = await recordsOf(3_000)
    const waiting = records.filter(({ offset }) => offset % 100 === 0)
    const kept = new Set<ArrayBufferLike>()
    for (const { key, value: body, headers: own } of waiting) {
      for (const bytes of [key, body, ...[...own].map(([, each]) => each)]) {
        if (bytes !== null) kept.add(bytes.buffer)
      }
    }
    const bytes = [...kept].reduce((sum, { byteLength }) => sum + byteLength, 0)
    expect(waiting).toHaveLength(30)
    expect(bytes).toBeLessThanOrEqual(30 * 4_096)
  })
})
