/**
 * The overrides of KafkaJS 2.2.4. hooktide has to know four things to decide whether a call may start, and KafkaJS has no
 * public way to learn them:
 *
 * - that a rejoin is about to begin,
 * - that a join has ended and the first fetch has not begun,
 * - that a committed offset is out of range,
 * - when the newest acknowledged heartbeat was sent.
 *
 * KafkaJS also keeps asking a node that is away, and does not look for the node to which a coordinator or leader has moved.
 *
 * Methods are wrapped, and the originals stay in use. The overrides of groups apply only to consumers for which `bindHooks`
 * was called. Those of brokers, request queues and connections apply to all clients.
 *
 * `client.ts` imports this file first. It throws for any other version of KafkaJS, because the wrapped methods are private.
 */
import { createRequire } from 'node:module'
import './requests.ts'
import type { MonotonicMs } from '../../core/model/model.ts'
import type { FetchedBatch, InnerGroup } from './inner.ts'

const requireFrom = createRequire(import.meta.url)
const patchedVersion = '2.2.4'

// --- hooks -------------------------------------------------------------------------------------------

/** What a consumer does within private methods of KafkaJS. */
export interface GroupHooks {
  /** Around every join and rejoin. Resolves when records may be fetched. */
  join(group: InnerGroup, proceed: () => Promise<void>): Promise<void>
  /** Around every fetch from a node. KafkaJS's own handlers get what it returns. */
  fetch(
    group: InnerGroup,
    nodeId: string,
    proceed: () => Promise<readonly FetchedBatch[]>,
  ): Promise<readonly FetchedBatch[]>
  /** Called instead of KafkaJS's own handling, which commits "-2" as the group's offset and loses the commit's metadata. */
  outOfRange(group: InnerGroup, partition: { topic: string; partition: number }): Promise<void>
  /** Called instead of the heartbeats of the fetch loops. By the error that it throws, KafkaJS decides whether to rejoin. */
  heartbeat(): Promise<void>
  /** A fetch failed. `proceed` does what KafkaJS does: it rejoins, or throws. */
  recover(group: InnerGroup, error: unknown, proceed: () => Promise<void>): Promise<void>
}

const hooksByAssigner = new WeakMap<object, GroupHooks>()
/** When the newest acknowledged heartbeat or sync of each member was sent. Member ids are unique. */
const proofs = new Map<string, MonotonicMs>()

/** Binds hooks to the consumer that was created with this assigner. No other object of ours can be found from its groups. */
export function bindHooks(assigner: object, hooks: GroupHooks): void {
  hooksByAssigner.set(assigner, hooks)
}

/** When the newest acknowledged heartbeat or sync of this member was sent, by `performance.now()`. */
export function proofOf(memberId: string): MonotonicMs | undefined {
  return proofs.get(memberId)
}

export function forgetProof(memberId: string): void {
  proofs.delete(memberId)
}

function hooksOf(group: InnerGroup): GroupHooks | undefined {
  for (const assigner of group.assigners) {
    const hooks = hooksByAssigner.get(assigner)
    if (hooks !== undefined) return hooks
  }
  return undefined
}

// --- the overrides -----------------------------------------------------------------------------------

interface GroupMethods {
  joinAndSync(this: InnerGroup): Promise<void>
  fetch(this: InnerGroup, nodeId: string): Promise<readonly FetchedBatch[]>
  recoverFromOffsetOutOfRange(
    this: InnerGroup,
    error: { topic: string; partition: number },
  ): Promise<void>
  heartbeat(this: InnerGroup, options: { readonly interval: number }): Promise<void>
  recoverFromFetch(this: InnerGroup, error: unknown): Promise<void>
}

interface MemberRequest {
  readonly memberId: string
}

interface BrokerMethods {
  heartbeat(request: MemberRequest): Promise<unknown>
  syncGroup(request: MemberRequest): Promise<unknown>
}

