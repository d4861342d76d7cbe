/**
 * Processes that call one endpoint, each with a lane of its own, and report on it to each other through the topic. Only the
 * pure parts of endpoint health and of lanes are used, in small steps of time.
 */
import {
  claimed,
  failed,
  freshEndpoint,
  reportRead,
  laneMoved,
  reportWritten,
  succeeded,
  reportsRecovery,
  reportOf,
  type Endpoint,
} from '../../src/core/health/health.ts'
import { minBetweenWritesMs, type Health } from '../../src/core/health/record.ts'
import { endpointLaneOf, type LaneCondition } from '../../src/core/lane/condition.ts'
import { boundBy, probeSpreadMs, seedOf, type Binding } from '../../src/core/lane/seed.ts'
import type { Lanes, Slot } from '../../src/core/lane/lanes.ts'
import { hook, rules } from './endpoints.ts'
import { SeededLanes, usual } from './lanes.ts'

const second = 1_000
const day = 86_400_000
export const timeoutMs = 15 * second

export interface TalkOptions {
  readonly processes: number
  /** Whether the endpoint answers the process with success at that time. */
  readonly isUp: (at: number, process: number) => boolean
  /** The interval of the deliveries to each process. */
  readonly everyMs?: number
  readonly stepMs?: number
  readonly callMs?: number
  /** From then on a process gets no delivery. */
  readonly quietFrom?: (process: number) => number
  /** When a process stops for good. */
  readonly diesAt?: (process: number) => number
  /** How far its clock is ahead of the true time. */
  readonly aheadMs?: (process: number) => number
  /** From then on no report reaches the topic. */
  readonly isTopicAwayFrom?: number
}

export interface Talk {
  readonly calls: readonly {
    readonly process: number
    readonly at: number
    readonly isUp: boolean
  }[]
  readonly reports: readonly Health[]
}

const never = () => Number.POSITIVE_INFINITY

/** How long after its write a record is read by all processes. */
export const latencyMs = 250

class Talker {
  endpoint: Endpoint = freshEndpoint
  binding: Binding | undefined
  readonly lanes: Lanes<string>
  readonly index: number
  readonly out: { readonly slot: Slot<string>; readonly endsAt: number; readonly isUp: boolean }[] =
    []
  reportedAt = Number.NEGATIVE_INFINITY
  read = 0
  readonly #aheadMs: number

  constructor(index: number, aheadMs: number) {
    this.index = index
    this.#aheadMs = aheadMs
    this.lanes = new SeededLanes<string>({ limits: usual, sizeOf: () => 1 }, () =>
      seedOf(this.binding, timeoutMs),
    )
  }

  get rules() {
    return { ...rules, instance: `process ${this.index}`, disableAfterMs: 365 * day }
  }

  /** The random number, which is constant in tests. */
  get spread(): number {
    return ((this.index * 7 + 3) % 10) / 10
  }

  epoch(at: number): number {
    return 10_000 * day + at + this.#aheadMs
  }

  take(endpoint: Endpoint, at: number): void {
    const { known } = endpoint
    if (known !== this.endpoint.known) {
      const { instance } = this.rules
      const reading = { instance, now: this.epoch(at), monotonic: at, spread: this.spread }
      this.binding = known && boundBy(this.binding, known, reading)
    }
    this.endpoint = endpoint
  }

  hear(report: Health, at: number): void {
    const isRecovered = reportsRecovery(this.endpoint, report, this.epoch(at), this.rules)
    this.take(reportRead(this.endpoint, report), at)
    if (isRecovered) this.lanes.probeSoon(hook.id, at + this.spread * probeSpreadMs)
  }

  move(condition: LaneCondition, at: number): void {
    const now = this.epoch(at)
    this.take(laneMoved(this.endpoint, endpointLaneOf(condition, { now, monotonic: at }), now), at)
  }

