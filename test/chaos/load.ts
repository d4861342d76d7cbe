/** Numbered events, written at an even rate whatever happens to the brokers, with the deliveries that each must have. */
import { choosePartition } from '../../src/edge/kafka/partition-choice.ts'
import { deliveryIdOf } from '../../src/core/model/identity.ts'
import type { OutboundRecord } from '../../src/core/model/model.ts'
import { createSink } from '../../src/edge/kafka/sink.ts'
import { settingsOf, silentLog } from '../support/kafka-tools.ts'
import { hooksOf } from './hooks.ts'

/** An event on its way to its topic. */
export interface LoadEvent {
  readonly eventId: string
  readonly partition: number
  /** Ids of the deliveries that must be made for the event. The first is for a hook that is called directly. */
  readonly owed: readonly string[]
  /** Ids of the deliveries that may be made. */
  readonly possible: readonly string[]
  /** When its write was acknowledged. */
  writtenAt: number | undefined
}

export interface LoadOptions {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly partitions: number
  readonly perSecond: number
  /** Called before an event is written. */
  readonly onBegun: (event: LoadEvent) => void
  readonly onWritten: (event: LoadEvent) => void
}

export interface ChaosLoad extends AsyncDisposable {
  /** Stops writing. Resolves when all events are acknowledged. */
  end(): Promise<void>
}

const tickMs = 20

export function startChaosLoad(options: LoadOptions): ChaosLoad {
  const { brokers, perSecond } = options
  const sink = createSink({ settings: settingsOf(brokers, 'chaos-load'), log: silentLog })
  const startedAt = performance.now()
  const open = new Set<Promise<void>>()
  let count = 0
  const timer = setInterval(() => {
    // Events of late ticks are written later, but not all at once.
    const due = Math.floor(((performance.now() - startedAt) / 1_000) * perSecond)
    const to = Math.min(due, count + perSecond)
    if (to === count) return
    const numbers = Array.from({ length: to - count }, (_, index) => count + index)
    count = to
    const events = numbers.map((n) => loadEvent(n, options.partitions))
    for (const event of events) options.onBegun(event)
    const writing = sink.write(numbers.map((n) => eventRecord(options.topic, n))).then(() => {
      open.delete(writing)
      for (const event of events) {
        event.writtenAt = Date.now()
        options.onWritten(event)
      }
    })
    open.add(writing)
  }, tickMs)
  const stop = async () => {
    clearInterval(timer)
    await sink.stop()
  }
  return {
    async end() {
      clearInterval(timer)
      await Promise.all(open)
      await stop()
    },
    [Symbol.asyncDispose]: stop,
  }
}

const keyOf = (n: number) => `user-${n}`

function eventRecord(topic: string, n: number): OutboundRecord {
  const event = { event: hooksOf(n).key, createdAt: new Date().toISOString(), n }
  return {
    topic,
    key: keyOf(n),
    value: Buffer.from(JSON.stringify(event)),
    headers: [['event-id', Buffer.from(`e${n}`)]],
  }
}

function loadEvent(n: number, partitions: number): LoadEvent {
  const eventId = `e${n}`
  const { steady, passing } = hooksOf(n)
  const idOf = (hookId: string) => deliveryIdOf('default', '', eventId, hookId)
  return {
    eventId,
    partition: choosePartition(Buffer.from(keyOf(n)), partitions, 0),
    owed: steady.map(idOf),
    possible: passing.map(idOf),
    writtenAt: undefined,
  }
}
