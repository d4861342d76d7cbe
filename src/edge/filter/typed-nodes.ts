/**
 * Nodes of expressions with what is known of their values' types: each is made of typed parts, or refused where they do
 * not fit, whatever an event may hold.
 */
import {
  functionOf,
  kindOf,
  minInt,
  TypeName,
  type ArithmeticOperator,
  type Comparison,
  type FilterFunction,
  type FilterNode,
  type Kind,
  type LoopKind,
  type Pattern,
  type Value,
} from '../../core/filter/filter.ts'
import {
  commonKind,
  eitherOf,
  isNumeric,
  listOf,
  mapOf,
  mayBe,
  mayCompare,
  mayEqual,
  mayTake,
  resultOf,
  typeOf,
  type StaticType,
} from './types.ts'

/** Why an expression is no filter. */
export class Refusal extends Error {
  /** Where in the text, as an index; `undefined` when it is the whole. */
  readonly start: number | undefined
  constructor(message: string, start: number | undefined) {
    super(message)
    this.start = start
  }
}

/** A node, what is known of its value, and where it stands. */
export interface Typed {
  readonly node: FilterNode
  readonly type: StaticType
  readonly start: number
}

/** What a part of an expression is made of, without its place. */
export type Made = Omit<Typed, 'start'>

// --- values ------------------------------------------------------------------------------------------

export function literal(value: Value): Made {
  return { node: { kind: 'literal', value }, type: typeOf(kindOf(value)) }
}

export function typeLiteral(kind: Kind): Made {
  return literal(new TypeName(kind))
}

export function list(items: readonly Typed[]): Made {
  return {
    node: { kind: 'list', items: items.map(({ node }) => node) },
    type: listOf(commonKind(items.map(({ type }) => type.kind))),
  }
}

export function map(entries: readonly (readonly [key: Typed, value: Typed])[]): Made {
  for (const [{ type, start }] of entries) {
    if (mayBe(type.kind, 'string', 'int', 'uint', 'bool')) continue
    throw new Refusal(`${type.kind} cannot be a key`, start)
  }
  return {
    node: { kind: 'map', entries: entries.map(([key, value]) => [key.node, value.node] as const) },
    type: mapOf(
      commonKind(entries.map(([key]) => key.type.kind)),
      commonKind(entries.map(([, value]) => value.type.kind)),
    ),
  }
}

// --- fields ------------------------------------------------------------------------------------------

export function select(of: Typed, field: string): Made {
  return { node: { kind: 'select', of: mapped(of).node, field }, type: typeOf(of.type.items) }
}

export function has(of: Typed, field: string): Made {
  return { node: { kind: 'has', of: mapped(of).node, field }, type: typeOf('bool') }
}

/** What must have fields. */
function mapped(of: Typed): Typed {
  if (mayBe(of.type.kind, 'map')) return of
  throw new Refusal(`${of.type.kind} has no fields`, of.start)
}

export function index(of: Typed, key: Typed): Made {
  const { kind, keys, items } = of.type
  const isList = kind === 'list' && isNumeric(key.type.kind)
  const isMap = kind === 'map' && mayEqual(keys, key.type.kind)
  if (kind !== 'dyn' && !isList && !isMap) {
    throw new Refusal(`${kind}[${key.type.kind}] is not defined`, of.start)
  }
  return { node: { kind: 'index', of: of.node, key: key.node }, type: typeOf(items) }
}

// --- operators ---------------------------------------------------------------------------------------

/** What must be true or false. */
function condition({ node, type, start }: Typed): FilterNode {
  if (mayBe(type.kind, 'bool')) return node
  throw new Refusal(`this must be true or false, and is of type ${type.kind}`, start)
}

export function not(of: Typed): Made {
  return { node: { kind: 'not', of: condition(of) }, type: typeOf('bool') }
}

export function logic(decisive: boolean, left: Typed, right: Typed): Made {
  return {
    node: { kind: 'logic', decisive, left: condition(left), right: condition(right) },
    type: typeOf('bool'),
  }
}

export function choice(test: Typed, whenTrue: Typed, whenFalse: Typed): Made {
  return {
    node: {
      kind: 'choice',
      condition: condition(test),
      whenTrue: whenTrue.node,
      whenFalse: whenFalse.node,
    },
    type: eitherOf(whenTrue.type, whenFalse.type),
  }
}

/** The least number of 64 bits is only there with its sign. */
export const leastInt = literal(minInt)

export function negative({ node, type, start }: Typed): Made {
  if (!mayBe(type.kind, 'int', 'double')) {
    throw new Refusal(`-${type.kind} is not defined`, start)
  }
  return { node: { kind: 'negative', of: node }, type: typeOf(type.kind) }
}

