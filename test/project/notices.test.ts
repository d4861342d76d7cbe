import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { describe, expect, it } from 'vitest'
import schema from '../../schemas/notice.schema.json' with { type: 'json' }
import { noticeKeys } from '../../src/core/event/event-keys.ts'
import { decodeEvent } from '../../src/core/event/event.ts'
import { endpointStates } from '../../src/core/model/record-values.ts'
import { endpointNotice, lossNotice } from '../../src/core/notice/notice.ts'
import { healthOf } from '../support/endpoints.ts'
import { hookOf } from '../support/model-builders.ts'
import { recordOf } from '../support/record-builders.ts'

const ajv = new Ajv({ strict: true, allowUnionTypes: true })
addFormats.default(ajv)

describe('the schema of notices', () => {
  const isNotice = ajv.compile(schema)
  const hook = hookOf({ id: 'a', name: 'A' })
  const place = { topic: 'auth.webhook.endpoints', partition: 0, offset: 7 }

  it('takes its examples, and what is written', () => {
    const first = { deliveryId: 'dlv_0000000000000000000000', run: 'auth.events/0/7' }
    const about = { hookId: 'a', tenantId: 'default', first, since: 1, until: 2 }
    const written = [
      endpointNotice('Hooktide.Endpoint.Open', { health: healthOf({}), place }, hook, 'e'),
      endpointNotice(
        'Hooktide.Endpoint.Disabled',
        { health: healthOf({ at: Number.MAX_SAFE_INTEGER, endpoint: '0'.repeat(16) }), place },
        hook,
        'e',
      ),
      lossNotice({ ...about, counts: { 'max-age': 2, overflow: 1 } }, hook, 'e'),
    ]
    const values = written.map(({ value }) => JSON.parse(String(value)) as unknown)
    for (const value of [...schema.examples, ...values]) {
      expect(isNotice(value) ? [] : isNotice.errors).toEqual([])
    }
    for (const { key, value, headers } of written) {
      const record = recordOf({ key: Buffer.from(String(key)), value, headers })
      expect(decodeEvent(record)).toMatchObject({ kind: 'event' })
    }
  })

  it('names the notices and the states that there are', () => {
    const { properties } = schema
    expect(properties.event.enum).toEqual(noticeKeys)
    expect(properties.data.properties.state.enum).toEqual(endpointStates)
  })
})
