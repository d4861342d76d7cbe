/** Hook topics of real installations: with several partitions, and with captured database changes. */
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { EncryptionKey } from '../../src/core/hook/encrypted-text.ts'
import { withEncryptedSecrets } from '../../src/core/hook/secrets.ts'
import { change, hookRow } from '../support/captured-changes.ts'
import { encryptionKeyOf } from '../support/encryption-keys.ts'
import { createRig, topics, type Rig } from '../support/flow-rig.ts'
import { settled } from '../support/hand-clock.ts'

const url = (id: string) => `https://${id}.example/`

function row(id: string, fields: Readonly<Record<string, unknown>> = {}) {
  const config = JSON.stringify({ url: url(id) })
  return { ...hookRow, id, events: '["PostSignIn"]', config, ...fields }
}

function capture(rig: Rig, op: string, id: string, after: unknown): void {
  const value = JSON.stringify(change(op, null, after))
  rig.broker.produce(topics.hooks, { key: JSON.stringify({ id }), value })
}

describe('a hook topic of several partitions', () => {
  const hook = (name: string) =>
    JSON.stringify({
      id: 'a',
      name,
      config: { url: url(name) },
      signingKey: '',
      events: ['PostSignIn'],
    })

  it.each([
    ['a value', 'new', 'new'],
    ['a tombstone', null, undefined],
  ])(
    'gives %s that is newer than what another partition has of the hook',
    async (_, value, name) => {
      for (const [newer, older] of [
        [0, 1],
        [1, 0],
      ]) {
        const rig = createRig({ hookPartitions: 2 })
        const put = (partition: number | undefined, timestamp: number, text: string | null) =>
          rig.broker.produce(topics.hooks, {
            key: 'a',
            value: text,
            timestamp,
            ...(partition === undefined ? {} : { partition }),
          })
        put(newer, 2_000, value === null ? null : hook(value))
        put(older, 1_000, hook('old'))
        const one = await rig.start()
        rig.sendEvent()
        await rig.clock.advance(20)
        expect(one.http.calls.map(({ request }) => request.url)).toEqual(
          name === undefined ? [] : [url(name)],
        )
        // What arrives later was written later, whatever its producer's clock says.
        put(older, 500, hook('later'))
        await settled()
        rig.sendEvent()
        await rig.clock.advance(20)
        expect(one.http.calls.at(-1)?.request.url).toBe(url('later'))
      }
    },
  )
})

describe('a captured row', () => {
  it('is a hook from its insert to its delete, beside hooks that are written as objects', async () => {
    const rig = createRig()
    rig.putHook({ id: 'plain' })
    capture(rig, 'r', 'captured', row('captured'))
    const one = await rig.start()
    for (const id of ['plain', 'captured', 'moved']) one.http.script(url(id), 200)
    const calledFor = async () => {
      await settled()
      const before = one.http.calls.length
      rig.sendEvent()
      await rig.clock.advance(20)
      return one.http.calls.slice(before).map(({ request }) => request.url)
    }
    expect(await calledFor()).toEqual([url('plain'), url('captured')])
    capture(
      rig,
      'u',
      'captured',
      row('captured', { config: JSON.stringify({ url: url('moved') }) }),
    )
    expect(await calledFor()).toEqual([url('plain'), url('moved')])
    capture(rig, 'd', 'captured', null)
    expect(await calledFor()).toEqual([url('plain')])
    rig.broker.produce(topics.hooks, { key: '{"id":"captured"}', value: null })
    expect(await calledFor()).toEqual([url('plain')])
    expect(one.processor.status()).toMatchObject({ hooks: 1, suspendedHooks: 0 })
  })

  it('without a value that it had before is suspended, and says which setting gives it back', async () => {
    const rig = createRig()
    capture(rig, 'c', 'a', row('a'))
    const one = await rig.start()
    capture(rig, 'u', 'a', row('a', { name: 'new', config: '__debezium_unavailable_value' }))
    await settled()
    rig.sendEvent()
    await rig.clock.advance(20)
    expect(one.http.calls).toEqual([])
    expect(rig.results()).toMatchObject([{ outcome: 'dead', reason: 'hook-invalid' }])
    expect(rig.broker.read(topics.deadLetters)).toHaveLength(1)
    const emitted = one.signals.flatMap((signal) =>
      signal.kind === 'hook.suspended' ? signal.problems : [],
    )
    expect(emitted).toMatchObject([
      { field: 'config', message: expect.stringContaining('REPLICA IDENTITY FULL') },
    ])
    capture(rig, 'u', 'a', row('a'))
    await settled()
    rig.sendEvent()
    await rig.clock.advance(20)
    expect(one.http.calls).toHaveLength(1)
  })
})

describe('a hostile, expensive hook record', () => {
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`h${n}`, 'v']))

  it.each([
    ['88,000 headers', { config: { url: url('costly'), headers: many(88_000) } }],
    ['480,000 event keys that are none', { events: ['PostSignIn', ...Array(480_000).fill(0)] }],
    ['80,000 unknown options', { delivery: many(80_000) }],
  ])('by %s is suspended, reported briefly, and costs the others nothing', async (_, fields) => {
    const rig = createRig()
    rig.putHook({ id: 'costly', ...fields })
    rig.putHook({ id: 'other' })
    rig.script(url('other'), 200)
    const one = await rig.start()
    rig.sendEvent()
    await rig.clock.advance(20)
    expect(one.http.calls.map(({ request }) => request.url)).toEqual([url('other')])
    expect(rig.story().toSorted()).toEqual(['costly dead null', 'other delivered 1'])
    expect(rig.broker.read(topics.deadLetters)).toHaveLength(1)
    const emitted = one.signals.filter(({ kind }) => kind === 'hook.suspended')
    expect(emitted).toHaveLength(1)
    expect(JSON.stringify(emitted).length).toBeLessThan(4_000)
  })
})

