/** What topics still hold can be delivered anew: `replay` and `resend` by the real command line and processors. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DeliveryResult } from '../../src/core/model/records.ts'
import type { ReceiverAnswer } from '../../examples/sandbox/sandbox.ts'
import { createBrokerRig, type BrokerRig } from '../support/broker-rig.ts'
import { hooktide } from '../support/hooktide-process.ts'
import { useKafka } from '../support/kafka-tools.ts'
import { surroundings } from '../support/sandbox.ts'

let rig: BrokerRig
/** By path; 200 where there is none. */
const answers = new Map<string, ReceiverAnswer>()

const finalsOf = (items: readonly DeliveryResult[], hookId: string) =>
  items.filter((result) => result.final && result.hookId === hookId)

async function waitForFinals(hookId: string, count: number): Promise<readonly DeliveryResult[]> {
  return finalsOf(await rig.results.waitFor((all) => finalsOf(all, hookId).length >= count), hookId)
}

const replay = (...words: readonly string[]) =>
  hooktide(['replay', '--yes', ...words], rig.environment)

beforeAll(async () => {
  const { brokers } = surroundings()
  rig = await createBrokerRig({ brokers, partitions: 2, answer: ({ path }) => answers.get(path) })
  await rig.putHooks(
    { id: 'a', events: ['PostSignIn', 'User.Created'] },
    { id: 'b' },
    { id: 'few', delivery: { filter: 'headers["event-id"] == "e1"' } },
    { id: 'gone', events: ['Role.Created'] },
    { id: 'other', tenantId: 'other' },
    { id: 'broken', config: 7, events: ['User.Deleted'] },
  )
  answers.set('/gone', { kind: 'respond', status: 410 })
  await rig.run()
  await rig.sendEvents(
    { partition: 0, headers: { 'event-id': 'e0', traceparent: 'kept' } },
    { partition: 0, headers: { 'event-id': 'e1' } },
    { partition: 1, headers: { 'event-id': 'e2' } },
    { partition: 1, fields: { event: 'User.Created' }, headers: { 'event-id': 'e3' } },
    { partition: 1, fields: { event: 'User.Deleted' }, headers: { 'event-id': 'e4' } },
    { partition: 1, value: '{"event":"Post' },
    { partition: 1, headers: { 'event-id': 'e5', 'tenant-id': 'other' } },
  )
  await Promise.all([waitForFinals('a', 4), waitForFinals('b', 3), waitForFinals('other', 1)])
})

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
})

