/** What a hook that is written gets from the hook with its id in the topic. */
import { describe, expect, it } from 'vitest'
import { draftsOf } from '../../../src/commands/hooks/drafts.ts'
import { stateNote } from '../../../src/commands/hooks/put.ts'
import { createHookReading } from '../../../src/commands/hooks/topic.ts'
import { readSettings } from '../../../src/settings/settings.ts'
import { recordOf } from '../../support/record-builders.ts'

const hook = {
  ...{ id: 'mine', tenantId: 'default', events: ['PostSignIn'], signingKey: 'k'.repeat(32) },
  config: { url: 'https://1.1.1.1/' },
}

async function draft(given: object, known?: object) {
  const reading = createHookReading(readSettings({ KAFKA_BROKERS: 'localhost:9092' }), [])
  const value = Buffer.from(JSON.stringify({ ...hook, ...known }))
  if (known !== undefined) await reading.take(recordOf({ key: Buffer.from(hook.id), value }))
  const bytes = Buffer.from(JSON.stringify({ ...hook, ...given }))
  const [only] = draftsOf([{ place: '', line: 1, bytes }], { stored: reading.hooks, keys: [] })
  if (only === undefined) throw new Error('there is no draft')
  return only
}

describe('a hook that is written without "enabled"', () => {
  it.each([
    ['is enabled if it is new', {}, undefined, true, ''],
    ['stays enabled', {}, { enabled: true }, true, ''],
    ['stays enabled, as without the field', {}, {}, true, ''],
    ['stays disabled', {}, { enabled: false }, false, ', disabled as before'],
    [
      'stays disabled for null',
      { enabled: null },
      { enabled: false },
      false,
      ', disabled as before',
    ],
    [
      'stays disabled while suspended',
      {},
      { enabled: false, events: 1 },
      false,
      ', disabled as before',
    ],
    ['is enabled if what the topic has is no decision', {}, { enabled: 'no' }, true, ''],
  ])('%s', async (_, given, known, enabled, said) => {
    const made = await draft(given, known)
    expect(made.hook).toMatchObject({ enabled })
    expect(stateNote(made)).toBe(said)
  })
})

describe('a hook that is written with "enabled"', () => {
  it.each([
    ['is disabled', { enabled: false }, { enabled: true }, false, ', disabled'],
    ['is disabled from the beginning', { enabled: false }, undefined, false, ', disabled'],
    [
      'is enabled again, which is said',
      { enabled: true },
      { enabled: false },
      true,
      ', enabled again',
    ],
  ])('%s', async (_, given, known, enabled, said) => {
    const made = await draft(given, known)
    expect(made.hook).toMatchObject({ enabled })
    expect(stateNote(made)).toBe(said)
  })
})
