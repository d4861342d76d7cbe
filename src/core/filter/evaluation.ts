/**
 * Evaluates an expression, within a bound that holds whatever the expression is. Each step spends units of a
 * {@link Meter}. When none are left, the evaluation fails. The recursion is as deep as the expression, whose depth its
 * reader bounds, and `equal` compares at most 64 levels of a value.
 *
 * Errors are values ({@link Failure}): `false && x` is false and `true || x` is true even if `x` fails, on either side,
 * as the language definition says.
 */
import { calculate, negative } from './arithmetic.ts'
import type { FilterNode } from './nodes.ts'
import {
  CelMap,
  entryOf,
  equal,
  Failure,
  isList,
  isMap,
  keysOf,
  missingKey,
  numberOf,
  order,
  overBudget,
  payForKey,
  rangeFailure,
  typeFailure,
  type FilterFault,
  type Meter,
  type Outcome,
  type Value,
} from './values.ts'

/** The value of each variable that the expression was read with. A variable that no expression uses is never asked for. */
export type Bindings = (name: string) => Value

/** The value of an expression, or why it has none. `meter` holds the units that it may spend. */
export function evaluate(node: FilterNode, bindings: Bindings, meter: Meter): Outcome {
  const outcome = valueOf(node, { bindings, meter, variables: undefined })
  return meter.isExhausted ? overBudget : outcome
}

/** The result of an expression that must be true or false, or why it has none. */
export function evaluateFilter(
  node: FilterNode,
  bindings: Bindings,
  meter: Meter,
): boolean | FilterFault {
  const outcome = evaluate(node, bindings, meter)
  if (outcome instanceof Failure) return outcome.fault
  return typeof outcome === 'boolean' ? outcome : 'not-boolean'
}

interface Variable {
  readonly name: string
  readonly value: Value
  readonly outer: Variable | undefined
}

interface Scope {
  readonly bindings: Bindings
  readonly meter: Meter
  /** Of loops, the innermost first. */
  readonly variables: Variable | undefined
}

type Evaluators = {
  readonly [Kind in FilterNode['kind']]: (
    node: Extract<FilterNode, { readonly kind: Kind }>,
    scope: Scope,
  ) => Outcome
}

const evaluators: Evaluators = {
  literal: ({ value }) => value,
  name: nameOf,
  select: ({ of, field }, scope) => {
    const map = valueOf(of, scope)
    return map instanceof Failure ? map : entryOf(map, field, scope.meter)
  },
  has: ({ of, field }, scope) => {
    const map = valueOf(of, scope)
    if (map instanceof Failure) return map
    const entry = entryOf(map, field, scope.meter)
    return entry === missingKey ? false : entry instanceof Failure ? entry : true
  },
  index: indexOf,
  not: ({ of }, scope) => {
    const value = valueOf(of, scope)
    if (value instanceof Failure) return value
    return typeof value === 'boolean' ? !value : typeFailure
  },
  negative: ({ of }, scope) => {
    const value = valueOf(of, scope)
    return value instanceof Failure ? value : negative(value)
  },
  logic: logicOf,
  choice: ({ condition, whenTrue, whenFalse }, scope) => {
    const value = valueOf(condition, scope)
    if (value instanceof Failure) return value
    if (typeof value !== 'boolean') return typeFailure
    return valueOf(value ? whenTrue : whenFalse, scope)
  },
  comparison: comparisonOf,
  arithmetic: ({ operator, left, right }, scope) => {
    const one = valueOf(left, scope)
    if (one instanceof Failure) return one
    const other = valueOf(right, scope)
    return other instanceof Failure ? other : calculate(operator, one, other, scope.meter)
  },
  in: isIn,
  list: ({ items }, scope) => allOf(items, scope),
  map: mapOf,
  call: ({ function: { apply }, args }, scope) => {
    const values = allOf(args, scope)
    return values instanceof Failure ? values : apply(values, scope.meter)
  },
  matches: ({ text, pattern }, scope) => {
    const value = valueOf(text, scope)
    if (value instanceof Failure) return value
    if (typeof value !== 'string') return typeFailure
    const cost = (value.length + 1) * pattern.unitsPerCharacter
    return scope.meter.spend(cost) ? pattern.test(value) : overBudget
  },
  loop: loopOf,
}

function valueOf(node: FilterNode, scope: Scope): Outcome {
  if (!scope.meter.spend(1)) return overBudget
  // The table has for each kind what takes a node of that kind.
  const evaluator = evaluators[node.kind] as (node: FilterNode, scope: Scope) => Outcome
  return evaluator(node, scope)
}

function nameOf({ name }: { readonly name: string }, { bindings, variables }: Scope): Outcome {
  for (let at = variables; at !== undefined; at = at.outer) if (at.name === name) return at.value
  return bindings(name)
}

function indexOf(
  { of, key }: Extract<FilterNode, { readonly kind: 'index' }>,
  scope: Scope,
): Outcome {
  const container = valueOf(of, scope)
  if (container instanceof Failure) return container
  const at = valueOf(key, scope)
  if (at instanceof Failure || !isList(container)) {
    return at instanceof Failure ? at : entryOf(container, at, scope.meter)
  }
  const index = numberOf(at)
  if (index === undefined) return typeFailure
  const position = Number(index)
  const isThere = Number.isInteger(position) && position >= 0 && position < container.length
  return isThere ? (container[position] ?? null) : rangeFailure
}

