/** Rows of Logto's `hooks` table on the hook topic, as Debezium writes them, under the real processor and commands. */
import { beforeAll, describe, expect, it } from 'vitest'
import { connectAdmin } from '../../src/edge/kafka/admin.ts'
import { createBrokerRig } from '../support/broker-rig.ts'
import { capturedId as id, change, hookRow } from '../support/captured-changes.ts'
import { hooktide } from '../support/hooktide-process.ts'
import { settingsOf, silentLog, useKafka } from '../support/kafka-tools.ts'
import { uniqueNames } from '../support/names.ts'
import { surroundings } from '../support/sandbox.ts'

const key = JSON.stringify({ id })

const rowOf = (url: string) => ({
  ...hookRow,
  events: '["PostSignIn"]',
  config: JSON.stringify({ url, headers: { 'x-team': 'growth' } }),
})

const changed = (op: string, after: unknown) => JSON.stringify(change(op, null, after))

describe('a captured row', () => {
  it('is called while it exists and is complete, and the log says what to do otherwise', async () => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({ brokers })
    const { produce } = await useKafka(brokers)
    const capture = (...values: readonly (string | null)[]) =>
      produce(
        `${rig.prefix}.hooks`,
        values.map((value) => ({ key, value })),
      )
    await capture(changed('r', rowOf(rig.urlOf('first'))))
    const one = await rig.run()
    await rig.sendEvents({})
    const [request] = await rig.receiver.waitFor(1)
    expect(request).toMatchObject({
      path: '/first',
      headers: { 'x-team': 'growth' },
      logtoSignature: 'valid',
    })

    const unavailable = '__debezium_unavailable_value'
    await capture(changed('u', { ...rowOf(''), name: 'New', config: unavailable }))
    const suspended = await one.waitForLine(({ msg }) => msg === 'hook.suspended')
    expect(JSON.stringify(suspended)).toContain('ALTER TABLE hooks REPLICA IDENTITY FULL')
    await rig.sendEvents({})
    await rig.deadLetters.waitFor((all) => all.length === 1)
    expect(rig.deadLetters.items[0]).toMatchObject({ 'hooktide-reason': 'hook-invalid' })

    await capture(changed('d', null), null)
    await one.waitForLine((line) => line.msg === 'hook.changed' && line['change'] === 'deleted')
    await capture(JSON.stringify({ ...rowOf(rig.urlOf('again')), __deleted: 'false', __op: 'c' }))
    await one.waitForLine(({ configVersion }) => configVersion === '0-4')
    await rig.sendEvents({})
    const requests = await rig.receiver.waitFor(2)
    expect(requests.map(({ path }) => path)).toEqual(['/first', '/again'])
  })
})

describe('commands on a captured row', () => {
  const { prefix } = uniqueNames()
  const topic = `${prefix}.hooks`
  const url = 'https://192.0.2.1/hook'

  const command = (args: readonly string[], input = '') =>
    hooktide(
      args,
      { KAFKA_BROKERS: surroundings().brokers.join(','), HOOKTIDE_TOPIC_PREFIX: prefix },
      input,
    )

  beforeAll(async () => {
    const admin = await connectAdmin(settingsOf(surroundings().brokers), silentLog)
    await admin.createTopic({ topic, partitions: 1, configs: { 'cleanup.policy': 'compact' } })
    await admin.stop()
  })

  it('show it as a hook object, refuse to change it, and can delete it', async () => {
    const tools = await useKafka(surroundings().brokers)
    await tools.produce(topic, [{ key, value: changed('c', rowOf(url)) }])

    const got = await command(['hooks', 'get', id, '--show-secrets'])
    expect(got.stderr).toBe('captured: this is a row of a database. Change it there.\n')
    const hook = JSON.parse(got.stdout)
    expect(hook).toEqual({
      id,
      tenantId: 'default',
      name: 'CRM',
      event: null,
      events: ['PostSignIn'],
      config: { url, headers: { 'x-team': 'growth' } },
      signingKey: 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii',
      enabled: true,
      createdAt: 1_789_376_531_019,
    })
    const listed = await command(['hooks', 'list', '--json'])
    expect(JSON.parse(listed.stdout)).toMatchObject({ id, state: 'active', isCaptured: true, url })

    const put = await command(['hooks', 'put', '-f', '-'], got.stdout)
    expect(put.code).not.toBe(0)
    expect(put.stdout).toBe('')
    expect(put.stderr).toContain('id belongs to a row captured from a database: change it there')

    const deleted = await command(['hooks', 'delete', id, '--yes'])
    expect(deleted).toMatchObject({ code: 0, stdout: `deleted ${id}\n` })
    expect(deleted.stderr).toContain('delete it there too, or its next change brings it back')
    expect((await tools.readAll(topic)).at(-1)).toMatchObject({
      key: Buffer.from(key),
      value: null,
    })
    expect((await command(['hooks', 'get', id])).code).toBe(1)
  })

  it('do not change the key of a hook object', async () => {
    const hook = { id: 'quoted', events: ['PostSignIn'], config: { url }, signingKey: 'k' }
    const tools = await useKafka(surroundings().brokers)
    await tools.produce(topic, [{ key: '"quoted"', value: JSON.stringify(hook) }])
    const put = await command(['hooks', 'put', '-f', '-'], JSON.stringify({ ...hook, name: 'New' }))
    expect(put.code).toBe(0)
    const records = await tools.readAll(topic)
    expect(records.slice(-2).map((record) => String(record.key))).toEqual(['"quoted"', '"quoted"'])
  })
})