describe('a replay of events', () => {
  it('is counted by hook in a dry run, without a request, and says what it leaves out', async () => {
    const { code, stdout } = await replay('--from', 'earliest', '--dry-run')
    expect(stdout.split('\n')).toEqual([
      'HOOK   TENANT   DELIVERIES',
      'a      default  4',
      'b      default  3',
      'few    default  1',
      'other  other    1',
      expect.stringMatching(/^left out: 1: the (hook is suspended|record is not)/),
      expect.stringMatching(/^left out: 1: the (hook is suspended|record is not)/),
      '7 record(s) read, 9 deliveries would be requested',
      '',
    ])
    expect(code).toBe(0)
  })

  it('sends the same bytes with the same id to the chosen hooks, as new runs', async () => {
    const before = await waitForFinals('a', 4)
    const { code, stdout, stderr } = await replay(
      '--from',
      '1h',
      '--hook',
      'a',
      '--event',
      'PostSignIn',
    )
    expect(stderr).toMatch(/^replay \w{8}: reading 7 records of \S+\n$/)
    expect(stdout).toContain(`3 deliveries requested on ${rig.prefix}.webhook.requests`)
    expect(code).toBe(0)
    const after = (await waitForFinals('a', 7)).slice(4)
    expect(after.map(({ trigger }) => trigger)).toEqual(['replay', 'replay', 'replay'])
    const ids = (results: readonly DeliveryResult[]) =>
      results.map(({ deliveryId }) => deliveryId).toSorted()
    expect(ids(after)).toEqual(ids(before.filter(({ eventKey }) => eventKey === 'PostSignIn')))
    expect(new Set(after.map(({ run }) => run)).size).toBe(3)
    const places = after.map(
      (one) => `${one.sourceTopic}/${one.sourcePartition}/${one.sourceOffset}`,
    )
    expect(after.map(({ run }) => run)).toEqual(places)
    expect(places.every((place) => place.startsWith(`${rig.prefix}.webhook.requests/`))).toBe(true)
    for (const deliveryId of ids(after)) {
      const [first, second, ...others] = rig.receiver.requests.filter(
        ({ headers }) => headers['webhook-id'] === deliveryId,
      )
      expect(second?.body.toString()).toBe(first?.body.toString())
      expect(second?.headers['hooktide-attempt']).toBe('1')
      expect(others).toEqual([])
    }
    expect(finalsOf(rig.results.items, 'b')).toHaveLength(3)
  })

  it('can have a range of offsets, both ends included', async () => {
    const topic = `${rig.prefix}.events`
    const asJson = (text: string) =>
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown)
    const one = await replay('--offsets', `${topic}/0/1-1,${topic}/1/0-`, '--dry-run', '--json')
    expect(asJson(one.stdout)).toEqual([
      { hookId: 'a', tenantId: 'default', deliveries: 3 },
      { hookId: 'b', tenantId: 'default', deliveries: 2 },
      { hookId: 'few', tenantId: 'default', deliveries: 1 },
      { hookId: 'other', tenantId: 'other', deliveries: 1 },
      {
        replay: null,
        dryRun: true,
        records: 6,
        requests: 7,
        leftOut: { 'hook-suspended': 1, invalid: 1 },
      },
    ])
    const none = await replay('--offsets', `${topic}/0/900-`, '--dry-run')
    expect(none.stdout).toBe('0 record(s) read, 0 deliveries would be requested\n')
  })

  it('ends at the given time', async () => {
    const { stdout } = await replay('--from', 'earliest', '--to', '1h', '--dry-run')
    expect(stdout).toBe('0 record(s) read, 0 deliveries would be requested\n')
  })

  it('is refused for a hook that does not exist, and for an unknown replay id', async () => {
    const [hook, resumed] = await Promise.all([
      replay('--from', '1h', '--hook', 'a,nobody'),
      replay('--resume', 'abc'),
    ])
    expect(hook).toMatchObject({ code: 1, stdout: '' })
    expect(hook.stderr).toContain('There is no hook nobody. Nothing was requested.')
    expect(resumed).toMatchObject({ code: 1, stdout: '' })
    expect(resumed.stderr).toContain('There is no replay "abc" to resume')
  })
})

describe('deliveries that a disabled endpoint did not get', () => {
  it('are all sent by a replay after it was enabled, and a second replay sends none', async () => {
    const events = Array.from({ length: 300 }, (_, n) => ({
      fields: { event: 'Role.Created', n },
      headers: { 'event-id': `gone-${n}` },
      partition: n % 2,
    }))
    await rig.sendEvents(...events.slice(0, 1))
    await waitForFinals('gone', 1)
    await rig.sendEvents(...events.slice(1))
    const dead = await waitForFinals('gone', 300)
    expect(new Set(dead.slice(1).map(({ reason }) => reason))).toEqual(
      new Set(['endpoint-disabled']),
    )

    const early = await replay('--failed-only', '--reason', 'endpoint-disabled')
    expect(early.stdout).toContain('left out: 299: the endpoint is disabled: enable it first')

    answers.delete('/gone')
    const enabled = await hooktide(['endpoints', 'enable', 'gone'], rig.environment)
    const advice = /hooktide (replay .*)$/m.exec(enabled.stderr)?.[1]?.split(' ') ?? []
    expect(advice).toEqual([
      'replay',
      '--failed-only',
      '--reason',
      'endpoint-disabled,gone',
      '--hook',
      'gone',
    ])
    const { code, stdout } = await hooktide(advice, rig.environment)
    expect(stdout).toMatch(/^gone +default +300$/m)
    expect(code).toBe(0)
    const all = (await waitForFinals('gone', 600)).slice(300)
    expect(new Set(all.map(({ outcome }) => outcome))).toEqual(new Set(['delivered']))
    expect(new Set(all.map(({ deliveryId }) => deliveryId)).size).toBe(300)

    const again = await hooktide(advice, rig.environment)
    expect(again.stdout).toContain('left out: 300: the delivery was requested again since')
    expect(again.stdout).toContain('301 record(s) read, 0 deliveries requested')
    const forced = await hooktide([...advice, '--again', '--dry-run'], rig.environment)
    expect(forced.stdout).toContain('300 deliveries would be requested')
  })
})

