/**
 * Random filters, with a simple model of the language: each part is created together with its expected outcome, a value or a
 * failure.
 */
import fc from 'fast-check'

export const failed = Symbol('failed')
type Failing<Result> = Result | typeof failed
/** The values of the variables of the enclosing loops, the innermost last. */
type Variables = readonly bigint[]

interface Part<Result> {
  /** @param depth the number of enclosing loops, after which variables are named */
  readonly text: (depth: number) => string
  readonly value: (variables: Variables) => Failing<Result>
}

/** The outcome of parts that must all have a value. */
function strict<One, Two, Result>(
  [one, two]: readonly [Part<One>, Part<Two>],
  text: (one: string, two: string) => string,
  apply: (one: One, two: Two) => Failing<Result>,
): Part<Result> {
  return {
    text: (depth) => text(one.text(depth), two.text(depth)),
    value(variables) {
      const left = one.value(variables)
      const right = two.value(variables)
      return left === failed || right === failed ? failed : apply(left, right)
    },
  }
}

function constant<Result>(text: string, value: Failing<Result>): Part<Result> {
  return { text: () => text, value: () => value }
}

const int64 = (value: bigint): Failing<bigint> =>
  BigInt.asIntN(64, value) === value ? value : failed
const missing = constant<never>('event.missing', failed)
const wholeEdges = [0n, 1n, -1n, 2n, 3n, 7n, 2n ** 62n, 2n ** 63n - 1n, -(2n ** 63n)]

const texts = ['', 'a', 'b', 'ab', 'a b', '\u00e9', '\uff61', '\u{1f600}']
const byCodePoints = (one: string, other: string) => {
  const [left, right] = [one, other].map((text) => Array.from(text, (c) => c.codePointAt(0) ?? 0))
  for (const [index, point] of (left ?? []).entries()) {
    const there = right?.[index]
    if (there === undefined) return 1
    if (point !== there) return point - there
  }
  return (left?.length ?? 0) - (right?.length ?? 0)
}

const calculations: Readonly<Record<string, (one: bigint, two: bigint) => Failing<bigint>>> = {
  '+': (one, two) => int64(one + two),
  '-': (one, two) => int64(one - two),
  '*': (one, two) => int64(one * two),
  '/': (one, two) => (two === 0n ? failed : int64(one / two)),
  '%': (one, two) => (two === 0n ? failed : one % two),
}
const orders: Readonly<Record<string, (order: number) => boolean>> = {
  '==': (order) => order === 0,
  '!=': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
}
const sign = (one: bigint, two: bigint) => Number(one > two) - Number(one < two)

function compared<Result>(
  parts: readonly [Part<Result>, Part<Result>],
  operator: string,
  order: (one: Result, two: Result) => number,
): Part<boolean> {
  return strict(
    parts,
    (one, two) => `(${one} ${operator} ${two})`,
    (one, two) => orders[operator]?.(order(one, two)) ?? failed,
  )
}

function logical(one: Part<boolean>, two: Part<boolean>, decisive: boolean): Part<boolean> {
  return {
    text: (depth) => `(${one.text(depth)} ${decisive ? '||' : '&&'} ${two.text(depth)})`,
    value(variables) {
      const values = [one.value(variables), two.value(variables)]
      if (values.includes(decisive)) return decisive
      return values.includes(failed) ? failed : !decisive
    },
  }
}

function chosen<Result>(
  test: Part<boolean>,
  [yes, no]: readonly [Part<Result>, Part<Result>],
): Part<Result> {
  return {
    text: (depth) => `(${test.text(depth)} ? ${yes.text(depth)} : ${no.text(depth)})`,
    value(variables) {
      const value = test.value(variables)
      return value === failed ? failed : (value ? yes : no).value(variables)
    },
  }
}

