import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readWebhook, readySource } from '../../src/core/ingest/webhook.ts'
import type { DeliveryResult } from '../../src/core/model/records.ts'
import { differencesBetween, type Evidence } from '../../examples/demo/check.ts'
import { acts, callsOf, expectationOf, type ExpectedCall } from '../../examples/demo/script.ts'
import { logtoWebhook } from '../../examples/demo/webhook.ts'
import type { ReceivedRequest } from '../../examples/sandbox/sandbox.ts'

const expectation = expectationOf(acts)
const { calls, rejections } = expectation

function requestFor({ path, deliveryId, attempt }: ExpectedCall): ReceivedRequest {
  return {
    method: 'POST',
    path,
    headers: { 'webhook-id': deliveryId, 'hooktide-attempt': String(attempt) },
    body: Buffer.from('{}'),
    connection: 0,
    logtoSignature: 'valid',
    standardSignature: 'valid',
  }
}

function resultFor(call: ExpectedCall): DeliveryResult {
  const { deliveryId, eventId, hookId, attempt, status, outcome } = call
  return {
    ...{ deliveryId, run: '0', eventId, eventKey: 'PostSignIn', hookId, tenantId: 'acme' },
    ...{ configVersion: '0-0', attempt, maxAttempts: 3, trigger: 'event', outcome, reason: null },
    ...{ final: outcome === 'delivered', statusCode: status, errorClass: null, blame: null },
    ...{ errorMessage: null, url: null, queuedMs: 0, connectMs: 0, firstByteMs: 1, totalMs: 1 },
    ...{ responseBody: '', nextDueAt: null, sourceTopic: 'auth.events', sourcePartition: 0 },
    ...{
      userId: null,
      unmatchedHooks: null,
      sourceKey: null,
      sourceOffset: 0,
      eventAt: 0,
      attemptedAt: 0,
      instance: 'one',
    },
  }
}

const agreeing: Evidence = {
  received: calls.map(requestFor),
  results: calls.map(resultFor),
  rejected: rejections,
}

function differences(changes: Partial<Evidence>): readonly string[] {
  return differencesBetween(expectation, { ...agreeing, ...changes })
}

/** The same items with one of them changed. */
function changed<Item>(items: readonly Item[], index: number, changes: Partial<Item>): Item[] {
  return items.map((item, at) => (at === index ? { ...item, ...changes } : item))
}

/** The second attempt of the delivery that fails twice. */
const second = calls.findIndex(({ attempt }) => attempt === 2)

describe('what the demo expects', () => {
  it('has an endpoint that fails twice, two URLs of one hook, and a hook that gets no second event', () => {
    const shown = calls.map(({ hookId, path, attempt, status }) => [hookId, path, attempt, status])
    expect(shown).toEqual([
      ['acme-users', '/acme/users', 1, 200],
      ['acme-sign-ins', '/acme/sign-ins', 1, 200],
      ['acme-users', '/acme/users', 1, 200],
      ['globex-audit', '/globex/audit', 1, 500],
      ['globex-audit', '/globex/audit', 2, 500],
      ['globex-audit', '/globex/audit', 3, 200],
      ['globex-crm', '/globex/crm', 1, 200],
      ['acme-users', '/acme/users-v2', 1, 200],
      ['globex-audit', '/globex/audit', 1, 200],
      ['acme-sign-ins', '/acme/sign-ins', 1, 200],
    ])
    expect(rejections).toMatchObject([{ reason: 'missing-field', field: 'createdAt' }])
  })
})

describe('the webhook of the demo', () => {
  it('has the event id that is made of it when it comes in', () => {
    const step = acts.flatMap(({ steps }) => steps).find(({ kind }) => kind === 'webhook')
    if (step?.kind !== 'webhook') throw new Error('no webhook comes in')
    const file = new URL(`../../examples/demo/${step.sample}`, import.meta.url)
    const signingKey = 'k'.repeat(32)
    const { body, headers } = logtoWebhook(JSON.parse(readFileSync(file, 'utf8')), signingKey)
    const source = { path: '/logto', tenantId: step.tenantId, topic: 'events' }
    const read = readWebhook({
      source: readySource({ ...source, signingKeys: [signingKey] }),
      signature: headers['logto-signature-sha-256'] ?? '',
      trace: { traceparent: undefined, tracestate: undefined },
      body: Buffer.from(body),
    })
    expect(read).toMatchObject({ kind: 'record', eventId: step.eventId })
  })
})

