import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { problemLine } from '../../../src/commands/hooks/topic.ts'
import { filterFault } from '../../../src/edge/filter/cel.ts'
import {
  checkHookInput,
  decodeHook,
  newHookId,
  newSigningKey,
  type DecodedHook,
} from '../../../src/core/hook/hook.ts'
import { recordOf } from '../../support/record-builders.ts'

const id = 't5r1v9b3n7m2q8w4e6y0u'

/** A hook as Logto's Management API returns it, including statistics. */
const logtoHook = {
  tenantId: 'acme',
  id,
  name: 'CRM sync',
  event: null,
  events: ['PostRegister', 'User.Created'],
  config: { url: 'https://crm.acme.example/logto', headers: { 'X-Team': 'identity' }, retries: 3 },
  signingKey: 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii',
  enabled: true,
  createdAt: 1_789_376_531_019,
  executionStats: { requestCount: 3, successCount: 2 },
}
const leastHook = { id, config: { url: 'https://x.example' }, signingKey: '' }

function decode(value: unknown): DecodedHook {
  return decodeText(JSON.stringify(value))
}

function decodeText(text: string | Buffer, key: string | Buffer = id): DecodedHook {
  const record = { topic: 'auth.hooks', partition: 0, offset: 12 }
  return decodeHook(
    recordOf({ ...record, key: Buffer.from(key), value: Buffer.from(text) }),
    filterFault,
  )
}

function problemsOf(value: unknown): readonly string[] {
  const decoded = decode(value)
  if (decoded.kind === 'active') return []
  if (decoded.kind !== 'suspended') throw new Error(decoded.kind)
  return decoded.hook.problems.map(({ field, message }) => `${field} ${message}`)
}

describe('a hook record', () => {
  it("is Logto's own hook object, its deprecated retries and statistics ignored", () => {
    expect(decode(logtoHook)).toEqual({
      kind: 'active',
      hook: {
        id,
        tenantId: 'acme',
        name: 'CRM sync',
        event: undefined,
        events: ['PostRegister', 'User.Created'],
        url: 'https://crm.acme.example/logto',
        headers: { 'X-Team': 'identity' },
        signingKey: 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii',
        previousSigningKeys: [],
        enabled: true,
        timeoutMs: undefined,
        maxRetries: undefined,
        concurrency: undefined,
        configVersion: '0-12',
      },
    })
  })

  it('needs an id, a URL and a signing key; other fields have defaults, also for null', () => {
    const nulls = Object.fromEntries(
      ['tenantId', 'name', 'event', 'events', 'enabled', 'createdAt', 'delivery'].map((name) => [
        name,
        null,
      ]),
    )
    const expected = { tenantId: 'default', name: '', events: [], enabled: true, headers: {} }
    expect(decode(leastHook)).toMatchObject({ kind: 'active', hook: expected })
    const config = { ...leastHook.config, headers: null }
    expect(decode({ ...leastHook, ...nulls, config })).toEqual(decode(leastHook))
    expect(problemsOf({})).toEqual([
      'id must equal the record key',
      'signingKey is missing',
      'config is missing',
    ])
  })

  it('has the options of hooktide under delivery', () => {
    const delivery = {
      timeoutMs: 100,
      maxRetries: 0,
      concurrency: 256,
      previousSigningKeys: [{ key: 'old', expiresAt: 1_789_376_531_019 }],
    }
    expect(decode({ ...logtoHook, delivery })).toMatchObject({ kind: 'active', hook: delivery })
  })

  it('may have an event key that is not known yet, and any text as URL, as in Logto', () => {
    const hook = { ...leastHook, event: 'Session.Ended', config: { url: 'not a url' } }
    expect(decode(hook)).toMatchObject({
      kind: 'active',
      hook: { event: 'Session.Ended', url: 'not a url' },
    })
  })

  it('without a value deletes the hook', () => {
    const record = recordOf({ key: Buffer.from(id), value: null })
    expect(decodeHook(record, filterFault)).toEqual({ kind: 'tombstone', id })
  })

  it.each([
    null,
    Buffer.alloc(0),
    Buffer.from('a b'),
    Buffer.from(`\u{feff}${id}`),
    Buffer.from([0xff]),
    Buffer.from('x'.repeat(129)),
  ])('is unusable when its key is no hook id, tombstone or not', (key) => {
    const value = Buffer.from(JSON.stringify(logtoHook))
    const unusable = { kind: 'unusable', problem: { field: 'key' } }
    expect(decodeHook(recordOf({ key, value }), filterFault)).toMatchObject(unusable)
    expect(decodeHook(recordOf({ key, value: null }), filterFault)).toMatchObject(unusable)
  })
})

