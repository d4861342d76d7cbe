/** Finds the events that match, and their results. */
import { UserError } from '../../core/model/errors.ts'
import type {
  AuthEvent,
  EpochMs,
  InboundRecord,
  RecordPlace,
  Rejection,
} from '../../core/model/model.ts'
import type { DeliveryResult } from '../../core/model/records.ts'
import { decodeDeadLetter, decodeRun } from '../../core/run/delivery-headers.ts'
import { tierOf } from '../../core/run/schedule.ts'
import { createSchemaReader, type SchemaReader } from '../../edge/registry/schema-source.ts'
import type { CommandContext } from '../command.ts'
import { eventOfSource, readEvent, recordAt } from '../events/source-event.ts'
import { readRange, withAdmin } from '../kafka-session.ts'
import { registrySettingsOf } from '../option-values.ts'
import { keyedRecords } from '../replay/keyed-records.ts'
import { decoderOf } from '../results/reading.ts'
import { FoundEvents } from './found.ts'
import type { Subject, Wanted } from './wanted.ts'

/** A record on an event topic that is not a valid event. */
export interface FoundRejection {
  readonly place: RecordPlace
  readonly rejection: Rejection
}

export interface Findings {
  readonly events: FoundEvents
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
  readonly #events: FoundEvents
  readonly #rejections: FoundRejection[] = []
  readonly #schemas: SchemaReader
  readonly #decode: (record: InboundRecord) => Promise<DeliveryResult | undefined>
  /** Whether the bytes of a value may contain the id that is searched. */
  readonly #mayHold: (value: Buffer) => boolean

  constructor(session: Session, wanted: Wanted) {
    this.#session = session
    this.#wanted = wanted
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
    return { events: this.#events, rejections: this.#rejections }
  }

  async #findEvents(subject: Extract<Subject, { readonly id: string }>): Promise<void> {
    const { settings } = this.#session
    const made = subject.kind === 'event' ? madeFrom(subject.id, settings.topics.events) : undefined
    if (made !== undefined) return await this.#readPlace(made)
    for (const topic of settings.topics.events) {
      const range = { from: this.#start(), isByTime: true }
      for await (const records of readRange(this.#session, topic, range)) {
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
    } else if (isAbout(decoded.event, subject)) {
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
    else this.#events.addEvent(decoded.event, record.timestamp)
  }

  #reject({ topic, partition, offset }: InboundRecord, rejection: Rejection): void {
    if (this.#rejections.length >= mostRejections) return
    this.#rejections.push({ place: { topic, partition, offset }, rejection })
  }

  /** Reads the results of the events that were found, and of events that match but have no record any more. */
  async #readResults(subject?: Extract<Subject, { readonly id: string }>): Promise<void> {
    const found = this.#events.inOrder()
    const since = found.map(({ writtenAt }) => writtenAt - clocksApartMs)
    const from = subject === undefined ? { time: Math.max(0, Math.min(...since)) } : this.#start()
    const ids = [
      ...found.map(({ eventId }) => eventId),
      ...(subject === undefined ? [] : [subject.id]),
    ]
    if (ids.length === 0) return
    const mayMatch = textSearch(ids)
    const { results } = this.#session.settings.topics
    for await (const records of readRange(this.#session, results, { from, isByTime: true })) {
      for (const record of records) {
        if (record.value === null || !mayMatch(record.value)) continue
        const result = await this.#decode(record)
        if (result === undefined) continue
        this.#events.addResult(result, subject !== undefined && isResultAbout(result, subject))
      }
    }
  }

  async #findDelivery(id: string): Promise<void> {
    const { from } = this.#wanted
    const search = { context: this.#session, id, from: from === 'earliest' ? undefined : from }
    const { results, deadLetters } = this.#session.settings.topics
    await withAdmin(this.#session.settings, async (admin) => {
      const read: DeliveryResult[] = []
      for await (const record of keyedRecords({ ...search, admin }, results)) {
        const result = await this.#decode(record)
        if (result?.deliveryId === id) read.push(result)
      }
      const [first] = read
      const event = first === undefined ? undefined : await this.#eventOf(first)
      if (event !== undefined) this.#events.addEvent(event.event, event.writtenAt)
      for (const result of read) this.#events.addResult(result, true)
      if (first !== undefined) return
      for await (const record of keyedRecords({ ...search, admin }, deadLetters)) {
        const letter = decodeDeadLetter(record)
        if (letter.kind === 'letter') this.#events.addEvent(letter.run.event, undefined)
      }
    })
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
    const { sourceTopic: topic, sourcePartition: partition, sourceOffset: offset } = result
    const source = { topic, partition, offset }
    const event = await eventOfSource(this.#session, this.#schemas, source, result)
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
    const id = record && (await this.#deliveryIn(record))
    if (id !== undefined) await this.#findDelivery(id)
  }

  async #deliveryIn(record: InboundRecord): Promise<string | undefined> {
    const { results, requests, deadLetters } = this.#session.settings.topics
    if (record.topic === results) return (await this.#decode(record))?.deliveryId
    const decoded =
      record.topic === deadLetters
        ? decodeDeadLetter(record)
        : decodeRun(record, record.topic === requests ? 'request' : 'tier')
    if (decoded.kind !== 'rejected') return decoded.run.deliveryId
    this.#reject(record, decoded.rejection)
    return undefined
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

/** The place in the name of a run. */
function placeIn(run: string): RecordPlace | undefined {
  const [, topic, partition, offset] = /^([^/]+)\/(\d{1,9})\/(\d{1,15})$/.exec(run) ?? []
  if (topic === undefined) return undefined
  return { topic, partition: Number(partition), offset: Number(offset) }
}
