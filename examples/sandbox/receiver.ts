/**
 * A receiver of webhooks for the demo and the tests: it checks both signatures as a customer's receiver would, by rules
 * written down here again and by the published `standardwebhooks` package, and answers as it is told.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { asError } from '../../src/core/model/errors.ts'

/** `absent`: no header. `unchecked`: no key is known for the path. */
export type SignatureCheck = 'valid' | 'invalid' | 'absent' | 'unchecked'

export interface ReceivedRequest {
  readonly method: string
  /** With its query. */
  readonly path: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** Which connection it came by, counted from 0. */
  readonly connection: number
  /** Logto's rule: hex HMAC-SHA256 of the body. */
  readonly logtoSignature: SignatureCheck
  /** Standard Webhooks: id, timestamp and body, within five minutes of now. */
  readonly standardSignature: SignatureCheck
}

export type ReceiverAnswer =
  | {
      readonly kind: 'respond'
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string | Buffer
      /** The answer waits for it. */
      readonly after?: Promise<unknown>
    }
  /** Nothing is ever answered; the connection stays. */
  | { readonly kind: 'hang' }
  /** Status, headers and some of a longer body are sent, and no more. */
  | { readonly kind: 'hang-in-body'; readonly status: number }
  /** The connection is cut with no answer. */
  | { readonly kind: 'reset' }
  /** The connection is cut within a body. */
  | { readonly kind: 'reset-in-body'; readonly status: number }
  /** These bytes are sent as they are, and the connection is ended. */
  | { readonly kind: 'raw'; readonly bytes: string }

export interface ReceiverOptions {
  /** What to answer; without it, or where it returns nothing, 200. */
  readonly answer?: (request: ReceivedRequest) => ReceiverAnswer | undefined
  /** The hook's newest signing key by the path that its URL has; `undefined` leaves signatures unchecked. */
  readonly keyOf?: (path: string) => string | undefined
}

export interface Receiver {
  /** Such as `http://127.0.0.1:40123`. */
  readonly origin: string
  /** In order of arrival. */
  readonly requests: readonly ReceivedRequest[]
  /** Connections accepted so far. */
  connectionCount(): number
  /** Resolves as soon as that many requests have arrived, or `isReached` says so of all that have. */
  waitFor(
    until: number | ((requests: readonly ReceivedRequest[]) => boolean),
  ): Promise<readonly ReceivedRequest[]>
  /** Resolves as soon as no more than `most` connections are open. */
  waitForConnections(most: number): Promise<void>
  /** Cuts all connections; what still waits is rejected. */
  stop(): Promise<void>
}

