import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { filterFault } from '../../src/edge/filter/cel.ts'
import { eventKeys } from '../../src/core/event/event-keys.ts'
import { decodeEvent } from '../../src/core/event/event.ts'
import { decodeHealth } from '../../src/core/health/record.ts'
import { decryptWith } from '../../src/core/hook/encrypted-text.ts'
import { withEncryptedSecrets } from '../../src/core/hook/secrets.ts'
import { checkHookInput } from '../../src/core/hook/hook.ts'
import {
  blames,
  deathReasons,
  errorClasses,
  resultOutcomes,
  triggers,
  unmatchedReasons,
} from '../../src/core/model/model.ts'
import {
  endpointReasons,
  endpointStates,
  refusalReasons,
} from '../../src/core/model/record-values.ts'
import { goodHook, isExpressible } from '../support/hook-agreement.ts'
import { encryptionKeyOf } from '../support/encryption-keys.ts'
import { healthOf } from '../support/endpoints.ts'
import { generatedFile, generateTypes } from '../support/generate-types.ts'
import { recordOf, samples } from '../support/record-builders.ts'

const folder = new URL('../../schemas/', import.meta.url)
const ajv = new Ajv({ strict: true, allowUnionTypes: true, strictRequired: false, allErrors: true })
addFormats.default(ajv)

function readSchema(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Record<string, unknown>
}

const isEvent = ajv.compile(readSchema('auth-event.schema.json'))
const isHook = ajv.compile(readSchema('hook.schema.json'))

function errorsOf(validate: ValidateFunction, value: unknown): readonly ErrorObject[] {
  return validate(value) ? [] : (validate.errors ?? [])
}

// --- values near good ones ----------------------------------------------------------------------------

type Path = readonly (string | number)[]

function pathsOf(value: unknown, at: Path = []): readonly Path[] {
  if (typeof value !== 'object' || value === null) return [at]
  const inner = Object.entries(value).flatMap(([name, member]) =>
    pathsOf(member, [...at, Array.isArray(value) ? Number(name) : name]),
  )
  return [at, ...inner]
}

/** The value with another one, or none, at a path. */
function replaced(value: unknown, [step, ...rest]: Path, by: unknown): unknown {
  if (step === undefined) return by
  if (Array.isArray(value)) {
    return value.map((member, index) => (index === step ? replaced(member, rest, by) : member))
  }
  if (typeof value !== 'object' || value === null) return by
  return { ...value, [step]: replaced((value as Record<string, unknown>)[step], rest, by) }
}

const awkward = fc.constantFrom<unknown[]>(
  ...[
    undefined,
    null,
    '',
    ' ',
    'PostSignIn',
    'postSignIn',
    'whsec_',
    'whsec_AQI=',
    'whsec_AR==',
    'whsec_AAAA',
    'whsec_!!!!',
    ' WHSEC_AQI=',
    '"whsec_AQI="',
    '\u200bwhsec_AQI=',
    'key \u{d800}',
    '\0\0',
    'a\nb',
    'é',
    '€',
    '\u{7f}',
    '\u{d800}',
    '😀'.repeat(256),
  ],
  ...[
    'x'.repeat(129),
    'x'.repeat(257),
    '2026-09-14T09:02:11Z',
    '2026-02-30T09:02:11Z',
    '2026-09-14 09:02:11Z',
  ],
  ...[
    0,
    -1,
    1,
    1.5,
    100,
    256,
    257,
    60_000,
    60_001,
    true,
    false,
    [],
    {},
    [null],
    ['User.Created'],
    { key: '' },
  ],
)
const names = fc.constantFrom(
  '__proto__',
  'constructor',
  'hookId',
  'extra',
  'key',
  'x y',
  'filter',
  'timeoutMs',
)

/** A few changes to a value: something else at one of its paths, or a new member there. */
function near(original: unknown): fc.Arbitrary<unknown> {
  const change = fc.record({
    path: fc.constantFrom(...pathsOf(original)),
    added: fc.option(names, { nil: undefined }),
    by: fc.oneof(awkward, fc.jsonValue({ maxDepth: 2 })),
  })
  return fc
    .array(change, { minLength: 1, maxLength: 3 })
    .map((changes) =>
      changes.reduce(
        (value, { path, added, by }) =>
          replaced(value, added === undefined ? path : [...path, added], by),
        original,
      ),
    )
}

// --- events -------------------------------------------------------------------------------------------

/** Whether the schema faults what the reader requires; of other members it says more, and the reader passes them on. */
function isFaultOfRequired({ instancePath, keyword }: ErrorObject): boolean {
  return keyword !== 'if' && /^(?:$|\/event$|\/createdAt$|\/hookId$)/.test(instancePath)
}

