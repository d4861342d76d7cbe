import { describe, expect, it } from 'vitest'
import { latencies, outcomesOf, putAddressed, sendTo, urlOf } from '../support/addressed.ts'
import { createRig, type Instance, type Rig } from '../support/flow-rig.ts'
import type { MemoryAnswer } from '../support/memory-http.ts'

const second = 1_000
const tickMs = 100
const partitions = 6

const neverAnswers = undefined
const answersLate = { status: 200, afterMs: 3 * second } as const
const endpoints = [
  ['never answers', neverAnswers],
  ['answers after three seconds', answersLate],
] as const

/** A hook that answers at once, of another tenant than one that does not. Both get events on all partitions. */
class Load {
  readonly rig: Rig
  /** Of the hook that answers at once. */
  written = 0
  slowPerTick = 1
  #ticks = 0

  constructor(answer: MemoryAnswer | undefined) {
    this.rig = createRig({ partitions })
    putAddressed(this.rig, 'healthy', { tenantId: 'acme' })
    putAddressed(this.rig, 'slow')
    this.rig.script(urlOf('healthy'), { status: 200, afterMs: 5 })
    if (answer !== undefined) this.rig.script(urlOf('slow'), answer)
  }

  async goOn(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= tickMs) {
      this.#ticks += 1
      for (let partition = 0; partition < partitions; partition += 1) {
        sendTo(this.rig, 'healthy', { tenantId: 'acme', partition })
        this.written += 1
      }
      for (let n = 0; n < this.slowPerTick; n += 1) {
        sendTo(this.rig, 'slow', { partition: (this.#ticks + n) % partitions })
      }
      await this.rig.clock.advance(tickMs)
    }
  }

  /** Starts a process while the load goes on. */
  async start(instance: string): Promise<Instance> {
    const starting = this.rig.start({ instance })
    await this.goOn(4 * second)
    return await starting
  }
}

async function expectHealthyInTime(load: Load): Promise<void> {
  await load.rig.clock.advance(second)
  const waits = latencies(load.rig, 'healthy')
  expect(waits).toHaveLength(load.written)
  expect(Math.max(...waits)).toBeLessThan(second)
}

async function startTwo(rig: Rig): Promise<readonly [Instance, Instance]> {
  const one = await rig.start({ instance: 'one' })
  const starting = rig.start({ instance: 'two' })
  await rig.clock.advance(5 * second)
  return [one, await starting]
}

function callsOf(instances: readonly Instance[], id: string): readonly string[] {
  return instances
    .flatMap(({ http }) => http.calls)
    .filter(({ request }) => request.url === urlOf(id))
    .map(({ request }) => `${request.headers['webhook-id']} ${request.headers['hooktide-attempt']}`)
}

function expectNoRepeats(instances: readonly Instance[], id: string): void {
  const calls = callsOf(instances, id)
  expect(calls).not.toHaveLength(0)
  expect(new Set(calls).size).toBe(calls.length)
}

function lagOf({ processor }: Instance): number {
  return processor.depths().lag.get('auth.events') ?? 0
}

/** Hundreds of events wait for calls that take long. */
async function loadThatWaits(): Promise<{ readonly load: Load; readonly one: Instance }> {
  const load = new Load(answersLate)
  load.slowPerTick = 20
  const one = await load.start('one')
  await load.goOn(5 * second)
  expect(lagOf(one)).toBeGreaterThan(300)
  return { load, one }
}

describe('an orderly stop', () => {
  it.each(endpoints)(
    'holds up no other hook, and repeats no call, beside an endpoint that %s',
    async (_, answer) => {
      const load = new Load(answer)
      const [one, two] = await startTwo(load.rig)
      await load.goOn(10 * second)
      const stopping = one.processor.stop(20 * second)
      await load.goOn(20 * second)
      await stopping
      await load.goOn(10 * second)
      await expectHealthyInTime(load)
      expectNoRepeats([one, two], 'healthy')
      expectNoRepeats([one, two], 'slow')
      // Its calls had time to end: by an answer, or by their time-outs.
      expect(outcomesOf(load.rig, 'slow')['interrupted']).toBeUndefined()
    },
  )

  it('starts no call that takes long, and leaves what waits for it to the next owner', async () => {
    const load = new Load(answersLate)
    const one = await load.start('one')
    await load.goOn(5 * second)
    const before = callsOf([one], 'slow').length
    const stopping = one.processor.stop(20 * second)
    await load.goOn(5 * second)
    await stopping
    expect(callsOf([one], 'slow')).toHaveLength(before)
    const two = await load.start('two')
    await load.goOn(10 * second)
    expectNoRepeats([one, two], 'slow')
    expect(callsOf([two], 'slow')).not.toHaveLength(0)
  })

  it('defers what waits for calls that take long, so that the next owner does not begin with it', async () => {
    const { load, one } = await loadThatWaits()
    const lag = () => lagOf(one)
    const stopping = one.processor.stop(20 * second)
    await load.rig.clock.advance(2.5 * second)
    expect(lag()).toBeLessThan(20)
    await load.rig.clock.advance(20 * second)
    await stopping
    expect(outcomesOf(load.rig, 'slow')['interrupted']).toBeUndefined()
  })

  it('gives calls until two seconds before the deadline, however long others took', async () => {
    const load = new Load({ status: 200, afterMs: 1.2 * second })
    const one = await load.start('one')
    await load.goOn(3 * second)
    one.http.script(urlOf('slow'), { status: 200, afterMs: 4.8 * second })
    await load.goOn(tickMs)
    const stopping = one.processor.stop(7 * second)
    await load.rig.clock.advance(10 * second)
    await stopping
    expect(outcomesOf(load.rig, 'slow')['interrupted']).toBeUndefined()
  })

  it('goes on with the first calls of hooks meanwhile', async () => {
    const load = new Load({ status: 200, afterMs: 10 * second })
    const one = await load.start('one')
    const stopping = one.processor.stop(20 * second)
    putAddressed(load.rig, 'new')
    one.http.script(urlOf('new'), 200)
    await load.goOn(second)
    sendTo(load.rig, 'new')
    await load.goOn(second)
    expect(outcomesOf(load.rig, 'new')).toEqual({ delivered: 1 })
    await load.goOn(20 * second)
    await stopping
  })
})

describe('an orderly stop during a rebalance', () => {
  it('starts no call again when the rebalance ends', async () => {
    const rig = createRig({ partitions })
    // Most of its events are queued all the time.
    putAddressed(rig, 'rated', { ratePerSecond: 5 })
    putAddressed(rig, 'slow')
    rig.script(urlOf('rated'), { status: 200, afterMs: 5 })
    rig.script(urlOf('slow'), { status: 200, afterMs: 3.5 * second })
    const [one, two] = await startTwo(rig)
    for (let partition = 0; partition < partitions; partition += 1)
      sendTo(rig, 'slow', { partition })
    await rig.clock.advance(5 * second)
    for (let partition = 0; partition < partitions; partition += 1) {
      sendTo(rig, 'slow', { partition })
      sendTo(rig, 'rated', { partition, count: 50 })
    }
    await rig.clock.advance(tickMs)
    // Its calls in flight keep the other process from rejoining as early as the one that stops.
    two.http.script(urlOf('rated'), { status: 200, afterMs: 450 })

    const joining = rig.start({ instance: 'three' })
    await rig.clock.advance(2.1 * second)
    const before = callsOf([one], 'rated').length
    expect(before).toBeGreaterThan(0)
    const assignments = () => one.signals.filter(({ kind }) => kind === 'group.assigned').length
    const assigned = assignments()
    const stopping = one.processor.stop(2 * second)
    await rig.clock.advance(second)
    expect(assignments()).toBeGreaterThan(assigned)
    expect(callsOf([one], 'rated')).toHaveLength(before)
    await rig.clock.advance(20 * second)
    await stopping
    await joining
    expectNoRepeats([one, two], 'slow')
  })
})

describe('an orderly join', () => {
  it.each(endpoints)('holds up no other hook beside an endpoint that %s', async (_, answer) => {
    const load = new Load(answer)
    const one = await load.start('one')
    await load.goOn(5 * second)
    const two = await load.start('two')
    await load.goOn(10 * second)
    await expectHealthyInTime(load)
    expectNoRepeats([one, two], 'healthy')
  })

  it('defers what waits for calls that take long, so that the next owner does not begin with it', async () => {
    const { load, one } = await loadThatWaits()
    load.slowPerTick = 0
    const two = await load.start('two')
    expect(lagOf(one) + lagOf(two)).toBeLessThan(50)
    expectNoRepeats([one, two], 'healthy')
  })

  it('defers it a part at a time, so that all others go on', async () => {
    const { load } = await loadThatWaits()
    const deferred = () => outcomesOf(load.rig, 'slow')['deferred'] ?? 0
    const joining = load.rig.start({ instance: 'two' })
    const steps: number[] = []
    for (let step = 0; step < 100; step += 1) {
      const before = deferred()
      await load.rig.clock.advance(10)
      steps.push(deferred() - before)
    }
    expect(steps.reduce((sum, count) => sum + count)).toBeGreaterThan(300)
    expect(Math.max(...steps)).toBeLessThanOrEqual(200)
    await load.rig.clock.advance(5 * second)
    await joining
  })

  it('goes on with the first calls of hooks while it waits for calls that take long', async () => {
    const load = new Load({ status: 200, afterMs: 1.9 * second })
    const one = await load.start('one')
    load.slowPerTick = 0
    await load.goOn(10 * second)
    sendTo(load.rig, 'slow')
    await load.goOn(tickMs)
    putAddressed(load.rig, 'new')
    one.http.script(urlOf('new'), 200)
    const joining = load.rig.start({ instance: 'two' })
    await load.goOn(0.5 * second)
    sendTo(load.rig, 'new')
    await load.goOn(0.2 * second)
    const drained = one.signals.flatMap((signal) =>
      signal.kind === 'group.draining' ? [signal.group] : [],
    )
    expect(drained).toEqual(['hooktide.retry'])
    expect(outcomesOf(load.rig, 'new')).toEqual({ delivered: 1 })
    await load.goOn(5 * second)
    await joining
  })

  it('waits for calls that take long and succeed, for up to two seconds', async () => {
    const load = new Load({ status: 200, afterMs: 1.5 * second })
    const one = await load.start('one')
    await load.goOn(5 * second)
    const two = await load.start('two')
    await load.goOn(10 * second)
    expectNoRepeats([one, two], 'slow')
  })
})

describe('a group that drains', () => {
  it('waits for no records of the other group, which go on being written', async () => {
    const load = new Load({ status: 500 })
    const one = await load.start('one')
    load.rig.broker.setAckDelay(200)
    await load.goOn(5 * second)
    const two = await load.start('two')
    await load.goOn(10 * second)
    await expectHealthyInTime(load)
    expectNoRepeats([one, two], 'healthy')
  })
})
