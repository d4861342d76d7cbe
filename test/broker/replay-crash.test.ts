/** A replay that ends in its middle, by kill -9 beside a processor that is killed too or by Ctrl-C: nothing is lost. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, it, vi } from 'vitest'
import { callsByDelivery, committedCount, waitForFinals } from '../support/accounting.ts'
import { createBrokerRig, type BrokerRig } from '../support/broker-rig.ts'
import { hooktide } from '../support/hooktide-process.ts'
import { useKafka } from '../support/kafka-tools.ts'
import { surroundings } from '../support/sandbox.ts'

const script = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))

interface Ended {
  readonly id: string
  readonly code: number | null
  readonly stderr: string
}

/** Starts a replay, and sends it the signal as soon as `isFar` says so. */
async function endedReplay(
  rig: BrokerRig,
  words: readonly string[],
  signal: 'SIGKILL' | 'SIGINT',
  isFar: Promise<unknown>,
): Promise<Ended> {
  const child = spawn(process.execPath, [script, 'replay', '--yes', ...words], {
    env: { PATH: process.env['PATH'], ...rig.environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const exited = once(child, 'exit')
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  await isFar
  child.kill(signal)
  await exited
  return { id: /^replay (\w+):/.exec(stderr)?.[1] ?? '', code: child.exitCode, stderr }
}

/** What is committed before there is a hook is brought by nothing but a replay. */
async function committed(rig: BrokerRig, count: number): Promise<void> {
  await vi.waitFor(async () => expect(await committedCount(rig)).toBe(count), 20_000)
}

/** Resolves when the one replay of the rig has written down that it is so many records far. */
async function writtenDown(rig: BrokerRig, count: number): Promise<void> {
  const { admin } = await useKafka(surroundings().brokers)
  const prefix = `${rig.environment['HOOKTIDE_GROUP_ID']}.replay.`
  const written = async () => {
    const { groups } = await admin.listGroups()
    const groupId = groups.find((group) => group.groupId.startsWith(prefix))?.groupId
    if (groupId === undefined) return 0
    const topics = await admin.fetchOffsets({ groupId, topics: [`${rig.prefix}.events`] })
    const offsets = topics.flatMap(({ partitions }) => partitions)
    return offsets.reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0)
  }
  await vi.waitFor(async () => expect(await written()).toBe(count), 20_000)
}

it('a replay of 10,000 that was killed can be resumed by its id, and reaches every delivery', async () => {
  const { brokers } = surroundings()
  await using rig = await createBrokerRig({ brokers, partitions: 3 })
  const total = 10_000
  const events = Array.from({ length: total }, (_, n) => ({
    fields: { n },
    headers: { 'event-id': `e${n}` },
    partition: n % 3,
  }))
  await rig.sendEvents(...events)
  const none = await rig.run({ HOOKTIDE_INSTANCE: 'one' })
  await committed(rig, total)
  await rig.putHooks({ id: 'a', delivery: { concurrency: 64 } })
  const words = ['--from', 'earliest', '--rate', '1000']
  const { id } = await endedReplay(rig, words, 'SIGKILL', rig.receiver.waitFor(1_000))
  const requestedAtKill = rig.receiver.requests.length
  expect(requestedAtKill).toBeLessThan(total)

  none.signal('SIGKILL')
  await none.exited
  await rig.run({ HOOKTIDE_INSTANCE: 'two' })
  const resumed = await hooktide(['replay', '--resume', id], rig.environment)
  expect(resumed.code).toBe(0)
  await waitForFinals(rig, total)
  expect(callsByDelivery(rig).size).toBe(total)
  const triggers = new Set(rig.results.items.map(({ trigger }) => trigger))
  expect(triggers).toEqual(new Set(['replay']))

  const over = await hooktide(['replay', '--resume', id], rig.environment)
  expect(over.stderr).toContain('No replay is unfinished.')
}, 120_000)

it('a replay that is interrupted while it waits for its rate requests each delivery once', async () => {
  const { brokers } = surroundings()
  await using rig = await createBrokerRig({ brokers, partitions: 3 })
  const total = 12
  const events = Array.from({ length: total }, (_, n) => ({
    headers: { 'event-id': `e${n}` },
    partition: n % 3,
  }))
  await rig.sendEvents(...events)
  await rig.run()
  await committed(rig, total)
  await rig.putHooks({ id: 'a' })
  // One request at a time, a second apart: when two are written down, the third waits for its second.
  const words = ['--from', 'earliest', '--rate', '1']
  const { id, code, stderr } = await endedReplay(rig, words, 'SIGINT', writtenDown(rig, 2))
  expect(code).toBe(130)
  expect(stderr).toContain(
    `The replay is not done. Continue it with: hooktide replay --resume ${id} --rate 1\n`,
  )

  const resumed = await hooktide(['replay', '--resume', id], rig.environment)
  expect(resumed.code).toBe(0)
  const finals = await waitForFinals(rig, total)
  expect(callsByDelivery(rig).size).toBe(total)
  expect(finals).toHaveLength(total)
})
