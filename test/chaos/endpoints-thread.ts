/**
 * The thread of the receivers: one server with an endpoint for each hook. It reports every request, and can be ordered to
 * misbehave. The hook's id is the first part of the path.
 */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import { receive } from '../../examples/sandbox/sandbox.ts'
import { createDice } from '../sim/dice.ts'
import type {
  EndpointMessage,
  EndpointOrder,
  EndpointsOptions,
  Misbehaviour,
  RequestEnd,
  Spell,
} from './endpoints.ts'

const { signingKey, seed, timeoutMs, slowHook } = workerData as EndpointsOptions
const dice = createDice(seed)
const spells = new Map<string, Spell>()
let count = 0

const post = (message: EndpointMessage) => parentPort?.postMessage(message)

/** More than a caller reads of an answer. */
const floodBytes = 8 * 1024 * 1024
const floodChunk = Buffer.alloc(64 * 1024, 'x')
const quickMs = 30
const slowShare = 0.1
const slowMs = [2_200, 3_200] as const

const server = createServer((incoming, response) => {
  receive(
    incoming,
    () => signingKey,
    ({ path, headers, logtoSignature, standardSignature }) => {
      const hookId = path.split(/[/?]/)[1] ?? ''
      const index = count
      count += 1
      post({
        kind: 'request',
        index,
        hookId,
        deliveryId: headers['webhook-id'] ?? '',
        attempt: Number(headers['hooktide-attempt']),
        at: Date.now(),
        isSigned: logtoSignature === 'valid' && standardSignature === 'valid',
      })
      const end = onceEnded(response, index)
      const spell = spells.get(hookId)
      if (spell !== undefined && dice.chance(spell.share)) misbehave(response, end, spell.how)
      else answerAfter(response, isSlow(hookId) ? dice.between(...slowMs) : dice.float() * quickMs)
    },
  )
})

/** Reports the end of a request once. */
function onceEnded(response: ServerResponse, index: number): (end: RequestEnd) => void {
  let isTold = false
  const end = (how: RequestEnd): void => {
    if (isTold) return
    isTold = true
    const status = response.headersSent ? response.statusCode : undefined
    post({ kind: 'end', index, end: how, endedAt: Date.now(), status })
  }
  response.once('close', () => end(response.writableFinished ? 'answered' : 'given-up'))
  return end
}

function isSlow(hookId: string): boolean {
  return hookId === slowHook && dice.chance(slowShare)
}

function misbehave(
  response: ServerResponse,
  end: (how: RequestEnd) => void,
  how: Misbehaviour,
): void {
  switch (how) {
    case 'reset':
      end('cut')
      response.socket?.resetAndDestroy()
      return
    case 'hang':
      return
    case 'flood':
      flood(response)
      return
    case 'late':
      answerAfter(response, timeoutMs + dice.between(100, 1_500))
      return
  }
}

function answerAfter(response: ServerResponse, ms: number): void {
  setTimeout(() => {
    if (!response.destroyed) response.writeHead(200, { 'content-length': '0' }).end()
  }, ms)
}

function flood(response: ServerResponse): void {
  response.writeHead(200)
  let left = floodBytes
  const pour = (): void => {
    while (left > 0 && !response.destroyed) {
      left -= floodChunk.length
      if (!response.write(floodChunk)) return void response.once('drain', pour)
    }
    response.end()
  }
  pour()
}

server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  post({ kind: 'listening', port: (server.address() as AddressInfo).port })
})
parentPort?.on('message', ({ hookId, spell }: EndpointOrder) => {
  if (spell === undefined) spells.delete(hookId)
  else spells.set(hookId, spell)
})
