/** Results and dead letters for the monitor's index. */
import type { IndexedResult } from '../../src/monitor/index/indexed-result.ts'
import {
  ResultIndex,
  type IndexBounds,
  type IndexedLetter,
} from '../../src/monitor/index/result-index.ts'

import { resultColumns } from '../../src/monitor/index/schema.ts'

export const hourMs = 3_600_000
export const dayMs = 24 * hourMs

export function resultWith(fields: Partial<IndexedResult>): IndexedResult {
  const deliveryId = fields.deliveryId ?? 'dlv_1'
  return {
    deliveryId,
    run: 'auth.events/0/1',
    hookId: 'hook1',
    tenantId: 'default',
    eventId: `event-of-${deliveryId}`,
    eventKey: 'PostSignIn',
    configVersion: '0-0',
    attempt: 1,
    maxAttempts: 10,
    trigger: 'event',
    outcome: 'delivered',
    reason: null,
    final: true,
    statusCode: 200,
    errorClass: null,
    errorMessage: null,
    blame: null,
    url: 'https://receiver.example/hook1',
    queuedMs: 1,
    connectMs: 2,
    firstByteMs: 20,
    totalMs: 25,
    responseBody: null,
    nextDueAt: null,
    sourceTopic: 'auth.events',
    sourcePartition: 0,
    sourceOffset: 1,
    eventAt: 1_000,
    attemptedAt: 1_200,
    instance: 'p1',
    userId: null,
    sourceKey: null,
    unmatchedHooks: null,
    ...fields,
  }
}

/** An attempt that failed and is made again. */
export function retryingWith(fields: Partial<IndexedResult>): IndexedResult {
  return resultWith({
    outcome: 'retrying',
    final: false,
    statusCode: 503,
    errorClass: 'http',
    errorMessage: 'answered 503',
    blame: 'endpoint',
    responseBody: 'busy',
    nextDueAt: 6_200,
    ...fields,
  })
}

export function letterWith(fields: Partial<IndexedLetter>): IndexedLetter {
  return {
    topic: 'auth.webhook.dead-letters',
    partition: 0,
    offset: 0,
    diedAt: 2_000,
    deliveryId: 'dlv_1',
    hookId: 'hook1',
    tenantId: 'default',
    eventId: 'event-1',
    eventKey: 'PostSignIn',
    reason: 'exhausted',
    statusCode: 503,
    attempts: 10,
    bytes: 300,
    ...fields,
  }
}

export const roomy: IndexBounds = { windowMs: dayMs, maxResults: 1_000_000, maxBytes: 1e9 }

/** An index in memory. */
export function memoryIndex(bounds: Partial<IndexBounds> = {}): ResultIndex {
  return new ResultIndex(':memory:', 'test', { ...roomy, ...bounds })
}

/** Adds copies of the newest result, in a fraction of the time that reading as many takes. */
export function addCopies({ store }: ResultIndex, count: number): void {
  const columns = resultColumns.filter((name) => name !== 'deliveryId').join(', ')
  store.run(
    `WITH RECURSIVE copies (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copies WHERE n < ?)
      INSERT INTO results (latest, deliveryId, ${columns})
      SELECT latest, 'copy' || n, ${columns} FROM copies, (SELECT * FROM results ORDER BY id DESC LIMIT 1)`,
    count,
  )
}
