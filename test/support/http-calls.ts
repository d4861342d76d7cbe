import { onTestFinished } from 'vitest'
import type { AttemptResult } from '../../src/core/model/model.ts'
import { createHttpSender } from '../../src/edge/http/sender.ts'
import type { HttpSenderOptions, PooledHttpSender } from '../../src/edge/http/sender.ts'
import { createNames } from '../../src/edge/names/names.ts'
import { systemClock } from '../../src/edge/system-clock.ts'
import type { Call, HttpRequest, HttpSender } from '../../src/ports.ts'

/** A sender that may call the loopback address by plain HTTP, stopped with the test. */
export function useSender(options: Partial<HttpSenderOptions> = {}): PooledHttpSender {
  const sender = createHttpSender({
    clock: systemClock,
    names: createNames({ clock: systemClock, emit: () => {}, servers: undefined }),
    allowHttp: true,
    allowCidrs: ['127.0.0.0/8'],
    maxIdleSockets: 4096,
    ...options,
  })
  onTestFinished(() => sender.stop())
  return sender
}

export function requestTo(url: string, fields: Partial<HttpRequest> = {}): HttpRequest {
  return {
    url,
    poolKey: 'hook',
    tenantId: 'default',
    headers: {},
    body: Buffer.from('{}'),
    timeoutMs: 10_000,
    oauth: undefined,
    clientCertificate: undefined,
    ...fields,
  }
}

export interface StartedCall {
  readonly call: Call
  readonly result: Promise<AttemptResult>
  /** All that `done` was called with. */
  readonly results: readonly AttemptResult[]
}

export function startCall(sender: HttpSender, request: HttpRequest): StartedCall {
  const results: AttemptResult[] = []
  const { promise, resolve } = Promise.withResolvers<AttemptResult>()
  const call = sender.send(request, (result) => {
    results.push(result)
    resolve(result)
  })
  return { call, result: promise, results }
}

export function send(
  sender: HttpSender,
  url: string,
  fields: Partial<HttpRequest> = {},
): Promise<AttemptResult> {
  return startCall(sender, requestTo(url, fields)).result
}
