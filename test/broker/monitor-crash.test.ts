/** `hooktide monitor` that is killed while it reads, whose store is lost or damaged, and what it reads is hostile. */
import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { readSettings } from '../../src/settings/settings.ts'
import { createBrokerRig } from '../support/broker-rig.ts'
import { startMonitor } from '../support/hooktide-process.ts'
import { resultWith, retryingWith } from '../support/indexed-results.ts'
import { useKafka } from '../support/kafka-tools.ts'
import { surroundings } from '../support/sandbox.ts'

const [count, batch, partitions] = [12_000, 2_000, 3]
const minuteMs = 60_000

interface Status {
  readonly results: number
  readonly unreadable: number
  readonly readings: readonly { readonly behind: number | null }[]
}

interface Row {
  readonly name: string
  readonly calls: number
  readonly delivered: number
  readonly retrying: number
}

/** Results of some hooks, of the last hour. */
function resultAt(at: number, now: number) {
  const attemptedAt = now - minuteMs - (at % 3_000) * 1_000
  const fields = { deliveryId: `dlv_${at}`, run: `r/${at}`, hookId: `hook${at % 7}`, attemptedAt }
  return at % 5 === 0
    ? retryingWith({ ...fields, eventAt: attemptedAt, nextDueAt: now + minuteMs })
    : resultWith({ ...fields, eventAt: attemptedAt })
}

function truthOf(now: number): readonly Row[] {
  const rows = new Map<string, Row>()
  for (let at = 0; at < count; at += 1) {
    const { hookId, outcome } = resultAt(at, now)
    const row = rows.get(hookId) ?? { name: hookId, calls: 0, delivered: 0, retrying: 0 }
    const isDelivered = outcome === 'delivered' ? 1 : 0
    rows.set(hookId, {
      name: hookId,
      calls: row.calls + 1,
      delivered: row.delivered + isDelivered,
      retrying: row.retrying + 1 - isDelivered,
    })
  }
  return [...rows.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1))
}

it('has the same numbers after it was killed while it read, and after its store was lost', async () => {
  const { brokers } = surroundings()
  await using rig = await createBrokerRig({ brokers, partitions })
  const { topics } = readSettings(rig.environment)
  const tools = await useKafka(brokers)
  const now = Date.now()
  for (let start = 0; start < count; start += batch) {
    const messages = Array.from({ length: batch }, (_, at) => ({
      partition: (start + at) % partitions,
      value: JSON.stringify(resultAt(start + at, now)),
    }))
    const isLast = start + batch === count
    await (isLast
      ? tools.produceInTransaction(topics.results, messages)
      : tools.produce(topics.results, messages))
  }
  const hostile = [
    ...[Buffer.from('no JSON'), Buffer.from('[]'), Buffer.from('"text"'), Buffer.alloc(0), null],
    // Of a schema that no registry has.
    ...[Buffer.from([0, 0, 0, 0x7f, 0xff, 1, 2]), Buffer.from([0]), Buffer.alloc(900_000, 0x7b)],
  ]
  await tools.produce(
    topics.results,
    hostile.map((value) => ({ value, partition: 1 })),
  )
  const folder = mkdtempSync(join(tmpdir(), 'hooktide-crash-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'index.sqlite')
  const start = () => {
    const monitor = startMonitor({ ...rig.environment, HOOKTIDE_MONITOR_STORE: file })
    onTestFinished(async () => void (await monitor.stop()))
    return monitor
  }
  const ask = async (origin: string, path: string): Promise<unknown> =>
    await (await fetch(origin + path)).json()
  const statusOf = async (origin: string) => (await ask(origin, '/api/status')) as Status
  const limit = { timeout: 30_000, interval: 20 }

  for (const share of [0.1, 0.5]) {
    const monitor = start()
    const origin = await monitor.origin
    await vi.waitUntil(async () => (await statusOf(origin)).results > share * count, limit)
    await monitor.kill()
  }
  const expectTruth = async (origin: string) => {
    const behind = async () => (await statusOf(origin)).readings.map((one) => one.behind)
    await expect.poll(behind, limit).toEqual([0, 0, 0, 0])
    expect((await statusOf(origin)).results).toBe(count)
    const rows = (await ask(origin, '/api/stats?by=hook&from=2h')) as readonly Row[]
    const counted = rows.map(({ name, calls, delivered, retrying }) => ({
      ...{ name, calls, delivered, retrying },
    }))
    expect(counted.toSorted((one, other) => (one.name < other.name ? -1 : 1))).toEqual(truthOf(now))
  }
  const again = start()
  await expectTruth(await again.origin)
  expect(await again.stop()).toBe(0)

  truncateSync(file, Math.floor(statSync(file).size / 2))
  const refused = start()
  const complaint = refused.origin.catch(String)
  const damaged = await Promise.race([complaint, statusOf(await complaint).catch(String)])
  expect(damaged).toMatch(/The store .* cannot be used/)
  await refused.stop()

  for (const name of readdirSync(folder)) rmSync(join(folder, name))
  const anew = start()
  const origin = await anew.origin
  await expectTruth(origin)
  expect((await statusOf(origin)).unreadable).toBeGreaterThanOrEqual(hostile.length - 1)
})
