/** Endpoint health between real processes: what one found is known to the other, and what an operator says to both. */
import { expect, it } from 'vitest'
import type { ReceiverAnswer } from '../../examples/sandbox/sandbox.ts'
import { createBrokerRig } from '../support/broker-rig.ts'
import { hooktide } from '../support/hooktide-process.ts'
import { surroundings } from '../support/sandbox.ts'

it('the failure of an endpoint is found by one process, known to all, and ended by a command in all', async () => {
  const { brokers } = surroundings()
  const answers = new Map<string, ReceiverAnswer>([
    ['/asks', { kind: 'respond', status: 503, headers: { 'retry-after': '3600' } }],
    ['/gone', { kind: 'respond', status: 410 }],
  ])
  await using rig = await createBrokerRig({
    brokers,
    partitions: 2,
    answer: ({ path }) => answers.get(path),
  })
  await rig.putHooks({ id: 'asks' }, { id: 'gone', events: ['User.Created'] })
  const processes = await Promise.all(
    ['one', 'two'].map((name) => rig.run({ HOOKTIDE_INSTANCE: name })),
  )
  const allSay = (hookId: string, to: string) =>
    Promise.all(
      processes.map((one) =>
        one.waitForLine((line) => line['hookId'] === hookId && line['to'] === to),
      ),
    )
  const endpoints = async (...words: readonly string[]) => {
    const { stdout } = await hooktide(['endpoints', ...words, '--json'], rig.environment)
    return JSON.parse(stdout) as unknown
  }
  /** One event for each partition, so that each process has one. */
  const sendToBoth = (event: string) =>
    rig.sendEvents({ fields: { event }, partition: 0 }, { fields: { event }, partition: 1 })
  const resultsOf = async (id: string, count: number) => {
    const fits = (all: typeof rig.results.items) => all.filter(({ hookId }) => hookId === id)
    return fits(await rig.results.waitFor((all) => fits(all).length >= count)).slice(1 - count)
  }
  const callsOf = (id: string) =>
    rig.receiver.requests.filter(({ path }) => path === `/${id}`).length

  await rig.sendEvents({ partition: 0 }, { fields: { event: 'User.Created' }, partition: 1 })
  await Promise.all([allSay('asks', 'paused'), allSay('gone', 'disabled')])
  expect(await endpoints('list', '--state', 'paused')).toMatchObject({ reason: 'retry-after' })

  await Promise.all([sendToBoth('PostSignIn'), sendToBoth('User.Created')])
  const deferred = await resultsOf('asks', 3)
  expect(deferred.map(({ outcome }) => outcome)).toEqual(['deferred', 'deferred'])
  expect(new Set(deferred.map(({ instance }) => instance)).size).toBe(2)
  const dead = await resultsOf('gone', 3)
  expect(dead.map(({ reason }) => reason)).toEqual(['endpoint-disabled', 'endpoint-disabled'])
  expect(new Set(dead.map(({ instance }) => instance)).size).toBe(2)
  expect([callsOf('asks'), callsOf('gone')]).toEqual([1, 1])

  answers.clear()
  await hooktide(['endpoints', 'enable', 'asks', 'gone'], rig.environment)
  await Promise.all([allSay('asks', 'healthy'), allSay('gone', 'healthy')])
  await Promise.all([sendToBoth('PostSignIn'), sendToBoth('User.Created')])
  for (const id of ['asks', 'gone']) {
    const delivered = await resultsOf(id, 5)
    expect(delivered.slice(-2).map(({ outcome }) => outcome)).toEqual(['delivered', 'delivered'])
  }
})