describe('an invalid hook record', () => {
  it('suspends its hook with all problems by path, and keeps its tenant and events', () => {
    const hook = {
      ...logtoHook,
      name: 7,
      events: ['PostRegister', 'user.created', 5],
      config: { headers: { 'a b': 'x', good: 'line\nbreak', 'x-n': 1, latin: 'é', wide: '€' } },
      signingKey: 'k'.repeat(257),
      createdAt: 'today',
      delivery: {
        timeoutMs: 99,
        maxRetries: 1.5,
        concurrency: '4',
        concurency: 4,
        previousSigningKeys: [
          { key: '', expiresAt: '1' },
          'key',
          { key: 'k', expiresAt: 1, id: 1 },
        ],
      },
    }
    const decoded = decode(hook)
    if (decoded.kind !== 'suspended') throw new Error(decoded.kind)
    const { problems, ...known } = decoded.hook
    expect(known).toEqual({
      id,
      tenantId: 'acme',
      event: undefined,
      events: ['PostRegister'],
      enabled: true,
      configVersion: '0-12',
    })
    expect(problems.map(({ field }) => field).toSorted()).toEqual(
      [
        'name',
        'events[1]',
        'events[2]',
        'config.url',
        'config.headers[0]',
        'config.headers.good',
        'config.headers.x-n',
        'config.headers.wide',
        'signingKey',
        'createdAt',
        'delivery.timeoutMs',
        'delivery.maxRetries',
        'delivery.concurrency',
        'delivery.concurency',
        'delivery.previousSigningKeys[0].key',
        'delivery.previousSigningKeys[0].expiresAt',
        'delivery.previousSigningKeys[1]',
        'delivery.previousSigningKeys[2].id',
      ].toSorted(),
    )
  })

  it.each([
    [{ id: 'another' }, 'id must equal the record key'],
    [{ tenantId: '' }, 'tenantId must be text of 1 to 128 printable characters, without spaces'],
    [{ event: 'postRegister' }, 'event must be an event key such as PostSignIn'],
    [{ events: 'PostRegister' }, 'events must be a list of event keys'],
    [{ config: [] }, 'config must be an object'],
    [{ config: null }, 'config must be an object'],
    [{ config: { url: null } }, 'config.url must be text of at most 4096 characters'],
    [{ config: { url: 'https://x.example', headers: [] } }, 'config.headers must be an object'],
    [{ signingKey: null }, 'signingKey must be text of at most 256 characters'],
    [{ enabled: 'yes' }, 'enabled must be true or false'],
    [{ delivery: [] }, 'delivery must be an object'],
    [
      { delivery: { timeoutMs: 60_001 } },
      'delivery.timeoutMs must be a whole number from 100 to 60000',
    ],
    [{ delivery: { maxRetries: -1 } }, 'delivery.maxRetries must be a whole number from 0 to 100'],
    [{ delivery: { concurrency: 0 } }, 'delivery.concurrency must be a whole number from 1 to 256'],
    [
      { delivery: { ratePerSecond: 0 } },
      'delivery.ratePerSecond must be a number from 0.01 to 10000',
    ],
    [
      { delivery: { ratePerSecond: '5' } },
      'delivery.ratePerSecond must be a number from 0.01 to 10000',
    ],
    [{ delivery: { keepResponse: 'no' } }, 'delivery.keepResponse must be true or false'],
    [
      { delivery: { previousSigningKeys: Array(11).fill({ key: 'k', expiresAt: 1 }) } },
      'delivery.previousSigningKeys has more than 10 keys',
    ],
    [{ delivery: { filter: {} } }, 'delivery.filter must be a CEL expression'],
    [
      { delivery: { filter: 'user.id == "u1"' } },
      'delivery.filter cannot be used: there is no variable user (character 1)',
    ],
  ])('with %j names the problem', (fields, problem) => {
    expect(problemsOf({ ...logtoHook, ...fields })).toEqual([problem])
  })

  it('still matches when only enabled cannot be read, so that no delivery is lost unnoticed', () => {
    expect(decode({ ...logtoHook, enabled: 'no' })).toMatchObject({ hook: { enabled: true } })
    expect(decode({ ...logtoHook, enabled: false, name: 1 })).toMatchObject({
      hook: { enabled: false },
    })
  })

  it('names no tenant when that cannot be read', () => {
    expect(decode({ ...logtoHook, tenantId: 5 })).toMatchObject({
      kind: 'suspended',
      hook: { tenantId: undefined },
    })
  })

  it.each([
    ['', 'The record has no value.'],
    ['{', 'The value is not JSON.'],
    ['[]', 'The value is JSON, but not an object.'],
    ['\u{feff}{}', 'The value begins with a byte order mark.'],
    [`{"id":"${id}","i\\u0064":"${id}"}`, 'The object has a key twice.'],
  ])('that cannot be read suspends its hook without a tenant: %j', (text, message) => {
    expect(decodeText(text)).toMatchObject({
      kind: 'suspended',
      hook: { id, tenantId: undefined, events: [], enabled: true, problems: [{ message }] },
    })
  })

  it('is not confused by names of JavaScript members', () => {
    const hook = `{"__proto__":${JSON.stringify(logtoHook)},"id":"${id}"}`
    expect(decodeText(hook)).toMatchObject({
      kind: 'suspended',
      hook: { tenantId: 'default', events: [] },
    })
  })
})

