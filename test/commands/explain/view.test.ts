import { describe, expect, it } from 'vitest'
import { displayWidth } from '../../../src/commands/columns.ts'
import { explain, mayWait, type Surroundings } from '../../../src/commands/explain/explanation.ts'
import { FoundEvents, type FoundEvent } from '../../../src/commands/explain/found.ts'
import { explanationJson, explanationLines } from '../../../src/commands/explain/view.ts'
import type { StoredHook } from '../../../src/commands/hooks/topic.ts'
import { textOf } from '../../../src/commands/line.ts'
import { HookAnswers } from '../../../src/core/answers/hook-answers.ts'
import { freshEndpoint, disabled } from '../../../src/core/health/health.ts'
import { endpointOf } from '../../../src/core/health/record.ts'
import type { AuthEvent, Hook } from '../../../src/core/model/model.ts'
import type { DeliveryResult } from '../../../src/core/model/records.ts'
import { createFilters } from '../../../src/edge/filter/cel.ts'
import { healthWith } from '../../support/monitor-rig.ts'
import { eventOf, hookOf } from '../../support/model-builders.ts'
import { endWith, failureWith, resultAt, resultWith } from '../../support/results.ts'

const now = resultAt + 20_000

function stored(fields: Partial<Hook>, writtenAt = 0): StoredHook {
  const hook = hookOf(fields)
  const key = Buffer.from(hook.id)
  return {
    ...{ id: hook.id, entry: { kind: 'active', hook }, written: {}, members: {}, writtenAt },
    ...{ isCaptured: false, key, keys: [key] },
  }
}

function foundWith(event: Partial<AuthEvent>, results: readonly DeliveryResult[]): FoundEvent {
  const events = new FoundEvents(5)
  const found = events.addEvent(eventOf({ userId: 'u1', ...event }), resultAt)
  for (const result of results) events.addResult(result, false)
  return found
}

function around(hooks: readonly StoredHook[], more: Partial<Surroundings> = {}) {
  return (found: FoundEvent) => {
    const answers = new HookAnswers(
      hooks.map(({ entry }) => entry),
      createFilters(),
    )
    return explain(found, {
      ...{ hooks: new Map(hooks.map((hook) => [hook.id, hook])), endpoints: new Map() },
      ...{ answers: answers.of(found.event ?? eventOf({})), handled: { kind: 'yes' } },
      ...{ now, only: undefined, waiting: new Map() },
      ...more,
    })
  }
}

const textsOf = (explanation: ReturnType<typeof explain>, columns = 80) =>
  explanationLines(explanation, columns).map(textOf)

const attempts = [
  failureWith({ hookId: 'crm', errorMessage: null }),
  failureWith({
    ...{ hookId: 'crm', attempt: 2, statusCode: null, errorClass: 'timeout', totalMs: 15_000 },
    ...{ firstByteMs: null, errorMessage: 'no whole answer within 15 s' },
  }),
]

const deferral = { outcome: 'deferred', final: false, attempt: null, nextDueAt: now + 1_000 }
const interruption = { outcome: 'interrupted', final: false, attempt: 1 }