/** Begins to listen on a random port of the loopback address. */
export async function startReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const requests: ReceivedRequest[] = []
  const sockets = new Map<Socket, number>()
  const waiting = createWaiting()
  let connectionCount = 0

  const server = createServer((incoming, response) => {
    receive(incoming, options.keyOf, (received) => {
      const request = { ...received, connection: sockets.get(incoming.socket) ?? -1 }
      requests.push(request)
      give(response, options.answer?.(request) ?? { kind: 'respond', status: 200 })
      waiting.check()
    })
  })
  server.on('connection', (socket) => {
    sockets.set(socket, connectionCount)
    connectionCount += 1
    socket.once('close', () => {
      sockets.delete(socket)
      waiting.check()
    })
  })
  const port = await listen(server)

  return {
    origin: `http://127.0.0.1:${port}`,
    requests,
    connectionCount: () => connectionCount,
    async waitFor(until) {
      await waiting.until(() =>
        typeof until === 'number' ? requests.length >= until : until(requests),
      )
      return requests
    },
    waitForConnections: (most) => waiting.until(() => sockets.size <= most),
    async stop() {
      waiting.giveUp()
      for (const socket of sockets.keys()) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

/** Reads a request to its end and checks its signatures. */
export function receive(
  incoming: IncomingMessage,
  keyOf: ReceiverOptions['keyOf'],
  whole: (request: Omit<ReceivedRequest, 'connection'>) => void,
): void {
  const chunks: Buffer[] = []
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
  incoming.on('end', () => {
    const body = Buffer.concat(chunks)
    const { path, headers } = headOf(incoming)
    const key = keyOf?.(path.replace(/\?.*$/, ''))
    whole({
      method: incoming.method ?? '',
      path,
      headers,
      body,
      logtoSignature: checkLogto(headers['logto-signature-sha-256'], body, key),
      standardSignature: checkStandard({ headers, body }, key),
    })
  })
  // A caller that gives up is not this server's fault; the request has then not arrived.
  incoming.on('error', () => {})
}

function isStandard(
  { headers, body }: Pick<ReceivedRequest, 'headers' | 'body'>,
  secret: string,
): boolean {
  try {
    new Webhook(secret).verify(body, headers, { jsonParse: false })
    return true
  } catch {
    return false
  }
}

/** The secret to give to a Standard Webhooks library for one of Logto's signing keys. */
export function standardSecretOf(key: string): string {
  return key.startsWith('whsec_') ? key : `whsec_${Buffer.from(key).toString('base64')}`
}

function checkLogto(
  signature: string | undefined,
  body: Buffer,
  key: string | undefined,
): SignatureCheck {
  if (signature === undefined) return 'absent'
  if (key === undefined) return 'unchecked'
  const expected = Buffer.from(createHmac('sha256', key).update(body).digest('hex'))
  const actual = Buffer.from(signature)
  return actual.length === expected.length && timingSafeEqual(actual, expected)
    ? 'valid'
    : 'invalid'
}

function checkStandard(
  request: Pick<ReceivedRequest, 'headers' | 'body'>,
  key: string | undefined,
): SignatureCheck {
  if (request.headers['webhook-signature'] === undefined) return 'absent'
  if (key === undefined) return 'unchecked'
  return isStandard(request, standardSecretOf(key)) ? 'valid' : 'invalid'
}

function headOf(incoming: IncomingMessage): Pick<ReceivedRequest, 'path' | 'headers'> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers[name] = typeof value === 'string' ? value : value.join(', ')
  }
  return { path: incoming.url ?? '', headers }
}

function give(response: ServerResponse, answer: ReceiverAnswer): void {
  const { socket } = response
  switch (answer.kind) {
    case 'respond': {
      const respond = (): void => {
        response.writeHead(answer.status, answer.headers)
        response.end(answer.body)
      }
      if (answer.after === undefined) respond()
      else void answer.after.then(respond, (error: unknown) => response.destroy(asError(error)))
      return
    }
    case 'hang':
      return
    case 'hang-in-body':
    case 'reset-in-body':
      response.writeHead(answer.status, { 'content-length': '100' })
      response.write('begun', () => {
        if (answer.kind === 'reset-in-body') socket?.resetAndDestroy()
      })
      return
    case 'reset':
      socket?.resetAndDestroy()
      return
    case 'raw':
      socket?.end(answer.bytes, 'latin1')
      return
  }
}

/** Conditions that are looked at whenever something has happened: nobody has to ask again and again. */
function createWaiting() {
  interface Waiter {
    readonly isReached: () => boolean
    readonly resolve: () => void
    readonly reject: (error: Error) => void
  }
  const waiters = new Set<Waiter>()
  return {
    until(isReached: () => boolean): Promise<void> {
      if (isReached()) return Promise.resolve()
      return new Promise((resolve, reject) => waiters.add({ isReached, resolve, reject }))
    },
    check(): void {
      for (const waiter of waiters) {
        if (waiter.isReached() && waiters.delete(waiter)) waiter.resolve()
      }
    },
    giveUp(): void {
      for (const waiter of waiters) waiter.reject(new Error('the receiver was stopped'))
      waiters.clear()
    },
  }
}

async function listen(server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the receiver has no port')
  return address.port
}
