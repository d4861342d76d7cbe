/** What is no filter, and what is said of it; and what no filter can do. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { filterUnits } from '../../src/core/filter.ts'
import { filterFault } from '../../src/edge/filter/cel.ts'
import { filtered, spent } from '../support/filters.ts'

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
const examples = /^```cel\n([^]*?)^```/m.exec(readme)?.[1]?.trim().split('\n') ?? []

describe("README's examples", () => {
  it.each(examples)('%s can be used', (text) => {
    expect(filterFault(text)).toBeUndefined()
  })

  it('are there', () => {
    expect(examples.length).toBeGreaterThan(3)
  })
})

describe('a text that is no filter is refused, with what is wrong and where', () => {
  it.each([
    ['', 'cannot be used: Unexpected token: EOF (character 1)'],
    ['event.user ==', 'cannot be used: Unexpected token: EOF (character 14)'],
    ['nobody == 1', 'cannot be used: Unknown variable: nobody (character 1)'],
    ['true &&\n  nobody', 'cannot be used: Unknown variable: nobody (line 2, character 3)'],
    ['tenant > 5', 'cannot be used: no such overload: string > int (character 1)'],
    ['"text"', 'its value is of type string, and must be true or false'],
    ['event', 'its value is of type map<string, dyn>, and must be true or false'],
    ['fetch("x") == 1', 'there is no function fetch (character 1)'],
    ['tenant.split(",") == ["a"]', 'there is no function split'],
    [
      'tenant.startsWith() == true',
      'startsWith takes 2 argument(s), counting what it is called on',
    ],
    ['timestamp(event.createdAt).getHours("Europe/Paris") == 1', 'getHours takes 1 argument(s)'],
    [
      'tenant.matches(event.pattern)',
      'the pattern of matches must be text between quotation marks',
    ],
    ['tenant.matches("(a")', 'the pattern cannot be used: error parsing regexp'],
    ['tenant.matches("(?=a)")', 'invalid or unsupported Perl syntax'],
    ['tenant.matches("\\\\1")', 'invalid escape sequence'],
    [`tenant.matches("${'a'.repeat(257)}")`, 'the pattern is longer than 256 characters'],
    ['tenant.matches("(abcde){250}")', 'the pattern repeats too much'],
    ['tenant.matches("((a{100}){100}){100}")', 'the pattern cannot be used'],
    ['9223372036854775808 > 0', 'the number has more than 64 bits (character 1)'],
    ['[1].all(x.y, true)', 'cannot be used'],
    ['has(event)', 'cannot be used'],
    ['cel.bind(x, 1, x == 1)', 'cannot be used'],
    ['event.?user == 1', 'cannot be used'],
    ['var == 1', 'Reserved identifier: var'],
  ])('%s', (text, said) => {
    expect(filterFault(text)).toContain(said)
  })

  it.each<[string, string]>([
    ['longer than 4096 characters', 'true || '.repeat(600) + 'true'],
    ['Exceeded', `${'('.repeat(200)}true${')'.repeat(200)}`],
    ['Exceeded', `${'['.repeat(200)}${']'.repeat(200)} == []`],
    ['Exceeded', `${'!'.repeat(4_000)}true`],
    ['Exceeded', `${'-'.repeat(4_000)}1 == 1`],
    ['nested too deeply', `${'!'.repeat(300)}true`],
    ['Exceeded', `event${'.a'.repeat(300)} == 1`],
    ['nested too deeply', Array.from({ length: 300 }, () => 'true').join('||')],
    ['Exceeded maxAstNodes', `${Array.from({ length: 1_100 }, () => '1').join(',')} in []`],
  ])('as %s', (said, text) => {
    const fault = filterFault(
      said === 'Exceeded maxAstNodes' ? `1 in [${text.slice(0, -6)}]` : text,
    )
    expect(fault).toContain(said)
  })

  it('never at length, however long it is itself', () => {
    const name = 'x'.repeat(4_000)
    expect(filterFault(name)?.length).toBeLessThan(400)
    expect(filterFault(`${name}()`)?.length).toBeLessThan(400)
  })

  it('whatever it is: nothing makes reading throw', () => {
    const piece = fc.constantFrom(
      ...['event', '.', '(', ')', '[', ']', '{', '}', '"', "'", 'a', '1', '1.5', '==', '&&', '||'],
      ...['!', '-', '?', ':', ',', ' ', 'in', 'has', 'all', 'x', 'matches', '\\', 'r"', '0x', 'u'],
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const fault = filterFault(pieces.join(''))
        expect(fault === undefined || fault.length > 5).toBe(true)
      }),
      { numRuns: 3_000 },
    )
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        expect(['string', 'undefined']).toContain(typeof filterFault(text))
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('a filter that was made to stall', () => {
  const list = Array.from({ length: 200_000 }, (_, index) => index)
  const long = 'a'.repeat(1_000_000)
  const nest = () => JSON.parse(`${'['.repeat(5_000)}${']'.repeat(5_000)}`) as readonly []
  const event = { list, long, nested: nest(), other: nest() }
  const keys = Object.fromEntries(list.map((index) => [`key${index}`, index]))

  it.each([
    'event.list.all(x, x >= 0)',
    'event.list.all(x, event.list.all(y, event.list.all(z, true)))',
    'event.list.map(x, event.list).size() == 0',
    'event.list + event.list == event.list + event.list',
    'event.list == event.list.map(x, x)',
    '-1 in event.list',
    'event.long.contains("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab")',
    'event.long.matches("(a|aa)+$")',
    'event.long.matches("(.*)(.*)(.*)(.*)(.*)[^a]")',
    'event.long + event.long == event.long',
    'event.long < event.long + "b"',
    'size(event.long) == 1',
    'event.long.lowerAscii() == "a"',
    'string(bytes(event.long)) == event.long',
    '[1,2,3,4,5,6,7,8].map(a, [1,2,3,4,5,6,7,8].map(b, [1,2,3,4,5,6,7,8].map(c, [1,2,3,4,5,6,7,8].map(d, [a,b,c,d,1,2,3,4,5,6])))).size() == 8',
  ])('ends when its units are spent: %s', (text) => {
    expect(spent(text, event)).toEqual({ result: 'budget', units: filterUnits })
  })

  it('cannot make a text longer and longer', () => {
    const doubling = Array.from({ length: 24 }, () => '[0]').reduce(
      (text) => `[${text}].map(s, s[0] + s[0])`,
      '["aaaaaaaaaaaaaaaa"]',
    )
    expect(filtered(`${doubling}[0] == "a"`)).toSatisfy(
      (result) => result === 'budget' || String(result).startsWith('refused'),
    )
    const grown = 'x + x'
    const chain = Array.from({ length: 20 }).reduce<string>(
      (text) => `[${text}].map(x, ${grown})[0]`,
      '"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"',
    )
    expect(spent(`${chain} == "a"`).result).toBe('budget')
  })

  it('does not follow values deeper than the stack would bear', () => {
    expect(filtered('event.nested == event.other', event)).toBe('budget')
  })

  it('pays for the keys of a map', () => {
    expect(spent('event.all(k, true)', keys).units).toBe(filterUnits)
    expect(spent('event.size() > 1', keys).units).toBeGreaterThan(10_000)
    expect(spent('event.key7 == 7', keys).units).toBeLessThan(10)
  })

  it('and one that is simple costs little', () => {
    expect(
      spent('event.event == "User.Data.Updated" && event.user.id in ["u1", "u2"]').units,
    ).toBeLessThan(15)
    const pattern = 'event.user.primaryEmail.matches("^[a-z]+@example\\\\.com$")'
    expect(spent(pattern).units).toBeLessThan(30)
  })
})