  deliver(at: number): void {
    const limits = { tenantId: hook.tenantId, concurrency: 16, ratePerSecond: undefined }
    const lane = this.lanes.laneOf(hook.id, limits, at)
    if (lane.blockedBy(at) === undefined) this.lanes.add(lane, 'first', 'event', at)
  }

  end(at: number): void {
    for (const { slot, isUp } of takeWhere(this.out, ({ endsAt }) => endsAt <= at)) {
      const move = this.lanes.finish(slot, { kind: isUp ? 'success' : 'failure' }, at)
      if (move !== undefined) this.move(move.condition, at)
      const next = isUp
        ? succeeded(this.endpoint, this.epoch(at), this.rules)
        : failed(this.endpoint, hook, this.epoch(at), this.rules)
      this.take(next, at)
    }
  }

  claim(at: number): void {
    const { claimAt, until } = this.binding ?? {}
    if (claimAt === undefined || until === undefined || claimAt > at) return
    if (this.lanes.get(hook.id) === undefined) return
    const claim = { at: this.epoch(at), until: this.epoch(until) }
    this.take(claimed(this.endpoint, claim, this.rules), at)
  }

  say(at: number): Health | undefined {
    const { hasUnreported, isKnownUnwritten } = this.endpoint
    if ((!hasUnreported && !isKnownUnwritten) || at - this.reportedAt < minBetweenWritesMs)
      return undefined
    const report = reportOf(this.endpoint, hook, this.epoch(at), this.rules)
    this.take(reportWritten(this.endpoint, report), at)
    if (report !== undefined) this.reportedAt = at
    return report
  }
}

export function talkFor(lastMs: number, options: TalkOptions): Talk {
  const { stepMs = 250 } = options
  const world = new World(options)
  for (let now = 0; now < lastMs; now += stepMs) world.step(now, stepMs)
  return { calls: world.calls, reports: world.log.map(({ report }) => report) }
}

class World {
  readonly calls: Talk['calls'][number][] = []
  readonly log: { readonly report: Health; readonly at: number }[] = []
  readonly #options: TalkOptions
  readonly #talkers: readonly Talker[]

  constructor(options: TalkOptions) {
    const { processes, aheadMs = () => 0 } = options
    this.#options = options
    this.#talkers = Array.from(
      { length: processes },
      (_, index) => new Talker(index, aheadMs(index)),
    )
  }

  step(now: number, stepMs: number): void {
    const { diesAt = never, everyMs = second, quietFrom = never } = this.#options
    for (const talker of this.#talkers) {
      if (now >= diesAt(talker.index)) continue
      this.#read(talker, now)
      talker.end(now)
      talker.claim(now)
      if (now % everyMs < stepMs && now < quietFrom(talker.index)) talker.deliver(now)
      this.#call(talker, now)
      this.#say(talker, now)
    }
  }

  #read(talker: Talker, now: number): void {
    for (const { report, at } of this.log.slice(talker.read)) {
      if (at + latencyMs > now) return
      talker.hear(report, now)
      talker.read += 1
    }
  }

  #call({ index, lanes, out }: Talker, now: number): void {
    const { isUp, callMs = 100 } = this.#options
    for (let slot = lanes.next(now); slot !== undefined; slot = lanes.next(now)) {
      const call = { process: index, at: now, isUp: isUp(now, index) }
      this.calls.push(call)
      out.push({ slot, endsAt: now + callMs, isUp: call.isUp })
    }
  }

  #say(talker: Talker, now: number): void {
    const { isTopicAwayFrom = Number.POSITIVE_INFINITY } = this.#options
    const report = talker.say(now)
    if (report !== undefined && now < isTopicAwayFrom) this.log.push({ report, at: now })
  }
}

function takeWhere<Item>(items: Item[], isWanted: (item: Item) => boolean): readonly Item[] {
  const taken = items.filter(isWanted)
  items.splice(0, items.length, ...items.filter((item) => !isWanted(item)))
  return taken
}
