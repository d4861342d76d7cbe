/**
 * One replay at work. A record is *taken* when its requests are known, and *covered* when they are acknowledged; only
 * covered ones are saved as progress, so a crash repeats requests and loses none.
 */
import type { DeliveryId, HookId, InboundRecord } from '../../core/model/model.ts'
import type { LeftOut, Planned, Requested } from './requests.ts'
import {
  commitsOf,
  progressLine,
  remainingOf,
  type Reach,
  type ReplayOrder,
  type StoredReplay,
} from './progress.ts'
import type { KafkaAdmin } from '../../edge/kafka/admin.ts'
import type { CommandContext, InterruptedCode } from '../command.ts'
import { readRange } from '../kafka-session.ts'
import type { Plan } from './plan.ts'
import type { RequestWriter } from './request-writer.ts'

const saveEveryMs = 500
const showEveryMs = 200
/** Where no terminal shows a bar, as lines of a log. */
const noteEveryMs = 10_000

export interface Counts {
  /** Read so far, of the range. */
  readonly records: number
  readonly requests: number
  readonly byHook: ReadonlyMap<HookId, number>
  readonly leftOut: ReadonlyMap<LeftOut, number>
  /** Offsets of the range that went by retention before they could be read. */
  readonly removed: number
}

export interface ReplayingParts extends StoredReplay {
  readonly context: CommandContext
  readonly plan: Plan
  /** `undefined`: deliveries are counted, and none is requested. */
  readonly writing: Writing | undefined
}

export interface Writing {
  readonly writer: RequestWriter
  readonly admin: KafkaAdmin
  readonly groupId: string
}

const nobody: ReadonlySet<DeliveryId> = new Set()
const countingBatch = 10_000

export class Replaying {
  readonly #parts: ReplayingParts
  readonly #order: ReplayOrder
  /** By topic and partition. */
  readonly #reaches: Map<string, Reach>
  readonly #total: number
  readonly #startedAt = performance.now()
  /** Where partitions go on once what was taken is covered. */
  readonly #taken = new Map<string, number>()
  #requests: Requested[] = []
  #savedAt = 0
  #shownAt = performance.now()
  #records = 0
  #requested = 0
  #removed = 0
  readonly #byHook = new Map<HookId, number>()
  readonly #leftOut = new Map<LeftOut, number>()

  constructor(parts: ReplayingParts) {
    this.#parts = parts
    this.#order = parts.order
    this.#reaches = new Map(parts.reaches.map((reach) => [placeOf(reach), reach]))
    this.#total = remainingOf(parts.reaches)
  }

  get counts(): Counts {
    return {
      records: this.#records,
      requests: this.#requested,
      byHook: this.#byHook,
      leftOut: this.#leftOut,
      removed: this.#removed,
    }
  }

  /** @returns 0 when the range is done, else the code for what interrupted it */
  async run(): Promise<0 | InterruptedCode> {
    const { signal } = this.#parts.context
    for (const topic of new Set(this.#parts.reaches.map((reach) => reach.topic))) {
      if (!signal.aborted) await this.#readTopic(topic)
    }
    await this.save()
    if (!signal.aborted) return 0
    return signal.reason === 'SIGTERM' ? 143 : 130
  }

  /** Writes down how far it is. */
  async save(): Promise<void> {
    const { writing } = this.#parts
    if (writing === undefined) return
    this.#savedAt = performance.now()
    const commits = commitsOf(writing.groupId, this.#order, [...this.#reaches.values()])
    await writing.admin.commitOffsets(writing.groupId, commits)
  }

  /** A broker that restarts meanwhile ends no replay: what this one does not write down, the next one does. */
  async #trySave(): Promise<void> {
    await this.save().catch(() => undefined)
  }

  async #readTopic(topic: string): Promise<void> {
    const { context, plan, writing } = this.#parts
    const { signal } = context
    const reaches = [...this.#reaches.values()].filter((reach) => reach.topic === topic)
    const batchSize = writing?.writer.batchSize ?? countingBatch
    const range = { from: { reaches }, onRemoved: (count: number) => (this.#removed += count) }
    for await (const records of readRange(context, topic, range)) {
      for (const record of records) {
        this.#take(record, await plan(record))
        if (this.#requests.length >= batchSize) await this.#cover()
        if (signal.aborted) break
      }
      await this.#cover()
    }
    // What follows the last record, such as a transaction's marker, is nothing to go on with.
    if (!signal.aborted) for (const reach of reaches) this.#reach(reach, reach.end)
  }

  #take(record: InboundRecord, { requests, leftOut }: Planned): void {
    this.#records += 1
    this.#requests.push(...requests)
    for (const why of leftOut) this.#leaveOut(why)
    this.#taken.set(placeOf(record), record.offset + 1)
  }

  /** Requests what was taken; when it was asked to end before that, it stays uncovered. */
  async #cover(): Promise<void> {
    const requests = this.#requests
    const taken = new Map(this.#taken)
    this.#requests = []
    this.#taken.clear()
    const refused = await this.#write(requests)
    if (refused === undefined) return
    for (const { deliveryId, hookId } of requests) {
      if (refused.has(deliveryId)) this.#leaveOut('too-large')
      else this.#count(hookId)
    }
    for (const [place, next] of taken) {
      const reach = this.#reaches.get(place)
      if (reach !== undefined) this.#reach(reach, next)
    }
    this.#show()
    if (performance.now() - this.#savedAt >= saveEveryMs) await this.#trySave()
  }

  async #write(requests: readonly Requested[]): Promise<ReadonlySet<DeliveryId> | undefined> {
    const { writing, context } = this.#parts
    if (writing === undefined || requests.length === 0) return nobody
    try {
      return await writing.writer.write(requests)
    } catch (error) {
      if (context.signal.aborted) return undefined
      throw error
    }
  }

  #reach(reach: Reach, next: number): void {
    this.#reaches.set(placeOf(reach), { ...reach, next: Math.max(reach.next, next) })
  }

  #count(hookId: HookId): void {
    this.#requested += 1
    this.#byHook.set(hookId, (this.#byHook.get(hookId) ?? 0) + 1)
  }

  #leaveOut(why: LeftOut): void {
    this.#leftOut.set(why, (this.#leftOut.get(why) ?? 0) + 1)
  }

  #show(): void {
    const { note, showProgress } = this.#parts.context
    const now = performance.now()
    if (now - this.#shownAt < (showProgress === undefined ? noteEveryMs : showEveryMs)) return
    this.#shownAt = now
    const total = this.#total
    const read = total - remainingOf([...this.#reaches.values()])
    const elapsedMs = now - this.#startedAt
    const line = progressLine({ total, read, requests: this.#requested, elapsedMs })
    if (showProgress === undefined) note(line)
    else showProgress(line)
  }
}

function placeOf({ topic, partition }: Pick<Reach, 'topic' | 'partition'>): string {
  return `${topic}/${partition}`
}
