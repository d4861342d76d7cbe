/**
 * The connections of all hooks. Each is an undici `Client`: one socket, one call at a time.
 *
 * A connection is **busy** from `take` until `release` or `destroy`, and **idle** from `release` until `take`. It is
 * destroyed when its call fails, when the server or the keep-alive time ends it, when there are too many idle ones and it
 * has been idle for the longest time, or by `stop`. A pool without idle connections takes no memory.
 *
 * undici's `Pool` is not used: it cannot close single idle sockets, and it cannot end one attempt to connect, so a call
 * past its deadline would hold its place in the pool until that attempt ends.
 */
import { Client } from 'undici'
import type { Dispatcher } from 'undici'
import { endpointOf } from './connecting.ts'
import type { ClientCertificate, TenantId } from '../../core/model/model.ts'
import type { Connect, ConnectOf } from './guarded-connect.ts'
import { ResponseTap, maxHeadBytes } from './response-tap.ts'
import type { TapReader } from './response-tap.ts'

/** How long an idle connection is kept. A server's `Keep-Alive` header can shorten this. */
const idleMs = 30_000

export class Connection {
  readonly key: string
  readonly #client: Client
  #cancelConnect: () => void = () => {}
  /** The tap of the newest socket. undici opens another socket when one ended before a request was written to it. */
  #tap: ResponseTap | undefined

  constructor(key: string, origin: string, connect: Connect) {
    this.key = key
    this.#client = new Client(origin, {
      allowH2: false,
      pipelining: 1,
      // One deadline of the caller covers connecting, headers and body.
      headersTimeout: 0,
      bodyTimeout: 0,
      // For trailers. The tap refuses heads that are longer.
      maxHeaderSize: maxHeadBytes,
      keepAliveTimeout: idleMs,
      keepAliveMaxTimeout: idleMs,
      connect: (parts, callback) => {
        const target = { ...endpointOf(parts), isTls: parts.protocol === 'https:' }
        this.#cancelConnect = connect(target, (...result) => {
          const [, socket] = result
          if (socket !== null) this.#tap = new ResponseTap(socket)
          callback(...result)
        })
      },
    })
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.#client.dispatch(options, handler)
  }

  /** Until `end`, what comes from the socket is the answer to this call. */
  begin(reader: TapReader): void {
    this.#tap?.begin(reader)
  }

  end(): void {
    this.#tap?.end()
  }

  /** Whether the socket had another call before the newest one. */
  get isReused(): boolean {
    return this.#tap?.isReused === true
  }

  /** Bytes of the answer to the newest call. */
  get answerBytes(): number {
    return this.#tap?.answerBytes ?? 0
  }

  /** Whether nothing came after the answer, so that another call may follow. */
  get isClean(): boolean {
    return this.#tap?.isClean === true
  }

  onDisconnect(listener: () => void): void {
    this.#client.on('disconnect', listener)
  }

  /** Ends the call, or the attempt to connect, which undici would not end. */
  destroy(): Promise<void> {
    const closed = this.#client.destroy()
    this.#cancelConnect()
    return closed
  }
}

/** Which connections a call may use. All connections of a pool show the same certificate, or none. */
export interface PoolTarget {
  readonly poolKey: string
  /** Whose pool it is. */
  readonly tenantId: TenantId
  readonly clientCertificate: ClientCertificate | undefined
  readonly origin: string
}

export class ConnectionPools {
  readonly #connectOf: ConnectOf
  readonly #maxIdle: number
  readonly #open = new Set<Connection>()
  /** Longest idle first. */
  readonly #idle = new Set<Connection>()
  /** The same connections by key, the one used last at the end. */
  readonly #idleByKey = new Map<string, Connection[]>()
  #isStopped = false

  constructor(connectOf: ConnectOf, maxIdle: number) {
    this.#connectOf = connectOf
    this.#maxIdle = maxIdle
  }

  /** Calls that end from now on were ended by `stop`, whatever error undici reports. */
  get isStopped(): boolean {
    return this.#isStopped
  }

  get idleCount(): number {
    return this.#idle.size
  }

  /** Connections whose sockets are not closed yet, idle ones included. */
  get openCount(): number {
    return this.#open.size
  }

  /** The pool's connection to the origin that was used last, or a new one, which connects at its first call. */
  take(target: PoolTarget): Connection {
    const kept = this.#idleByKey.get(keyOf(target))?.at(-1)
    if (kept !== undefined) {
      this.#forgetIdle(kept)
      return kept
    }
    return this.open(target)
  }

  /** A new connection. */
  open(target: PoolTarget): Connection {
    const { origin, tenantId, clientCertificate } = target
    const connect = this.#connectOf(tenantId, clientCertificate)
    const connection = new Connection(keyOf(target), origin, connect)
    connection.onDisconnect(() => {
      if (this.#idle.has(connection)) this.destroy(connection)
    })
    this.#open.add(connection)
    return connection
  }

  /** Keeps a connection for the next call. */
  release(connection: Connection): void {
    const sameKey = this.#idleByKey.get(connection.key)
    if (sameKey === undefined) this.#idleByKey.set(connection.key, [connection])
    else sameKey.push(connection)
    this.#idle.add(connection)
    if (this.#idle.size <= this.#maxIdle) return
    const [longestIdle] = this.#idle
    if (longestIdle !== undefined) this.destroy(longestIdle)
  }

  destroy(connection: Connection): void {
    this.#forgetIdle(connection)
    void connection.destroy().then(() => this.#open.delete(connection))
  }

  /** Destroys all connections, which ends their calls. Resolves when all sockets are closed. */
  async stop(): Promise<void> {
    this.#isStopped = true
    const open = [...this.#open]
    for (const connection of open) this.destroy(connection)
    await Promise.all(open.map((connection) => connection.destroy()))
  }

  #forgetIdle(connection: Connection): void {
    if (!this.#idle.delete(connection)) return
    const sameKey = this.#idleByKey.get(connection.key) ?? []
    sameKey.splice(sameKey.lastIndexOf(connection), 1)
    if (sameKey.length === 0) this.#idleByKey.delete(connection.key)
  }
}

function keyOf({ poolKey, origin }: PoolTarget): string {
  return `${origin} ${poolKey}`
}