interface Connection {
  /** The client's `sasl` option. `prepare` is ours: it rejects while there are no credentials. */
  readonly sasl: { readonly prepare?: () => Promise<unknown> } | null
  socket: { destroy(error: Error): void } | undefined
  /** How long the broker accepts the login of this connection. 0: as long as the connection lasts. */
  readonly sessionLifetime: { toNumber(): number }
  /** How long before that time ends the next request logs in again. */
  reauthenticationThreshold: number
  /** What was received and not handled yet, and its length. */
  chunks: readonly Buffer[]
  readonly bytesBuffered: number
}

interface ConnectionMethods {
  isConnected(this: Connection): boolean
  authenticate(this: ConnectionMethods & Connection): Promise<void>
  isAuthenticated(this: Connection): boolean
  disconnect(this: Connection): Promise<unknown>
  processData(this: Connection, chunk: Buffer): void
  send(this: ConnectionMethods & Connection, exchange: Exchange): Promise<unknown>
}

interface Exchange {
  readonly request: { readonly apiKey: number }
}

/** `SaslHandshake`, `ApiVersions` and `SaslAuthenticate`: the requests that are sent before a login, and for it. */
const loginRequests: ReadonlySet<number> = new Set([17, 18, 36])

interface QueueMethods {
  scheduleCheckPendingRequests(this: { readonly pending: readonly unknown[] }): void
}

function patchGroup(): void {
  const methods = methodsOf<GroupMethods>('kafkajs/src/consumer/consumerGroup', [
    'joinAndSync',
    'fetch',
    'recoverFromOffsetOutOfRange',
    'heartbeat',
    'recoverFromFetch',
  ])
  const { joinAndSync, fetch, recoverFromOffsetOutOfRange, heartbeat, recoverFromFetch } = methods
  methods.joinAndSync = function () {
    const proceed = () => joinAndSync.call(this)
    return hooksOf(this)?.join(this, proceed) ?? proceed()
  }
  methods.fetch = function (nodeId) {
    const proceed = () => fetch.call(this, nodeId)
    return hooksOf(this)?.fetch(this, nodeId, proceed) ?? proceed()
  }
  methods.recoverFromOffsetOutOfRange = function (error) {
    return hooksOf(this)?.outOfRange(this, error) ?? recoverFromOffsetOutOfRange.call(this, error)
  }
  methods.heartbeat = function (options) {
    return hooksOf(this)?.heartbeat() ?? heartbeat.call(this, options)
  }
  methods.recoverFromFetch = function (error) {
    const proceed = () => recoverFromFetch.call(this, error)
    return hooksOf(this)?.recover(this, error, proceed) ?? proceed()
  }
}

/**
 * KafkaJS's `heartbeat()` may resolve without sending anything, so the requests themselves are observed. The time is read
 * before the request is queued, so it is never later than the time of sending.
 */
function patchBroker(): void {
  const methods = methodsOf<BrokerMethods>('kafkajs/src/broker', ['heartbeat', 'syncGroup'])
  for (const name of ['heartbeat', 'syncGroup'] as const) {
    const send = methods[name]
    methods[name] = async function (request) {
      const sentAt = performance.now()
      const response = await send.call(this, request)
      proofs.set(request.memberId, Math.max(sentAt, proofs.get(request.memberId) ?? sentAt))
      return response
    }
  }
}

/** Without this, every connection sets a timer of 1 ms again and again, for ever (KafkaJS issues 1556, 1704, 1751). */
function patchQueue(): void {
  const methods = methodsOf<QueueMethods>('kafkajs/src/network/requestQueue', [
    'scheduleCheckPendingRequests',
  ])
  const schedule = methods.scheduleCheckPendingRequests
  methods.scheduleCheckPendingRequests = function () {
    if (this.pending.length > 0) schedule.call(this)
  }
}

