/**
 * About the least that the same libraries can do: `eachBatch` of kafkajs, `dispatch` of undici without a promise per call,
 * and Logto's signature by two one-shot hashes (RFC 2104). No results. docs/performance.md says what it lacks. Prints a
 * line when it has its partitions; ends with its input.
 */
import { hash } from 'node:crypto'
import { Kafka, logLevel, type KafkaMessage } from 'kafkajs'
import { Pool, type Dispatcher } from 'undici'
import type { PeerArguments } from '../peers.ts'

const { brokers, topic, groupId, url, concurrency, partitions } = JSON.parse(
  process.argv[2] ?? '{}',
) as PeerArguments
const blockBytes = 64
const block = Buffer.alloc(blockBytes)
block.write('k'.repeat(32))
const innerPad = block.map((byte) => byte ^ 0x36)
const outer = Buffer.alloc(blockBytes + 32)
outer.set(block.map((byte) => byte ^ 0x5c))
const target = new URL(url)
const pool = new Pool(target.origin, { connections: concurrency })
const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.ERROR })
const consumer = kafka.consumer({ groupId, sessionTimeout: 10_000, maxWaitTimeInMs: 100 })

function signature(body: Buffer): string {
  const inner = Buffer.allocUnsafe(blockBytes + body.length)
  inner.set(innerPad)
  inner.set(body, blockBytes)
  outer.write(hash('sha256', inner, 'binary'), blockBytes, 'binary')
  return hash('sha256', outer, 'hex')
}

/** The messages of a batch, with so many calls in flight; `done` when all are answered. */
class BatchCalls implements Dispatcher.DispatchHandler {
  readonly #partition: number
  readonly #messages: readonly KafkaMessage[]
  readonly #done: () => void
  #next = 0
  #open = 0

  constructor(partition: number, messages: readonly KafkaMessage[], done: () => void) {
    this.#partition = partition
    this.#messages = messages
    this.#done = done
  }

  start(share: number): void {
    for (let count = 0; count < share; count += 1) this.#callNext()
  }

  onRequestStart(): void {}

  onResponseStart(): void {}

  onResponseData(): void {}

  onResponseEnd(): void {
    this.#open -= 1
    this.#callNext()
  }

  onResponseError(_: Dispatcher.DispatchController | null, error: Error): void {
    console.error(error)
    process.exit(1)
  }

  #callNext(): void {
    const message = this.#messages[this.#next]
    if (message === undefined) {
      if (this.#open === 0) this.#done()
      return
    }
    this.#next += 1
    this.#open += 1
    const body = message.value ?? Buffer.alloc(0)
    const headers = [
      'content-type',
      'application/json',
      'webhook-id',
      `${this.#partition}-${message.offset}`,
      'logto-signature-sha-256',
      signature(body),
    ]
    pool.dispatch({ method: 'POST', path: target.pathname, headers, body }, this)
  }
}

await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })
consumer.on(consumer.events.GROUP_JOIN, () => void process.stdout.write('joined\n'))
await consumer.run({
  partitionsConsumedConcurrently: partitions,
  eachBatch: async ({ batch, heartbeat }) => {
    const { partition, messages } = batch
    // The partitions share the calls in flight.
    const share = Math.floor((concurrency + partitions - 1 - partition) / partitions)
    await new Promise<void>((resolve) => {
      new BatchCalls(partition, messages, resolve).start(share)
    })
    await heartbeat()
  },
})
process.stdin.resume().on('end', () => process.exit(0))
