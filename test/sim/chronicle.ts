/**
 * The state of all runs according to the whole log. Each run is named after the record that began it, an event or a request,
 * whatever name the product gives it. {@link Chronicle.runOfCall} finds the run of a call.
 */
import { createHash } from 'node:crypto'
import type {
  DeliveryId,
  HookId,
  InboundRecord,
  OutboundRecord,
  Topics,
} from '../../src/core/model/model.ts'
import { rejectionHeaderNames, runHeaderNames } from '../../src/core/model/header-names.ts'
import type { DeliveryResult } from '../../src/core/model/records.ts'
import type { Epoch } from './process-view.ts'

/** A record that asks for attempts of a run: an event, a request, or a tier's record. */
export interface Source {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Attempts made before it. */
  readonly attempt: number
  readonly hop: number
  readonly deferrals: number
  readonly at: number
  readonly calls: CallMade[]
}

export interface CallMade {
  readonly epoch: Epoch
  readonly startedAt: number
  /** The same time by the clock of the process, as in its result. */
  readonly attemptedAt: number
  /** How the call ended, as the process knows it. */
  ending: 'open' | 'answered' | 'aborted'
  endedAt: number | undefined
}

export interface Run {
  /** Delivery and beginning. */
  readonly key: string
  readonly deliveryId: DeliveryId
  readonly hookId: HookId
  /** `<topic>/<partition>/<offset>` of the record that began it. */
  readonly begunBy: string
  readonly begunAt: number
  readonly isRequested: boolean
  /** The number in the event's body. */
  readonly n: number
  readonly sources: Source[]
  readonly finals: { readonly at: number; readonly result: DeliveryResult }[]
  /** When the next attempt is due after a failed one, by the clock of the process that made it. */
  retryDueAt: number | undefined
  maxAttempts: number
  firstCallAt: number | undefined
  firstEndAt: number | undefined
  /** Whether something disturbed the world between its beginning and the end of its first attempt. */
  isDisturbed: boolean
}

export interface EventSent {
  readonly n: number
  readonly record: InboundRecord
  readonly at: number
  readonly tenantId: string
  readonly eventKey: string
}

const nameOf = (topic: string, partition: number, offset: number) =>
  `${topic}/${partition}/${offset}`

export class Chronicle {
  readonly runs = new Map<string, Run>()
  readonly eventsByPlace = new Map<string, EventSent>()
  /** Runs without a final record, by hook. */
  readonly open = new Map<HookId, Set<Run>>()
  openCount = 0
  readonly #topics: Topics
  /** Records that are not events, and whether they were rejected. */
  readonly #unreadable = new Map<string, boolean>()
  readonly #eventsByNumber = new Map<number, EventSent>()
  readonly #byDelivery = new Map<DeliveryId, Run[]>()
  readonly #byBeginning = new Map<string, Run[]>()
  /** Runs by the place of tier and request records that continue them. */
  readonly #runsByPlace = new Map<string, Run>()
  readonly #sourcesByPlace = new Map<string, Source>()

  constructor(topics: Topics) {
    this.#topics = topics
  }

  /** A record was produced that is not an event. */
  unreadable({ topic, partition, offset }: InboundRecord): void {
    this.#unreadable.set(nameOf(topic, partition, offset), false)
  }

  /** A record of the rejected topic was appended. */
  rejected(record: InboundRecord): void {
    this.#unreadable.set(readerOf(record).text(rejectionHeaderNames.source), true)
  }

  /** Whether the record is not an event, and is missing on the rejected topic. */
  isLeftOut(place: string): boolean {
    return this.#unreadable.get(place) === false
  }

  event(sent: EventSent): void {
    const { topic, partition, offset } = sent.record
    this.eventsByPlace.set(nameOf(topic, partition, offset), sent)
    this.#eventsByNumber.set(sent.n, sent)
  }

  /** A run of an event. It is added if it is not known. */
  runOfEvent(sent: EventSent, deliveryId: DeliveryId, hookId: HookId): Run {
    const { topic, partition, offset } = sent.record
    const begunBy = nameOf(topic, partition, offset)
    const known = this.runs.get(`${deliveryId} ${begunBy}`)
    if (known !== undefined) return known
    const run = this.#newRun({ deliveryId, hookId, begunBy, at: sent.at, n: sent.n }, false)
    run.sources.push(sourceOf(sent.record, sent.at, { attempt: 0, hop: 0, deferrals: 0 }))
    return run
  }