/**
 * **Time-outs.** A connection is closed when a request on it times out, as Kafka's own clients do. KafkaJS treats it as
 * connected and keeps sending requests to a node that hangs, including the one for the new leaders of that node's
 * partitions. If the node hangs while the connection is being set up, KafkaJS never uses the connection again ("Broker not
 * connected"), and the consumer ends.
 *
 * **Former sockets.** Each failed attempt to reconnect ends the former socket again, which adds a listener to it, and Node
 * warns of a leak. So the reference to a socket is deleted when its connection ends. A former socket may report its end
 * while the next one connects. KafkaJS then ends the next one too. If that one still connects, KafkaJS counts the connection
 * as connected without a socket, and the next request would end the process with a TypeError. So a connection without a
 * socket counts as not connected.
 *
 * **Logins.** A broker may limit how long a login is valid (KIP-368). The login is repeated 10 s before that time ends, or
 * when a fifth of it is left, if that is later. KafkaJS alone always takes 10 s. If a session is shorter than that, as at
 * the end of a token's lifetime, it would log in again with every request, and brokers refuse that more than once per
 * second.
 *
 * KafkaJS sends the handshake of a login before it asks for a token. Without a token the broker then waits for one, and
 * closes the connection at any other request, even if the session was still valid. So `prepare` gets the token first.
 *
 * **Answers.** After each answer, KafkaJS keeps the rest of what was received, which is empty as a rule, and then copies the
 * next answer behind it. So an empty rest is dropped.
 */
const latestReauthenticationMs = 10_000

function patchConnection(): void {
  const methods = methodsOf<ConnectionMethods>('kafkajs/src/network/connection', [
    'authenticate',
    'disconnect',
    'isAuthenticated',
    'isConnected',
    'processData',
    'send',
  ])
  const { authenticate, disconnect, isAuthenticated, isConnected, processData, send } = methods
  methods.authenticate = async function () {
    const prepare = this.sasl?.prepare
    if (prepare !== undefined && !this.isAuthenticated()) await prepare()
    await authenticate.call(this)
  }
  methods.send = async function (exchange) {
    const prepare = this.sasl?.prepare
    if (prepare !== undefined && !this.isAuthenticated()) {
      if (!loginRequests.has(exchange.request.apiKey)) await prepare()
    }
    try {
      return await send.call(this, exchange)
    } catch (error) {
      const isLate = error instanceof Error && error.name === 'KafkaJSRequestTimeoutError'
      if (isLate) this.socket?.destroy(error)
      throw error
    }
  }
  methods.disconnect = async function () {
    const result = await disconnect.call(this)
    this.socket = undefined
    return result
  }
  methods.isAuthenticated = function () {
    const lifetimeMs = this.sessionLifetime.toNumber()
    this.reauthenticationThreshold = Math.min(latestReauthenticationMs, Math.floor(lifetimeMs / 5))
    return isAuthenticated.call(this)
  }
  methods.processData = function (chunk) {
    if (this.bytesBuffered === 0) this.chunks = []
    processData.call(this, chunk)
  }
  methods.isConnected = function () {
    return this.socket !== undefined && isConnected.call(this)
  }
}

/** The prototype of the class that a KafkaJS module exports, checked to have these methods. */
export function methodsOf<Methods extends object>(
  module: string,
  names: readonly (keyof Methods & string)[],
): Methods {
  const exported: unknown = requireFrom(module)
  const prototype: unknown = typeof exported === 'function' ? exported.prototype : undefined
  for (const name of names) {
    const isThere = typeof prototype === 'object' && prototype !== null && name in prototype
    if (!isThere || typeof Reflect.get(prototype, name) !== 'function') {
      throw new Error(`kafkajs ${patchedVersion} was expected to have ${module} with ${name}()`)
    }
  }
  return prototype as Methods
}

function checkVersion(): void {
  const { version } = requireFrom('kafkajs/package.json') as { readonly version?: unknown }
  if (version !== patchedVersion) {
    throw new Error(
      `hooktide needs kafkajs ${patchedVersion} exactly and found ${String(version)}: ` +
        'it overrides parts of the client that are not public. Run npm ci.',
    )
  }
}

checkVersion()
patchGroup()
patchBroker()
patchQueue()
patchConnection()
