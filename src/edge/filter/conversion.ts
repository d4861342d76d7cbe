/** From the library's tree of an expression to ours, and what of CEL is not to be had in a filter. */
import type { ASTNode, ASTOperator } from '@marcbachmann/cel-js'
import { UnsignedInt } from '@marcbachmann/cel-js/evaluator'
import {
  Bytes,
  maxInt,
  minInt,
  Uint,
  type ArithmeticOperator,
  type Comparison,
  type Kind,
  type LoopKind,
} from '../../core/filter/filter.ts'
import type { Patterns } from './pattern.ts'
import {
  arithmetic,
  call,
  choice,
  comparison,
  functionFor,
  has,
  index,
  isIn,
  itemType,
  leastInt,
  list,
  literal,
  logic,
  loop,
  loopKind,
  map,
  matches,
  negative,
  not,
  Refusal,
  select,
  typeLiteral,
  type Made,
  type Typed,
} from './typed-nodes.ts'
import type { StaticType } from './types.ts'

/** Types of variables by name. */
export type Declarations = ReadonlyMap<string, StaticType>

/** A tree, and how many nodes it has. */
export interface CountedNode extends Typed {
  readonly nodes: number
}

export interface Conversion {
  /** How deep the tree may be. */
  readonly depth: number
  readonly patterns: Patterns
  readonly variables: Declarations
}

/** @throws {Refusal} when the expression uses what is not supported, or its types do not fit */
export function filterNodeOf(ast: ASTNode, conversion: Conversion): CountedNode {
  const count = { nodes: 0 }
  const typed = convert(ast, { ...conversion, count })
  return { ...typed, nodes: count.nodes }
}

/** Each loop adds its variable for what is inside it. */
interface Reading extends Conversion {
  readonly count: { nodes: number }
}

type NodeOf<Op extends ASTOperator> = Extract<ASTNode, { readonly op: Op }>

type Converters = {
  readonly [Op in ASTOperator]: (ast: NodeOf<Op>, reading: Reading) => Made
}

const converters: Converters = {
  value: literalOf,
  id: nameOf,
  '.': selectOf,
  '[]': ({ args: [of, key] }, reading) => index(convert(of, reading), convert(key, reading)),
  '.?': unsupported,
  '[?]': unsupported,
  '!_': ({ args }, reading) => not(convert(args, reading)),
  '-_': negativeOf,
  '&&': logicOf(false),
  '||': logicOf(true),
  '?:': ({ args: [test, whenTrue, whenFalse] }, reading) =>
    choice(convert(test, reading), convert(whenTrue, reading), convert(whenFalse, reading)),
  list: ({ args }, reading) => list(args.map((item) => convert(item, reading))),
  map: ({ args }, reading) =>
    map(args.map(([key, value]) => [convert(key, reading), convert(value, reading)] as const)),
  call: (ast, reading) => {
    const [name, args] = ast.args
    return name === 'has' ? hasOf(ast, args, reading) : callOf(ast, { name, args }, reading)
  },
  rcall: (ast, reading) => {
    const [name, receiver, args] = ast.args
    const kind = loopKind(name, args.length)
    if (kind !== undefined) return loopOf(ast, { kind, over: receiver, args }, reading)
    return callOf(ast, { name, args: [receiver, ...args] }, reading)
  },
  in: ({ args: [item, of] }, reading) => isIn(convert(item, reading), convert(of, reading)),
  '==': comparisonOf('=='),
  '!=': comparisonOf('!='),
  '<': comparisonOf('<'),
  '<=': comparisonOf('<='),
  '>': comparisonOf('>'),
  '>=': comparisonOf('>='),
  '+': arithmeticOf('+'),
  '-': arithmeticOf('-'),
  '*': arithmeticOf('*'),
  '/': arithmeticOf('/'),
  '%': arithmeticOf('%'),
}

function convert(ast: ASTNode, reading: Reading): Typed {
  if (reading.depth === 0) throw new Refusal('it is nested too deeply', ast.start)
  reading.count.nodes += 1
  // The table has for each operator what takes a node with that operator.
  const converter = converters[ast.op] as (ast: ASTNode, reading: Reading) => Made
  const made = converter(ast, { ...reading, depth: reading.depth - 1 })
  return { ...made, start: ast.start }
}

function unsupported({ start }: ASTNode): never {
  throw new Refusal('optional values are not supported', start)
}

/** Types by the names that an expression may use; names of two that are the language's own have dots. */
const typeNames: ReadonlyMap<string, Kind> = new Map(
  (
    [
      ...(['bool', 'bytes', 'double', 'int', 'list', 'map', 'null_type', 'string'] as const),
      ...(['type', 'uint', 'google.protobuf.Duration', 'google.protobuf.Timestamp'] as const),
    ] as const
  ).map((kind) => [kind, kind]),
)