  /** Runs that an event began, as far as they are known. */
  runsBegunBy(place: string): readonly Run[] {
    return this.#byBeginning.get(place) ?? []
  }

  runAt(topic: string, partition: number, offset: number): Run | undefined {
    return this.#runsByPlace.get(nameOf(topic, partition, offset))
  }

  sourceAt(topic: string, partition: number, offset: number): Source | undefined {
    return this.#sourcesByPlace.get(nameOf(topic, partition, offset))
  }

  /** A record of a tier or of requests was appended. */
  goesOn(record: InboundRecord, at: number): Run {
    const place = nameOf(record.topic, record.partition, record.offset)
    const reader = readerOf(record)
    const isBeginning = record.topic === this.#topics.requests && !reader.has('hooktide-split')
    const begunBy = isBeginning ? place : this.#beginningOf(reader)
    const deliveryId = reader.text(runHeaderNames.deliveryId)
    const hookId = reader.text(runHeaderNames.hookId)
    const run =
      this.runs.get(`${deliveryId} ${begunBy}`) ??
      this.#newRun({ deliveryId, hookId, begunBy, at, n: numberIn(record.value) }, isBeginning)
    const progress = isBeginning ? { attempt: 0, hop: 0, deferrals: 0 } : progressIn(reader)
    const source = sourceOf(record, at, progress)
    run.sources.push(source)
    this.#runsByPlace.set(place, run)
    this.#sourcesByPlace.set(place, source)
    return run
  }

  /** The records that a tier record follows from, before it is written. */
  sourcesOf(record: OutboundRecord): readonly Pick<Source, 'topic' | 'partition' | 'offset'>[] {
    const reader = readerOf(record)
    const begunBy = this.#beginningOf(reader)
    const { hop } = progressIn(reader)
    const run = this.runs.get(`${reader.text(runHeaderNames.deliveryId)} ${begunBy}`)
    if (run !== undefined) return run.sources.filter((source) => source.hop === hop - 1)
    // A run of a changed hook may become known here for the first time.
    const sent = this.eventsByPlace.get(begunBy)
    return sent !== undefined && hop === 1 ? [sent.record] : []
  }

  /** A result was appended. Returns `undefined` if its record never existed. */
  result(result: DeliveryResult, at: number): Run | undefined {
    const { sourceTopic, sourcePartition, sourceOffset } = result
    const place = nameOf(sourceTopic, sourcePartition, sourceOffset)
    const sent = this.eventsByPlace.get(place)
    const run =
      sent === undefined
        ? this.#runsByPlace.get(place)
        : this.runOfEvent(sent, result.deliveryId, result.hookId)
    if (run === undefined) return undefined
    attribute(run, result)
    if (result.outcome === 'retrying') run.retryDueAt = result.nextDueAt ?? undefined
    if (result.final) {
      if (run.finals.length === 0) {
        this.openCount -= 1
        this.open.get(run.hookId)?.delete(run)
      }
      run.finals.push({ at, result })
    }
    return run
  }

  /**
   * Finds the run of a call. The body identifies the event. If a replay has made several runs of it, the span of the trace
   * identifies the run, since it is computed from the run's name. A run has one of two forms of names: `0` or
   * `<partition>-<offset>`, or the whole place of the record that began it.
   */
  runOfCall(call: {
    readonly deliveryId: DeliveryId
    readonly hookId: HookId
    readonly attempt: number
    readonly traceparent: string | undefined
    readonly body: Buffer
  }): Run | undefined {
    const { deliveryId, hookId, attempt, traceparent, body } = call
    const n = numberIn(body)
    const sent = this.#eventsByNumber.get(n)
    if (sent === undefined) return undefined
    const runs = (this.#byDelivery.get(deliveryId) ?? []).filter((run) => run.n === n)
    const requested = runs.filter((run) => run.isRequested)
    const span = traceparent?.split('-')[2]
    const found = requested.find((run) =>
      namesOf(run).some((name) => spanOf(deliveryId, name, attempt) === span),
    )
    return found ?? this.runOfEvent(sent, deliveryId, hookId)
  }

  #beginningOf(reader: Reader): string {
    const name = reader.text(runHeaderNames.run)
    if (name === '0') return reader.text(runHeaderNames.source)
    const parts = /^(\d+)-(\d+)$/.exec(name)
    return parts === null ? name : `${this.#topics.requests}/${parts[1]}/${parts[2]}`
  }

