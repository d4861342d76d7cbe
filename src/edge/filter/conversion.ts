/** From the library's tree of an expression to ours, and what of CEL is not to be had in a filter. */
import type { ASTNode, ASTOperator } from '@marcbachmann/cel-js'
import { UnsignedInt } from '@marcbachmann/cel-js/evaluator'
import type { ArithmeticOperator } from '../../core/filter-arithmetic.ts'
import { maxInt, minInt } from '../../core/filter-arithmetic.ts'
import { functionOf } from '../../core/filter-functions.ts'
import { Bytes, TypeName, Uint, type Value } from '../../core/filter-values.ts'
import type { Comparison, FilterNode, LoopKind } from '../../core/filter.ts'
import { compilePattern } from './pattern.ts'

/** Why an expression is no filter. */
export class Refusal extends Error {
  /** Where in the text, as an index; `undefined` when it is the whole. */
  readonly start: number | undefined
  constructor(message: string, start: number | undefined) {
    super(message)
    this.start = start
  }
}

/** @throws {Refusal} when it uses what filters do not have, or is deeper than `depth` */
export function filterNodeOf(ast: ASTNode, depth: number): FilterNode {
  return convert(ast, { depth, variables: new Set() })
}

interface Reading {
  /** How deep the tree may still be. */
  readonly depth: number
  /** Of the loops around. */
  readonly variables: ReadonlySet<string>
}

type NodeOf<Op extends ASTOperator> = Extract<ASTNode, { readonly op: Op }>

type Converters = {
  readonly [Op in ASTOperator]: (ast: NodeOf<Op>, reading: Reading) => FilterNode
}

const converters: Converters = {
  value: (ast) => ({ kind: 'literal', value: literalOf(ast.args, ast) }),
  id: ({ args: name }, { variables }) => {
    const isType = typeNames.has(name) && !variables.has(name)
    return isType ? { kind: 'literal', value: new TypeName(name) } : { kind: 'name', name }
  },
  '.': ({ args: [of, field] }, reading) => ({ kind: 'select', of: convert(of, reading), field }),
  '[]': ({ args: [of, key] }, reading) => ({
    kind: 'index',
    of: convert(of, reading),
    key: convert(key, reading),
  }),
  '.?': unsupported,
  '[?]': unsupported,
  '!_': ({ args }, reading) => ({ kind: 'not', of: convert(args, reading) }),
  '-_': ({ args }, reading) => negativeOf(args, reading),
  '&&': logic(false),
  '||': logic(true),
  '?:': ({ args: [condition, whenTrue, whenFalse] }, reading) => ({
    kind: 'choice',
    condition: convert(condition, reading),
    whenTrue: convert(whenTrue, reading),
    whenFalse: convert(whenFalse, reading),
  }),
  list: ({ args }, reading) => ({
    kind: 'list',
    items: args.map((item) => convert(item, reading)),
  }),
  map: ({ args }, reading) => ({
    kind: 'map',
    entries: args.map(([key, value]) => [convert(key, reading), convert(value, reading)] as const),
  }),
  call: (ast, reading) => {
    const [name, args] = ast.args
    return name === 'has' ? hasOf(ast, args, reading) : callOf(ast, { name, args }, reading)
  },
  rcall: (ast, reading) => {
    const [name, receiver, args] = ast.args
    const loop = loops[name]
    if (loop?.includes(args.length)) {
      return loopOf(ast, { loop: name as LoopKind, over: receiver, args }, reading)
    }
    return callOf(ast, { name, args: [receiver, ...args] }, reading)
  },
  in: ({ args: [item, of] }, reading) => ({
    kind: 'in',
    item: convert(item, reading),
    of: convert(of, reading),
  }),
  '==': comparison('=='),
  '!=': comparison('!='),
  '<': comparison('<'),
  '<=': comparison('<='),
  '>': comparison('>'),
  '>=': comparison('>='),
  '+': arithmetic('+'),
  '-': arithmetic('-'),
  '*': arithmetic('*'),
  '/': arithmetic('/'),
  '%': arithmetic('%'),
}

const typeNames: ReadonlySet<string> = new Set([
  'bool',
  'bytes',
  'double',
  'int',
  'list',
  'map',
  'null_type',
  'string',
  'type',
  'uint',
])

/** Macros that go through a list or a map, by how many arguments they may have. */
const loops: Readonly<Partial<Record<string, readonly number[]>>> = {
  all: [2],
  exists: [2],
  exists_one: [2],
  map: [2, 3],
  filter: [2],
}