describe('the check of a hook that somebody writes', () => {
  it('finds nothing wrong with a good one', () => {
    expect(checkHookInput(logtoHook, filterFault)).toEqual([])
    expect(
      checkHookInput({ ...leastHook, config: { url: 'http://localhost:8080/a?b=c' } }, filterFault),
    ).toEqual([])
  })

  it.each([
    ['crm.acme.example/logto', 'is not a URL'],
    ['https://', 'is not a URL'],
    ['ftp://x.example/', 'must be an http or https URL'],
    ['javascript:alert(1)', 'must be an http or https URL'],
    ['https://user@x.example/', 'must not have credentials: use config.headers'],
    ['https://:secret@x.example/', 'must not have credentials: use config.headers'],
    ['https://x.example:0/', 'must not be a URL with port 0'],
    ['http://192.0.2.1:00/', 'must not be a URL with port 0'],
    ['http://[::1]:0/', 'must not be a URL with port 0'],
  ])('rejects an address that cannot be called: %s', (url, message) => {
    expect(checkHookInput({ ...logtoHook, config: { url } }, filterFault)).toEqual([
      { field: 'config.url', message },
    ])
  })

  it('reports one fault once', () => {
    expect(checkHookInput({ ...logtoHook, config: {} }, filterFault)).toEqual([
      { field: 'config.url', message: 'is missing' },
    ])
    expect(checkHookInput({ ...logtoHook, config: 1 }, filterFault)).toHaveLength(1)
    expect(checkHookInput([], filterFault)).toEqual([{ field: '', message: 'must be an object' }])
  })

  it.each([
    'Authorization: Bearer xyz',
    'Bearer xyz\n',
    '\u001b[2J',
    'sk_live_51H8xkJ2eZvKYlo2C',
    'eyJhbGciOiJIUzI1NiJ9.e30.ZRrHA1JJJW8opsbCGfG',
    'alice@example.com',
    'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii',
  ])('reports the position of a header instead of a name that may be a secret: %j', (name) => {
    const headers = { 'X-Team': 'a', [name]: 5 }
    const config = { ...logtoHook.config, headers }
    const delivery = { previousSigningKeys: [{ [name]: 1_790_000_000_000 }] }
    const problems = checkHookInput({ ...logtoHook, config, delivery }, filterFault).map(
      problemLine,
    )
    expect(problems.join('\n')).not.toContain(name)
    expect(problems).toContain('config.headers[1] must be text that a header can have')
    expect(problems).toContain('delivery.previousSigningKeys[0][0] is not known here')
  })

  it('needs an id of the form that a record key may have', () => {
    const { id: _id, ...rest } = logtoHook
    const message =
      'must be text of 1 to 128 printable characters, without spaces, that does not begin with { or a quotation mark'
    const problem = { field: 'id', message }
    expect(checkHookInput(rest, filterFault)).toEqual([problem])
    expect(checkHookInput({ ...rest, id: 'a b' }, filterFault)).toEqual([problem])
    expect(checkHookInput({ ...rest, id: '{x' }, filterFault)).toEqual([problem])
  })
})

describe('new names', () => {
  it("have the form of Logto's", () => {
    expect(newHookId(randomBytes(64))).toMatch(/^[\da-z]{21}$/)
    expect(newSigningKey(randomBytes(64))).toMatch(/^[\dA-Za-z]{32}$/)
  })

  it('have all characters equally often for evenly distributed bytes', () => {
    const keyOf = (byte: number) => newSigningKey(Buffer.from([byte, ...Array<number>(31).fill(0)]))
    const firsts = Array.from({ length: 248 }, (_, byte) => keyOf(byte).charAt(0))
    const counts = Object.values(Object.groupBy(firsts, (first) => first)).map(
      (same) => same?.length,
    )
    expect(counts).toEqual(Array(62).fill(4))
    for (const byte of [248, 255]) expect(() => keyOf(byte)).toThrow('Too few random bytes')
  })
})