  #newRun(
    begun: {
      readonly deliveryId: DeliveryId
      readonly hookId: HookId
      readonly begunBy: string
      readonly at: number
      readonly n: number
    },
    isRequested: boolean,
  ): Run {
    const { deliveryId, hookId, begunBy, at, n } = begun
    const run: Run = {
      key: `${deliveryId} ${begunBy}`,
      deliveryId,
      hookId,
      begunBy,
      begunAt: at,
      isRequested,
      n,
      sources: [],
      finals: [],
      retryDueAt: undefined,
      maxAttempts: 0,
      firstCallAt: undefined,
      firstEndAt: undefined,
      isDisturbed: false,
    }
    this.runs.set(run.key, run)
    pushTo(this.#byDelivery, deliveryId, run)
    pushTo(this.#byBeginning, begunBy, run)
    const open = this.open.get(hookId)
    if (open === undefined) this.open.set(hookId, new Set([run]))
    else open.add(run)
    this.openCount += 1
    return run
  }
}

interface Reader {
  has(header: string): boolean
  /** Empty when there is no such header. */
  text(header: string): string
}

function readerOf({ headers }: Pick<OutboundRecord, 'headers'>): Reader {
  const values = new Map(headers)
  return {
    has: (header) => values.has(header),
    text: (header) => values.get(header)?.toString() ?? '',
  }
}

function progressIn(reader: Reader): Pick<Source, 'attempt' | 'hop' | 'deferrals'> {
  return {
    attempt: Number(reader.text(runHeaderNames.attempt)),
    hop: Number(reader.text(runHeaderNames.hop)),
    deferrals: Number(reader.text(runHeaderNames.deferrals)),
  }
}

/**
 * A call identifies its run, but not which of several copies of a record asked for it. Its result identifies the record.
 */
function attribute(run: Run, result: DeliveryResult): void {
  if (run.sources.length < 2 || result.attempt === null) return
  const { sourceTopic, sourcePartition, sourceOffset, attemptedAt, instance } = result
  const place = nameOf(sourceTopic, sourcePartition, sourceOffset)
  const isIt = (call: CallMade) =>
    call.attemptedAt === attemptedAt && call.epoch.process.name === instance
  const right = run.sources.find(
    ({ topic, partition, offset }) => nameOf(topic, partition, offset) === place,
  )
  if (right === undefined || right.calls.some(isIt)) return
  for (const { calls } of run.sources) {
    const index = calls.findIndex(isIt)
    if (index >= 0) right.calls.push(...calls.splice(index, 1))
    if (index >= 0) return
  }
}

function pushTo(lists: Map<string, Run[]>, name: string, run: Run): void {
  const list = lists.get(name)
  if (list === undefined) lists.set(name, [run])
  else list.push(run)
}

/** Each delivery's body ends with it, as Logto has it. */
export function hookIdIn(body: Buffer): HookId {
  return /"hookId":"([^"]*)"\}$/.exec(body.toString())?.[1] ?? ''
}

function numberIn(body: Buffer | null): number {
  return Number(/"n":(\d+)/.exec(body?.toString() ?? '')?.[1] ?? -1)
}

function namesOf({ begunBy }: Run): readonly string[] {
  const [, partition, offset] = begunBy.split('/')
  return [begunBy, `${partition}-${offset}`]
}

function spanOf(deliveryId: DeliveryId, run: string, attempt: number): string {
  const hash = createHash('sha256').update(`${deliveryId} ${run} ${attempt - 1}`)
  return hash.digest('hex').slice(0, 16)
}

function sourceOf(
  { topic, partition, offset }: InboundRecord,
  at: number,
  progress: Pick<Source, 'attempt' | 'hop' | 'deferrals'>,
): Source {
  return { topic, partition, offset, at, calls: [], ...progress }
}
