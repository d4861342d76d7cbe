import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkEvent } from '../../../src/commands/events/input.ts'
import { splitJson } from '../../../src/commands/input/json-input.ts'
import { withoutMember } from '../../../src/commands/input/json-pieces.ts'

const textsOf = (input: string) =>
  splitJson(Buffer.from(input)).map(({ place, bytes }) => [place, bytes.toString()])

describe('a file of events', () => {
  it.each([
    ['{ "a": 1 }\n', [['', '{ "a": 1 }']]],
    ['{\n  "a": 1\n}', [['', '{\n  "a": 1\n}']]],
    [
      '[ {"a": [1,2]} ,\n {"b": "],{"} ]',
      [
        ['[0]', '{"a": [1,2]}'],
        ['[1]', '{"b": "],{"}'],
      ],
    ],
    [
      '{"a":1}\r\n\n {"b":2}\n',
      [
        ['line 1', '{"a":1}'],
        ['line 3', '{"b":2}'],
      ],
    ],
    [
      '{"a":1}\n{"b":\n',
      [
        ['line 1', '{"a":1}'],
        ['line 2', '{"b":'],
      ],
    ],
    ['{\n  "a":\n', [['', '{\n  "a":']]],
    ['[{"a":1},\n{"b":2}\n{"c":3}]', [['', '[{"a":1},\n{"b":2}\n{"c":3}]']]],
    ['[]', []],
    [' \n', []],
  ])('%j is cut into its events, bytes unchanged', (input, expected) => {
    expect(textsOf(input)).toEqual(expected)
  })

  it('is cut into exactly the values of its list, however it is spaced', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.nat(3), (values, indent) => {
        const text = JSON.stringify(values, undefined, indent)
        const cut = splitJson(Buffer.from(text)).map(({ bytes }) => JSON.parse(bytes.toString()))
        expect(JSON.stringify(cut)).toBe(JSON.stringify(values))
      }),
    )
  })
})

describe('a file of very many lines', () => {
  it('is read once, not once per line', () => {
    const line = `{"event":"PostSignIn","padding":"${'x'.repeat(200)}"}`
    const values = splitJson(Buffer.from(`${line}\n`.repeat(60_000)))
    expect(values.at(-1)).toMatchObject({ place: 'line 60000', line: 60_000 })
  })
})

describe('taking a member out of an object', () => {
  it.each([
    ['{"a":1,"hookId":"x"}', '{"a":1}'],
    ['{"hookId":"x","a":1}', '{"a":1}'],
    ['{"a":1,"hookId":"x","b":2}', '{"a":1,"b":2}'],
    ['{"hookId":"x"}', '{}'],
    ['{ "a": 1.0e3 ,\n  "hookId" : "x,}" \n}', '{ "a": 1.0e3 \n}'],
    ['{"a":{"hookId":"x"}}', '{"a":{"hookId":"x"}}'],
    ['{"\\u0068ookId":1,"a":"\\u0068"}', '{"a":"\\u0068"}'],
  ])('leaves the rest of %j unchanged', (text, expected) => {
    expect(withoutMember(Buffer.from(text), 'hookId').toString()).toBe(expected)
  })

  it('equals deleting it from the parsed object', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('a', 'hookId', 'ü"', 'c'), fc.jsonValue()),
        fc.nat(2),
        (object, indent) => {
          const text = Buffer.from(JSON.stringify(object, undefined, indent))
          const { hookId: _, ...rest } = object
          expect(JSON.parse(withoutMember(text, 'hookId').toString())).toEqual(
            JSON.parse(JSON.stringify(rest)),
          )
        },
      ),
    )
  })
})

describe('checking an event', () => {
  const check = (payload: object) =>
    checkEvent({ place: '', line: 1, bytes: Buffer.from(JSON.stringify(payload)) }, [])
  const createdAt = '2026-09-14T09:02:11.019Z'

  it('gives no warnings for an event like those of Logto', () => {
    const signIn = { event: 'PostSignIn', interactionEvent: 'SignIn', createdAt, userIp: '::1' }
    expect(check(signIn)).toMatchObject({ event: 'PostSignIn', warnings: [] })
    expect(check({ event: 'User.Created', createdAt, ip: '::1' }).warnings).toEqual([])
  })

  it.each([
    [{ event: 'Cat.Fed', createdAt }, ["Cat.Fed is not an event key of Logto's"]],
    [
      { event: 'User.Created', createdAt: '2026-09-14T11:02:11+02:00' },
      ['createdAt is not in UTC with milliseconds, as in 2026-01-31T08:00:00.000Z'],
    ],
    [
      { event: 'PostSignIn', createdAt, ip: '::1' },
      [
        'interactionEvent is missing: Logto always sends it with PostSignIn',
        'Logto sends userIp with PostSignIn, not ip',
      ],
    ],
    [
      { event: 'Role.Created', createdAt, userIp: '::1' },
      ['Logto sends ip with Role.Created, not userIp'],
    ],
  ])('accepts %j and warns', (payload, warnings) => {
    expect(check(payload)).toMatchObject({ rejection: undefined, warnings })
  })

  it('says where in the file the text of a line stops being JSON', () => {
    const [, second] = splitJson(Buffer.from('{"event":"PostSignIn"}\n\n{"event":PostSignIn}\n'))
    if (second === undefined) throw new Error('there are two lines')
    expect(checkEvent(second, []).rejection).toMatchObject({
      reason: 'invalid-json',
      message: expect.stringMatching(
        /^The value is not JSON: line 3, column 10: a value is missing/,
      ),
    })
  })

  it('names reason and field of a rejection', () => {
    expect(check({ event: 'PostSignIn', createdAt, hookId: 'x' }).rejection).toMatchObject({
      reason: 'reserved-field',
      field: 'hookId',
    })
  })
})
