/**
 * Rows of Logto's `hooks` table on the hook topic, as change data capture writes them: the hook that each form gives, or its
 * fault.
 */
import avro from 'avsc'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { filterFault } from '../../../src/edge/filter/cel.ts'
import { compileAvro } from '../../../src/core/avro/avro.ts'
import { formOf, readHookKey, readHookValue } from '../../../src/core/hook/captured-change.ts'
import { decodeFramedHook } from '../../../src/core/hook/framed-hook.ts'
import { decodeHook, type DecodedHook } from '../../../src/core/hook/hook.ts'
import {
  capturedId as id,
  change,
  connectSchema,
  emptiedRow,
  flatteningFields,
  hookRow as row,
  source,
  wrapped,
} from '../../support/captured-changes.ts'
import { recordOf } from '../../support/record-builders.ts'

const hookOfRow = {
  id,
  tenantId: 'default',
  name: 'CRM',
  event: undefined,
  events: ['PostRegister'],
  url: 'https://crm.example/hook',
  headers: { 'x-team': 'growth' },
  signingKey: 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii',
  previousSigningKeys: [],
  enabled: true,
  timeoutMs: undefined,
  maxRetries: undefined,
  concurrency: undefined,
  configVersion: '0-12',
}

function decode(value: unknown, key: string = JSON.stringify({ id })): DecodedHook {
  return decodeText(JSON.stringify(value), key)
}

function decodeText(text: string, key: string = JSON.stringify({ id })): DecodedHook {
  const record = { topic: 'logto.public.hooks', partition: 0, offset: 12 }
  return decodeHook(
    recordOf({ ...record, key: Buffer.from(key), value: Buffer.from(text) }),
    filterFault,
  )
}

function problemsOf(value: unknown): readonly string[] {
  const decoded = decode(value)
  if (decoded.kind !== 'suspended') throw new Error(decoded.kind)
  return decoded.hook.problems.map(({ field, message }) => `${field} ${message}`)
}

describe('a captured row', () => {
  it.each([
    ['flattened', row],
    ['flattened, with fields added', { ...row, __deleted: 'false', ...flatteningFields }],
    ['flattened, in its schema', wrapped(row)],
    ['of an insert', change('c', null, row)],
    ['of a snapshot', change('r', null, row)],
    ['of an update', change('u', null, row)],
    ['of an update where the replica identity is full', change('u', { ...row, name: 'Old' }, row)],
    ['of an insert, in its schema', wrapped(change('c', null, row))],
    [
      'with its JSON columns expanded',
      { ...row, events: ['PostRegister'], config: JSON.parse(row.config) as unknown },
    ],
  ])('%s, is the hook', (_, value) => {
    expect(decode(value)).toEqual({ kind: 'active', hook: hookOfRow })
  })

  it("may use Logto's deprecated single event", () => {
    const decoded = decode({ ...row, event: 'PostSignIn', events: '[]' })
    expect(decoded).toMatchObject({ kind: 'active', hook: { event: 'PostSignIn', events: [] } })
  })

  it.each([JSON.stringify({ timeoutMs: 5000, maxRetries: 3 }), { timeoutMs: 5000, maxRetries: 3 }])(
    'may have our options in a column of their own: %j',
    (delivery) => {
      const expected = { kind: 'active', hook: { timeoutMs: 5000, maxRetries: 3 } }
      expect(decode({ ...row, delivery })).toMatchObject(expected)
      expect(decode({ ...row, delivery: null })).toMatchObject({ kind: 'active' })
    },
  )

  it.each([
    ['2026-09-14T09:02:11.019123Z', 1_789_376_531_019],
    [1_789_376_531_019, 1_789_376_531_019],
    [1_789_376_531_019_123, 1_789_376_531_019],
    [1_789_376_531_019_123_456, 1_789_376_531_019],
    ['infinity', undefined],
    [null, undefined],
  ])('has the time of its created_at, in any precision: %j', (created_at, createdAt) => {
    const value = readHookValue(Buffer.from(JSON.stringify({ ...row, created_at })))
    expect(value).toMatchObject({ kind: 'object', isCaptured: true, problems: [] })
    expect(value.kind === 'object' && value.members['createdAt']).toBe(createdAt)
    expect(decode({ ...row, created_at })).toMatchObject({ kind: 'active' })
  })
})