describe('a dead letter that only refers to its event', () => {
  it('is sent with the event at its source, and left out if the source has none', async () => {
    const known = finalsOf(rig.results.items, 'b').find(({ eventId }) => eventId === 'e2')
    const before = finalsOf(rig.results.items, 'b').length
    const kafka = await useKafka(surroundings().brokers)
    const letter = (offset: number, topic = `${rig.prefix}.events`) => ({
      key: known?.deliveryId ?? '',
      value: null,
      headers: {
        'hooktide-delivery-id': known?.deliveryId ?? '',
        'hooktide-hook-id': 'b',
        'hooktide-tenant-id': 'default',
        'hooktide-event-id': 'e2',
        'hooktide-run': '0',
        'hooktide-reason': 'too-large',
        'hooktide-source': `${topic}/1/${offset}`,
      },
    })
    const { sourceOffset = -1 } = known ?? {}
    await kafka.produce(`${rig.prefix}.webhook.dead-letters`, [
      letter(sourceOffset + 1),
      letter(999),
      letter(0, `${rig.prefix}.webhook.retry.99d`),
      letter(sourceOffset),
    ])
    const { stdout } = await replay('--failed-only', '--reason', 'too-large')
    expect(stdout).toContain('left out: 3: the dead letter has no event, and its source')
    expect(stdout).toContain('1 deliveries requested')
    const results = await waitForFinals('b', before + 1)
    expect(results.at(-1)).toMatchObject({
      deliveryId: known?.deliveryId,
      trigger: 'replay',
      outcome: 'delivered',
    })
  })
})

describe('one delivery', () => {
  it('is sent again whatever its outcome was, delivered or dead', async () => {
    const [delivered] = finalsOf(rig.results.items, 'b')
    const [dead] = finalsOf(rig.results.items, 'gone')
    const before = { b: finalsOf(rig.results.items, 'b').length, gone: 600 }
    const ids = [delivered, dead].map((result) => result?.deliveryId ?? '')
    // Anyone may write results: one that names no source leads nowhere, and others are there.
    const { sourceTopic: _, ...forged } = { ...delivered, final: false }
    const kafka = await useKafka(surroundings().brokers)
    const forgery = { key: delivered?.deliveryId ?? '', value: JSON.stringify(forged) }
    await kafka.produce(`${rig.prefix}.webhook.results`, [forgery])
    for (const id of ids) {
      const { code, stdout } = await hooktide(['resend', id], rig.environment)
      expect(stdout).toContain(`is requested on ${rig.prefix}.webhook.requests`)
      expect(code).toBe(0)
    }
    const [b, gone] = await Promise.all([
      waitForFinals('b', before.b + 1),
      waitForFinals('gone', before.gone + 1),
    ])
    expect([b, gone].map((results) => results.at(-1))).toMatchObject(
      ids.map((deliveryId) => ({ deliveryId, trigger: 'resend', outcome: 'delivered' })),
    )
  })

  it('is refused if it is unknown, or if its hook was deleted', async () => {
    const resend = (id: string) => hooktide(['resend', id], rig.environment)
    const [unknown, noId] = await Promise.all([resend('dlv_0000000000000000000000'), resend('e1')])
    expect(unknown).toMatchObject({ code: 1, stdout: '' })
    expect(unknown.stderr).toMatch(/cannot be sent again: neither \S+ nor \S+ has a record of it\./)
    expect(noId).toMatchObject({ code: 2, stdout: '' })
    const [result] = finalsOf(rig.results.items, 'other')
    await rig.deleteHook('other')
    const gone = await resend(result?.deliveryId ?? '')
    expect(gone).toMatchObject({ code: 1, stdout: '' })
    expect(gone.stderr).toContain('cannot be sent again: the hook is deleted')
  })
})

