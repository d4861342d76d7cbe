import { describe, expect, it } from 'vitest'
import { createBrokerRig } from '../support/broker-rig.ts'
import { surroundings } from '../support/sandbox.ts'

describe('changes of hooks while the processor runs', () => {
  it('take effect from the next event on: an edit, a disabling, a tombstone and an invalid record', async () => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({ brokers })
    await rig.putHooks({ id: 'a' }, { id: 'witness' })
    const process = await rig.run({ HOOKTIDE_LOG_LEVEL: 'debug' })
    let sent = 0
    const sendAndSee = async () => {
      sent += 1
      const seen = sent
      await rig.sendEvents({ fields: { n: sent } })
      await rig.receiver.waitFor(
        (all) => all.filter(({ path }) => path === '/witness').length === seen,
      )
    }
    /** The hook topic has one partition: once a later record of it has been applied, so has the change. */
    const changeAndSee = async (change: Promise<void>, barrier: string) => {
      await change
      await rig.putHooks({ id: barrier, config: { url: 7 } })
      await process.waitForLine(({ msg, hookId }) => msg === 'hook.suspended' && hookId === barrier)
    }
    await sendAndSee()
    await changeAndSee(rig.putHooks({ id: 'a', config: { url: rig.urlOf('moved') } }), 'b1')
    await sendAndSee()
    await changeAndSee(rig.putHooks({ id: 'a', enabled: false }), 'b2')
    await sendAndSee()
    await changeAndSee(rig.putHooks({ id: 'a' }), 'b3')
    await sendAndSee()
    await changeAndSee(rig.deleteHook('a'), 'b4')
    await sendAndSee()
    await changeAndSee(rig.putHooks({ id: 'a', delivery: { typo: 1 } }), 'b5')
    await sendAndSee()
    const dead = await rig.deadLetters.waitFor((all) =>
      all.some((one) => one['hooktide-hook-id'] === 'a'),
    )
    expect(dead.find((one) => one['hooktide-hook-id'] === 'a')).toMatchObject({
      'hooktide-reason': 'hook-invalid',
    })
    const paths = rig.receiver.requests
      .filter(({ path }) => path !== '/witness')
      .map(({ path, body }) => `${path} ${String(JSON.parse(body.toString()).n)}`)
    expect(paths).toEqual(['/a 1', '/moved 2', '/a 4'])
  })
})

describe('a filter', () => {
  it('that is invalid suspends only its hook, and applies once it is corrected', async () => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({ brokers })
    await rig.putHooks(
      { id: 'broken', delivery: { filter: 'event.user.id == user.id' } },
      { id: 'one', delivery: { filter: 'event.n == 1 && headers["region"] == "eu"' } },
    )
    const process = await rig.run({ HOOKTIDE_LOG_LEVEL: 'debug' })
    const suspended = await process.waitForLine(({ msg }) => msg === 'hook.suspended')
    expect(suspended).toMatchObject({
      hookId: 'broken',
      problems: [
        {
          field: 'delivery.filter',
          message: 'cannot be used: there is no variable user (character 18)',
        },
      ],
    })
    const headers = { region: 'eu' }
    await rig.sendEvents({ fields: { n: 1 }, headers }, { fields: { n: 2 } }, { fields: { n: 1 } })
    const failed = await process.waitForLine(({ msg }) => msg === 'filter.failed')
    expect(failed).toMatchObject({ hookId: 'one', fault: 'missing-key' })
    const dead = await rig.deadLetters.waitFor((all) => all.length >= 3)
    expect(dead.map((one) => [one['hooktide-hook-id'], one['hooktide-reason']])).toEqual(
      Array.from({ length: 3 }, () => ['broken', 'hook-invalid']),
    )

    await rig.putHooks({ id: 'broken', delivery: { filter: 'event.n == 2' } })
    await process.waitForLine(({ msg, hookId }) => msg === 'hook.changed' && hookId === 'broken')
    await rig.sendEvents({ fields: { n: 1 } }, { fields: { n: 2 } })
    await rig.receiver.waitFor((all) => all.some(({ path }) => path === '/broken'))
    const called = rig.receiver.requests.map(
      ({ path, body }) => `${path} ${String(JSON.parse(body.toString()).n)}`,
    )
    expect(called.toSorted()).toEqual(['/broken 2', '/one 1'])
  })
})
