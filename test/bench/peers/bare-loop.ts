/**
 * What somebody writes in an afternoon: `eachBatch` of kafkajs, `request` of undici with a fixed number of calls in flight,
 * and Logto's signature by `createHmac`. With a topic for results it writes one record per call, all of a batch in one
 * request at its end. docs/performance.md says what it lacks. Prints a line when it has its partitions; ends with its input.
 */
import { createHmac } from 'node:crypto'
import { Kafka, logLevel, Partitioners, type Message } from 'kafkajs'
import { Agent, request } from 'undici'
import type { PeerArguments } from '../peers.ts'

const { brokers, topic, results, groupId, url, concurrency, partitions } = JSON.parse(
  process.argv[2] ?? '{}',
) as PeerArguments
const signingKey = 'k'.repeat(32)
const dispatcher = new Agent({ connections: concurrency })
const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.ERROR })
const consumer = kafka.consumer({ groupId, sessionTimeout: 10_000, maxWaitTimeInMs: 100 })
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })

async function call(id: string, body: Buffer): Promise<Message> {
  const startedAt = Date.now()
  const headers = {
    'content-type': 'application/json',
    'webhook-id': id,
    'logto-signature-sha-256': createHmac('sha256', signingKey).update(body).digest('hex'),
  }
  const response = await request(url, { method: 'POST', headers, body, dispatcher })
  await response.body.dump()
  if (results === undefined) return { value: null }
  const { statusCode: status } = response
  const result = { id, url, status, startedAt, tookMs: Date.now() - startedAt }
  return { key: id, value: JSON.stringify(result) }
}

await Promise.all([consumer.connect(), results === undefined ? undefined : producer.connect()])
await consumer.subscribe({ topic, fromBeginning: true })
consumer.on(consumer.events.GROUP_JOIN, () => void process.stdout.write('joined\n'))
await consumer.run({
  partitionsConsumedConcurrently: partitions,
  eachBatch: async ({ batch, heartbeat }) => {
    const { partition, messages } = batch
    const queue = messages.values()
    const answers: Message[] = []
    const worker = async () => {
      for (const { value, offset } of queue) {
        if (value !== null) answers.push(await call(`${partition}-${offset}`, value))
      }
    }
    // The partitions share the calls in flight.
    const share = Math.floor((concurrency + partitions - 1 - partition) / partitions)
    await Promise.all(Array.from({ length: share }, worker))
    if (results !== undefined) await producer.send({ topic: results, messages: answers })
    await heartbeat()
  },
})

async function end(): Promise<void> {
  // Waits for the batches in hand.
  await consumer.disconnect()
  await producer.disconnect()
  process.exit(0)
}

process.stdin.resume().on('end', () => void end())