describe('a captured delete', () => {
  it.each([
    ['as an envelope', change('d', row, null)],
    ['as an envelope with the key alone', change('d', emptiedRow, null)],
    ['as an envelope without the row', change('d', null, null)],
    ['as an envelope, in its schema', wrapped(change('d', row, null))],
    ['marked in the row', { ...row, __deleted: 'true', __op: 'd' }],
    ['marked in a row with the key alone', { ...emptiedRow, __deleted: 'true' }],
    ['marked by a boolean', { ...row, __deleted: true }],
    ['marked, in its schema', wrapped({ ...row, __deleted: 'true' })],
    ['as a null that has a schema', wrapped(null)],
    ['as a null whose schema is not written', null],
    ['marked in a row whose columns were renamed', { id, signingKey: '', __deleted: 'true' }],
  ])('%s, deletes the hook', (_, value) => {
    expect(decode(value)).toEqual({ kind: 'tombstone', id })
  })

  it('is followed by a tombstone, which deletes it too', () => {
    const record = recordOf({ key: Buffer.from(JSON.stringify({ id })), value: null })
    expect(decodeHook(record, filterFault)).toEqual({ kind: 'tombstone', id })
  })
})

describe('the key of a captured row', () => {
  const keySchema = { ...connectSchema, optional: false, name: 'logto.public.hooks.Key' }
  it.each([
    id,
    JSON.stringify(id),
    JSON.stringify({ id }),
    JSON.stringify({ tenant_id: 'acme', id }),
    JSON.stringify({ schema: keySchema, payload: { id } }),
    JSON.stringify({ schema: keySchema, payload: { tenant_id: 'acme', id } }),
    JSON.stringify({ schema: { type: 'string', optional: false }, payload: id }),
  ])('is the hook id in %s', (key) => {
    expect(readHookKey(Buffer.from(key))).toBe(id)
    expect(decode(row, key)).toEqual({ kind: 'active', hook: hookOfRow })
  })

  it.each([
    '{}',
    '{"id":',
    '{"id":7}',
    '{"id":null}',
    '{"id":{"id":"x"}}',
    '{"id":"a b"}',
    '{"id":"{}"}',
    '{"id":"one","id":"other"}',
    '{"__proto__":{"id":"x"}}',
    '{"schema":null,"payload":null}',
    '{"payload":{"id":"x"}}',
    '"x',
    '"x" ""',
    '""',
    '"\\"x\\""',
    '\u{feff}{"id":"x"}',
  ])('that names none makes the record unusable: %s', (key) => {
    const unusable = { kind: 'unusable', problem: { field: 'key' } }
    expect(decode(row, key)).toMatchObject(unusable)
  })

  it('must be of the row', () => {
    expect(problemsOf({ ...row, id: 'another' })).toEqual(['id must equal the record key'])
    expect(problemsOf(change('u', row, { ...row, id: 'another' }))).toEqual([
      'id must equal the record key',
    ])
  })
})

const unavailable =
  'is large and was left out of the change, as it was not changed itself: ' +
  'run ALTER TABLE hooks REPLICA IDENTITY FULL, then save the hook once more'

