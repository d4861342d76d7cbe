/**
 * Webhooks of Logto's on their way to the events topic. Each is answered when it is known what became of it: 200 only when
 * Kafka has acknowledged its event, and 503 in time for whoever sent it to see that, where it has not.
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
  /** How long Kafka may take to acknowledge before a webhook is answered with 503. */
  readonly ackTimeoutMs: number
  readonly bounds: Omit<PendingBounds, 'stalledMs'>
}

/** An answer, and what the log says of it. */
export interface Handled {
  readonly answer: Answer
  /** `undefined` where the body was no event, or not known to be Logto's. */
  readonly event: string | undefined
}

export interface IngestStatus {
  readonly pendingRecords: number
  readonly pendingBytes: number
  /** Why nothing is acknowledged, a sentence each. */
  readonly troubles: readonly string[]
}

export interface Ingest {
  judge(head: RequestHead): JudgedHead<ReadySource>
  /**
   * Never rejects.
   *
   * @param onWriting called when the body is known to be an event of Logto's, and Kafka is waited for
   */
  handle(webhook: Webhook, onWriting: () => void): Promise<Handled>
  status(): IngestStatus
}

/** What a record holds beside its value. In bytes. */
const recordOverhead = 512

export function createIngest(
  ports: { readonly sink: RecordSink; readonly clock: Clock },
  settings: IngestSettings,
): Ingest {
  const { maxBodyBytes } = settings
  const sources = new Map(settings.sources.map((source) => [source.path, source]))
  const writer = new EventWriter(ports, settings)
  return {
    judge(head) {
      const judged = judgeHead(head, sources, maxBodyBytes)
      const refusal = judged.kind === 'answer' ? undefined : writer.refusal()
      return refusal === undefined ? judged : { kind: 'answer', answer: refusal }
    },
    async handle(webhook, onWriting) {
      const read = readWebhook(webhook)
      if (read.kind === 'answer') return { answer: read.answer, event: undefined }
      return { answer: await writer.write(read, onWriting), event: read.event }
    },
    status: () => writer.status(),
  }
}

class EventWriter {
  readonly #sink: RecordSink
  readonly #clock: Clock
  readonly #ackTimeoutMs: number
  readonly #pending: PendingEvents
  readonly #writes = new Map<string, Promise<WriteOutcome>>()

  constructor(
    { sink, clock }: { readonly sink: RecordSink; readonly clock: Clock },
    { ackTimeoutMs, bounds }: IngestSettings,
  ) {
    this.#sink = sink
    this.#clock = clock
    this.#ackTimeoutMs = ackTimeoutMs
    this.#pending = new PendingEvents({ ...bounds, stalledMs: ackTimeoutMs })
  }

  /** Why no event can be taken now; `undefined` when one can. */
  refusal(): Answer | undefined {
    const refusal = this.#pending.refusal(this.#clock.monotonic())
    return refusal === undefined ? undefined : unavailable(refusals[refusal])
  }

  async write(read: RecordRead, onWriting: () => void): Promise<Answer> {
    const { record, tenantId, eventId } = read
    const key = JSON.stringify([record.topic, tenantId, eventId])
    const bytes = (record.value?.length ?? 0) + recordOverhead
    const admission = this.#pending.admit(key, bytes, this.#clock.monotonic())
    if (admission === 'written') return accepted(eventId, true)
    if (admission === 'stalled' || admission === 'full') return unavailable(refusals[admission])
    if (admission === 'new') this.#writes.set(key, this.#send(key, record))
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
    const trouble = this.#sink.trouble()
    return {
      pendingRecords: this.#pending.count,
      pendingBytes: this.#pending.bytes,
      troubles: trouble === undefined ? [] : [trouble],
    }
  }

  async #send(key: string, record: OutboundRecord): Promise<WriteOutcome> {
    let outcome: WriteOutcome = 'written'
    try {
      await this.#sink.write([record])
    } catch (error) {
      outcome = error instanceof TooLargeError ? 'too-large' : 'unwritten'
    }
    this.#pending.settle(key, outcome === 'written')
    this.#writes.delete(key)
    return outcome
  }

  /** `unwritten` when it takes longer. The write itself goes on: its answer is for whoever sends the event again. */
  #inTime(work: Promise<WriteOutcome> | undefined): Promise<WriteOutcome> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(this.#ackTimeoutMs, () => resolve('unwritten'))
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
  stalled: 'Kafka has not acknowledged in time. Send it again later.',
  full: 'Too much waits for Kafka. Send it again later.',
} as const
