/**
 * Runs one replay: reads its range, requests the deliveries, and saves the progress. A record is *planned* once its requests
 * are known, and *done* once Kafka has acknowledged them. Only done records are saved as progress, so a crash repeats some
 * requests and loses none.
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
/** Without a terminal, progress is a line in the log now and then. */
const noteEveryMs = 10_000

export interface Counts {
  /** Records read so far. */
  readonly records: number
  readonly requests: number
  readonly byHook: ReadonlyMap<HookId, number>
  readonly leftOut: ReadonlyMap<LeftOut, number>
  /** Offsets of the range that retention removed before they were read. */
  readonly removed: number
}

export interface ReplayerParts extends StoredReplay {
  readonly context: CommandContext
  readonly plan: Plan
  /** `undefined` for a dry run, which only counts deliveries. */
  readonly output: ReplayOutput | undefined
}

export interface ReplayOutput {
  readonly writer: RequestWriter
  readonly admin: KafkaAdmin
  readonly groupId: string
}

const noneRefused: ReadonlySet<DeliveryId> = new Set()
const dryRunBatch = 10_000

export class Replayer {
  readonly #parts: ReplayerParts
  readonly #order: ReplayOrder
  /** By topic and partition. */
  readonly #reaches: Map<string, Reach>
  readonly #total: number
  readonly #startedAt = performance.now()
  /** By topic and partition: the next offset once the planned records are done. */
  readonly #planned = new Map<string, number>()
  #requests: Requested[] = []
  #savedAt = 0
  #shownAt = performance.now()
  #records = 0
  #requested = 0
  #removed = 0
  readonly #byHook = new Map<HookId, number>()
  readonly #leftOut = new Map<LeftOut, number>()

  constructor(parts: ReplayerParts) {
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

  /** @returns 0 when the range is done, else the exit code of the signal that interrupted it */
  async run(): Promise<0 | InterruptedCode> {
    const { signal } = this.#parts.context
    for (const topic of new Set(this.#parts.reaches.map((reach) => reach.topic))) {
      if (!signal.aborted) await this.#readTopic(topic)
    }
    await this.save()
    if (!signal.aborted) return 0
    return signal.reason === 'SIGTERM' ? 143 : 130
  }

  /** Saves the progress. */
  async save(): Promise<void> {
    const { output } = this.#parts
    if (output === undefined) return
    this.#savedAt = performance.now()
    const commits = commitsOf(output.groupId, this.#order, [...this.#reaches.values()])
    await output.admin.commitOffsets(output.groupId, commits)
  }

  /** Ignores a failure, such as a broker that restarts: the next save holds the same progress and more. */
  async #trySave(): Promise<void> {
    await this.save().catch(() => undefined)
  }

  async #readTopic(topic: string): Promise<void> {
    const { context, plan, output } = this.#parts
    const { signal } = context
    const reaches = [...this.#reaches.values()].filter((reach) => reach.topic === topic)
    const batchSize = output?.writer.batchSize ?? dryRunBatch
    const range = { from: { reaches }, onRemoved: (count: number) => (this.#removed += count) }
    for await (const records of readRange(context, topic, range)) {
      for (const record of records) {
        this.#add(record, await plan(record))
        if (this.#requests.length >= batchSize) await this.#request()
        if (signal.aborted) break
      }
      await this.#request()
    }
    // The range may end with offsets that hold no record, such as the marker of a transaction.
    if (!signal.aborted) for (const reach of reaches) this.#advance(reach, reach.end)
  }

  #add(record: InboundRecord, { requests, leftOut }: Planned): void {
    this.#records += 1
    for (const request of requests) this.#requests.push(request)
    for (const why of leftOut) this.#leaveOut(why)
    this.#planned.set(placeOf(record), record.offset + 1)
  }

  /** Requests the planned deliveries. If a signal ends the command first, their records are not done. */
  async #request(): Promise<void> {
    const requests = this.#requests
    const planned = new Map(this.#planned)
    this.#requests = []
    this.#planned.clear()
    const refused = await this.#write(requests)
    if (refused === undefined) return
    for (const { deliveryId, hookId } of requests) {
      if (refused.has(deliveryId)) this.#leaveOut('too-large')
      else this.#count(hookId)
    }
    for (const [place, next] of planned) {
      const reach = this.#reaches.get(place)
      if (reach !== undefined) this.#advance(reach, next)
    }
    this.#show()
    if (performance.now() - this.#savedAt >= saveEveryMs) await this.#trySave()
  }

  async #write(requests: readonly Requested[]): Promise<ReadonlySet<DeliveryId> | undefined> {
    const { output, context } = this.#parts
    if (output === undefined || requests.length === 0) return noneRefused
    try {
      return await output.writer.write(requests)
    } catch (error) {
      if (context.signal.aborted) return undefined
      throw error
    }
  }

  #advance(reach: Reach, next: number): void {
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