function convert(ast: ASTNode, { depth, variables }: Reading): FilterNode {
  if (depth === 0) throw new Refusal('it is nested too deeply', ast.start)
  // The table has for each operator what takes a node with that operator.
  const converter = converters[ast.op] as (ast: ASTNode, reading: Reading) => FilterNode
  return converter(ast, { depth: depth - 1, variables })
}

function literalOf(value: NodeOf<'value'>['args'], ast: ASTNode): Value {
  if (value instanceof UnsignedInt) return new Uint(value.value)
  if (value instanceof Uint8Array) return new Bytes(Buffer.from(value))
  if (typeof value === 'bigint' && value > maxInt) {
    throw new Refusal('the number has more than 64 bits', ast.start)
  }
  return value
}

/** The least number of 64 bits is only there with its sign. */
function negativeOf(ast: ASTNode, reading: Reading): FilterNode {
  if (ast.op === 'value' && typeof ast.args === 'bigint' && -ast.args === minInt) {
    return { kind: 'literal', value: minInt }
  }
  return { kind: 'negative', of: convert(ast, reading) }
}

function logic(decisive: boolean) {
  return ({ args: [left, right] }: NodeOf<'&&' | '||'>, reading: Reading): FilterNode => ({
    kind: 'logic',
    decisive,
    left: convert(left, reading),
    right: convert(right, reading),
  })
}

function comparison(operator: Comparison) {
  return ({ args: [left, right] }: NodeOf<Comparison>, reading: Reading): FilterNode => ({
    kind: 'comparison',
    operator,
    left: convert(left, reading),
    right: convert(right, reading),
  })
}

function arithmetic(operator: ArithmeticOperator) {
  return ({ args: [left, right] }: NodeOf<ArithmeticOperator>, reading: Reading): FilterNode => ({
    kind: 'arithmetic',
    operator,
    left: convert(left, reading),
    right: convert(right, reading),
  })
}

function unsupported({ start }: ASTNode): never {
  throw new Refusal('optional values are not supported', start)
}

function hasOf(ast: ASTNode, [field]: readonly ASTNode[], reading: Reading): FilterNode {
  if (field?.op === '.') {
    const [of, name] = field.args
    return { kind: 'has', of: convert(of, reading), field: name }
  }
  throw new Refusal('has() takes a field, such as has(event.user)', ast.start)
}

interface CallParts {
  readonly name: string
  /** What it is called on comes first. */
  readonly args: readonly ASTNode[]
}

function callOf(ast: ASTNode, { name, args }: CallParts, reading: Reading): FilterNode {
  if (name === 'matches' && args.length === 2) return matchesOf(ast, args, reading)
  const found = functionOf(name)
  if (found?.arity === args.length) {
    return { kind: 'call', function: found, args: args.map((arg) => convert(arg, reading)) }
  }
  const fault =
    found === undefined
      ? `there is no function ${name}`
      : `${name} takes ${found.arity} argument(s), counting what it is called on`
  throw new Refusal(fault, ast.start)
}

/** A pattern that is only known later would have to be compiled for each event. */
function matchesOf(
  ast: ASTNode,
  [text, pattern]: readonly ASTNode[],
  reading: Reading,
): FilterNode {
  if (text === undefined || pattern?.op !== 'value' || typeof pattern.args !== 'string') {
    throw new Refusal('the pattern of matches must be text between quotation marks', ast.start)
  }
  const compiled = compilePattern(pattern.args)
  if (typeof compiled === 'string') throw new Refusal(`the pattern ${compiled}`, pattern.start)
  return { kind: 'matches', text: convert(text, reading), pattern: compiled }
}

function loopOf(
  ast: ASTNode,
  parts: { readonly loop: LoopKind; readonly over: ASTNode; readonly args: readonly ASTNode[] },
  reading: Reading,
): FilterNode {
  const { loop, over, args } = parts
  const [variable] = args
  const body = args.at(-1)
  if (variable?.op !== 'id' || body === undefined) {
    throw new Refusal(`the first argument of ${loop} must be a name`, ast.start)
  }
  const inner = { ...reading, variables: new Set([...reading.variables, variable.args]) }
  const condition = args.length === 3 ? args[1] : undefined
  return {
    kind: 'loop',
    loop,
    over: convert(over, reading),
    variable: variable.args,
    condition: condition && convert(condition, inner),
    body: convert(body, inner),
  }
}
