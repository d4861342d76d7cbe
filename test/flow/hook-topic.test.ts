/** Hook topics as they are found: with several partitions, and with rows that a database's changes put there. */
import { describe, expect, it } from 'vitest'
import { change, hookRow } from '../support/captured-changes.ts'
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
    const told = one.signals.flatMap((signal) =>
      signal.kind === 'hook.suspended' ? signal.problems : [],
    )
    expect(told).toMatchObject([
      { field: 'config', message: expect.stringContaining('REPLICA IDENTITY FULL') },
    ])
    capture(rig, 'u', 'a', row('a'))
    await settled()
    rig.sendEvent()
    await rig.clock.advance(20)
    expect(one.http.calls).toHaveLength(1)
  })
})
