/** A replay that is killed in its middle, beside a processor that is killed too: nothing is lost. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { callsByDelivery, waitForFinals } from '../support/accounting.ts'
import { createBrokerRig, type BrokerRig } from '../support/broker-rig.ts'
import { hooktide } from '../support/hooktide-process.ts'
import { surroundings } from '../support/sandbox.ts'

const script = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))

/** Starts a replay, and kills it as soon as `isFar` says so. Returns its id. */
async function killedReplay(
  rig: BrokerRig,
  words: readonly string[],
  isFar: Promise<unknown>,
): Promise<string> {
  const child = spawn(process.execPath, [script, 'replay', ...words], {
    env: { PATH: process.env['PATH'], ...rig.environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const exited = once(child, 'exit')
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  await isFar
  child.kill('SIGKILL')
  await exited
  return /^replay (\w+):/.exec(stderr)?.[1] ?? ''
}

it('a replay of 10,000 that is killed is gone on with by its id, and reaches every delivery', async () => {
  const { brokers } = surroundings()
  await using rig = await createBrokerRig({ brokers, partitions: 3 })
  const total = 10_000
  const events = Array.from({ length: total }, (_, n) => ({
    fields: { n },
    headers: { 'event-id': `e${n}` },
    partition: n % 3,
  }))
  await rig.sendEvents(...events)
  // Nothing but the replay brings them: the hook is younger than the events, and these are committed.
  const none = await rig.run({ HOOKTIDE_INSTANCE: 'one' })
  await none.waitForLine(({ msg }) => msg === 'ready')
  await rig.putHooks({ id: 'a', delivery: { concurrency: 64 } })
  const words = ['--from', 'earliest', '--rate', '4000']
  const id = await killedReplay(rig, words, rig.receiver.waitFor(2_500))
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
  expect(over.stderr).toContain('None waits to be gone on with.')
}, 120_000)
