import { describe, expect, it } from 'vitest'
import { decodeHealth, encodeHealth, endpointOf } from '../../../src/core/health/record.ts'
import { healthOf, hook } from '../../support/endpoints.ts'

const key = Buffer.from(hook.id)

function decode(value: string | Buffer | null, id: Buffer | null = key) {
  return decodeHealth({ key: id, value: typeof value === 'string' ? Buffer.from(value) : value })
}

describe('a record of endpoint health', () => {
  it('is read back as it was written, without what this version does not know', () => {
    const health = healthOf({ state: 'paused', until: 9, reason: 'retry-after', enableEpoch: 3 })
    expect(decode(encodeHealth(health))).toEqual({ kind: 'health', health })
    const newer = JSON.stringify({ ...health, moods: ['good'] })
    expect(decode(newer)).toEqual({ kind: 'health', health })
  })

  it('without a value means that the hook was deleted', () => {
    expect(decode(null)).toEqual({ kind: 'tombstone', hookId: hook.id })
  })

  it.each([
    ['', '{}', ''],
    ['a value that is no JSON', 'healthy', ''],
    ['a value that is no object', '[]', ''],
    ['another hook’s id', JSON.stringify(healthOf({ hookId: 'x' })), 'hookId'],
    ['a state of a later version', JSON.stringify({ ...healthOf({}), state: 'asleep' }), 'state'],
    ['a time that is text', JSON.stringify({ ...healthOf({}), since: '0' }), 'since'],
    ['a negative epoch', JSON.stringify(healthOf({ enableEpoch: -1 })), 'enableEpoch'],
    [
      'a URL instead of its fingerprint',
      JSON.stringify(healthOf({ endpoint: hook.url })),
      'endpoint',
    ],
  ])('with %s is unusable, and the field is named', (what, value, field) => {
    const decoded = decode(value)
    expect(decoded.kind).toBe('unusable')
    if (what !== '') expect(decoded).toMatchObject({ problem: { field } })
  })

  it.each([null, Buffer.alloc(0), Buffer.from('{"id":"x"}')])(
    'with the key %j is unusable',
    (id) => {
      expect(decode(encodeHealth(healthOf({})), id)).toMatchObject({ problem: { field: 'key' } })
    },
  )

  it('never shows a URL', () => {
    const secret = 'https://user:pass@receiver.example/hook?token=abc'
    expect(endpointOf(secret)).toMatch(/^[0-9a-f]{16}$/)
    expect(endpointOf(secret)).not.toBe(endpointOf(hook.url))
  })
})