describe('a captured change in Avro', () => {
  const text = 'string'
  const jsonb = { type: text, 'connect.version': 1, 'connect.name': 'io.debezium.data.Json' }
  const envelopeSchema = {
    type: 'record',
    name: 'Envelope',
    namespace: 'logto.public.hooks',
    fields: [
      {
        name: 'before',
        type: [
          'null',
          {
            type: 'record',
            name: 'Value',
            fields: [
              { name: 'tenant_id', type: text },
              { name: 'id', type: text },
              { name: 'name', type: text, default: '' },
              { name: 'event', type: ['null', text], default: null },
              { name: 'events', type: { ...jsonb, 'connect.default': '[]' }, default: '[]' },
              { name: 'config', type: jsonb },
              { name: 'signing_key', type: text, default: '' },
              {
                name: 'enabled',
                type: { type: 'boolean', 'connect.default': true },
                default: true,
              },
              {
                name: 'created_at',
                type: { type: text, 'connect.name': 'io.debezium.time.ZonedTimestamp' },
              },
            ],
            'connect.name': 'logto.public.hooks.Value',
          },
        ],
        default: null,
      },
      { name: 'after', type: ['null', 'Value'], default: null },
      { name: 'op', type: text },
      { name: 'ts_ms', type: ['null', 'long'], default: null },
    ],
  }
  const keySchema = {
    type: 'record',
    name: 'Key',
    namespace: 'logto.public.hooks',
    fields: [{ name: 'id', type: text }],
  }
  const frame = (schemaId: number, avroSchema: object, value: unknown) => {
    const payload = avro.Type.forSchema(avroSchema as avro.Schema, { wrapUnions: false }).toBuffer(
      value,
    )
    return Buffer.concat([Buffer.from([0, 0, 0, 0, schemaId]), payload])
  }
  const schemas = [keySchema, envelopeSchema].map((one) => compileAvro([JSON.stringify(one)]))
  const decodeAvro = (value: unknown) => {
    const record = { topic: 'logto.public.hooks', partition: 0, offset: 12 }
    const key = frame(0, keySchema, { id })
    const framed = recordOf({ ...record, key, value: frame(1, envelopeSchema, value) })
    const decoded = decodeFramedHook(framed, (schemaId) => schemas[schemaId], filterFault)
    return decoded.kind === 'hook' ? decoded.decoded : decoded
  }

  it('is the hook, or its delete, as in JSON', () => {
    expect(decodeAvro(change('c', null, row))).toEqual({ kind: 'active', hook: hookOfRow })
    expect(decodeAvro(change('u', { ...row, name: 'Old' }, row))).toMatchObject({ kind: 'active' })
    expect(decodeAvro(change('d', emptiedRow, null))).toEqual({ kind: 'tombstone', id })
  })
})

describe('a captured row that cannot be used', () => {
  it.each(['config', 'events', 'name', 'event', 'signing_key'])(
    'suspends its hook when %s was left out as unchanged, and says what to do',
    (column) => {
      const value = { ...row, [column]: '__debezium_unavailable_value' }
      expect(problemsOf(value)).toEqual([`${column} ${unavailable}`])
      expect(problemsOf(wrapped(change('u', null, value)))).toEqual([`${column} ${unavailable}`])
    },
  )

  it('sends its deliveries to the dead letters if tenant and events are there', () => {
    const value = { ...row, enabled: false, config: '__debezium_unavailable_value' }
    const known = { tenantId: 'default', events: ['PostRegister'], enabled: false }
    expect(decode(value)).toMatchObject({ kind: 'suspended', hook: known })
    const unknown = { ...value, tenant_id: '__debezium_unavailable_value' }
    expect(decode(unknown)).toMatchObject({ hook: { tenantId: undefined } })
  })

  it.each([
    [{ config: '{"url":' }, 'config is text, but not of JSON'],
    [{ config: '' }, 'config is text, but not of JSON'],
    [{ config: '__left_out' }, 'config is text, but not of JSON'],
    [{ config: '"text"' }, 'config must be an object'],
    [{ config: null }, 'config must be an object'],
    [{ config: '{}' }, 'config.url is missing'],
    [{ config: '{"url":"x","headers":{"a b":""}}' }, 'config.headers[0] is not a header name'],
    [{ events: 'PostSignIn' }, 'events is text, but not of JSON'],
    [{ events: '{}' }, 'events must be a list of event keys'],
    [{ events: '["postSignIn"]' }, 'events[0] must be an event key such as PostSignIn'],
    [{ delivery: '{"filter"' }, 'delivery is text, but not of JSON'],
    [{ delivery: '{"retries":1}' }, 'delivery.retries is not known here'],
    [{ tenant_id: 7 }, 'tenant_id must be text of 1 to 128 printable characters, without spaces'],
    [{ signing_key: null }, 'signing_key must be text of at most 256 characters'],
    [{ signing_key: undefined }, 'signing_key is missing'],
    [{ enabled: 'true' }, 'enabled must be true or false'],
  ])('names the column as the row has it: %j', (fields, problem) => {
    expect(problemsOf({ ...row, ...fields })).toEqual([problem])
  })

  it.each([
    [change('u', row, null), 'after must be the row'],
    [change('c', null, 'row'), 'after must be the row'],
    [change('x', null, row), 'op must be c, r, u or d'],
    [{ ...change('c', null, row), op: null }, 'op must be c, r, u or d'],
    [wrapped('row'), 'payload must be a row or a change'],
    [wrapped(wrapped(row)), 'payload must be a row or a change'],
  ])('may not be a row: %j', (value, problem) => {
    expect(problemsOf(value)).toEqual([problem])
    expect(decode(value)).toMatchObject({ hook: { tenantId: undefined, enabled: true } })
  })

  it.each(['t', 'm'])('is ignored when its op, %s, has no row', (op) => {
    const decoded = decode({ source, op, ts_ms: 1, message: { prefix: 'foo', content: 'Ymfy' } })
    expect(decoded).toMatchObject({ kind: 'unusable', problem: { field: 'op' } })
  })
})

