/** Whole values of the model for tests that care about a few of their fields. */
import type { AuthEvent, Hook, Run } from '../../src/core/model/model.ts'

export function eventOf(fields: Partial<AuthEvent>): AuthEvent {
  return {
    event: 'PostSignIn',
    createdAt: 1_789_376_531_019,
    tenantId: 'default',
    eventId: 'event-1',
    eventSource: '',
    userId: undefined,
    sourceKey: undefined,
    trace: undefined,
    body: Buffer.from('{"event":"PostSignIn","createdAt":"2026-09-14T09:02:11.019Z"}'),
    headers: [],
    source: { topic: 'auth.events', partition: 0, offset: 0 },
    ...fields,
  }
}

export function runOf(fields: Partial<Run>): Run {
  return {
    deliveryId: 'dlv_0000000000000000000000',
    hookId: 'hook-1',
    run: '0',
    trigger: 'event',
    attempt: 0,
    hop: 0,
    deferrals: 0,
    firstHandledAt: 0,
    dueAt: 0,
    earlyMs: 0,
    isForced: false,
    event: eventOf({}),
    ...fields,
  }
}

export function hookOf(fields: Partial<Hook>): Hook {
  return {
    id: 'hook-1',
    tenantId: 'default',
    name: '',
    event: undefined,
    events: ['PostSignIn'],
    url: 'https://receiver.example/hook',
    headers: {},
    signingKey: 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii',
    previousSigningKeys: [],
    enabled: true,
    timeoutMs: undefined,
    maxRetries: undefined,
    concurrency: undefined,
    ratePerSecond: undefined,
    keepResponse: undefined,
    filter: undefined,
    oauth: undefined,
    clientCertificate: undefined,
    configVersion: '0-0',
    ...fields,
  }
}