function logicOf(
  { decisive, left, right }: Extract<FilterNode, { readonly kind: 'logic' }>,
  scope: Scope,
): Outcome {
  const one = valueOf(left, scope)
  if (one === decisive) return one
  const other = valueOf(right, scope)
  return both(decisive, one, other)
}

/** What two sides come to: the decisive value wins over failures and over what is no boolean. */
function both(decisive: boolean, one: Outcome, other: Outcome): Outcome {
  if (one === decisive || other === decisive) return decisive
  if (one instanceof Failure) return one
  if (other instanceof Failure) return other
  return one === !decisive && other === !decisive ? !decisive : typeFailure
}

function comparisonOf(
  { operator, left, right }: Extract<FilterNode, { readonly kind: 'comparison' }>,
  scope: Scope,
): Outcome {
  const one = valueOf(left, scope)
  if (one instanceof Failure) return one
  const other = valueOf(right, scope)
  if (other instanceof Failure) return other
  if (operator === '==' || operator === '!=') {
    const isEqual = equal(one, other, scope.meter)
    return typeof isEqual === 'boolean' ? isEqual === (operator === '==') : isEqual
  }
  const found = order(one, other, scope.meter)
  if (found instanceof Failure) return found
  return found !== undefined && holds(operator, found)
}

function holds(operator: '<' | '<=' | '>' | '>=', found: number): boolean {
  switch (operator) {
    case '<':
      return found < 0
    case '<=':
      return found <= 0
    case '>':
      return found > 0
    case '>=':
      return found >= 0
  }
}

function isIn({ item, of }: Extract<FilterNode, { readonly kind: 'in' }>, scope: Scope): Outcome {
  const value = valueOf(item, scope)
  if (value instanceof Failure) return value
  const container = valueOf(of, scope)
  if (container instanceof Failure) return container
  if (!isList(container)) {
    const entry = entryOf(container, value, scope.meter)
    return entry === missingKey ? false : entry instanceof Failure ? entry : true
  }
  for (const one of container) {
    const isEqual = equal(value, one, scope.meter)
    if (isEqual !== false) return isEqual
  }
  return false
}

function allOf(nodes: readonly FilterNode[], scope: Scope): readonly Value[] | Failure {
  const values: Value[] = []
  for (const node of nodes) {
    const value = valueOf(node, scope)
    if (value instanceof Failure) return value
    values.push(value)
  }
  return values
}

function mapOf({ entries }: Extract<FilterNode, { readonly kind: 'map' }>, scope: Scope): Outcome {
  const map = new CelMap()
  for (const [keyNode, valueNode] of entries) {
    const key = valueOf(keyNode, scope)
    if (key instanceof Failure) return key
    if (!payForKey(key, scope.meter)) return overBudget
    const value = valueOf(valueNode, scope)
    if (value instanceof Failure) return value
    if (!map.add(key, value)) return typeFailure
  }
  return map
}

type Loop = Extract<FilterNode, { readonly kind: 'loop' }>

function loopOf(node: Loop, scope: Scope): Outcome {
  const over = valueOf(node.over, scope)
  if (over instanceof Failure) return over
  const items = isList(over) ? over : isMap(over) ? keysOf(over, scope.meter) : typeFailure
  if (items instanceof Failure) return items
  if (items === undefined) return overBudget
  switch (node.loop) {
    case 'all':
      return quantified(node, items, scope, false)
    case 'exists':
      return quantified(node, items, scope, true)
    case 'exists_one':
      return one(node, items, scope)
    case 'map':
    case 'filter':
      return collected(node, items, scope)
  }
}

function inner(scope: Scope, name: string, value: Value): Scope {
  return { ...scope, variables: { name, value, outer: scope.variables } }
}

function quantified(
  { variable, body }: Loop,
  items: readonly Value[],
  scope: Scope,
  decisive: boolean,
): Outcome {
  let result: Outcome = !decisive
  for (const item of items) {
    const value = valueOf(body, inner(scope, variable, item))
    if (scope.meter.isExhausted) return overBudget
    result = both(decisive, result, value)
    if (result === decisive) return result
  }
  return result
}

function one({ variable, body }: Loop, items: readonly Value[], scope: Scope): Outcome {
  let count = 0
  for (const item of items) {
    const value = valueOf(body, inner(scope, variable, item))
    if (value instanceof Failure) return value
    if (typeof value !== 'boolean') return typeFailure
    if (value) count += 1
  }
  return count === 1
}

function collected(
  { loop, variable, condition, body }: Loop,
  items: readonly Value[],
  scope: Scope,
): Outcome {
  const isFilter = loop === 'filter'
  const results: Value[] = []
  for (const item of items) {
    const here = inner(scope, variable, item)
    const test = isFilter ? body : condition
    const isKept = test === undefined ? true : valueOf(test, here)
    if (isKept instanceof Failure) return isKept
    if (typeof isKept !== 'boolean') return typeFailure
    if (!isKept) continue
    const value = isFilter ? item : valueOf(body, here)
    if (value instanceof Failure) return value
    results.push(value)
  }
  return results
}