function expectAgreement(event: unknown): void {
  const value = Buffer.from(JSON.stringify(event) ?? 'null')
  const decoded = decodeEvent(recordOf({ value }))
  const errors = errorsOf(isEvent, JSON.parse(value.toString()))
  const faults = errors.filter(isFaultOfRequired)
  expect({ value: value.toString(), isEvent: decoded.kind === 'event' }).toEqual({
    value: value.toString(),
    isEvent: faults.length === 0,
  })
}

describe('the schema of events', () => {
  it.each(samples)('accepts $name without its hookId, and not with it', ({ event, payload }) => {
    expect(errorsOf(isEvent, JSON.parse(event.toString()))).toEqual([])
    expect(errorsOf(isEvent, payload).map(({ instancePath }) => instancePath)).toEqual(['/hookId'])
  })

  it("accepts the payloads of Logto's tests, which have their own form", () => {
    const request = {
      path: '/fake-path/:id',
      method: 'POST',
      status: 200,
      params: { id: 'fake-id' },
    }
    for (const event of eventKeys) {
      const payload = {
        event,
        createdAt: '2026-09-14T09:02:11.019Z',
        userAgent: 'fake',
        ...request,
      }
      expect(errorsOf(isEvent, { ...payload, data: { result: 'success' } })).toEqual([])
    }
  })

  it('knows what the payload of an event is', () => {
    const created = { event: 'Role.Created', createdAt: '2026-09-14T09:02:11.019Z' }
    expect(errorsOf(isEvent, { ...created, data: { id: 'r', isDefault: true } })).toEqual([])
    expect(errorsOf(isEvent, { ...created, data: { id: 5 } })).not.toEqual([])
    expect(errorsOf(isEvent, { ...created, data: null, user: null, ip: null })).toEqual([])
    expect(errorsOf(isEvent, { ...created, event: 'Later.Created', data: { id: 5 } })).toEqual([])
  })

  it('describes the 31 keys of Logto, in its order', () => {
    const text = JSON.stringify(readSchema('auth-event.schema.json')['properties'])
    const described = [...text.matchAll(/\{"const":"([\w.]+)","description":"[^"]+"\}/g)]
    expect(described.map(([, key]) => key)).toEqual(eventKeys)
    expect(new Set(eventKeys).size).toBe(31)
    expect(samples.map(({ payload }) => payload['event'])).toEqual(
      expect.arrayContaining(['PostSignIn', 'User.Created', 'Identifier.Lockout']),
    )
  })

  it('and the reader agree about every sample and small changes of it', () => {
    for (const { event } of samples) expectAgreement(JSON.parse(event.toString()))
    const events = fc
      .constantFrom(...samples.map(({ event }) => JSON.parse(event.toString()) as unknown))
      .chain(near)
    fc.assert(fc.property(events, expectAgreement), { numRuns: 200 })
  })

  it('and the reader agree about times', () => {
    const digits = (count: number) =>
      fc.nat(10 ** count - 1).map((n) => String(n).padStart(count, '0'))
    const small = fc.nat(70).map((n) => String(n).padStart(2, '0'))
    const zone = fc.oneof(
      fc.constantFrom('Z', 'z', '', '+0100', '+01', 'Z '),
      fc.tuple(fc.constantFrom('+', '-'), small, small).map(([sign, h, m]) => `${sign}${h}:${m}`),
    )
    const time = fc
      .tuple(digits(4), small, small, fc.constantFrom('T', 't', ' '), small, small, small, zone)
      .map(([y, mo, d, t, h, mi, s, z]) => `${y}-${mo}-${d}${t}${h}:${mi}:${s}${z}`)
    const nearTrue = fc
      .tuple(
        fc.constantFrom('2024', '1900', '0000'),
        fc.nat(12),
        fc.nat(31),
        fc.constantFrom('23:59:60', '22:59:60', '09:02:11.5'),
        zone,
      )
      .map(
        ([y, mo, d, t, z]) =>
          `${y}-${String(mo).padStart(2, '0')}-${String(d).padStart(2, '0')}T${t}${z}`,
      )
    fc.assert(
      fc.property(fc.oneof(time, nearTrue), (createdAt) =>
        expectAgreement({ event: 'PostSignIn', createdAt }),
      ),
      { numRuns: 500 },
    )
  })
})

// --- hooks --------------------------------------------------------------------------------------------

function expectHookAgreement(hook: unknown): void {
  const value: unknown = JSON.parse(JSON.stringify(hook) ?? 'null')
  const found = checkHookInput(value, filterFault)
  const problems = found.filter((problem) => isExpressible(problem, value))
  const errors = errorsOf(isHook, value)
  const said = { value, problems, errors }
  expect({ ...said, isGood: problems.length === 0 }).toEqual({
    ...said,
    isGood: errors.length === 0,
  })
}

describe('the schema of hooks', () => {
  it('and the reader agree about a valid hook and small changes of it', () => {
    expectHookAgreement(goodHook)
    expect(errorsOf(isHook, goodHook)).toEqual([])
    fc.assert(fc.property(near(goodHook), expectHookAgreement), { numRuns: 1_000 })
  })

  it('accepts encrypted secrets, as a reader with their keys does', () => {
    const key = encryptionKeyOf(1)
    const encrypted = withEncryptedSecrets(goodHook, key, () => randomBytes(12))
    expect(errorsOf(isHook, encrypted)).toEqual([])
    expect(checkHookInput(encrypted, filterFault, decryptWith([key]))).toEqual([])
    expect(JSON.stringify(encrypted)).not.toContain('identity')
  })

  it('and the reader agree about bounds', () => {
    for (const fields of [
      { name: 'n'.repeat(257) },
      { events: Array(257).fill('PostSignIn') },
      { config: { url: `https://x.example/${'p'.repeat(4_096)}` } },
      { config: { url: 'https://x.example/', headers: manyHeaders(65) } },
      { config: { url: 'https://x.example/', headers: manyHeaders(64) } },
    ]) {
      expectHookAgreement({ ...goodHook, ...fields })
    }
  })

  it('and the reader agree about header names and values of any characters', () => {
    const character = fc.nat(0x180).map((code) => String.fromCodePoint(code))
    fc.assert(
      fc.property(fc.string({ unit: character }), fc.string({ unit: character }), (name, text) =>
        expectHookAgreement({
          ...goodHook,
          config: { url: 'https://x.example', headers: { [name]: text } },
        }),
      ),
      { numRuns: 200 },
    )
  })
})

function manyHeaders(count: number): Readonly<Record<string, string>> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`h${index}`, 'v']))
}

