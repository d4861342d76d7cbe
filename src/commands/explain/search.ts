/** Finds the events that match, and their results. */
import { UserError } from '../../core/model/errors.ts'
import type {
  AuthEvent,
  DeliveryId,
  EpochMs,
  HookId,
  InboundRecord,
  RecordPlace,
  Rejection,
  Run,
} from '../../core/model/model.ts'
import type { DeliveryResult } from '../../core/model/records.ts'
import { decodeDeadLetter, decodeRun, placeIn } from '../../core/run/delivery-headers.ts'
import { tierOf } from '../../core/run/schedule.ts'
import { createSchemaReader, type SchemaReader } from '../../edge/registry/schema-source.ts'
import type { ReadFrom } from '../../edge/kafka/reader.ts'
import type { CommandContext } from '../command.ts'
import { eventOfSource, readEvent, recordAt } from '../events/source-event.ts'
import { readAnswer, withAdmin } from '../kafka-session.ts'
import { registrySettingsOf } from '../option-values.ts'
import { readLetter } from '../records/dead-letters.ts'
import { keyedRecords } from '../replay/keyed-records.ts'
import { decoderOf } from '../results/reading.ts'
import { waitingOf } from '../waiting/waiting.ts'
import { FoundEvents, type FoundEvent } from './found.ts'
import type { Subject, Wanted } from './wanted.ts'

/** A record on an event topic that is not a valid event. */
export interface FoundRejection {
  readonly place: RecordPlace
  readonly rejection: Rejection
}

export interface Findings {
  readonly events: FoundEvents
  /** The one hook that is asked about, by its id or by a delivery to it. Of other hooks no results were read then. */
  readonly only: HookId | undefined
  readonly rejections: readonly FoundRejection[]
}

type Session = Pick<CommandContext, 'settings' | 'signal' | 'note'>

/** The maximum number of rejections that are kept. */
const mostRejections = 20
/** Clocks of processes differ: the search for results starts so long before the event was written. */
const clocksApartMs = 5 * 60_000

/** @throws UserError when a topic cannot be read, or the place is none of a topic that says something of events */
export async function find(session: Session, wanted: Wanted): Promise<Findings> {
  return await new Search(session, wanted).run()
}

class Search {
  readonly #session: Session
  readonly #wanted: Wanted
  #only: HookId | undefined
  readonly #events: FoundEvents
  readonly #rejections: FoundRejection[] = []
  readonly #schemas: SchemaReader
  readonly #decode: (record: InboundRecord) => Promise<DeliveryResult | undefined>
  /** Whether the bytes of a value may contain the id that is searched. */
  readonly #mayHold: (value: Buffer) => boolean

  constructor(session: Session, wanted: Wanted) {
    this.#session = session
    this.#wanted = wanted
    this.#only = wanted.hook
    this.#events = new FoundEvents(wanted.most)
    this.#schemas = createSchemaReader(registrySettingsOf(session.settings))
    this.#decode = decoderOf(session)
    this.#mayHold = 'id' in wanted.subject ? textSearch([wanted.subject.id]) : () => false
  }