export function comparison(operator: Comparison, left: Typed, right: Typed): Made {
  if (!mayCompare(operator, left.type.kind, right.type.kind)) {
    throw notDefined(operator, left, right.type.kind)
  }
  return {
    node: { kind: 'comparison', operator, left: left.node, right: right.node },
    type: typeOf('bool'),
  }
}

export function arithmetic(operator: ArithmeticOperator, left: Typed, right: Typed): Made {
  const kind = resultOf(operator, left.type.kind, right.type.kind)
  if (kind === undefined) throw notDefined(operator, left, right.type.kind)
  const items = commonKind([left.type.items, right.type.items])
  return {
    node: { kind: 'arithmetic', operator, left: left.node, right: right.node },
    type: kind === 'list' ? listOf(items) : typeOf(kind),
  }
}

export function isIn(item: Typed, of: Typed): Made {
  const { kind, keys, items } = of.type
  const inside = kind === 'map' ? keys : items
  if (!mayBe(kind, 'list', 'map')) throw notDefined('in', item, kind)
  if (!mayEqual(item.type.kind, inside)) throw notDefined('in', item, `${kind} of ${inside}`)
  return { node: { kind: 'in', item: item.node, of: of.node }, type: typeOf('bool') }
}

function notDefined(operator: string, left: Typed, right: string): Refusal {
  return new Refusal(`${left.type.kind} ${operator} ${right} is not defined`, left.start)
}

// --- calls -------------------------------------------------------------------------------------------

export interface CallParts {
  readonly name: string
  /** How many there are, what a method is called on among them. */
  readonly count: number
  /** `f(x)` or `x.f()`. */
  readonly style: Exclude<FilterFunction['style'], 'either'>
  readonly start: number
}

/** The function that is called, if it is called as it should be. */
export function functionFor({ name, count, style, start }: CallParts): FilterFunction {
  const found = functionOf(name)
  if (found === undefined) throw new Refusal(unknownFault(name), start)
  if (found.style !== 'either' && found.style !== style) {
    const right = found.style === 'method' ? `x.${name}()` : `${name}(x)`
    throw new Refusal(`${name} is called as in ${right}`, start)
  }
  if (found.takes.length !== count) {
    const wanted = found.takes.length - (style === 'method' ? 1 : 0)
    throw new Refusal(`${name} takes ${wanted === 0 ? 'no' : wanted} argument(s) here`, start)
  }
  return found
}

function unknownFault(name: string): string {
  const counts = loopArguments.get(name)
  if (counts === undefined) return `there is no function ${name}`
  return `${name} takes ${counts.join(' or ')} arguments, and is called on a list or a map`
}

export function call(
  found: FilterFunction,
  { name, start }: CallParts,
  args: readonly Typed[],
): Made {
  const kinds = args.map(({ type }) => type.kind)
  if (!mayTake(found, kinds)) {
    throw new Refusal(`${name}(${kinds.join(', ')}) is not defined`, start)
  }
  const node: FilterNode = { kind: 'call', function: found, args: args.map((arg) => arg.node) }
  return { node, type: typeOf(found.gives) }
}

export function matches(text: Typed, pattern: Pattern): Made {
  if (!mayBe(text.type.kind, 'string')) {
    throw new Refusal(`matches(${text.type.kind}, string) is not defined`, text.start)
  }
  return { node: { kind: 'matches', text: text.node, pattern }, type: typeOf('bool') }
}

/** Macros that go through a list or a map, by how many arguments they may have. */
const loopArguments: ReadonlyMap<string, readonly number[]> = new Map([
  ['all', [2]],
  ['exists', [2]],
  ['exists_one', [2]],
  ['map', [2, 3]],
  ['filter', [2]],
])

export function loopKind(name: string, count: number): LoopKind | undefined {
  return loopArguments.get(name)?.includes(count) === true ? (name as LoopKind) : undefined
}

/** The type of what a loop goes through one by one. */
export function itemType(loop: LoopKind, { type, start }: Typed): StaticType {
  const { kind, keys, items } = type
  if (mayBe(kind, 'list', 'map')) return typeOf(kind === 'map' ? keys : items)
  throw new Refusal(`${loop} goes through a list or a map, not ${kind}`, start)
}

export interface LoopParts {
  readonly over: Typed
  readonly variable: string
  /** Of `map` with three arguments. */
  readonly test: Typed | undefined
  readonly body: Typed
}

export function loop(kind: LoopKind, { over, variable, test, body }: LoopParts): Made {
  const node: FilterNode = {
    kind: 'loop',
    loop: kind,
    over: over.node,
    variable,
    condition: test && condition(test),
    body: kind === 'map' ? body.node : condition(body),
  }
  switch (kind) {
    case 'all':
    case 'exists':
    case 'exists_one':
      return { node, type: typeOf('bool') }
    case 'map':
      return { node, type: listOf(body.type.kind) }
    case 'filter':
      return { node, type: listOf(itemType(kind, over).kind) }
  }
}