// --- endpoint health ----------------------------------------------------------------------------------

const isHealth = ajv.compile(readSchema('endpoint-health.schema.json'))
const goodHealth = { ...healthOf({ state: 'open', until: 7, failingSince: 5, failures: 6 }) }

function expectHealthAgreement(health: unknown): void {
  const value = Buffer.from(JSON.stringify(health) ?? 'null')
  const decoded = decodeHealth({ key: Buffer.from(goodHealth.hookId), value })
  // The schema cannot say that the hook's id equals the key.
  if (decoded.kind === 'unusable' && decoded.problem.field === 'hookId') return
  expect({ value: value.toString(), isHealth: decoded.kind === 'health' }).toEqual({
    value: value.toString(),
    isHealth: errorsOf(isHealth, JSON.parse(value.toString())).length === 0,
  })
}

describe('the schema of endpoint health', () => {
  it('and the reader agree about a valid record and small changes of it', () => {
    expect(errorsOf(isHealth, goodHealth)).toEqual([])
    fc.assert(fc.property(near(goodHealth), expectHealthAgreement), { numRuns: 1_000 })
  })

  it('has exactly the states and reasons that are written', () => {
    const { properties } = readSchema('endpoint-health.schema.json') as {
      readonly properties: Record<
        string,
        { readonly enum?: readonly string[]; description: string }
      >
    }
    expect(properties['state']?.enum).toEqual(endpointStates)
    for (const reason of endpointReasons) {
      expect(properties['reason']?.description).toContain(reason)
    }
  })
})

// --- results ------------------------------------------------------------------------------------------

describe('the schema of results', () => {
  const { fields } = readSchema('delivery-result.avsc') as {
    readonly fields: readonly {
      readonly name: string
      readonly doc: string
      readonly type: unknown
    }[]
  }

  it.each([
    ['outcome', resultOutcomes],
    ['reason', deathReasons],
    ['reason', unmatchedReasons],
    ['errorClass', errorClasses],
    ['blame', blames],
    ['trigger', triggers],
  ])('lists in the words of %s exactly the values that there are', (name, values) => {
    const doc = fields.find((field) => field.name === name)?.doc ?? ''
    expect(doc).toMatch(new RegExp(`: ${values.join(', ')}\\.`))
  })

  it('lists all reasons why a hook did not get an unmatched event', () => {
    expect(JSON.stringify(fields)).toContain(`The reason: ${refusalReasons.join(', ')}.`)
  })

  it('documents every field, and lets a reader continue if one is missing', () => {
    for (const { name, doc, type } of fields) {
      expect(`${name}: ${doc}`).toMatch(/: .{10,}\.$/)
      if (Array.isArray(type)) expect(type[0]).toBe('null')
    }
  })
})

describe('the types of records', () => {
  it('are generated from the schemas', async () => {
    expect(readFileSync(generatedFile, 'utf8')).toBe(await generateTypes())
  })
})