  async run(): Promise<Findings> {
    const { subject } = this.#wanted
    if (subject.kind === 'delivery') await this.#findDelivery(subject.id)
    else if (subject.kind === 'place') await this.#findPlace(subject.place)
    else {
      await this.#findEvents(subject)
      await this.#readResults(subject)
    }
    return { events: this.#events, rejections: this.#rejections, only: this.#only }
  }

  async #findEvents(subject: Extract<Subject, { readonly id: string }>): Promise<void> {
    const { settings } = this.#session
    const made = subject.kind === 'event' ? madeFrom(subject.id, settings.topics.events) : undefined
    if (made !== undefined) return await this.#readPlace(made)
    for (const topic of settings.topics.events) {
      const range = { from: this.#start(), isByTime: true }
      for await (const records of readAnswer(this.#session, topic, range)) {
        for (const record of records) await this.#lookAt(record, subject)
      }
    }
  }

  async #lookAt(record: InboundRecord, subject: Extract<Subject, { readonly id: string }>) {
    if (!this.#mayBeAbout(record, subject)) return
    const decoded = await readEvent(record, this.#schemas)
    if (decoded.kind === 'rejected') {
      // The user cannot be read from a record that is not valid, but the id is in a header.
      if (subject.kind === 'event') this.#reject(record, decoded.rejection)
    } else if (isAbout(decoded.event, subject) && this.#isOfTenant(decoded.event)) {
      this.#events.addEvent(decoded.event, record.timestamp)
    }
  }

  /** A cheap test before the event is parsed. */
  #mayBeAbout(
    { value, headers }: InboundRecord,
    { kind, id }: Extract<Subject, { readonly id: string }>,
  ): boolean {
    if (kind === 'user') return value !== null && this.#mayHold(value)
    for (const [name, text] of headers) {
      if ((name === 'event-id' || name === 'ce_id') && text?.toString() === id) return true
    }
    return false
  }

  async #readPlace(place: RecordPlace): Promise<void> {
    const record = await recordAt(this.#session, place)
    if (record === undefined) return
    const decoded = await readEvent(record, this.#schemas)
    if (decoded.kind === 'rejected') this.#reject(record, decoded.rejection)
    else if (this.#isOfTenant(decoded.event)) {
      this.#events.addEvent(decoded.event, record.timestamp)
    }
  }

  #reject({ topic, partition, offset }: InboundRecord, rejection: Rejection): void {
    if (this.#rejections.length >= mostRejections) return
    this.#rejections.push({ place: { topic, partition, offset }, rejection })
  }

  /** Reads the results of the events that were found, and of events that match but have no record any more. */
  async #readResults(subject?: Extract<Subject, { readonly id: string }>): Promise<void> {
    const found = this.#events.inOrder()
    const ids = [
      ...found.map(({ eventId }) => eventId),
      ...(subject === undefined ? [] : [subject.id]),
    ]
    if (ids.length === 0) return
    const from = this.#startOfResults(found, subject !== undefined)
    const mayMatch = textSearch(ids)
    const { results } = this.#session.settings.topics
    for await (const records of readAnswer(this.#session, results, { from, isByTime: true })) {
      for (const record of records) {
        if (record.value === null || !mayMatch(record.value)) continue
        const result = await this.#decode(record)
        if (result === undefined) continue
        const isWanted = subject !== undefined && isResultAbout(result, subject)
        this.#events.addResult(result, isWanted && this.#isOfTenant(result))
      }
    }
  }

  /** An event that was found by its place may be older than what is searched. @param isSearch for more than these events */
  #startOfResults(found: readonly FoundEvent[], isSearch: boolean): ReadFrom {
    const { from } = this.#wanted
    if (isSearch && from === 'earliest') return from
    const starts = found.map(({ writtenAt }) => writtenAt - clocksApartMs)
    if (isSearch && from !== 'earliest') starts.push(from)
    return { time: Math.max(0, Math.min(...starts)) }
  }

  #isOfTenant({ tenantId }: Pick<AuthEvent, 'tenantId'>): boolean {
    return this.#wanted.tenant === undefined || this.#wanted.tenant === tenantId
  }

  async #findDelivery(id: string): Promise<void> {
    const { from } = this.#wanted
    const search = { context: this.#session, id, from: from === 'earliest' ? undefined : from }
    const { results, deadLetters } = this.#session.settings.topics
    const isRecorded = await withAdmin(this.#session.settings, async (admin) => {
      const read: DeliveryResult[] = []
      for await (const record of keyedRecords({ ...search, admin }, results)) {
        const result = await this.#decode(record)
        if (result?.deliveryId === id) read.push(result)
      }
      const [first] = read
      if (first !== undefined) {
        this.#askOnlyOf(first)
        const event = await this.#eventOf(first)
        if (event !== undefined) this.#events.addEvent(event.event, event.writtenAt)
        for (const result of read) this.#events.addResult(result, true)
        return true
      }
      for await (const record of keyedRecords({ ...search, admin }, deadLetters)) {
        await this.#addLetter(record)
      }
      return this.#events.inOrder().length > 0
    })
    if (!isRecorded) await this.#findWaiting(id)
  }

