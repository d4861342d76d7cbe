/**
 * Writes events at an even rate, a process of its own, and ends: `<brokers> <topic> <partitions> <per second> <seconds>`.
 * Partitions take turns. An event holds when it was written and to which partition, for the receiver to read.
 */
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { eventBytes } from './events.ts'

const [brokers = '', topic = '', ...numbers] = process.argv.slice(2)
const [partitions = 1, perSecond = 1, seconds = 1] = numbers.map(Number)
const total = perSecond * seconds
const tickMs = 2
const producer = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.ERROR }).producer({
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
  return {
    partition,
    value: eventBytes({ more: `"writtenAt":${writtenAt},"partition":${partition},` }),
  }
}