type Predicate = Failing<boolean>
const quantifiers = {
  all: (values) => (values.includes(false) ? false : values.includes(failed) ? failed : true),
  exists: (values) => (values.includes(true) ? true : values.includes(failed) ? failed : false),
  exists_one: (values) =>
    values.includes(failed) ? failed : values.filter((value) => value === true).length === 1,
} satisfies Readonly<Record<string, (values: readonly Predicate[]) => Predicate>>

function looped<Result, Whole>(
  [list, body]: readonly [Part<readonly bigint[]>, Part<Result>],
  name: string,
  whole: (values: readonly Failing<Result>[], items: readonly bigint[]) => Failing<Whole>,
): Part<Whole> {
  return {
    text: (depth) => `${list.text(depth)}.${name}(v${depth}, ${body.text(depth + 1)})`,
    value(variables) {
      const items = list.value(variables)
      if (items === failed) return failed
      return whole(
        items.map((item) => body.value([...variables, item])),
        items,
      )
    },
  }
}

/** Expressions of type `bool`. */
export const { bool: randomFilter } = fc.letrec<{
  int: Part<bigint>
  text: Part<string>
  list: Part<readonly bigint[]>
  bool: Part<boolean>
}>((tie) => ({
  int: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(...wholeEdges).map((value) => constant(`(${value})`, value)),
    fc.nat(3).map((from): Part<bigint> => ({
      // The variable of an enclosing loop, if there is one.
      text: (depth) => (depth === 0 ? '5' : `v${from % depth}`),
      value: (variables) => variables[from % Math.max(1, variables.length)] ?? 5n,
    })),
    fc.constant<Part<bigint>>(missing),
    fc
      .tuple(fc.constantFrom(...Object.keys(calculations)), tie('int'), tie('int'))
      .map(([operator, one, two]) =>
        strict(
          [one, two],
          (left, right) => `(${left} ${operator} ${right})`,
          calculations[operator] ?? (() => failed),
        ),
      ),
    tie('list').map((list) =>
      strict(
        [list, list],
        (one) => `size(${one})`,
        (items) => BigInt(items.length),
      ),
    ),
    tie('text').map((text) =>
      strict(
        [text, text],
        (one) => `${one}.size()`,
        (value) => BigInt(Array.from(value).length),
      ),
    ),
    fc.tuple(tie('bool'), tie('int'), tie('int')).map(([test, yes, no]) => chosen(test, [yes, no])),
    fc.tuple(tie('list'), tie('int')).map(([list, at]) =>
      strict(
        [list, at],
        (one, two) => `${one}[${two}]`,
        (items, index) =>
          index >= 0n && index < BigInt(items.length) ? (items[Number(index)] ?? failed) : failed,
      ),
    ),
  ),
  text: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom(...texts).map((value) => constant(JSON.stringify(value), value)),
    fc.constant<Part<string>>(missing),
    fc.tuple(tie('text'), tie('text')).map((parts) =>
      strict(
        parts,
        (one, two) => `(${one} + ${two})`,
        (one, two) => one + two,
      ),
    ),
    fc
      .tuple(tie('bool'), tie('text'), tie('text'))
      .map(([test, yes, no]) => chosen(test, [yes, no])),
  ),
  list: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc
      .array(fc.constantFrom(...wholeEdges), { maxLength: 3 })
      .map((items) =>
        constant<readonly bigint[]>(`[${items.map((item) => `(${item})`).join(',')}]`, items),
      ),
    fc.tuple(tie('list'), tie('list')).map((parts) =>
      strict(
        parts,
        (one, two) => `(${one} + ${two})`,
        (one, two) => [...one, ...two],
      ),
    ),
    fc.tuple(tie('list'), tie('int')).map((parts) =>
      looped(parts, 'map', (values) => {
        const known = values.filter((value) => value !== failed)
        return known.length === values.length ? known : failed
      }),
    ),
    fc
      .tuple(tie('list'), tie('bool'))
      .map((parts) =>
        looped(parts, 'filter', (values, items) =>
          values.includes(failed) ? failed : items.filter((_, index) => values[index] === true),
        ),
      ),
  ),
  bool: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.boolean().map((value) => constant(String(value), value)),
    fc.constant<Part<boolean>>(missing),
    fc
      .tuple(tie('bool'), tie('bool'), fc.boolean())
      .map(([one, two, decisive]) => logical(one, two, decisive)),
    tie('bool').map((of) =>
      strict(
        [of, of],
        (one) => `!${one}`,
        (value) => !value,
      ),
    ),
    fc
      .tuple(tie('bool'), tie('bool'), tie('bool'))
      .map(([test, yes, no]) => chosen(test, [yes, no])),
    fc
      .tuple(tie('int'), tie('int'), fc.constantFrom(...Object.keys(orders)))
      .map(([one, two, operator]) => compared([one, two], operator, sign)),
    fc
      .tuple(tie('text'), tie('text'), fc.constantFrom(...Object.keys(orders)))
      .map(([one, two, operator]) => compared([one, two], operator, byCodePoints)),
    fc
      .tuple(tie('text'), tie('text'), fc.constantFrom('startsWith', 'endsWith', 'contains'))
      .map(([one, two, name]) =>
        strict(
          [one, two],
          (text, part) => `${text}.${name}(${part})`,
          (text, part) =>
            name === 'contains'
              ? text.includes(part)
              : name === 'endsWith'
                ? text.endsWith(part)
                : text.startsWith(part),
        ),
      ),
    fc.tuple(tie('int'), tie('list')).map((parts) =>
      strict(
        parts,
        (one, two) => `(${one} in ${two})`,
        (item, items) => items.includes(item),
      ),
    ),
    fc.tuple(tie('list'), tie('list')).map((parts) =>
      strict(
        parts,
        (one, two) => `(${one} == ${two})`,
        (one, two) => String(one) === String(two),
      ),
    ),
    fc
      .tuple(tie('list'), tie('bool'), fc.constantFrom('all', 'exists', 'exists_one'))
      .map(([list, body, name]) => looped([list, body], name, quantifiers[name])),
  ),
}))

