import { queryObjects } from 'node:v8'
import { describe, expect, it } from 'vitest'
import { createHookReading } from '../../../src/commands/hooks/topic.ts'
import { readSettings } from '../../../src/settings/settings.ts'
import { recordOf } from '../../support/record-builders.ts'

function hookOf(id: string, url = 'https://1.1.1.1/'): Buffer {
  return Buffer.from(
    JSON.stringify({
      ...{ id, tenantId: 'default', events: ['PostSignIn'], signingKey: 'k'.repeat(32) },
      config: { url },
    }),
  )
}

function startReading() {
  const { take, loaded, hooks } = createHookReading(
    readSettings({ KAFKA_BROKERS: 'localhost:9092' }),
    [],
  )
  return {
    hooks,
    loaded,
    put: (id: string, url?: string, place = {}) =>
      take(recordOf({ key: Buffer.from(id), value: hookOf(id, url), ...place })),
    remove: (id: string) => take(recordOf({ key: Buffer.from(id), value: null })),
    configOf: (id: string) => hooks.get(id)?.written['config'],
  }
}

describe('the hooks of a topic', () => {
  it('are those of the newest records, while partitions are read beside each other', async () => {
    const reading = startReading()
    await reading.put('one', 'https://new.example/', { partition: 0, timestamp: 2 })
    await reading.put('one', 'https://old.example/', { partition: 1, timestamp: 1 })
    expect(reading.configOf('one')).toEqual({ url: 'https://new.example/' })
  })

  it('are those of the last records, once the topic was read to its end', async () => {
    const reading = startReading()
    await reading.put('one', 'https://old.example/', { partition: 0, timestamp: 2 })
    reading.loaded()
    // The clock of this writer is late.
    await reading.put('one', 'https://new.example/', { partition: 1, timestamp: 1 })
    expect(reading.configOf('one')).toEqual({ url: 'https://new.example/' })
  })

  // The monitor follows the topic for as long as it runs.
  it('leave nothing behind when they are deleted', async () => {
    const reading = startReading()
    reading.loaded()
    await reading.put('hook', undefined)
    await reading.remove('hook')
    const before = queryObjects(Array, { format: 'count' })
    for (let number = 0; number < 500; number += 1) {
      await reading.put(`hook${number}`)
      await reading.remove(`hook${number}`)
    }
    expect(reading.hooks.size).toBe(0)
    expect(queryObjects(Array, { format: 'count' }) - before).toBeLessThan(250)
  })
})
