/**
 * The endpoints of the benchmarks, a process of its own. What the path says is done: `/ok/…` answers 200 at once,
 * `/after/<ms>/…` after so long, `/within/<ms>/…` after a random part of it, `/hang/…` never, `/silent/…` neither, without
 * being counted; `/timed/…` answers at once, and notes how long ago the event was written and of which partition it is, as
 * `load-process.ts` writes both into it;
 * `/rests/<seconds>/…` answers 503 with Retry-After until that long after the first call to the same path, then 200.
 *
 * `/reached/<calls>` tells what came so far, as soon as that many calls have come, or after ten seconds. `/forget` begins
 * to count anew. `/listen/<count>` listens on so many further origins, and tells them. Prints its origin, ends with its input.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
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
/** By path, in milliseconds since 1970. */
const restsUntil = new Map<string, number>()

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

function rest(response: ServerResponse, url: string, seconds: number): void {
  const until = restsUntil.get(url) ?? now() + seconds * 1_000
  restsUntil.set(url, until)
  const left = Math.ceil((until - now()) / 1_000)
  if (left <= 0) response.writeHead(200, { 'content-length': '0' })
  else response.writeHead(503, { 'content-length': '0', 'retry-after': String(left) })
  response.end()
}

function answer(response: ServerResponse, url: string): void {
  const [, kind, ms] = url.split('/')
  const end = () => response.writeHead(200, { 'content-length': '0' }).end()
  if (kind === 'hang' || kind === 'silent') return
  if (kind === 'rests') rest(response, url, Number(ms))
  else if (kind === 'after') setTimeout(end, Number(ms))
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

function handle(request: IncomingMessage, response: ServerResponse): void {
  const { url = '/' } = request
  const [, command, argument] = url.split('/')
  if (command === 'reached') return tellWhen(Number(argument), response)
  if (command === 'listen') return void tellOrigins(Number(argument), response)
  if (command === 'forget') {
    count = emptyCount()
    response.end()
    return
  }
  if (command !== 'silent') note(request.headers['webhook-id'])
  if (command === 'timed') {
    request.once('data', (chunk: Buffer) => noteWritten(chunk.toString('latin1', 0, 200)))
  }
  request.resume().on('end', () => answer(response, url))
}

/** @returns its origin, such as `http://127.0.0.1:40123` */
async function listen(host: string): Promise<string> {
  const server = createServer(handle)
  server.keepAliveTimeout = 60_000
  server.listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return `http://${host}:${port}`
}

/** A hundred on each address: one address has not ports enough for them and for the connections to them. */
async function tellOrigins(wanted: number, response: ServerResponse): Promise<void> {
  const origins: string[] = []
  while (origins.length < wanted)
    origins.push(await listen(`127.0.0.${1 + Math.floor(origins.length / 100)}`))
  response.end(JSON.stringify(origins))
}

process.stdout.write(`${await listen('127.0.0.1')}\n`)
process.stdin.resume().on('end', () => process.exit(0))