const piece = fc.constantFrom(
  ...[
    'event',
    'event.a',
    'event.b',
    'event["c"]',
    'headers',
    'tenant',
    'x',
    'true',
    'null',
    '1',
    '2u',
  ],
  ...[
    '1.5',
    '"a"',
    'b"a"',
    '[]',
    '{}',
    '[1, "a"]',
    '{"a": event.b}',
    'int',
    'timestamp(0)',
    'duration("1s")',
  ],
)
const operator = fc.constantFrom('+', '-', '*', '/', '%', '==', '!=', '<', '>=', 'in', '&&', '||')
const unary = fc.constantFrom(
  ...[
    '!(?)',
    '-(?)',
    'dyn(?)',
    'string(dyn(?))',
    'int(dyn(?))',
    'size(dyn(?))',
    'type(?)',
    '(?).a',
  ],
  ...[
    '(?)[0]',
    '(?)["a"]',
    'has((?).a)',
    'dyn(?).all(x, ?)',
    'dyn(?).map(x, ?)',
    'dyn(?).filter(x, ?)',
  ],
  ...[
    'dyn(?).exists_one(x, ?)',
    '[?]',
    '{"a": ?}',
    '{dyn(?): 1}',
    'dyn(?).matches("a|b")',
    'bytes(dyn(?))',
  ],
  ...[
    'dyn(?).contains("a")',
    'dyn(?).lowerAscii()',
    'dyn(?).getHours()',
    'bool(dyn(?))',
    'double(dyn(?))',
  ],
)
/** Expressions of any type, including those whose parts have wrong types. */
export const { any: randomExpression } = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 5 },
    piece,
    fc.tuple(tie('any'), operator, tie('any')).map(([one, sign, two]) => `(${one} ${sign} ${two})`),
    fc.tuple(unary, tie('any')).map(([form, of]) => form.replaceAll('?', () => of)),
    fc
      .tuple(tie('any'), tie('any'), tie('any'))
      .map(([one, two, three]) => `(${one} ? ${two} : ${three})`),
  ),
}))
