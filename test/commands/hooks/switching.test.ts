import { describe, expect, it } from 'vitest'
import { switchableHooks, switched } from '../../../src/commands/hooks/switching.ts'
import type { StoredHook } from '../../../src/commands/hooks/topic.ts'
import { decodeHook } from '../../../src/core/hook/hook.ts'
import type { JsonObject } from '../../../src/core/text/json.ts'
import { recordOf } from '../../support/record-builders.ts'

const whole = {
  tenantId: 'acme',
  name: 'CRM',
  events: ['PostSignIn'],
  config: { url: 'https://crm.example/', headers: { 'X-Key': 'hooktide-enc:as-it-stands' } },
  enabled: true,
  signingKey: 'k'.repeat(32),
  createdAt: 1,
  later: { unknown: ['to', 'this', 'version'] },
}

function storedHook(id: string, written: JsonObject, isCaptured = false): StoredHook {
  const key = Buffer.from(id)
  const record = recordOf({ key, value: Buffer.from(JSON.stringify({ id, ...written })) })
  const entry = decodeHook(
    record,
    () => undefined,
    (text) => ({ kind: 'text', text }),
  )
  if (entry.kind === 'unusable' || entry.kind === 'tombstone') throw new Error('is no hook')
  return { id, entry, written, members: written, isCaptured, key, keys: [key], writtenAt: 0 }
}

describe('a hook that is enabled or disabled', () => {
  it('is otherwise written as it stands, with secrets that are encrypted and fields that nobody knows', () => {
    expect(switched(storedHook('crm', whole), false)).toEqual({
      id: 'crm',
      ...whole,
      enabled: false,
    })
  })

  it.each([
    [['crm', 'none'], 'There is no hook none. Nothing was changed.'],
    [['none', 'neither'], 'There are no hooks none, neither. Nothing was changed.'],
    [['crm', 'row'], 'hook row is a row captured from a database: change it there'],
    [['broken'], 'hook broken is suspended: fix its record first (config'],
  ])('is none of these, and then no other is either: %j', (ids, message) => {
    const { config: _, ...broken } = whole
    const stored = [
      storedHook('crm', whole),
      storedHook('row', whole, true),
      storedHook('broken', broken),
    ]
    const byId = new Map(stored.map((hook) => [hook.id, hook]))
    expect(() => switchableHooks(byId, ids)).toThrow(message)
    expect(switchableHooks(byId, ['crm'])).toEqual([stored[0]])
  })
})
