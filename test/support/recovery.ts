/** An endpoint that fails for an hour and then works again, in memory and on a clock moved by hand. */
import type { DeliveryResult } from '../../src/core/model/records.ts'
import { tierOf } from '../../src/core/run/schedule.ts'
import type { Signal } from '../../src/core/signal/signal.ts'
import { chance } from './chance.ts'
import type { MemoryAnswer } from './memory-http.ts'
import { createRig, defaultTiers, topics, type Instance, type Rig } from './flow-rig.ts'

const second = 1_000
const minute = 60 * second

export interface Failure {
  /** How long a successful call takes, and how many are made at once in each process. */
  readonly callMs: number
  readonly concurrency: number
  /** The number of events while it fails, evenly spread. */
  readonly waiting: number
  /** Events per second after the recovery. */
  readonly freshPerSecond?: number
  readonly failsFor?: number
  /** Whether its calls hang, rather than fail at once. */
  readonly hangs?: boolean
  /** Whether it worked before, so that its rate is known. Default true. */
  readonly isKnown?: boolean
  /** Whether all processes are replaced by new ones 40 minutes before it works again. */
  readonly restarts?: boolean
  readonly partitions?: number
  readonly processes?: number
  readonly tiers?: readonly string[]
}

export interface Recovery {
  /** Deliveries that waited when the recovery was found. */
  readonly waited: number
  /** The time from the probe that found the recovery to the last delivery that waited then. */
  readonly drainMs: number
  /** The time that the calls alone would take. */
  readonly idealMs: number
  /** The time from the recovery to the probe. */
  readonly probeMs: number
  /** For events from two seconds after the probe's answer: the times from the event to its first call, ascending. */
  readonly fresh: readonly number[]
  /** Records that were written to tiers in the last half hour of the failure. */
  readonly writesWhileFailing: number
  /** The same from the probe on, for each delivery that waited then. */
  readonly writesEach: number
  /** How long lanes were idle although they had deferred deliveries. */
  readonly idleMs: number
}

/** The step of the clock. */
const stepMs = 200
const defaults = {
  freshPerSecond: 5,
  failsFor: 60 * minute,
  hangs: false,
  isKnown: true,
  restarts: false,
  partitions: 6,
  processes: 1,
  tiers: defaultTiers,
} satisfies Partial<Failure>
const url = 'https://failed.example/'

/** @param seed the seed of the random numbers, so that a repeat gives the same measurements */
export async function recoveryFrom(failure: Failure, seed = 1): Promise<Recovery> {
  const outage = new Outage({ ...defaults, ...failure }, seed)
  await outage.begin()
  const writesWhileFailing = await outage.fail()
  const recoveredAt = await outage.recover()
  const { waited, idealMs, probedAt, ...drained } = await outage.drain()
  const { drainedAt, ...others } = drained
  return {
    ...others,
    waited,
    idealMs,
    drainMs: drainedAt - probedAt,
    probeMs: probedAt - recoveredAt,
    writesWhileFailing,
  }
}

class Outage {
  readonly #failure: Required<Failure>
  readonly #rig: Rig
  readonly #instances: Instance[] = []
  readonly #events: Events
  readonly #outcomes: Outcomes

  constructor(failure: Required<Failure>, seed: number) {
    const { partitions, tiers } = failure
    this.#failure = failure
    const isKept = ({ kind }: Signal) => kind === 'lanes.idle'
    const random = chance(seed)
    this.#rig = createRig({ partitions, tierPartitions: partitions, tiers, random, isKept })
    this.#events = new Events(this.#rig)
    this.#outcomes = new Outcomes(this.#rig)
  }

  /** Lets it work for a minute, if its rate is to be known. */
  async begin(): Promise<void> {
    const { concurrency, processes, isKnown, callMs } = this.#failure
    this.#rig.putHook({ id: 'failed', delivery: { concurrency } })
    for (let n = 0; n < processes; n += 1) this.#instances.push(await this.#start(n))
    if (!isKnown) return
    this.#script({ status: 200, afterMs: callMs })
    this.#events.sendUpTo(60)
    await this.#rig.clock.advance(minute)
  }

  /** Returns how many records were written to tiers in the last half hour. */
  async fail(): Promise<number> {
    const { waiting, failsFor, restarts } = this.#failure
    this.#scriptFailure()
    const before = this.#events.sent.length
    let writes = 0
    for (let passed = 0; passed < failsFor; passed += second) {
      if (passed === failsFor - 30 * minute) writes = this.#tierWrites()
      if (restarts && passed === failsFor - 40 * minute) await this.#restart()
      if (passed % minute === 0) this.#expire()
      this.#events.sendUpTo(before + (waiting * (passed + second)) / failsFor)
      await this.#rig.clock.advance(second)
    }
    return this.#tierWrites() - writes
  }

