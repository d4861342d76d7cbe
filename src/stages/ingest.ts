/**
 * Writes webhooks of Logto to the event topic. The answer is 200 only after Kafka has acknowledged the event. If Kafka takes
 * too long, the answer is 503, before the sender's own time-out.
 */
import { accepted, tooLarge, unavailable, type Answer } from '../core/ingest/answer.ts'
import { PendingEvents, type PendingBounds } from '../core/ingest/pending-events.ts'
import { judgeHead, type JudgedHead, type RequestHead } from '../core/ingest/request-head.ts'
import {
  readWebhook,
  type ReadWebhook,
  type ReadySource,
  type Webhook,
} from '../core/ingest/webhook.ts'
import { TooLargeError } from '../core/model/errors.ts'
import type { OutboundRecord } from '../core/model/model.ts'
import type { Clock, RecordSink } from '../ports.ts'

export interface IngestSettings {
  readonly sources: readonly ReadySource[]
  readonly maxBodyBytes: number
  /** How long Kafka may take to acknowledge an event before the answer is 503. */
  readonly ackTimeoutMs: number
  readonly bounds: Omit<PendingBounds, 'stalledMs'>
}

/** An answer, and the event for the log. */
export interface Handled {
  readonly answer: Answer
  /** `undefined` if the body is not an event, or its signature is not valid. */
  readonly event: string | undefined
}

export interface IngestStatus {
  readonly pendingRecords: number
  readonly pendingBytes: number
  /** Why Kafka acknowledges nothing, by topic. Empty while it acknowledges events of any topic. */
  readonly troubles: readonly string[]
}

export interface IngestPorts {
  /** One for each topic of the sources, so that a topic that Kafka does not take keeps out no other one. */
  readonly sinks: ReadonlyMap<string, RecordSink>
  readonly clock: Clock
  /** Called once for each event that Kafka has acknowledged, even if its request was answered before. */
  readonly onWritten: (source: ReadySource) => void
}

export interface Ingest {
  judge(head: RequestHead): JudgedHead<ReadySource>
  /**
   * Never rejects.
   *
   * @param onWriting called when the body is known to be an event and the wait for Kafka begins
   */
  handle(webhook: Webhook, onWriting: () => void): Promise<Handled>
  status(): IngestStatus
}

/** Memory of a record besides its value, in bytes. */
const recordOverhead = 512

export function createIngest(ports: IngestPorts, settings: IngestSettings): Ingest {
  const { maxBodyBytes } = settings
  const sources = new Map(settings.sources.map((source) => [source.path, source]))
  const writer = new EventWriter(ports, settings)
  return {
    judge(head) {
      const judged = judgeHead(head, sources, maxBodyBytes)
      if (judged.kind === 'answer') return judged
      const { source } = judged
      const refusal = writer.refusal(source.topic)
      return refusal === undefined ? judged : { kind: 'answer', answer: refusal, source }
    },
    async handle(webhook, onWriting) {
      const read = readWebhook(webhook)
      if (read.kind === 'answer') return { answer: read.answer, event: undefined }
      return { answer: await writer.write(read, webhook.source, onWriting), event: read.event }
    },
    status: () => writer.status(),
  }
}

class EventWriter {
  readonly #ports: IngestPorts
  readonly #ackTimeoutMs: number
  readonly #pending: PendingEvents
  readonly #writes = new Map<string, Promise<WriteOutcome>>()

  constructor(ports: IngestPorts, { ackTimeoutMs, bounds }: IngestSettings) {
    this.#ports = ports
    this.#ackTimeoutMs = ackTimeoutMs
    const topics = ports.sinks.keys()
    this.#pending = new PendingEvents({ ...bounds, stalledMs: ackTimeoutMs }, topics)
  }

  /** The answer while no event of the topic can be accepted; otherwise `undefined`. */
  refusal(topic: string): Answer | undefined {
    const refusal = this.#pending.refusal(topic, this.#ports.clock.monotonic())
    return refusal === undefined ? undefined : unavailable(refusals[refusal])
  }

  async write(read: RecordRead, source: ReadySource, onWriting: () => void): Promise<Answer> {
    const { record, tenantId, eventId } = read
    const { topic } = record
    const key = JSON.stringify([topic, tenantId, eventId])
    const bytes = (record.value?.length ?? 0) + recordOverhead
    const admission = this.#pending.admit({ key, topic, bytes }, this.#ports.clock.monotonic())
    if (admission === 'written') return accepted(eventId, true)
    if (admission === 'stalled' || admission === 'full') return unavailable(refusals[admission])
    if (admission === 'new') this.#writes.set(key, this.#send(key, record, source))
    onWriting()
    switch (await this.#inTime(this.#writes.get(key))) {
      case 'written':
        return accepted(eventId, admission === 'pending')
      case 'too-large':
        return tooLarge(undefined)
      case 'unwritten':
        return unavailable(refusals.stalled)
    }
  }

  status(): IngestStatus {
    const sinks = [...this.#ports.sinks]
    const troubles = sinks.flatMap(([topic, sink]) => {
      const trouble = sink.trouble()
      return trouble === undefined ? [] : [`${topic}: ${trouble}`]
    })
    return {
      pendingRecords: this.#pending.count,
      pendingBytes: this.#pending.bytes,
      troubles: troubles.length === sinks.length ? troubles : [],
    }
  }

  async #send(key: string, record: OutboundRecord, source: ReadySource): Promise<WriteOutcome> {
    let outcome: WriteOutcome = 'written'
    try {
      await this.#sinkOf(record).write([record])
    } catch (error) {
      outcome = error instanceof TooLargeError ? 'too-large' : 'unwritten'
    }
    this.#pending.settle(key, outcome === 'written')
    this.#writes.delete(key)
    if (outcome === 'written') this.#ports.onWritten(source)
    return outcome
  }

  #sinkOf({ topic }: OutboundRecord): RecordSink {
    const sink = this.#ports.sinks.get(topic)
    if (sink === undefined) throw new Error(`there is no sink for ${topic}`)
    return sink
  }

  /** `unwritten` after the time limit. The write goes on, and a later request for the same event gets its outcome. */
  #inTime(work: Promise<WriteOutcome> | undefined): Promise<WriteOutcome> {
    return new Promise((resolve) => {
      const cancel = this.#ports.clock.after(this.#ackTimeoutMs, () => resolve('unwritten'))
      void work?.then((outcome) => {
        cancel()
        resolve(outcome)
      })
    })
  }
}

type RecordRead = Extract<ReadWebhook, { readonly kind: 'record' }>

type WriteOutcome = 'written' | 'too-large' | 'unwritten'

const refusals = {
  stalled: 'Kafka did not acknowledge in time. Send the webhook again later.',
  full: 'Too many events are waiting for Kafka. Send the webhook again later.',
} as const