describe('receiver, results topic and expectation', () => {
  it('agree in whichever order the calls and their records come', () => {
    expect(differences({})).toEqual([])
    const { received, results } = agreeing
    expect(differences({ received: received.toReversed(), results: results.toReversed() })).toEqual(
      [],
    )
  })

  it.each(calls.map((call, index) => [`${call.hookId} ${call.eventId} ${call.attempt}`, index]))(
    'disagree when %s is missing in one of them, or there twice',
    (_, index) => {
      const { received, results } = agreeing
      const { hookId, eventId, attempt } = calls[index] ?? { hookId: '', eventId: '', attempt: 0 }
      const name = `${hookId}, attempt ${attempt} of ${eventId}`
      expect(differences({ received: received.toSpliced(index, 1) })).toEqual([
        `${name}: the receiver got no call`,
      ])
      expect(differences({ results: results.toSpliced(index, 1) })).toEqual([
        `${name}: the results topic has no record`,
      ])
      expect(differences({ received: [...received, ...received.slice(index, index + 1)] })).toEqual(
        [expect.stringContaining('the receiver got a call that nobody expected')],
      )
      expect(differences({ results: [...results, ...results.slice(index, index + 1)] })).toEqual([
        expect.stringContaining('the results topic has a record that nobody expected'),
      ])
    },
  )

  it('disagree about a call that both of the others know, such as one of a deleted hook', () => {
    const surplus = callsOf({
      ...{ kind: 'send', sample: 'user-edit.json', tenantId: 'globex', eventId: 'evt-6' },
      deliveries: [{ hookId: 'globex-crm', path: '/globex/crm', answers: [200] }],
    })
    expect(
      differences({
        received: [...agreeing.received, ...surplus.map(requestFor)],
        results: [...agreeing.results, ...surplus.map(resultFor)],
      }),
    ).toEqual([
      expect.stringMatching(/^the receiver got a call that nobody expected: POST \/globex\/crm, /),
      'the results topic has a record that nobody expected: delivered, attempt 1 of evt-6 for globex-crm',
    ])
  })

  it.each<[Partial<ReceivedRequest>, string]>([
    [{ logtoSignature: 'invalid' }, 'Logto’s signature is invalid'],
    [{ logtoSignature: 'absent' }, 'Logto’s signature is absent'],
    [{ standardSignature: 'invalid' }, 'the Standard Webhooks signature is invalid'],
    [{ standardSignature: 'unchecked' }, 'the Standard Webhooks signature is unchecked'],
    [{ path: '/acme/users' }, 'the call came to /acme/users, not to /globex/audit'],
  ])('disagree about a call with %o', (changes, fault) => {
    expect(differences({ received: changed(agreeing.received, second, changes) })).toEqual([
      `globex-audit, attempt 2 of evt-3: ${fault}`,
    ])
  })

  it.each<[Partial<DeliveryResult>]>([
    [{ outcome: 'dead' }],
    [{ statusCode: 503 }],
    [{ final: true }],
    [{ hookId: 'globex-crm' }],
  ])('disagree about a result with %o', (changes) => {
    expect(differences({ results: changed(agreeing.results, second, changes) })).toEqual([
      expect.stringMatching(/^globex-audit, attempt 2 of evt-3: recorded for .* not as retrying/),
    ])
  })

  it('disagree when an event was not rejected, or another one was', () => {
    expect(differences({ rejected: [] })).toEqual([
      'the topic of rejected events lacks one: missing-field createdAt',
    ])
    const other = { reason: 'invalid-json', field: '' }
    expect(differences({ rejected: [...rejections, other] })).toEqual([
      'the topic of rejected events has one that nobody expected: invalid-json',
    ])
  })
})
