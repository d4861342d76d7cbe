/** Whole results for tests that care about a few of their fields. */
import type { DeliveryResult } from '../../src/core/model/records.ts'

export const resultAt = Date.parse('2026-09-14T09:02:11.019Z')

/** A first attempt that delivered, unless the fields say otherwise. */
export function resultWith(fields: Partial<DeliveryResult>): DeliveryResult {
  return {
    deliveryId: 'dlv_0000000000000000000000',
    run: 'auth.events/0/7',
    eventId: 'event-1',
    eventKey: 'PostSignIn',
    hookId: 'hook-1',
    tenantId: 'default',
    userId: null,
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
    url: 'https://receiver.example/hook',
    queuedMs: 0,
    connectMs: 1,
    firstByteMs: 2,
    totalMs: 12.4,
    responseBody: null,
    nextDueAt: null,
    sourceTopic: 'auth.events',
    sourcePartition: 0,
    sourceOffset: 7,
    sourceKey: null,
    unmatchedHooks: null,
    eventAt: resultAt - 5,
    attemptedAt: resultAt,
    instance: 'test',
    ...fields,
  }
}

/** An attempt that failed and will be made again in a minute. */
export function failureWith(fields: Partial<DeliveryResult>): DeliveryResult {
  return resultWith({
    ...{ outcome: 'retrying', final: false, statusCode: 503, errorClass: 'http' },
    ...{ blame: 'endpoint', nextDueAt: resultAt + 60_000 },
    ...fields,
  })
}

/** An end without an attempt. */
export function endWith(fields: Partial<DeliveryResult>): DeliveryResult {
  return resultWith({
    ...{ outcome: 'dead', reason: 'endpoint-disabled', blame: 'endpoint' },
    ...{ attempt: null, maxAttempts: null, statusCode: null, url: null },
    ...{ queuedMs: null, connectMs: null, firstByteMs: null, totalMs: null },
    ...fields,
  })
}