describe('a test of a hook', () => {
  it("sends Logto's payload for each of its events, and reports each answer", async () => {
    const { code, stdout } = await hooktide(['hooks', 'test', 'a'], rig.environment)
    expect(stdout.trim().split('\n').toSorted()).toEqual([
      expect.stringMatching(/^PostSignIn {4}delivered {2}200 {2}\d+ ms$/),
      expect.stringMatching(/^User\.Created {2}delivered {2}200 {2}\d+ ms$/),
    ])
    expect(code).toBe(0)
    const [call] = rig.receiver.requests.filter(({ body }) => body.includes('fake-session-id'))
    expect(JSON.parse(call?.body.toString() ?? '')).toMatchObject({
      event: 'PostSignIn',
      userIp: 'fake-user-ip',
      user: { username: 'fake-user' },
      hookId: 'a',
    })
    expect(call?.logtoSignature).toBe('valid')
  })

  it('makes one attempt, writes no dead letter, and fails if one was not delivered', async () => {
    answers.set('/b', { kind: 'respond', status: 500, body: 'out of order' })
    const letters = rig.deadLetters.items.length
    const one = await hooktide(['hooks', 'test', 'b'], rig.environment)
    expect(one.stdout).toMatch(/^PostSignIn {2}failed {5}500 {2}\d+ ms {2}"out of order"\n$/)
    expect(one.code).toBe(1)
    const json = await hooktide(
      ['hooks', 'test', 'b', '--json', '--event', 'Role.Created'],
      rig.environment,
    )
    expect(JSON.parse(json.stdout)).toMatchObject({
      eventKey: 'Role.Created',
      trigger: 'test',
      outcome: 'dead',
      reason: 'exhausted',
      attempt: 1,
      maxAttempts: 1,
    })
    answers.delete('/b')
    expect(rig.deadLetters.items).toHaveLength(letters)
  })

  it('of an open endpoint says how to enable it', async () => {
    answers.set('/down', { kind: 'respond', status: 500 })
    await rig.putHooks({ id: 'down', events: ['Organization.Created'] })
    const event = { fields: { event: 'Organization.Created' } }
    await rig.sendEvents(event, event, event, event, event)
    const isFirst = ({ hookId, attempt }: DeliveryResult) => hookId === 'down' && attempt === 1
    await rig.results.waitFor((all) => all.filter(isFirst).length >= 5)
    const { code, stdout, stderr } = await hooktide(['hooks', 'test', 'down'], rig.environment)
    expect(stdout).toBe('Organization.Created  failed     endpoint-down  not called\n')
    expect(stderr).toContain('"hooktide endpoints enable down" ends')
    expect(code).toBe(1)
  })

  it('is refused with the reason if nothing would be sent to the hook', async () => {
    const test = (id: string) => hooktide(['hooks', 'test', id], rig.environment)
    const [unknown, suspended] = await Promise.all([test('nobody'), test('broken')])
    expect(unknown.stderr).toContain('There is no hook nobody.')
    expect(suspended.stderr).toContain('Hook broken is suspended: fix its record first (config')
    expect([unknown.code, suspended.code]).toEqual([1, 1])
  })
})

describe('a replay of a range that retention has partly removed', () => {
  it('says how much was removed, and replays the rest', async () => {
    const topic = `${rig.prefix}.events`
    const kafka = await useKafka(surroundings().brokers)
    await kafka.deleteRecords(topic, 0, 1)
    const { code, stdout, stderr } = await replay('--offsets', `${topic}/0/0-1`, '--dry-run')
    expect(stderr).toBe('1 of the offsets no longer exist: retention has removed them.\n')
    expect(stdout).toContain('1 record(s) read')
    expect(code).toBe(0)
  })
})
