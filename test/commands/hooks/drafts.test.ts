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

interface Case {
  readonly does: string
  readonly given?: object
  /** The hook in the topic. */
  readonly known?: object
  readonly enabled: boolean
  /** What ends the line about it. */
  readonly said: string
}

const silent: readonly Case[] = [
  { does: 'is enabled if it is new', enabled: true, said: '' },
  { does: 'stays enabled', known: { enabled: true }, enabled: true, said: '' },
  { does: 'stays enabled, as without the field', known: {}, enabled: true, said: '' },
  {
    does: 'stays disabled',
    ...{ known: { enabled: false }, enabled: false, said: ', disabled as before' },
  },
  {
    does: 'stays disabled for null',
    given: { enabled: null },
    ...{ known: { enabled: false }, enabled: false, said: ', disabled as before' },
  },
  {
    does: 'stays disabled while suspended',
    ...{ known: { enabled: false, events: 1 }, enabled: false, said: ', disabled as before' },
  },
  {
    does: 'is enabled if what the topic has is no decision',
    ...{ known: { enabled: 'no' }, enabled: true, said: '' },
  },
]

const explicit: readonly Case[] = [
  {
    does: 'is disabled',
    given: { enabled: false },
    ...{ known: { enabled: true }, enabled: false, said: ', disabled' },
  },
  {
    does: 'is disabled from the beginning',
    given: { enabled: false },
    ...{ enabled: false, said: ', disabled' },
  },
  {
    does: 'is enabled again, which is said',
    given: { enabled: true },
    ...{ known: { enabled: false }, enabled: true, said: ', enabled again' },
  },
]

describe.each([
  ['without', silent],
  ['with', explicit],
])('a hook that is written %s "enabled"', (_, cases) => {
  it.each(cases)('$does', async ({ given = {}, known, enabled, said }) => {
    const made = await draft(given, known)
    expect(made.hook).toMatchObject({ enabled })
    expect(stateNote(made)).toBe(said)
  })
})
