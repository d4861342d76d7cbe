/**
 * What hooktide is measured against: `eachBatch` of kafkajs and undici with a fixed number of calls in flight. No
 * results, no ledger, no retries, no guard. Prints one JSON line of what it used, and ends.
 */
import { Kafka, logLevel } from 'kafkajs'
import { Pool } from 'undici'

const [brokers = '', topic = '', url = '', total = '0', inFlight = '256'] = process.argv.slice(2)
const expected = Number(total)
const atOnce = Number(inFlight)
const target = new URL(url)
const pool = new Pool(target.origin, { connections: atOnce })
const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.ERROR })
const consumer = kafka.consumer({ groupId: `bare-${process.pid}`, maxWaitTimeInMs: 100 })

let delivered = 0
let startedAt = 0

async function call(body: Buffer): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const response = await pool.request({ method: 'POST', path: target.pathname, headers, body })
  await response.body.dump()
  delivered += 1
  if (delivered === expected) finish()
}

function finish(): void {
  const seconds = (performance.now() - startedAt) / 1_000
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  const cpuSeconds = (userCPUTime + systemCPUTime) / 1_000_000
  process.stdout.write(
    `${JSON.stringify({ seconds, cpuSeconds, peakBytes: maxRSS * 1024 })}\n`,
    () => process.exit(0),
  )
}

await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })
await consumer.run({
  partitionsConsumedConcurrently: 6,
  eachBatch: async ({ batch, heartbeat }) => {
    if (startedAt === 0) startedAt = performance.now()
    const share = Math.ceil(atOnce / 6)
    const queue = batch.messages.values()
    const worker = async () => {
      for (const { value } of queue) if (value !== null) await call(value)
    }
    await Promise.all(Array.from({ length: share }, worker))
    await heartbeat()
  },
})