describe('the form of a value', () => {
  it.each([
    ['hook', { id, signingKey: '' }],
    ['hook', { id, signingKey: '', tenant_id: 'x', op: 'c', signing_key: 'x' }],
    ['hook', { id }],
    ['hook', {}],
    ['hook', { id, op: 'c', after: {} }],
    ['hook', { id, schema: {}, payload: {} }],
    ['hook', { schema: {} }],
    ['hook', JSON.parse('{"__proto__":{"op":"c"}}')],
    ['row', row],
    ['row', { id, signing_key: '' }],
    ['row', { id, tenant_id: 'x', op: 'c' }],
    ['row', { created_at: 1 }],
    ['change', change('c', null, row)],
    ['change', { op: 't', source }],
    ['change', { op: 1, tenant_id: 'x' }],
    ['wrapped', wrapped(row)],
    ['wrapped', { schema: null, payload: null }],
  ])('is %s for %j', (form, members) => {
    expect(formOf(members as Record<string, unknown>)).toBe(form)
  })

  it('leaves a hook object unchanged, whatever a transform or an owner added to it', () => {
    const hook = { id, config: { url: 'https://x.example' }, signingKey: '' }
    const plain = decode(hook, id)
    expect(plain).toMatchObject({ kind: 'active', hook: { tenantId: 'default' } })
    for (const added of [
      { op: 'd' },
      { tenant_id: 'x' },
      { schema: 1, payload: 2 },
      flatteningFields,
    ]) {
      expect(decode({ ...hook, ...added }, id)).toEqual(plain)
    }
  })
})

describe('hostile changes', () => {
  it('are read however deep or long their JSON is', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    expect(problemsOf({ ...row, config: deep })).toEqual([
      'config is nested more than 200 levels deep',
    ])
    const headers = Object.fromEntries(Array.from({ length: 9_000 }, (_, n) => [`h${n}`, 'x']))
    const config = JSON.stringify({ url: 'https://x.example', headers })
    expect(problemsOf({ ...row, config })).toEqual(['config.headers has more than 64 headers'])
    expect(decodeText(`{"id":"${id}","tenant_id":${deep}}`)).toMatchObject({
      kind: 'suspended',
      hook: {
        problems: [{ field: '', message: 'The value is nested more than 200 levels deep.' }],
      },
    })
  })

  it('are not taken for what only their prototype says', () => {
    const inherited = (text: string) => decodeText(`{"__proto__":${text},"id":"${id}"}`)
    expect(inherited(JSON.stringify(row))).toMatchObject({ kind: 'suspended' })
    expect(inherited('{"__deleted":"true"}')).toMatchObject({ kind: 'suspended' })
    const config = '{"__proto__":{"url":"https://x.example"}}'
    expect(problemsOf({ ...row, config })).toEqual(['config.url is missing'])
  })

  it('are refused with a column twice, however it is written', () => {
    const text = JSON.stringify(row).replace('{', '{"i\\u0064":"another",')
    const problem = { message: 'The object has a key twice.' }
    expect(decodeText(text)).toMatchObject({ kind: 'suspended', hook: { problems: [problem] } })
  })

  it('never make decoding throw', () => {
    const text = fc.oneof(
      fc.json(),
      fc.constantFrom('__debezium_unavailable_value', 'true', 'd', '{}'),
      fc.string(),
    )
    const member = fc.constantFrom(...Object.keys(row), '__deleted', 'op', 'after', 'before')
    const some = fc.dictionary(member, fc.oneof(text, fc.jsonValue()))
    const value = fc.oneof(
      some.map((fields) => ({ ...row, ...fields })),
      some.map((fields) => change('u', null, { ...row, ...fields })),
      some.map((fields) => ({ ...change('c', null, row), ...fields })),
      some.map(wrapped),
      some,
    )
    fc.assert(
      fc.property(value, text, (content, key) => {
        expect(['active', 'suspended', 'tombstone', 'unusable']).toContain(
          decodeText(JSON.stringify(content), key).kind,
        )
      }),
    )
  })
})
