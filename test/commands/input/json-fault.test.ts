import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { faultText, jsonFaultOf } from '../../../src/commands/input/json-fault.ts'

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe('the place where text stops being JSON', () => {
  it.each([
    ['{\n "a": 1,\n "b": tru }', 3, 7, 'a value is missing: text must be in double quotes'],
    ['{"a": 1 "b": 2}', 1, 9, 'a comma or "}" is missing'],
    ['[1 2]', 1, 4, 'a comma or "]" is missing'],
    ['{"a" 1}', 1, 6, 'a colon is missing'],
    ['{"a": 1,}', 1, 9, 'a name in double quotes is missing'],
    ["{'a': 1}", 1, 2, 'a name in double quotes is missing'],
    ['[1,]', 1, 4, 'a value is missing: text must be in double quotes'],
    ['{"a":\n', 2, 1, 'the text ends too early'],
    ['{"a": "x\n"}', 1, 9, 'a control character or line break in a text must be escaped'],
    ['{"a": "C:\\Users"}', 1, 10, 'this backslash begins no escape: write it twice'],
    ['{"a": "x}', 1, 7, 'the text that begins here has no closing quote'],
    ['{"a": 01}', 1, 8, 'a comma or "}" is missing'],
    ['{}{}', 1, 3, 'there is more text after the value'],
    ['', 1, 1, 'the text ends too early'],
  ])('of %j is line %s, column %s', (text, line, column, message) => {
    expect(jsonFaultOf(text)).toEqual({ line, column, message })
  })

  it('is named by the line of the file', () => {
    expect(faultText({ line: 2, column: 7, message: 'a colon is missing' }, 10)).toBe(
      'line 11, column 7: a colon is missing',
    )
  })

  it('is found exactly when JSON.parse finds a fault', () => {
    const spoiled = fc
      .tuple(
        fc.jsonValue(),
        fc.nat(2),
        fc.nat(),
        fc.nat(1),
        fc.constantFrom(...'{}[]",:\\u1e-. \nx'.split('')),
      )
      .map(([value, indent, seed, removed, added]) => {
        const text = JSON.stringify(value, undefined, indent)
        const at = seed % text.length
        return text.slice(0, at) + (removed === 1 ? '' : added) + text.slice(at + removed)
      })
    fc.assert(
      fc.property(spoiled, (text) => {
        expect(jsonFaultOf(text) === undefined).toBe(isJson(text))
      }),
      { numRuns: 2_000 },
    )
  })

  it('is found at any depth of brackets', () => {
    expect(jsonFaultOf('['.repeat(200_000))).toMatchObject({ column: 200_001 })
  })
})
