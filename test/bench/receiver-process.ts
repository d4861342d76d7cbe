/**
 * The endpoints of the benchmarks, a process of its own. What the path says is done: `/ok/…` answers 200 at once,
 * `/after/<ms>/…` after so long, `/within/<ms>/…` after a random part of it, `/hang/…` never; `/timed/…` answers at once,
 * and notes how long ago the event was written and of which partition it is, as `load-process.ts` writes both into it.
 *
 * `/reached/<calls>` tells what came so far, as soon as that many calls have come, or after ten seconds. `/forget` begins
 * to count anew. Prints its port, ends with its input.
 */
import { createServer, type ServerResponse } from 'node:http'
import type { Arrivals } from './receiver.ts'

interface Count {
  calls: number
  deliveries: Set<unknown>
  firstAt: number
  lastAt: number
  longestPauseMs: number
  longestPauseEndedAt: number
  readonly perSecond: number[]
  readonly latencies: number[]
  readonly lastOfPartition: Map<number, number>
  longestPauseOfPartitionMs: number
}

interface Waiter {
  readonly calls: number
  readonly tell: () => void
}

const longestWaitMs = 10_000
const writtenFields = /"writtenAt":([\d.]+),"partition":(\d+)/
let count = emptyCount()
const waiters = new Set<Waiter>()

function emptyCount(): Count {
  return {
    calls: 0,
    deliveries: new Set(),
    firstAt: 0,
    lastAt: 0,
    longestPauseMs: 0,
    longestPauseEndedAt: 0,
    perSecond: [],
    latencies: [],
    lastOfPartition: new Map(),
    longestPauseOfPartitionMs: 0,
  }
}

/** Milliseconds since 1970, with a fraction: comparable between processes of one machine. */
function now(): number {
  return performance.timeOrigin + performance.now()
}

function note(deliveryId: unknown): void {
  const at = now()
  if (count.calls === 0) count.firstAt = at
  else if (at - count.lastAt > count.longestPauseMs) {
    count.longestPauseMs = at - count.lastAt
    count.longestPauseEndedAt = at
  }
  count.lastAt = at
  count.calls += 1
  count.deliveries.add(deliveryId)
  const second = Math.floor((at - count.firstAt) / 1_000)
  count.perSecond[second] = (count.perSecond[second] ?? 0) + 1
  for (const waiter of waiters) if (count.calls >= waiter.calls) waiter.tell()
}

function noteWritten(start: string): void {
  const [, writtenAt, partition] = writtenFields.exec(start) ?? []
  const at = now()
  count.latencies.push(at - Number(writtenAt))
  const before = count.lastOfPartition.get(Number(partition)) ?? at
  count.longestPauseOfPartitionMs = Math.max(count.longestPauseOfPartitionMs, at - before)
  count.lastOfPartition.set(Number(partition), at)
}

function answer(response: ServerResponse, url: string): void {
  const [, kind, ms] = url.split('/')
  const end = () => response.writeHead(200, { 'content-length': '0' }).end()
  if (kind === 'hang') return
  if (kind === 'after') setTimeout(end, Number(ms))
  else if (kind === 'within') setTimeout(end, Number(ms) * Math.random())
  else end()
}

function tellWhen(calls: number, response: ServerResponse): void {
  const tell = () => {
    clearTimeout(patience)
    waiters.delete(waiter)
    const { deliveries, lastOfPartition: _, perSecond, ...others } = count
    const told: Arrivals = {
      ...others,
      deliveries: deliveries.size,
      perSecond: Array.from(perSecond, (inSecond) => inSecond ?? 0),
    }
    response.end(JSON.stringify(told))
  }
  const waiter: Waiter = { calls, tell }
  const patience = setTimeout(tell, longestWaitMs)
  waiters.add(waiter)
  if (count.calls >= calls) tell()
}

const server = createServer((request, response) => {
  const { url = '/' } = request
  if (url.startsWith('/reached/')) return tellWhen(Number(url.split('/')[2]), response)
  if (url === '/forget') {
    count = emptyCount()
    response.end()
    return
  }
  note(request.headers['webhook-id'])
  if (url.startsWith('/timed')) {
    request.once('data', (chunk: Buffer) => noteWritten(chunk.toString('latin1', 0, 200)))
  }
  request.resume().on('end', () => answer(response, url))
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object' && address !== null) process.stdout.write(`${address.port}\n`)
})
process.stdin.resume().on('end', () => process.exit(0))
