/**
 * The receivers, and their log of all requests. They have a thread of their own, so that work of the run, such as slicing
 * connections, does not make them slow.
 */
import { Worker } from 'node:worker_threads'
import type { ReceivedRequest } from './books.ts'

/** What a misbehaving endpoint does with a call. */
export type Misbehaviour = 'reset' | 'hang' | 'flood' | 'late'

export interface Spell {
  readonly how: Misbehaviour
  /** The share of its calls that are affected, from 0 to 1. */
  readonly share: number
}

export interface EndpointsOptions {
  readonly signingKey: string
  readonly seed: string
  /** After how long a caller has given up, in milliseconds. */
  readonly timeoutMs: number
  /** Some calls of this hook take longer than an orderly hand-over waits. */
  readonly slowHook: string
}

/** How a request ended. */
export type RequestEnd = Exclude<ReceivedRequest['end'], 'open'>

/** A message of the thread. Requests are numbered from 0. */
export type EndpointMessage =
  | { readonly kind: 'listening'; readonly port: number }
  | ({ readonly kind: 'request'; readonly index: number; readonly hookId: string } & Pick<
      ReceivedRequest,
      'deliveryId' | 'attempt' | 'at' | 'isSigned'
    >)
  | {
      readonly kind: 'end'
      readonly index: number
      readonly end: RequestEnd
      readonly endedAt: number
      readonly status: number | undefined
    }

/** An order to the thread. Without a spell the endpoint is healthy. */
export interface EndpointOrder {
  readonly hookId: string
  readonly spell: Spell | undefined
}

export interface Endpoints extends AsyncDisposable {
  readonly port: number
  /** In order of arrival; an entry's end is filled in when it is known. */
  readonly requests: readonly ReceivedRequest[]
  /** `listen` is called for each request when it arrives, and again when it has ended. */
  onRequest(listen: (hookId: string, request: ReceivedRequest) => void): void
  misbehave(hookId: string, spell: Spell | undefined): void
  isWell(hookId: string): boolean
}

type Entry = { -readonly [Name in keyof ReceivedRequest]: ReceivedRequest[Name] }

export async function startEndpoints(options: EndpointsOptions): Promise<Endpoints> {
  const requests: Entry[] = []
  const hookIds: string[] = []
  const unwell = new Set<string>()
  let report: (hookId: string, request: ReceivedRequest) => void = () => undefined
  const thread = new Worker(new URL('endpoints-thread.ts', import.meta.url), {
    workerData: options,
  })
  const listening = Promise.withResolvers<number>()
  thread.on('error', listening.reject)
  thread.on('message', (message: EndpointMessage) => {
    switch (message.kind) {
      case 'listening':
        listening.resolve(message.port)
        return
      case 'request': {
        const { kind: _, index, hookId, ...arrived } = message
        const entry: Entry = { ...arrived, endedAt: undefined, end: 'open', status: undefined }
        requests[index] = entry
        hookIds[index] = hookId
        report(hookId, entry)
        return
      }
      case 'end': {
        const { index, end, endedAt, status } = message
        const entry = requests[index]
        if (entry === undefined) return
        Object.assign(entry, { end, endedAt, status })
        report(hookIds[index] ?? '', entry)
      }
    }
  })
  return {
    port: await listening.promise,
    requests,
    onRequest(listen) {
      report = listen
    },
    misbehave(hookId, spell) {
      if (spell === undefined) unwell.delete(hookId)
      else unwell.add(hookId)
      thread.postMessage({ hookId, spell } satisfies EndpointOrder)
    },
    isWell: (hookId) => !unwell.has(hookId),
    async [Symbol.asyncDispose]() {
      await thread.terminate()
    },
  }
}
