/**
 * The monitor over HTTP: the API, the stream of changes, and the page. Callers may be slow, broken or hostile: what they
 * send and how long they take is bounded.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { asError, UserError } from '../../core/model/errors.ts'
import { createBoundedServer } from '../../edge/bounded-server.ts'
import { listening } from '../../edge/listening.ts'
import { boundReading } from '../../edge/reading-bound.ts'
import { readJsonObject, type JsonObject } from '../../core/text/json-text.ts'
import { originOf, refusedCaller, refusedHost, type GuardOptions, type Refusal } from './guard.ts'
import { ApiError, findRoute, type ApiAnswer, type Found, type Route } from './route.ts'

/** A file of the page. */
export interface Asset {
  readonly type: string
  readonly bytes: Buffer
  /** Tells its content from any other: the ETag. */
  readonly tag: string
  /** Its path has no other content, ever. */
  readonly isFixed: boolean
}

export interface Assets {
  /** `undefined`: there is none of that path. */
  find(path: string): Asset | undefined
  /** The page itself, which shows what its address says. */
  readonly page: Asset
  /** The Content-Security-Policy of the page. */
  readonly policy: string
}

export interface MonitorServerOptions extends GuardOptions {
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  readonly routes: readonly Route[]
  readonly hasActions: boolean
  readonly assets: Assets
  /** Calls `changed` after something was read. @returns how to stop that */
  readonly onChange: (changed: () => void) => () => void
  /** An answer could not be made. */
  readonly onFailed: (error: Error) => void
}

export interface MonitorServer {
  readonly port: number
  stop(): Promise<void>
}

const clientTimeoutMs = 10_000
/** Answers may have megabytes, and lines may be slow. */
const readTimeoutMs = 60_000
/** A hook record has at most that. */
const maxBodyBytes = 1024 * 1024
const maxConnections = 256
const maxStreams = 64
/** A stream tells of changes no more often. */
const changeEveryMs = 1_000
/** So that what stands between does not take it for dead. */
const pulseMs = 15_000

