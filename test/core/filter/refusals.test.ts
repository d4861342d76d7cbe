/** Texts that are not filters, and their error messages. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { filterFault } from '../../../src/edge/filter/cel.ts'
import { documentText } from '../../support/docs.ts'

const examples =
  /^```cel\n([^]*?)^```/m.exec(documentText('docs/hooks.md'))?.[1]?.trim().split('\n') ?? []

describe("the documents' examples", () => {
  it.each(examples)('%s can be used', (text) => {
    expect(filterFault(text)).toBeUndefined()
  })

  it('are there', () => {
    expect(examples.length).toBeGreaterThan(3)
  })
})

describe('a text that is not a filter is refused with the fault and its position', () => {
  it.each([
    ['', 'cannot be used: Unexpected token: EOF (character 1)'],
    ['event.user ==', 'cannot be used: Unexpected token: EOF (character 14)'],
    ['nobody == 1', 'cannot be used: there is no variable nobody (character 1)'],
    ['true &&\n  nobody', 'there is no variable nobody (line 2, character 3)'],
    ['[1].all(x, true) && x == 1', 'there is no variable x (character 21)'],
    ['google == 1', 'there is no variable google (character 1)'],
    ['cel.block == 1', 'there is no variable cel (character 1)'],
    ['google.protobuf.Any == 1', 'there is no variable google (character 1)'],
    ['constructor == 1', 'there is no variable constructor'],
    ['__proto__ == 1', 'Reserved identifier: __proto__'],
    ['fetch("x") == 1', 'there is no function fetch (character 1)'],
    ['constructor("x") == 1', 'there is no function constructor'],
    ['event.toString() == ""', 'there is no function toString'],
    ['[1].constructor(x, true)', 'there is no function constructor'],
    ['tenant.split(",") == ["a"]', 'there is no function split'],
    ['math.greatest(1, 2) == 2', 'there is no function greatest'],
    ['tenant.startsWith()', 'startsWith takes 1 argument(s) here (character 1)'],
    ['startsWith(tenant, "a")', 'startsWith is called as in x.startsWith() (character 1)'],
    ['tenant.int() == 1', 'int is called as in int(x) (character 1)'],
    [
      'timestamp(event.createdAt).getHours("Europe/Paris") == 1',
      'getHours takes no argument(s) here',
    ],
    ['[1].all(x)', 'all takes 2 arguments, and is called on a list or a map'],
    ['map([1], x, x)', 'map takes 2 or 3 arguments, and is called on a list or a map'],
    ['[1].all(x.y, true)', 'invalid predicate iteration variable (character 11)'],
    ['has(event)', 'has() takes a field, such as has(event.user) (character 1)'],
    ['has(event.a, event.b)', 'has() takes a field'],
    ['event.?user == 1', 'cannot be used: Expected IDENTIFIER, got QUESTION (character 7)'],
    ['event.user{}', 'cannot be used: Unexpected character'],
    ['var == 1', 'Reserved identifier: var (character 1)'],
    ['"text', 'Unterminated string (character 1)'],
    ['"a\nb" == ""', 'Newlines not allowed in single-quoted strings (character 3)'],
    ['"\\z" == ""', 'Invalid escape sequence: \\z (character 2)'],
    ['"\\ud800" == ""', 'Invalid Unicode surrogate'],
    ['"\\U00110000" == ""', 'Invalid Unicode escape'],
    ['b"\u00ff" == b""', 'bytes must be written in ASCII and escapes (character 1)'],
    ['9223372036854775808 > 0', 'the number has more than 64 bits (character 1)'],
    ['-9223372036854775809 < 0', 'the number has more than 64 bits (character 2)'],
    ['18446744073709551616u > 0u', 'Invalid integer'],
    ['1e999 > 0.0', 'Invalid number'],
  ])('%s', (text, said) => {
    expect(filterFault(text)).toContain(said)
  })

  it.each([
    ['"text"', 'its value is of type string, and must be true or false'],
    ['event', 'its value is of type map, and must be true or false'],
    ['event.a ? 1 : 2', 'its value is of type int'],
    ['tenant > 5', 'cannot be used: string > int is not defined (character 1)'],
    ['event.a == 1 && tenant == 5', 'string == int is not defined (character 17)'],
    ['tenant == null', 'string == null_type is not defined'],
    ['headers["a"] > 5', 'string > int is not defined'],
    ['headers.a == true', 'string == bool is not defined'],
    ['event[5] == 1', 'map[int] is not defined'],
    ['5 in event', 'int in map of string is not defined'],
    ['tenant in [1, 2]', 'string in list of int is not defined'],
    ['1 in tenant', 'int in string is not defined'],
    ['[1]["a"] == 1', 'list[string] is not defined'],
    ['tenant.name == ""', 'string has no fields (character 1)'],
    ['has(tenant.name)', 'string has no fields (character 5)'],
    ['{null: 1} == {}', 'null_type cannot be a key (character 2)'],
    ['{1.5: 1} == {}', 'double cannot be a key (character 2)'],
    ['1 + 1u == 2', 'int + uint is not defined'],
    ['1 + 1.0 == 2.0', 'int + double is not defined'],
    ['1.5 % 1.0 == 0.5', 'double % double is not defined'],
    ['event.a + true == 1', 'dyn + bool is not defined'],
    ['-tenant == 1', '-string is not defined'],
    ['-1u == 1u', '-uint is not defined'],
    ['-duration("1s") == duration("-1s")', '-google.protobuf.Duration is not defined'],
    ['timestamp(0) + timestamp(0) == timestamp(0)', 'google.protobuf.Timestamp + google'],
    ['null < null', 'null_type < null_type is not defined'],
    ['[1] < [2]', 'list < list is not defined'],
    ['event < event', 'map < map is not defined'],
    ['!tenant', 'this must be true or false, and is of type string (character 2)'],
    ['event.a && "x"', 'this must be true or false, and is of type string (character 12)'],
    ['1 ? true : false', 'this must be true or false, and is of type int (character 1)'],
    ['tenant.all(x, true)', 'all goes through a list or a map, not string (character 1)'],
    ['[1].all(x, x)', 'this must be true or false, and is of type int'],
    ['["a"].exists(x, x > 5)', 'string > int is not defined'],
    ['headers.all(h, h == 1)', 'string == int is not defined'],
    ['event.filter(key, key > 1) == []', 'string > int is not defined'],
    ['[1].map(x, "a").all(y, y == 1)', 'string == int is not defined'],
    ['[1].map(x, x, x) == []', 'this must be true or false, and is of type int'],
    ['(["a"] + ["b"]).exists(x, x == 1)', 'string == int is not defined'],
    ['tenant.contains(5)', 'contains(string, int) is not defined (character 1)'],
    ['size(1) == 1', 'size(int) is not defined'],
    ['string(null) == ""', 'string(null_type) is not defined'],
    ['timestamp(1.5) == timestamp(1)', 'timestamp(double) is not defined'],
    ['5.matches("a")', 'cannot be used'],
    ['(5).matches("a")', 'matches(int, string) is not defined'],
    ['duration("1s").getFullYear() == 1', 'getFullYear(google.protobuf.Duration) is not defined'],
  ])('for wrong types that are known before there is an event: %s', (text, said) => {
    expect(filterFault(text)).toContain(said)
  })

  it.each([
    'event.a == 1 && event.a == "x"',
    '1 == 1.0 && 1u < 2.5 && size(tenant) == 4.0',
    '[1, "a", null].size() == 3 && {"a": 1, 2: "b"}.size() == 2',
    '[1] + ["a"] == [1, "a"]',
    'event.a ? event.b : true',
    'event.a.b[0]["c"].d.startsWith(event.x)',
    'event.a.exists(x, x.y.all(z, z > 1 || z.w in x))',
    '[[1], ["a"]].all(x, x.all(y, y == 1))',
    '(event.a ? "x" : 1) == 1',
    'dyn(tenant) == 5',
    'event.a in event.b && "a" in event.b && event.a in headers && event.a in [1]',
    'event[event.key] == headers[event.key]',
    'event.list[1u] == 1 && event.list[dyn(0)] == 1',
    '[1].all(tenant, tenant == 1)',
    '[1].exists(int, int == 1)',
    '{"a": {"b": 1}}.a.b == 1',
    'type(event.a) == int || type(event.a) in [double, uint, google.protobuf.Duration]',
  ])('and never when an event may make it true: %s', (text) => {
    expect(filterFault(text)).toBeUndefined()
  })

  it.each([
    ['tenant.matches(event.pattern)', 'the pattern of matches must be text between quotation'],
    ['tenant.matches("(a")', 'the pattern cannot be used: error parsing regexp'],
    ['tenant.matches("(?=a)")', 'invalid or unsupported Perl syntax'],
    ['tenant.matches("\\\\1")', 'invalid escape sequence'],
    [`tenant.matches("${'a'.repeat(513)}")`, 'and those before it have more than 512 characters'],
    [
      `tenant.matches("${'a'.repeat(300)}") || tenant.matches("${'b'.repeat(300)}")`,
      'and those before it have more than 512 characters (character 338)',
    ],
    ['tenant.matches("(abcde){250}")', 'the pattern repeats too much'],
    ['tenant.matches("a{600}") || tenant.matches("a{600}")', 'the pattern repeats too much'],
    ['tenant.matches("((a{100}){100}){100}")', 'the pattern cannot be used'],
    [
      `tenant.matches(r"${'\\pL'.repeat(11)}")`,
      'and those before it have more than 10 classes such as \\pL',
    ],
  ])('also for its patterns: %s', (text, said) => {
    expect(filterFault(text)).toContain(said)
  })

  it.each<[string, string]>([
    ['is longer than 4096 characters', 'true || '.repeat(600) + 'true'],
    ['Exceeded maxDepth', `${'('.repeat(200)}true${')'.repeat(200)}`],
    ['Exceeded maxDepth', `${'['.repeat(200)}${']'.repeat(200)} == []`],
    ['Exceeded maxDepth', `event${'.a'.repeat(300)} == 1`],
    ['Exceeded maxAstNodes', `${'!'.repeat(4_000)}true`],
    ['Exceeded maxAstNodes', `${'-'.repeat(4_000)}1 == 1`],
    ['Exceeded maxAstNodes', `1 in [${Array.from({ length: 1_100 }, () => '1').join(',')}]`],
    ['nested too deeply', `${'!'.repeat(300)}true`],
    ['nested too deeply', Array.from({ length: 300 }, () => 'true').join('||')],
  ])('when it %s', (said, text) => {
    expect(filterFault(text)).toContain(said)
  })

  it('with a short message, however long the text is', () => {
    const name = 'x'.repeat(4_000)
    for (const text of [
      name,
      `${name}()`,
      `event.${name}()`,
      `tenant.matches("(${name.slice(0, 500)}")`,
    ]) {
      expect(filterFault(text)?.length).toBeLessThan(400)
    }
  })

  it('allows 32 of each, as the language requires', () => {
    const of = (part: string, join: string) => Array.from({ length: 32 }, () => part).join(join)
    expect(filterFault(of('event.a', ' || '))).toBeUndefined()
    expect(filterFault(of('event.a', ' && '))).toBeUndefined()
    expect(filterFault(of('true', ' == '))).toBeUndefined()
    expect(filterFault(`${of('1', ' + ')} == 1`)).toBeUndefined()
    expect(filterFault(`event${of('.a', '')} == 1`)).toBeUndefined()
    expect(filterFault(`event${of('["a"]', '')} == 1`)).toBeUndefined()
    expect(filterFault(`${of('[', '')}${of(']', '')} == []`)).toBeUndefined()
    expect(filterFault(`[${of('1', ', ')}] == {}.map(x, x)`)).toBeUndefined()
    expect(filterFault(`${of('(', '')}true${of(')', '')}`)).toBeUndefined()
  })

  it('and no text makes the parser throw', () => {
    const piece = fc.constantFrom(
      ...['event', '.', '(', ')', '[', ']', '{', '}', '"', "'", 'a', '1', '1.5', '==', '&&', '||'],
      ...['!', '-', '?', ':', ',', ' ', 'in', 'has', 'all', 'x', 'matches', '\\', 'r"', '0x', 'u'],
      ...[
        '.map(x,',
        '.filter(',
        'google.protobuf.Timestamp',
        '"""',
        "b'",
        '//',
        '\n',
        '[].',
        'dyn(',
      ],
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const fault = filterFault(pieces.join(''))
        expect(fault === undefined || fault.length > 5).toBe(true)
        expect(fault).not.toBe('cannot be read')
      }),
      { numRuns: 1_000 },
    )
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        expect(filterFault(text)).not.toBe('cannot be read')
      }),
      { numRuns: 500 },
    )
  })
})