  /** Lets it work again until it is probed. Returns since when it works. */
  async recover(): Promise<number> {
    const recoveredAt = this.#rig.clock.now()
    this.#script({ status: 200, afterMs: this.#failure.callMs })
    const calls = this.#calls()
    while (this.#calls() === calls) await this.#step()
    return recoveredAt
  }

  async drain() {
    const { processes, concurrency, callMs, freshPerSecond } = this.#failure
    const probedAt = this.#rig.clock.now()
    const waited = new Set(this.#events.sent)
    const left = waited.size - this.#outcomes.delivered(waited)
    const idealMs = left / ((processes * concurrency) / callMs - freshPerSecond / second)
    const writes = this.#tierWrites()
    const giveUpAt = probedAt + 20 * idealMs + 60 * minute
    while (this.#outcomes.delivered(waited) < waited.size && this.#rig.clock.now() < giveUpAt) {
      for (let passed = 0; passed < second; passed += stepMs) await this.#step()
    }
    const drainedAt = this.#outcomes.lastDelivery(waited)
    await this.#rig.clock.advance(10 * second)
    const from = probedAt + callMs + 2 * second
    return {
      waited: waited.size,
      idealMs,
      probedAt,
      drainedAt,
      fresh: this.#outcomes.latencies(this.#events.sentAt, { from, to: drainedAt }),
      writesEach: (this.#tierWrites() - writes) / waited.size,
      idleMs: idleOf(this.#instances),
    }
  }

  /** Sends fresh events while time passes. */
  async #step(): Promise<void> {
    this.#events.sendAfter(this.#failure.freshPerSecond, stepMs)
    await this.#rig.clock.advance(stepMs)
  }

  #start(n: number): Promise<Instance> {
    return this.#rig.start({ instance: `process ${n}` })
  }

  async #restart(): Promise<void> {
    const stopping = this.#instances.map(({ processor }) => processor.stop(0))
    await this.#rig.clock.advance(20 * second)
    await Promise.all(stopping)
    for (const n of this.#instances.keys()) this.#instances[n] = await this.#start(n)
    this.#scriptFailure()
  }

  #scriptFailure(): void {
    if (this.#failure.hangs) this.#script()
    else this.#script(500)
  }

  #script(...answers: readonly (number | MemoryAnswer)[]): void {
    for (const { http } of this.#instances) http.script(url, ...answers)
  }

  #calls(): number {
    return this.#instances.reduce((sum, { http }) => sum + http.calls.length, 0)
  }

  #tierWrites(): number {
    const { broker } = this.#rig
    return this.#tierTopics().reduce((sum, topic) => sum + broker.read(topic).length, 0)
  }

  #expire(): void {
    const { broker, clock } = this.#rig
    for (const topic of this.#tierTopics()) {
      const { delayMs = 0 } = tierOf(topic, topics.retryPrefix) ?? {}
      broker.expire(topic, clock.now() - delayMs - minute)
    }
  }

  #tierTopics(): readonly string[] {
    return this.#failure.tiers.map((delay) => `${topics.retryPrefix}${delay}`)
  }
}

/** The percentile: at most this many of a hundred are larger. */
export function quantile(ascending: readonly number[], share: number): number {
  return (
    ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))] ?? Number.NaN
  )
}

class Events {
  readonly sent: string[] = []
  #due = 0
  readonly sentAt = new Map<string, number>()
  readonly #rig: Rig

  constructor(rig: Rig) {
    this.#rig = rig
  }

  /** The number of events in this many milliseconds. */
  sendAfter(perSecond: number, ms: number): void {
    this.#due = Math.max(this.#due, this.sent.length) + (perSecond * ms) / second
    this.sendUpTo(this.#due)
  }

  sendUpTo(count: number): void {
    const now = this.#rig.clock.now()
    while (this.sent.length + 1 <= count) {
      const id = `event ${this.sent.length}`
      this.#rig.sendEvent({ createdAt: new Date(now).toISOString() }, { 'event-id': id })
      this.sent.push(id)
      this.sentAt.set(id, now)
    }
  }
}

/** Results, each read once. */
class Outcomes {
  readonly #rig: Rig
  readonly #deliveredAt = new Map<string, number>()
  readonly #firstCallAt = new Map<string, number>()
  #read = 0

  constructor(rig: Rig) {
    this.#rig = rig
  }

  delivered(ids: ReadonlySet<string>): number {
    this.#readOn()
    let count = 0
    for (const id of ids) if (this.#deliveredAt.has(id)) count += 1
    return count
  }

  /** Infinite if one of them is not delivered. */
  lastDelivery(ids: ReadonlySet<string>): number {
    this.#readOn()
    let last = 0
    for (const id of ids) {
      last = Math.max(last, this.#deliveredAt.get(id) ?? Number.POSITIVE_INFINITY)
    }
    return last
  }

  /** The times from the event to its first call, for events that were sent within the time, ascending. */
  latencies(
    sentAt: ReadonlyMap<string, number>,
    { from, to }: { readonly from: number; readonly to: number },
  ): readonly number[] {
    this.#readOn()
    const found: number[] = []
    for (const [id, at] of sentAt) {
      if (at < from || at >= to) continue
      found.push((this.#firstCallAt.get(id) ?? Number.POSITIVE_INFINITY) - at)
    }
    return found.toSorted((a, b) => a - b)
  }

  #readOn(): void {
    const records = this.#rig.broker.read(topics.results)
    for (const { value, timestamp } of records.slice(this.#read)) {
      const result = JSON.parse(value?.toString() ?? 'null') as DeliveryResult
      if (result.attempt === 1) this.#firstCallAt.set(result.eventId, result.attemptedAt)
      if (result.outcome === 'delivered') this.#deliveredAt.set(result.eventId, timestamp)
    }
    this.#read = records.length
  }
}

function idleOf(instances: readonly Instance[]): number {
  let ms = 0
  for (const { signals } of instances) {
    for (const signal of signals) if (signal.kind === 'lanes.idle') ms += signal.laneMs
  }
  return ms
}
