/** The endpoint for webhooks on a socket, and clients that may write any bytes to it. */
import { connect, type Socket } from 'node:net'
import { expect, onTestFinished } from 'vitest'
import { accepted, unauthorized } from '../../src/core/ingest/answer.ts'
import type { GivenTrace } from '../../src/core/ingest/webhook.ts'
import { judgeHead } from '../../src/core/ingest/request-head.ts'
import type { Answered } from '../../src/edge/http/webhook-exchange.ts'
import {
  startWebhookServer,
  type WebhookServerOptions,
} from '../../src/edge/http/webhook-server.ts'
import { logtoHeaders, logtoWebhook } from './logto-webhooks.ts'

export const maxBodyBytes = 100_000

export interface Rig {
  readonly port: number
  /** Bodies that arrived completely, in order. */
  readonly bodies: readonly string[]
  readonly answered: readonly Answered<string>[]
  /** Trace contexts of the webhooks, in order. */
  readonly traces: readonly GivenTrace[]
  /** Answers webhooks that are held. Later ones are held again. */
  release(): void
  stop(deadlineMs: number): Promise<void>
  connections(): number
}

/** @param isHeld whether webhooks are answered only when they are released. One with the body `wrong` gets 401 at once */
export async function serve(
  options: Partial<WebhookServerOptions> = {},
  isHeld = false,
): Promise<Rig> {
  const sources = new Map([['/logto', 'source']])
  const bodies: string[] = []
  const traces: GivenTrace[] = []
  const answered: Answered<string>[] = []
  let held = Promise.withResolvers<void>()
  const limits = {
    host: '127.0.0.1',
    port: 0,
    maxBodyBytes,
    clientTimeoutMs: 400,
    drainMs: 0,
    ...options,
  }
  const server = await startWebhookServer<string>(limits, {
    judge: (head) => judgeHead(head, sources, limits.maxBodyBytes),
    async handle({ body, trace }, onWriting) {
      traces.push(trace)
      const text = body.toString()
      bodies.push(text)
      if (text === 'wrong') return { answer: unauthorized('It is wrong.'), event: undefined }
      onWriting()
      if (isHeld) await held.promise
      return { answer: accepted(`id of ${text.length} bytes`, false), event: 'PostSignIn' }
    },
    onAnswered: (one) => answered.push(one),
  })
  let isStopped = false
  const stop = async (deadlineMs: number) => {
    isStopped = true
    await server.stop(deadlineMs)
  }
  onTestFinished(async () => {
    held.resolve()
    if (!isStopped) await server.stop(0)
  })
  return {
    ...{ port: server.port, bodies, answered, traces, stop },
    connections: () => server.connections(),
    release() {
      held.resolve()
      held = Promise.withResolvers()
    },
  }
}

export const { body, headers } = logtoWebhook()

/** The head of a request, with Logto's headers and the given ones. */
export function head(
  more: readonly string[] = [],
  from = headers,
  line = 'POST /logto HTTP/1.1',
): string {
  const lines = Object.entries(from).map(([name, value]) => `${name}: ${value}`)
  return [line, 'host: x', ...lines, ...more, '', ''].join('\r\n')
}

export const lengthOf = (text: string) => `content-length: ${Buffer.byteLength(text)}`
export const whole = `${head([lengthOf(body)])}${body}`

export function open({ port }: Rig): { readonly socket: Socket; readonly said: () => string } {
  const socket = connect(port, '127.0.0.1')
  let said = ''
  socket.on('data', (piece: Buffer) => (said += piece.toString()))
  socket.on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  return { socket, said: () => said }
}

/** Resolves when it is closed, also by a reset: bytes that arrive after the end of a connection reset it. */
export function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

/** What the server sends on a connection until it closes it. */
export async function talk(rig: Rig, ...texts: readonly string[]): Promise<string> {
  const { socket, said } = open(rig)
  const closed = closeOf(socket)
  for (const text of texts) socket.write(text)
  await closed
  return said()
}

/** Waits until the server has sent this much. */
export async function heard(said: () => string, form: RegExp): Promise<string> {
  await expect.poll(said, { interval: 5, timeout: 5_000 }).toMatch(form)
  return said()
}

export const statusesIn = (text: string) =>
  [...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => status)

export function post(
  rig: Rig,
  sent: string | Buffer = body,
  more: Readonly<Record<string, string>> = {},
) {
  return fetch(`http://127.0.0.1:${rig.port}/logto`, {
    method: 'POST',
    body: new Uint8Array(Buffer.from(sent)),
    headers: { ...logtoHeaders(sent), ...more },
  })
}

/** Sends the text a few bytes at a time, without an end. */
export function trickle(rig: Rig, text: string): Socket {
  const { socket } = open(rig)
  let at = 0
  const timer = setInterval(() => {
    socket.write(text.slice(at, at + 10))
    at += 10
  }, 20)
  socket.once('close', () => clearInterval(timer))
  return socket
}