  /** Results of deliveries to other hooks are not read: nothing can be said of these. */
  #askOnlyOf({ deliveryId, hookId }: Pick<Run, 'deliveryId' | 'hookId'>): void {
    const { hook } = this.#wanted
    if (hook !== undefined && hook !== hookId) {
      throw new UserError(`Delivery ${deliveryId} is to hook ${hookId}, not to ${hook}.`)
    }
    this.#only = hookId
  }

  /** Dead letters are kept for longer than results. */
  async #addLetter(record: InboundRecord): Promise<void> {
    const letter = readLetter(record, this.#session.note)
    if (letter === undefined) return
    const { letter: decoded, reason, diedAt } = letter
    this.#askOnlyOf(decoded.run)
    const event =
      decoded.kind === 'letter'
        ? decoded.run.event
        : await eventOfSource(this.#session, this.#schemas, decoded.source, decoded.run)
    if (event === undefined) return
    this.#events.addEvent(event, undefined).letters.set(decoded.run.hookId, { reason, diedAt })
  }

  /** A delivery without a result: it was requested or deferred, and not called so far. */
  async #findWaiting(id: DeliveryId): Promise<void> {
    const { topics } = this.#session.settings
    const [waiting] = (await waitingOf(this.#session, new Set([id]))).of(id)
    const record = waiting && (await recordAt(this.#session, waiting.place))
    if (record === undefined) return
    const decoded = decodeRun(record, record.topic === topics.requests ? 'request' : 'tier')
    if (decoded.kind === 'rejected') return
    this.#askOnlyOf(decoded.run)
    this.#events.addEvent(decoded.run.event, undefined)
  }

  /** The event of a result: at the place that names its run, or at the source of the result. */
  async #eventOf(result: DeliveryResult) {
    const own = placeIn(result.run)
    const { topics } = this.#session.settings
    if (own !== undefined && topics.events.includes(own.topic)) {
      const record = await recordAt(this.#session, own)
      const decoded = record && (await readEvent(record, this.#schemas))
      if (
        record !== undefined &&
        decoded?.kind === 'event' &&
        decoded.event.eventId === result.eventId
      ) {
        return { event: decoded.event, writtenAt: record.timestamp }
      }
    }
    const event = await eventOfSource(this.#session, this.#schemas, sourceOf(result), result)
    return event && { event, writtenAt: undefined }
  }

  async #findPlace(place: RecordPlace): Promise<void> {
    const { topics } = this.#session.settings
    const { topic } = place
    if (topics.events.includes(topic)) {
      await this.#readPlace(place)
      return await this.#readResults()
    }
    const isTier = tierOf(topic, topics.retryPrefix) !== undefined
    const isLetter = topic === topics.deadLetters
    if (!isTier && !isLetter && topic !== topics.requests && topic !== topics.results) {
      throw new UserError(
        `--offset: ${topic} has no events. Name a place in ${[...topics.events, topics.results, topics.requests, topics.deadLetters].join(', ')} or a retry topic.`,
        2,
      )
    }
    const record = await recordAt(this.#session, place)
    if (record === undefined) return
    if (topic === topics.results) return await this.#findByResult(record)
    return await this.#findByRun(record)
  }

  async #findByResult(record: InboundRecord): Promise<void> {
    const result = await this.#decode(record)
    if (result?.outcome === 'unmatched') await this.#findPlace(sourceOf(result))
    else if (result !== undefined) await this.#findDelivery(result.deliveryId)
  }

  /** By a record of a tier, of the requests topic or of dead letters. */
  async #findByRun(record: InboundRecord): Promise<void> {
    const { requests, deadLetters } = this.#session.settings.topics
    const decoded =
      record.topic === deadLetters
        ? decodeDeadLetter(record)
        : decodeRun(record, record.topic === requests ? 'request' : 'tier')
    if (decoded.kind === 'rejected') return this.#reject(record, decoded.rejection)
    await this.#findDelivery(decoded.run.deliveryId)
    // What was written may have no result any more, or none so far.
    if (decoded.kind === 'run' && this.#events.inOrder().length === 0) {
      this.#askOnlyOf(decoded.run)
      this.#events.addEvent(decoded.run.event, undefined)
    }
  }

  #start(): 'earliest' | { readonly time: EpochMs } {
    const { from } = this.#wanted
    return from === 'earliest' ? from : { time: from }
  }
}

/**
 * Tests whether bytes may contain one of the texts, as JSON or Avro. Texts with characters that JSON may escape, and values
 * with escapes, always may.
 */
function textSearch(texts: readonly string[]): (value: Buffer) => boolean {
  const isPlain = texts.every((text) => /^[\w.:@/+-]+$/.test(text))
  const needles = texts.map((text) => Buffer.from(text))
  return (value) =>
    !isPlain || needles.some((needle) => value.includes(needle)) || value.includes('\\u')
}

function isAbout(
  event: AuthEvent,
  { kind, id }: Extract<Subject, { readonly id: string }>,
): boolean {
  return kind === 'user' ? event.userId === id : event.eventId === id
}

function isResultAbout(
  result: DeliveryResult,
  { kind, id }: Extract<Subject, { readonly id: string }>,
): boolean {
  return kind === 'user' ? result.userId === id : result.eventId === id
}

/** The place in an event's id that was made from it, where the producer gave none (docs/events.md). */
function madeFrom(id: string, topics: readonly string[]): RecordPlace | undefined {
  const [, topic = '', partition, offset] = /^(.+)-(\d{1,9})-(\d{1,15})-\d+$/.exec(id) ?? []
  if (!topics.includes(topic)) return undefined
  return { topic, partition: Number(partition), offset: Number(offset) }
}

function sourceOf(result: DeliveryResult): RecordPlace {
  const { sourceTopic: topic, sourcePartition: partition, sourceOffset: offset } = result
  return { topic, partition, offset }
}
