/** The receivers: one server with an endpoint for each hook, which logs every request and can be made to misbehave. */
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { receive, type SignatureCheck } from '../../src/sandbox/receiver.ts'
import type { Dice } from '../sim/dice.ts'
import type { ReceivedRequest } from './books.ts'

/** What an endpoint does with a call, where it is not well. */
export type Misbehaviour = 'reset' | 'hang' | 'flood' | 'late'

export interface Spell {
  readonly how: Misbehaviour
  /** How many of its calls meet it, from 0 to 1. */
  readonly share: number
}

export interface Endpoints extends AsyncDisposable {
  readonly port: number
  /** In order of arrival; an entry's end is filled in when it is known. */
  readonly requests: readonly ReceivedRequest[]
  /** Told of each request as it arrives, and again when it was answered. */
  onRequest(listen: (hookId: string, request: ReceivedRequest) => void): void
  misbehave(hookId: string, spell: Spell | undefined): void
  isWell(hookId: string): boolean
}

export interface EndpointsOptions {
  readonly signingKey: string
  readonly dice: Dice
  /** After so long a caller has given up. */
  readonly timeoutMs: number
  /** Of this hook some calls take longer than an orderly hand-over waits for. */
  readonly slowHook: string
}

/** More than a caller may read of an answer. */
const floodBytes = 8 * 1024 * 1024
const floodChunk = Buffer.alloc(64 * 1024, 'x')
const quickMs = 30
const slowShare = 0.1
const slowMs = [2_200, 3_200] as const

type Entry = { -readonly [Name in keyof ReceivedRequest]: ReceivedRequest[Name] }

/** The hook's id is the first part of the path. */
export async function startEndpoints(options: EndpointsOptions): Promise<Endpoints> {
  const { signingKey, dice, timeoutMs, slowHook } = options
  const requests: Entry[] = []
  const spells = new Map<string, Spell>()
  const sockets = new Set<Socket>()
  let tell: (hookId: string, request: ReceivedRequest) => void = () => undefined

  const server = createServer((incoming, response) => {
    receive(
      incoming,
      () => signingKey,
      ({ path, headers, logtoSignature, standardSignature }) => {
        const hookId = path.split(/[/?]/)[1] ?? ''
        const entry: Entry = {
          deliveryId: headers['webhook-id'] ?? '',
          attempt: Number(headers['hooktide-attempt']),
          at: Date.now(),
          endedAt: undefined,
          end: 'open',
          status: undefined,
          isSigned: isValid(logtoSignature) && isValid(standardSignature),
        }
        requests.push(entry)
        tell(hookId, entry)
        response.once('close', () => {
          if (entry.end !== 'open') return
          entry.endedAt = Date.now()
          entry.end = response.writableFinished ? 'answered' : 'given-up'
          if (response.headersSent) entry.status = response.statusCode
          tell(hookId, entry)
        })
        const spell = spells.get(hookId)
        if (spell !== undefined && dice.chance(spell.share)) misbehave(response, entry, spell.how)
        else
          answerAfter(response, isSlow(hookId) ? dice.between(...slowMs) : dice.float() * quickMs)
      },
    )
  })
  const isSlow = (hookId: string) => hookId === slowHook && dice.chance(slowShare)
  const misbehave = (response: ServerResponse, entry: Entry, how: Misbehaviour): void => {
    switch (how) {
      case 'reset':
        entry.end = 'cut'
        entry.endedAt = Date.now()
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
  server.keepAliveTimeout = 60_000
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    onRequest(listen) {
      tell = listen
    },
    misbehave(hookId, spell) {
      if (spell === undefined) spells.delete(hookId)
      else spells.set(hookId, spell)
    },
    isWell: (hookId) => !spells.has(hookId),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function isValid(check: SignatureCheck): boolean {
  return check === 'valid'
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