describe('a hook whose URL has port 0', () => {
  it('is never called: its deliveries are dead as invalid-url', async () => {
    const rig = createRig()
    rig.putHook({ id: 'a', config: { url: 'https://a.example:0/' } })
    const one = await rig.start()
    rig.sendEvent()
    await rig.clock.advance(20)
    expect(rig.results()).toMatchObject([{ outcome: 'dead', reason: 'invalid-url', final: true }])
    expect(one.processor.status()).toMatchObject({ suspendedHooks: 0 })
  })
})

describe('a hook with a signing key that nobody could verify', () => {
  it.each(['whsec_', 'whsec_!!!!', 'whsec_-_-_', 'WHSEC_AQI='])(
    'is suspended rather than called without webhook-signature: %s',
    async (key) => {
      const rig = createRig()
      rig.putHook({ id: 'newest', signingKey: key })
      const previousSigningKeys = [{ key, expiresAt: 9e15 }]
      rig.putHook({ id: 'previous', delivery: { previousSigningKeys } })
      const one = await rig.start()
      rig.sendEvent()
      await rig.clock.advance(20)
      expect(one.http.calls).toEqual([])
      const emitted = one.signals.flatMap((signal) =>
        signal.kind === 'hook.suspended' ? signal.problems : [],
      )
      expect(emitted.map(({ field }) => field)).toEqual([
        'signingKey',
        'delivery.previousSigningKeys[0].key',
      ])
      for (const { message } of emitted) expect(message).toContain('Standard Webhooks')
    },
  )
})

describe('a hook with encrypted secrets', () => {
  const [old, newest] = [encryptionKeyOf(1), encryptionKeyOf(2)]
  const plain = {
    id: 'a',
    tenantId: 'default',
    signingKey: 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii',
    config: { url: url('a'), headers: { Authorization: 'Bearer abc' } },
    delivery: { previousSigningKeys: [{ key: 'old one', expiresAt: 9e15 }] },
  }
  const encrypted = (key: EncryptionKey, hook = plain) => ({
    ...hook,
    ...withEncryptedSecrets(hook, key, () => randomBytes(12)),
  })
  const callOf = async (
    hook: Readonly<Record<string, unknown>> & { readonly id: string },
    keys: readonly EncryptionKey[],
  ) => {
    const rig = createRig({ encryptionKeys: keys })
    rig.putHook(hook)
    rig.putHook({ id: 'plain' })
    const one = await rig.start()
    rig.sendEvent({}, { 'event-id': 'e' })
    await rig.clock.advance(20)
    const problems = one.signals.flatMap((signal) =>
      signal.kind === 'hook.suspended' ? signal.problems : [],
    )
    const [call] = one.http.calls.filter(({ request }) => request.url === url('a'))
    return { headers: call?.request.headers, calls: one.http.calls.length, problems }
  }

  it('is called as if its secrets were not encrypted, whichever key encrypted them', async () => {
    const expected = await callOf(plain, [])
    expect(expected.headers).toMatchObject({ authorization: 'Bearer abc' })
    expect(expected.headers?.['webhook-signature']?.split(' ')).toHaveLength(2)
    for (const key of [old, newest]) {
      expect(JSON.stringify(encrypted(key))).not.toMatch(/Bearer|Qm3Vx8Zc|old one/)
      expect(await callOf(encrypted(key), [newest, old])).toEqual(expected)
    }
  })

  it.each([
    [
      'no key is set',
      encrypted(old),
      [],
      `is encrypted with key ${old.id}: set HOOKTIDE_ENCRYPTION_KEYS`,
    ],
    [
      'its key is gone',
      encrypted(old),
      [newest],
      `is encrypted with key ${old.id}, which HOOKTIDE_ENCRYPTION_KEYS does not have`,
    ],
    [
      'it was copied from another hook',
      { ...encrypted(old, { ...plain, id: 'b' }), id: 'a' },
      [old],
      'cannot be decrypted: it was',
    ],
    [
      'it was copied from another tenant',
      { ...encrypted(old, { ...plain, tenantId: 'b' }), tenantId: 'default' },
      [old],
      'cannot be decrypted: it was',
    ],
  ])(
    'is the only one suspended, with a message without the secret, when %s',
    async (_, hook, keys, message) => {
      const { calls, problems } = await callOf(hook, keys)
      expect(calls).toBe(1)
      expect(problems.map(({ field }) => field)).toEqual([
        'signingKey',
        'config.headers.Authorization',
        'delivery.previousSigningKeys[0].key',
      ])
      for (const problem of problems) expect(problem.message).toContain(message)
      expect(JSON.stringify(problems)).not.toContain('hooktide-enc')
    },
  )

  it('is not called with a signing key in a header, where somebody copied it', async () => {
    const { signingKey, ...hook } = encrypted(old)
    const config = { url: url('a'), headers: { 'x-key': signingKey } }
    const { calls, problems } = await callOf({ ...hook, signingKey, config }, [old])
    expect(calls).toBe(1)
    expect(problems.map(({ field }) => field)).toEqual(['config.headers.x-key'])
  })
})