/** @throws UserError when the port cannot be listened on */
export async function startMonitorServer(options: MonitorServerOptions): Promise<MonitorServer> {
  const streams = new Set<ServerResponse>()
  const server = createBoundedServer(
    {
      headersTimeout: clientTimeoutMs,
      requestTimeout: clientTimeoutMs,
      keepAliveTimeout: clientTimeoutMs,
      maxHeaderSize: 16 * 1024,
    },
    (request, response) => {
      boundReading(request, response, readTimeoutMs)
      answer(options, streams, request, response).catch((error: unknown) => {
        fail(options, response, error)
      })
    },
  )
  server.maxConnections = maxConnections
  const port = await listening(server, options, 'HOOKTIDE_MONITOR_PORT')
  const stopTelling = tellChanges(options, streams)
  return {
    port,
    stop: () =>
      new Promise((resolve) => {
        stopTelling()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(
  options: MonitorServerOptions,
  streams: Set<ServerResponse>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { headers, method = 'GET', url = '/' } = request
  const address = URL.parse(url, 'http://monitor')
  if (address === null) throw new ApiError(400, 'request.invalid', 'The path is not usable.')
  const path = address.pathname
  const isApi = path === '/api' || path.startsWith('/api/')
  refuse(refusedHost(headers, options))
  if (!isApi) return sendAsset(options.assets, request, path, response)
  refuse(refusedCaller(headers, options))
  if (path === '/api/changes' && method === 'GET') return openStream(streams, response)
  const { route, parameters } = routeFor(options, method, path, response)
  const body = route.isAction ? await bodyOf(request) : {}
  const { searchParams: query } = address
  const origin = originOf(headers)
  send(response, await route.handle({ path, origin, parameters, query, body }))
}

function refuse(refusal: Refusal | undefined): void {
  if (refusal !== undefined) throw new ApiError(refusal.status, refusal.code, refusal.message)
}

function routeFor(
  { routes, hasActions }: MonitorServerOptions,
  method: string,
  path: string,
  response: ServerResponse,
): Extract<Found, { readonly kind: 'route' }> {
  const found = findRoute(routes, method === 'HEAD' ? 'GET' : method, path)
  if (found.kind === 'none') throw new ApiError(404, 'entity.not_found', `There is no ${path}.`)
  if (found.kind === 'wrong-method') {
    response.setHeader('allow', found.allowed.join(', '))
    throw new ApiError(405, 'request.invalid', `${path} takes ${found.allowed.join(', ')}.`)
  }
  if (!found.route.isAction || hasActions) return found
  throw new ApiError(403, 'auth.forbidden', 'this monitor only reads: start it with --actions')
}

/** A form of another site can send text, but no JSON, without being asked for permission first. */
async function bodyOf(request: IncomingMessage): Promise<JsonObject> {
  const pieces: Buffer[] = []
  let total = 0
  for await (const piece of request as AsyncIterable<Buffer>) {
    pieces.push(piece)
    total += piece.length
    if (total > maxBodyBytes)
      throw new ApiError(413, 'request.too_large', `A body has at most ${maxBodyBytes} bytes.`)
  }
  if (total === 0) return {}
  const type = request.headers['content-type'] ?? ''
  if (!/^application\/json\s*(?:;|$)/i.test(type)) {
    throw new ApiError(415, 'request.invalid', 'Send the body as application/json.')
  }
  const read = readJsonObject(Buffer.concat(pieces))
  if (read.kind !== 'rejected') return read.members
  throw new ApiError(
    400,
    'guard.invalid_input',
    `The body cannot be used: ${read.rejection.message}`,
  )
}

function openStream(streams: Set<ServerResponse>, response: ServerResponse): void {
  if (streams.size >= maxStreams)
    throw new ApiError(503, 'monitor.busy', 'Too many pages are open.')
  streams.add(response)
  response.once('close', () => streams.delete(response))
  response.writeHead(200, { ...commonHeaders, 'content-type': 'text/event-stream' })
  response.write(': open\n\n')
}

/** One who reads slowly is told no more than one change behind: what changed is asked for, not sent. */
function tellChanges(
  { onChange }: MonitorServerOptions,
  streams: ReadonlySet<ServerResponse>,
): () => void {
  let isChanged = false
  let ticks = 0
  const stop = onChange(() => (isChanged = true))
  const timer = setInterval(() => {
    ticks += 1
    const isPulse = ticks % (pulseMs / changeEveryMs) === 0
    if (!isChanged && !isPulse) return
    const text = isChanged ? 'event: changed\ndata: {}\n\n' : ': pulse\n\n'
    isChanged = false
    for (const stream of streams) if (!stream.writableNeedDrain) stream.write(text)
  }, changeEveryMs)
  return () => {
    stop()
    clearInterval(timer)
  }
}

const commonHeaders = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
} as const

function sendAsset(
  assets: Assets,
  { method, headers }: IncomingMessage,
  path: string,
  response: ServerResponse,
): void {
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    throw new ApiError(405, 'request.invalid', 'only GET and HEAD')
  }
  const isFile = path.startsWith('/assets/')
  const asset = isFile ? assets.find(path.slice('/assets/'.length)) : assets.page
  if (asset === undefined) throw new ApiError(404, 'entity.not_found', `There is no ${path}.`)
  const { type, bytes, tag, isFixed } = asset
  const isKnown = headers['if-none-match'] === tag
  response.writeHead(isKnown ? 304 : 200, {
    ...commonHeaders,
    // Kept, and otherwise asked for again each time whether it is still the same.
    'cache-control': isFixed ? 'max-age=31536000, immutable' : 'no-cache',
    etag: tag,
    'content-type': type,
    'content-security-policy': assets.policy,
    'cross-origin-opener-policy': 'same-origin',
    'x-frame-options': 'DENY',
    ...(isKnown ? {} : { 'content-length': bytes.length }),
  })
  response.end(isKnown ? undefined : bytes)
}

function send(response: ServerResponse, { status, body, headers = {} }: ApiAnswer): void {
  if (body === undefined) {
    response.writeHead(status, { ...commonHeaders, ...headers }).end()
    return
  }
  const bytes = Buffer.from(JSON.stringify(body))
  response
    .writeHead(status, {
      ...commonHeaders,
      ...headers,
      'content-type': 'application/json; charset=utf-8',
      'content-length': bytes.length,
      // A browser that is led to an answer shows it, and runs nothing of it.
      'content-security-policy': "default-src 'none'",
    })
    .end(bytes)
}

function sendError(response: ServerResponse, { status, code, message, data }: ApiError): void {
  if (status === 401) response.setHeader('www-authenticate', 'Bearer')
  // What is left of the request is not read.
  response.setHeader('connection', 'close')
  send(response, { status, body: data === undefined ? { code, message } : { code, message, data } })
}

function fail({ onFailed }: MonitorServerOptions, response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  if (error instanceof ApiError) return sendError(response, error)
  // Kafka is away, a right is missing, or the store cannot be read: it says what to look at, and asking again may help.
  if (error instanceof UserError)
    return sendError(response, new ApiError(503, 'monitor.not_readable', error.message))
  onFailed(asError(error))
  sendError(
    response,
    new ApiError(500, 'monitor.failed', 'The answer could not be made: the monitor says why.'),
  )
}
