/** A broker that is away, at the start or under load. Each test stops the broker, so it is one of their own. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { soonForgotten, startEmbeddedKafka, type EmbeddedKafka } from '../../src/sandbox/kafka.ts'
import {
  callsByDelivery,
  committedCount,
  repeatedCalls,
  startLoad,
  waitForFinals,
} from '../support/accounting.ts'
import { createBrokerRig } from '../support/broker-rig.ts'
import { startRun, type RunningProcess } from '../support/hooktide-process.ts'

/** How long an outage lasts at least, as the log tells it. By hand, a minute or more. */
const lastsMs = Number(process.env['HOOKTIDE_TEST_OUTAGE_MS'] ?? 0)

vi.setConfig({ testTimeout: 120_000 })

let kafka: EmbeddedKafka

beforeAll(async () => {
  kafka = await startEmbeddedKafka({ overrides: soonForgotten })
})

afterAll(async () => {
  await kafka.stop()
})

/** What an outage cost, for people. */
function report(line: string): void {
  process.stderr.write(`${line}\n`)
}

async function statusOf(process: RunningProcess, path = '/readyz'): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${await process.port}${path}`)
  return `${response.status} ${(await response.text()).trim()}`
}

async function untilUnready(process: RunningProcess): Promise<void> {
  await vi.waitFor(
    async () =>
      expect(await statusOf(process)).toMatch(/^503 not ready: .*broker has not answered/),
    { timeout: 20_000, interval: 50 },
  )
}

describe('a broker that is away when the processor starts', () => {
  it('is waited for, which /readyz says meanwhile and the log does not repeat each time, and then all is well', async () => {
    await using rig = await createBrokerRig({ brokers: kafka.brokers })
    await rig.putHooks({ id: 'a' })
    await rig.sendEvents({})
    await kafka.kill()
    await using process = startRun(rig.environment)
    const isWaiting = ({ msg }: { readonly msg?: string }) => msg === 'waiting for Kafka'
    await process.waitForLine(isWaiting)
    expect(await statusOf(process, '/healthz')).toBe('200 ok')
    expect(await statusOf(process)).toMatch(/^503 not ready: starting: No Kafka broker answers at /)
    await kafka.restart()
    await process.ready()
    await waitForFinals(rig, 1)
    expect(await statusOf(process)).toBe('200 ready')
    // Asked for every second, and said at growing intervals.
    expect(process.lines.filter(isWaiting).length).toBeLessThan(3)
  })
})

describe('a broker that is lost under load for longer than the session time-out', () => {
  const signal = (name: NodeJS.Signals) => {
    process.kill(kafka.pid(), name)
    return Promise.resolve()
  }

  it.each([
    { how: 'was killed', lose: () => kafka.kill(), regain: () => kafka.restart() },
    { how: 'hangs', lose: () => signal('SIGSTOP'), regain: () => signal('SIGCONT') },
  ])(
    'costs no event, no restart, and no call without proven membership, when it $how',
    async ({ lose, regain }) => {
      await using rig = await createBrokerRig({ brokers: kafka.brokers, partitions: 2 })
      await rig.putHooks({ id: 'a' })
      const run = await rig.run()
      const load = startLoad(rig)
      await rig.receiver.waitFor(400)
      const committed = await committedCount(rig)

      await lose()
      await untilUnready(run)
      const called = rig.receiver.requests.length
      await run.waitForLine(({ failingMs }) => Number(failingMs) >= lastsMs)
      expect(rig.receiver.requests).toHaveLength(called)
      expect(await statusOf(run, '/healthz')).toBe('200 ok')

      await regain()
      const regainedAt = performance.now()
      await rig.receiver.waitFor(called + 1)
      const resumedMs = Math.round(performance.now() - regainedAt)
      const count = await load.end()
      await waitForFinals(rig, count)
      await vi.waitFor(async () => expect(await statusOf(run)).toBe('200 ready'), 10_000)
      await vi.waitFor(async () => expect(await committedCount(rig)).toBe(count), 10_000)
      expect(callsByDelivery(rig).size).toBe(count)
      expect(repeatedCalls(rig)).toBeLessThanOrEqual(called - committed)
      report(
        `first call ${resumedMs} ms after the broker was back; ${repeatedCalls(rig)} of ${count} calls repeated, ` +
          `${called - committed} were not known to be committed`,
      )
      run.signal('SIGTERM')
      expect(await run.exited).toBe(0)
    },
  )
})

describe('broker and processor killed at once', () => {
  it('lose nothing when both are started again', async () => {
    await using rig = await createBrokerRig({ brokers: kafka.brokers, partitions: 2 })
    await rig.putHooks({ id: 'a' })
    const first = await rig.run()
    const load = startLoad(rig)
    await rig.receiver.waitFor(400)
    const committed = await committedCount(rig)
    first.signal('SIGKILL')
    await kafka.kill()
    const called = rig.receiver.requests.length
    await kafka.restart()
    await rig.run()
    const count = await load.end()
    await waitForFinals(rig, count)
    expect(callsByDelivery(rig).size).toBe(count)
    expect(repeatedCalls(rig)).toBeLessThanOrEqual(called - committed)
  })
})