function nameOf({ args: name, start }: NodeOf<'id'>, { variables }: Reading): Made {
  const type = variables.get(name)
  if (type !== undefined) return { node: { kind: 'name', name }, type }
  const kind = typeNames.get(name)
  if (kind !== undefined) return typeLiteral(kind)
  throw new Refusal(`there is no variable ${name}`, start)
}

function literalOf({ args: value, input, start, end }: NodeOf<'value'>): Made {
  if (value instanceof UnsignedInt) return literal(new Uint(value.value))
  if (typeof value === 'bigint' && value > maxInt) {
    throw new Refusal('the number has more than 64 bits', start)
  }
  if (!(value instanceof Uint8Array)) return literal(value)
  // The library takes the low half of a character's number, where the language has the bytes of UTF-8.
  if (/^[\0-\x7f]*$/.test(input.slice(start, end))) return literal(new Bytes(Buffer.from(value)))
  throw new Refusal('bytes must be written in ASCII and escapes', start)
}

function selectOf(ast: NodeOf<'.'>, reading: Reading): Made {
  const [of, field] = ast.args
  const kind = typeNames.get(qualifiedName(ast, reading))
  return kind === undefined ? select(convert(of, reading), field) : typeLiteral(kind)
}

/** A name of three parts, such as `google.protobuf.Timestamp`; empty for others, and where the first is a variable. */
function qualifiedName(ast: NodeOf<'.'>, { variables }: Reading): string {
  const [of, last] = ast.args
  if (of.op !== '.') return ''
  const [first, middle] = of.args
  return first.op === 'id' && !variables.has(first.args) ? `${first.args}.${middle}.${last}` : ''
}

/** The least number of 64 bits is only there with its sign. */
function negativeOf({ args: of }: NodeOf<'-_'>, reading: Reading): Made {
  const isLeast = of.op === 'value' && typeof of.args === 'bigint' && -of.args === minInt
  return isLeast ? leastInt : negative(convert(of, reading))
}

function logicOf(decisive: boolean) {
  return ({ args: [left, right] }: NodeOf<'&&' | '||'>, reading: Reading): Made =>
    logic(decisive, convert(left, reading), convert(right, reading))
}

function comparisonOf(operator: Comparison) {
  return ({ args: [left, right] }: NodeOf<Comparison>, reading: Reading): Made =>
    comparison(operator, convert(left, reading), convert(right, reading))
}

function arithmeticOf(operator: ArithmeticOperator) {
  return ({ args: [left, right] }: NodeOf<ArithmeticOperator>, reading: Reading): Made =>
    arithmetic(operator, convert(left, reading), convert(right, reading))
}

function hasOf({ start }: ASTNode, args: readonly ASTNode[], reading: Reading): Made {
  const [field] = args
  if (field?.op === '.' && args.length === 1)
    return has(convert(field.args[0], reading), field.args[1])
  throw new Refusal('has() takes a field, such as has(event.user)', start)
}

interface Called {
  readonly name: string
  /** What a method is called on comes first. */
  readonly args: readonly ASTNode[]
}

function callOf({ op, start }: ASTNode, { name, args }: Called, reading: Reading): Made {
  const [text, pattern] = args
  if (name === 'matches' && args.length === 2 && text !== undefined) {
    return matches(convert(text, reading), patternOf(pattern, reading, start))
  }
  const style = op === 'rcall' ? 'method' : 'function'
  const parts = { name, count: args.length, style, start } as const
  const found = functionFor(parts)
  return call(
    found,
    parts,
    args.map((arg) => convert(arg, reading)),
  )
}

/** One that is only known later would have to be compiled for each event. */
function patternOf(ast: ASTNode | undefined, { patterns }: Reading, start: number) {
  if (ast?.op !== 'value' || typeof ast.args !== 'string') {
    throw new Refusal('the pattern of matches must be text between quotation marks', start)
  }
  const pattern = patterns.compile(ast.args)
  if (typeof pattern === 'string') throw new Refusal(`the pattern ${pattern}`, ast.start)
  return pattern
}

interface CalledLoop {
  readonly kind: LoopKind
  readonly over: ASTNode
  readonly args: readonly ASTNode[]
}

function loopOf({ start }: ASTNode, { kind, over, args }: CalledLoop, reading: Reading): Made {
  const [variable, test] = args
  const body = args.at(-1)
  if (variable?.op !== 'id' || body === undefined) {
    throw new Refusal(`the first argument of ${kind} must be a name`, start)
  }
  const through = convert(over, reading)
  const variables = new Map(reading.variables).set(variable.args, itemType(kind, through))
  const inner = { ...reading, variables }
  return loop(kind, {
    over: through,
    variable: variable.args,
    test: args.length === 3 && test !== undefined ? convert(test, inner) : undefined,
    body: convert(body, inner),
  })
}