describe('an explanation', () => {
  it('tells of each attempt, of what is due, and why other hooks were not called', () => {
    const hooks = [
      stored({ id: 'crm' }),
      stored({ id: 'german', filter: 'event.user.country == "DE"' }),
      stored({ id: 'young', enabled: false }, resultAt + 1),
    ]
    expect(textsOf(around(hooks)(foundWith({}, attempts)))).toEqual([
      'PostSignIn about u1, of tenant default',
      '  happened  2026-09-14T09:02:11Z',
      '  event id  event-1',
      '  record    auth.events/0/0, written 2026-09-14T09:02:11Z',
      '',
      '  Hook crm: attempt 2 of 10 failed; the next is due 2026-09-14T09:03:11Z',
      '    (in 40 s)',
      '    delivery  dlv_0000000000000000000000',
      '    url       https://receiver.example/hook',
      '    TIME            OUTCOME            TRY     QUEUED  CONNECT   ANSWER    TOTAL',
      '    09-14 09:02:11  retrying 503       1/10    0.0 ms   1.0 ms   2.0 ms    12 ms',
      '    09-14 09:02:11  retrying timeout   2/10    0.0 ms   1.0 ms        -   15.0 s',
      '      no whole answer within 15 s',
      '    next      hooktide resend dlv_0000000000000000000000',
      '',
      '  Not called:',
      '    german: its filter has no value (missing-key): event.user.country == "DE"',
      '    young: it is disabled (its record was written after the event)',
    ])
  })

  it.each([
    ['deleted', [], 'is discarded', 'the hook was deleted, or given to another tenant'],
    [
      ...['of another tenant', [stored({ id: 'crm', tenantId: 'acme' })]],
      ...['is discarded', 'the hook was deleted, or given to another tenant'],
    ],
    [
      ...['disabled', [stored({ id: 'crm', enabled: false })]],
      ...['is discarded', 'the hook was disabled'],
    ],
  ] as const)(
    'says that no call follows where the hook of a waiting delivery is %s',
    (_, hooks, what, why) => {
      const open = [
        ['retrying', failureWith({ hookId: 'crm' }), 'attempt 1 of 10 failed; '],
        ['deferred', resultWith({ ...deferral, hookId: 'crm' }), 'it was deferred; '],
        ['interrupted', resultWith({ ...interruption, hookId: 'crm' }), 'a process stopped'],
      ] as const
      for (const [outcome, result, begin] of open) {
        const [delivery] = around(hooks)(foundWith({}, [result])).deliveries
        expect(delivery).toMatchObject({
          state: outcome,
          words: expect.stringMatching(`^${begin}`),
        })
        expect(delivery?.words).toMatch(new RegExp(`no call follows: it ${what}.*, since ${why}$`))
      }
    },
  )

  it('says that no call follows where the endpoint of a waiting delivery is disabled', () => {
    const hook = stored({ id: 'crm' })
    const { known } = disabled(freshEndpoint, hookOf({ id: 'crm' }), {
      ...{ reason: 'operator', at: resultAt, instance: 'i' },
    })
    const endpoints = new Map(known === undefined ? [] : [['crm', known]])
    const [delivery] = around([hook], { endpoints })(foundWith({}, attempts)).deliveries
    expect(delivery?.words).toBe(
      'attempt 2 of 10 failed; no call follows: it becomes a dead letter 2026-09-14T09:03:11Z (in 40 s), since its endpoint was disabled',
    )
    expect(delivery?.next[0]).toBe('hooktide endpoints enable crm')
  })

  it('tells of a dead letter whose results are gone, whatever its hook is now', () => {
    const found = foundWith({}, [])
    found.letters.set('crm', { reason: 'exhausted', diedAt: resultAt })
    const hooks = [stored({ id: 'crm', enabled: false })]
    const { deliveries, others } = around(hooks, { only: 'crm' })(found)
    expect(deliveries).toMatchObject([
      {
        ...{ hookId: 'crm', state: 'dead' },
        words: 'dead 2026-09-14T09:02:11Z: every attempt failed; its results were deleted since',
      },
    ])
    expect(others).toEqual([])
  })

  it('prints commands that a shell and this program read as they are meant', () => {
    const hook = stored({ id: '-rf', enabled: false })
    const failed = around([hook])(foundWith({}, [failureWith({ hookId: '-rf' })]))
    expect(failed.deliveries[0]?.next[0]).toBe('hooktide hooks enable -- -rf')
    const [missed] = around([stored({ id: '-rf' })])(foundWith({}, [])).deliveries
    expect(missed?.next).toEqual(['hooktide replay --offsets auth.events/0/0-0 --hook=-rf'])
  })

  it('says how to call again a dead delivery whose endpoint is disabled', () => {
    const hook = stored({ id: 'crm' })
    const { known } = disabled(freshEndpoint, hookOf({ id: 'crm' }), {
      ...{ reason: 'gone', at: resultAt, instance: 'i' },
    })
    const endpoints = new Map(known === undefined ? [] : [['crm', known]])
    const dead = endWith({ hookId: 'crm' })
    const lines = textsOf(around([hook], { endpoints })(foundWith({}, [dead])))
    expect(lines).toContain('  Hook crm: dead 2026-09-14T09:02:11Z: its endpoint was disabled')
    expect(lines).toContain('    endpoint  disabled since 2026-09-14T09:02:11Z, by gone')
    expect(lines.filter((line) => line.includes('next'))).toEqual([
      '    next      hooktide endpoints enable crm',
      '    next      hooktide resend dlv_0000000000000000000000',
    ])
  })

  it('says how to test and to enable an endpoint that is open: what is sent again would wait for it, too', () => {
    const open = healthWith({ hookId: 'crm', endpoint: endpointOf(hookOf({ id: 'crm' }).url) })
    const endpoints = new Map([['crm', open]])
    const [delivery] = around([stored({ id: 'crm' })], { endpoints })(
      foundWith({}, attempts),
    ).deliveries
    expect(delivery?.next).toEqual([
      'hooktide hooks test --force crm',
      'hooktide endpoints enable crm',
      'hooktide resend dlv_0000000000000000000000',
    ])
  })

  it('tells where a delivery waits, and when it is due now rather than when results said it would be', () => {
    const { deliveryId, run } = failureWith({})
    const place = 'auth.webhook.retry.30m/0/17'
    const waits = [{ run, place, attempt: 3, startsAt: now + 600_000 }]
    const waiting = new Map([[deliveryId, waits]])
    const found = foundWith({}, attempts)
    const lines = textsOf(around([stored({ id: 'crm' })], { waiting })(found), 100)
    expect(lines).toContain(
      '  Hook crm: attempt 2 of 10 failed; the next is due 2026-09-14T09:12:31Z (in 10 min)',
    )
    expect(lines).toContain(
      '    waits     in auth.webhook.retry.30m/0/17, attempt 3 from 2026-09-14T09:12:31Z on',
    )
    expect(mayWait(found, new Map(), undefined)).toEqual([deliveryId])
  })

  describe('of a run that has not ended, but whose next attempt should have been by now', () => {
    const later = now + 3_600_000
    const { deliveryId, run } = failureWith({})
    const wordsWith = (waiting: Surroundings['waiting'], result = failureWith({ hookId: 'crm' })) =>
      around([stored({ id: 'crm' })], { waiting, now: later })(foundWith({}, [result]))
        .deliveries[0]

    it('says that it is due now where it waits', () => {
      const wait = { run, place: 'auth.webhook.retry.5s/0/1', attempt: 2, startsAt: now }
      expect(wordsWith(new Map([[deliveryId, [wait]]]))?.words).toBe(
        'attempt 1 of 10 failed; the next is due now',
      )
    })

    it('says that it waits nowhere, also if another run of its delivery does', () => {
      const other = { run: 'auth.webhook.requests/0/1', place: 'x/0/0', attempt: 1, startsAt: now }
      for (const waits of [[], [other]]) {
        const delivery = wordsWith(new Map([[deliveryId, waits]]))
        expect(delivery?.words).toBe(
          'attempt 1 of 10 failed; nothing of it waits now: it has just gone on, or what waited was removed',
        )
        expect(delivery?.dueAt).toBeNull()
        expect(delivery?.next).toEqual([`hooktide resend ${deliveryId}`])
      }
    })

    it('says that it is not known where what waits cannot be read', () => {
      expect(wordsWith(new Map())?.words).toBe(
        'attempt 1 of 10 failed; the next was due 2026-09-14T09:03:11Z (59 min ago); whether it still waits is not known',
      )
    })

    it('says that the call is repeated only while the record of the event is open', () => {
      const interrupted = resultWith({ ...interruption, hookId: 'crm' })
      const waiting = new Map([[deliveryId, []]])
      expect(wordsWith(waiting, interrupted)?.words).toMatch(/; nothing of it waits now: /)
      const handled = { kind: 'no', words: '' } as const
      const open = around([stored({ id: 'crm' })], { waiting, handled })
      expect(open(foundWith({}, [interrupted])).deliveries[0]?.words).toBe(
        'a process stopped during the call; the call is repeated',
      )
    })
  })

  it('tells where a delivery waits of which nothing is recorded', () => {
    const found = foundWith({}, [])
    const answers = new Map([['crm', { kind: 'matches' } as const]])
    const [deliveryId = ''] = mayWait(found, answers, undefined)
    const place = 'auth.webhook.requests/0/1'
    const waits = [{ run: 'auth.events/0/0', place, attempt: 1, startsAt: resultAt }]
    const waiting = new Map([[deliveryId, waits]])
    const lines = textsOf(around([stored({ id: 'crm' })], { waiting })(found))
    expect(lines).toContain('  Hook crm: waits: it has no result yet')
    expect(lines).toContain(`    delivery  ${deliveryId}`)
  })

  it('tells runs of one delivery apart', () => {
    const replayed = resultWith({
      ...{ hookId: 'crm', run: 'auth.webhook.requests/0/3', trigger: 'replay' },
    })
    const lines = textsOf(around([stored({ id: 'crm' })])(foundWith({}, [...attempts, replayed])))
    expect(lines).toContain('  Hook crm: delivered 2026-09-14T09:02:11Z, by attempt 1')
    expect(lines).toContain('    run       auth.events/0/7 (event)')
    expect(lines).toContain('    run       auth.webhook.requests/0/3 (replay)')
  })

  it('says that an event waits to be handled', () => {
    const handled = { kind: 'no', words: 'Group g has not completed it.' } as const
    const lines = textsOf(around([stored({ id: 'crm' })], { handled })(foundWith({}, [])))
    expect(lines).toContain('  Hook crm: waits: it has no result yet')
    expect(lines).toContain('  Group g has not completed it.')
  })

  it('says that a hook is younger than the event that it would be for', () => {
    const lines = textsOf(around([stored({ id: 'crm' }, resultAt + 1_000)])(foundWith({}, [])))
    expect(lines.join('\n')).toMatch(/nothing was sent: the hook's record was written\s+2026-/)
    expect(lines.at(-1)).toBe(
      '    next      hooktide replay --offsets auth.events/0/0-0 --hook crm',
    )
  })

  it('names hooks of other tenants where the event has none, and says so', () => {
    const hooks = [stored({ id: 'crm', tenantId: 'acme' })]
    expect(textsOf(around(hooks)(foundWith({}, []))).slice(4)).toEqual([
      '',
      '  Not called:',
      '    crm: it is of tenant acme',
      '',
      '  Tenant default has no hooks.',
    ])
  })

  it('is about one hook alone where one is named', () => {
    const hooks = [stored({ id: 'crm' }), stored({ id: 'off', enabled: false })]
    const explanation = around(hooks, { only: 'off' })(foundWith({}, attempts))
    expect(explanation.deliveries).toEqual([])
    expect(explanation.others).toMatchObject([{ hookId: 'off', why: 'disabled' }])
    expect(explanation.next).toEqual(['hooktide replay --offsets auth.events/0/0-0 --hook off'])
    expect(around(hooks, { only: 'none' })(foundWith({}, attempts)).remarks).toEqual([
      'There is no hook none.',
    ])
    const far = [...hooks, stored({ id: 'far', tenantId: 'acme', events: ['User.Created'] })]
    expect(around(far, { only: 'far' })(foundWith({}, attempts)).remarks).toEqual([
      'Hook far was not called for it.',
    ])
  })

  it.each([40, 60, 80, 100, 160])(
    'takes no line wider than %i columns, whatever records hold',
    (columns) => {
      const hostile = '\u001b[2J\u202e日本語 '.repeat(200)
      const results = attempts.map((one) => ({ ...one, errorMessage: hostile, outcome: hostile }))
      const hooks = [stored({ id: 'crm' }), stored({ id: 'x', filter: `event.a == "${hostile}"` })]
      const found = foundWith({ userId: 'x'.repeat(200) }, results)
      const lines = textsOf(around(hooks)(found), columns)
      // What is to be copied stands on one line.
      for (const line of lines.filter((one) => !one.startsWith('    next'))) {
        expect(displayWidth(line)).toBeLessThanOrEqual(columns)
      }
    },
  )

  it('has all results as JSON, with the names of the schema', () => {
    const json = explanationJson(around([stored({ id: 'crm' })])(foundWith({}, attempts)))
    expect(JSON.parse(JSON.stringify(json))).toMatchObject({
      ...{ eventId: 'event-1', event: 'PostSignIn', tenantId: 'default', userId: 'u1' },
      ...{ record: 'auth.events/0/0', others: [] },
      deliveries: [
        {
          ...{ hookId: 'crm', state: 'retrying', dueAt: resultAt + 60_000 },
          runs: [{ run: 'auth.events/0/7', trigger: 'event', results: attempts, leftOut: 0 }],
        },
      ],
    })
  })
})

describe('events that are found', () => {
  it('are the newest of too many, and how many others there are is known', () => {
    const events = new FoundEvents(2)
    for (const at of [1, 2, 3]) events.addEvent(eventOf({ eventId: `e${at}` }), at)
    expect(events.inOrder().map(({ eventId }) => eventId)).toEqual(['e2', 'e3'])
    expect(events.leftOut).toBe(1)
    events.addResult(resultWith({ eventId: 'e1' }), true)
    expect(events.inOrder()).toHaveLength(2)
  })

  it('are the newest of several topics, which are read one after the other', () => {
    const events = new FoundEvents(2)
    for (const at of [101, 102]) events.addEvent(eventOf({ eventId: `e${at}` }), at)
    for (let at = 1; at < 50; at += 1) events.addEvent(eventOf({ eventId: `e${at}` }), at)
    expect(events.inOrder().map(({ writtenAt }) => writtenAt)).toEqual([101, 102])
    expect(events.leftOut).toBe(49)
  })

  it('are told of by their results where their records are gone', () => {
    const events = new FoundEvents(2)
    events.addResult(resultWith({ eventId: 'other' }), false)
    events.addResult(resultWith({ eventId: 'gone', userId: 'u1' }), true)
    expect(events.inOrder()).toMatchObject([{ eventId: 'gone', userId: 'u1', event: undefined }])
  })

  it('are the newest of too many whose records are gone, with all their results', () => {
    const events = new FoundEvents(2)
    const at = (eventAt: number) => ({ eventId: `e${eventAt}`, eventAt, attemptedAt: eventAt })
    for (let time = 1; time <= 300; time += 1) events.addResult(resultWith(at(time)), true)
    // Retries of an old event come late.
    for (const time of [1, 300]) events.addResult(resultWith({ ...at(time), attempt: 2 }), true)
    const found = events.inOrder()
    expect(found.map(({ eventId }) => eventId)).toEqual(['e299', 'e300'])
    expect([...(found[1]?.deliveries.values() ?? [])][0]?.newest?.results).toHaveLength(2)
    expect(events.leftOut).toBe(298)
  })

  it('are one where one was sent twice, and another of each tenant', () => {
    const events = new FoundEvents(5)
    events.addEvent(eventOf({}), 1)
    events.addEvent(eventOf({}), 2)
    events.addEvent(eventOf({}), 1)
    events.addEvent(eventOf({ tenantId: 'acme' }), 3)
    expect(events.inOrder().map(({ writtenAt }) => writtenAt)).toEqual([2, 3])
  })
})
