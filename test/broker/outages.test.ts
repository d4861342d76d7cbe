/** A broker that is away, at the start or under load. Each test stops the broker, so it is one of their own. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed, vi } from 'vitest'
import {
  type EmbeddedKafka,
  soonForgotten,
  startEmbeddedKafka,
} from '../../examples/sandbox/sandbox.ts'
import {
  callsByDelivery,
  committedCount,
  repeatedCalls,
  startLoad,
  waitForFinals,
} from '../support/accounting.ts'
import { createBrokerRig, type BrokerRig } from '../support/broker-rig.ts'
import { startRun, type RunningProcess } from '../support/hooktide-process.ts'
import { createSteps, pageOf, type Steps } from '../support/steps.ts'

/** How long an outage lasts at least, as the log tells it. By hand, a minute or more. */
const lastsMs = Number(process.env['HOOKTIDE_TEST_OUTAGE_MS'] ?? 0)

/** All steps of a test together, and its time to give up what it holds. */
const [stepsMs, disposalMs] = [220_000 + lastsMs, 60_000]
/** A broker may take two minutes to start before that is an error of its own. */
const restartMs = 130_000
/** Less than a step has: what is asked for again and again says itself what it found last. */
const pollMs = 55_000
/** More than an outage lets come here: a machine that takes longer for it has no more to do than this one. */
const mostEvents = 4_000

vi.setConfig({ testTimeout: stepsMs + disposalMs })

let kafka: EmbeddedKafka

beforeAll(async () => {
  kafka = await startEmbeddedKafka({ overrides: soonForgotten })
}, restartMs)

beforeEach(() => {
  // The next test finds a broker, whatever this one has left.
  onTestFailed(() => kafka.restart(), restartMs)
})

afterAll(async () => {
  await kafka.stop()
})

/** What an outage cost, for people. */
function report(line: string): void {
  process.stderr.write(`${line}\n`)
}

async function untilUnready(process: RunningProcess): Promise<void> {
  await vi.waitFor(
    async () =>
      expect(await pageOf(process, '/readyz')).toMatch(/^503 not ready: .*broker has not answered/),
    { timeout: pollMs, interval: 50 },
  )
}

async function untilReady(process: RunningProcess): Promise<void> {
  await vi.waitFor(async () => expect(await pageOf(process, '/readyz')).toBe('200 ready'), pollMs)
}

async function untilCommitted(rig: BrokerRig, count: number): Promise<void> {
  await vi.waitFor(async () => expect(await committedCount(rig)).toBe(count), pollMs)
}

/** A processor that has made its first 400 calls, while events go on to come. To be given up after the test. */
async function underLoad({ step, watch }: Steps) {
  await using held = new AsyncDisposableStack()
  const rigOptions = { brokers: kafka.brokers, partitions: 2 }
  const rig = held.use(await step('the rig', createBrokerRig(rigOptions)))
  await step('its hook', rig.putHooks({ id: 'a' }))
  const run = rig.start()
  watch(rig, run)
  await step('readiness', run.ready())
  const load = held.use(startLoad(rig, mostEvents))
  await step('400 calls', rig.receiver.waitFor(400))
  const committed = await step('the committed offsets', committedCount(rig))
  const kept = held.move()
  return { rig, run, load, committed, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

describe('a broker that does not answer when the processor starts', () => {
  it('is waited for, while /readyz says so and the log does not repeat it, and then deliveries work', async () => {
    const { step, watch } = createSteps(stepsMs)
    await using rig = await step('the rig', createBrokerRig({ brokers: kafka.brokers }))
    await step('its hook', rig.putHooks({ id: 'a' }))
    await step('its event', rig.sendEvents({}))
    await step('the end of the broker', kafka.kill())
    await using process = startRun(rig.environment)
    watch(rig, process)
    const isWaiting = ({ msg }: { readonly msg?: string }) => msg === 'waiting for Kafka'
    await step('the line that it waits', process.waitForLine(isWaiting))
    expect(await pageOf(process, '/healthz')).toBe('200 ok')
    expect(await pageOf(process, '/readyz')).toMatch(
      /^503 not ready: starting: No Kafka broker answers at /,
    )
    await step('the restart of the broker', kafka.restart(), restartMs)
    await step('readiness', process.ready())
    await step('the final result', waitForFinals(rig, 1))
    expect(await pageOf(process, '/readyz')).toBe('200 ready')
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
      const steps = createSteps(stepsMs)
      const { step, story } = steps
      await using begun = await underLoad(steps)
      const { rig, run, load, committed } = begun

      await step('the loss of the broker', lose())
      await step('unreadiness', untilUnready(run))
      const called = rig.receiver.requests.length
      const isLasting = run.waitForLine(({ failingMs }) => Number(failingMs) >= lastsMs)
      await step('the line that it fails', isLasting, 60_000 + lastsMs)
      expect(rig.receiver.requests).toHaveLength(called)
      expect(await pageOf(run, '/healthz')).toBe('200 ok')

      await step('the return of the broker', regain(), restartMs)
      const regainedAt = performance.now()
      await step('the first call', rig.receiver.waitFor(called + 1))
      const resumedMs = Math.round(performance.now() - regainedAt)
      const count = await step('the writing of all events', load.end())
      await step(`${count} final results`, waitForFinals(rig, count))
      await step('readiness again', untilReady(run))
      await step('the commit of all', untilCommitted(rig, count))
      expect(callsByDelivery(rig).size).toBe(count)
      expect(repeatedCalls(rig)).toBeLessThanOrEqual(called - committed)
      run.signal('SIGTERM')
      expect(await step('the end of the processor', run.exited)).toBe(0)
      report(
        `first call ${resumedMs} ms after the broker was back; ${repeatedCalls(rig)} of ${count} calls repeated, ` +
          `${called - committed} were not known to be committed; ${story()}`,
      )
    },
  )
})

describe('broker and processor killed at once', () => {
  it('lose nothing when both are started again', async () => {
    const steps = createSteps(stepsMs)
    const { step, watch } = steps
    await using begun = await underLoad(steps)
    const { rig, run, load, committed } = begun
    run.signal('SIGKILL')
    await step('the end of the broker', kafka.kill())
    // Calls may still be on their way when the process has ended.
    await step('the end of its connections', rig.receiver.waitForConnections(0))
    const called = rig.receiver.requests.length
    await step('the restart of the broker', kafka.restart(), restartMs)
    const second = rig.start()
    watch(rig, second)
    await step('readiness again', second.ready())
    const count = await step('the writing of all events', load.end())
    await step(`${count} final results`, waitForFinals(rig, count))
    expect(callsByDelivery(rig).size).toBe(count)
    expect(repeatedCalls(rig)).toBeLessThanOrEqual(called - committed)
  })
})
