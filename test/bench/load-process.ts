/**
 * Writes events at an even rate, a process of its own, and ends. Partitions take turns, and so do hooks where there are
 * many. An event holds when it was written and to which partition, for the receiver to read.
 */
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { addressOf, eventBytes } from './events.ts'
import type { LoadArguments } from './steady-load.ts'

const { brokers, topic, partitions, perSecond, seconds, spread } = JSON.parse(
  process.argv[2] ?? '{}',
) as LoadArguments
const total = perSecond * seconds
const tickMs = 2
const producer = new Kafka({ brokers: [...brokers], logLevel: logLevel.ERROR }).producer({
  createPartitioner: Partitioners.DefaultPartitioner,
})

await producer.connect()
const writes: Promise<unknown>[] = []
const startedAt = performance.now()
let written = 0
await new Promise<void>((resolve) => {
  const timer = setInterval(() => {
    const due = Math.min(total, Math.floor(((performance.now() - startedAt) / 1_000) * perSecond))
    if (due > written) {
      const messages = Array.from({ length: due - written }, (_, index) => message(written + index))
      written = due
      writes.push(producer.send({ topic, messages }))
    }
    if (written < total) return
    clearInterval(timer)
    resolve()
  }, tickMs)
})
await Promise.all(writes)
await producer.disconnect()

function message(index: number) {
  const partition = index % partitions
  const writtenAt = (performance.timeOrigin + performance.now()).toFixed(3)
  const more = `"writtenAt":${writtenAt},"partition":${partition},`
  if (spread === undefined) return { partition, value: eventBytes({ more }) }
  const { tenant, event } = addressOf(index % spread.hooks, spread.tenants)
  return { partition, value: eventBytes({ event, more }), headers: { 'tenant-id': tenant } }
}
